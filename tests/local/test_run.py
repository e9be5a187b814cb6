"""`make run` serves what the template says, and leaves nothing behind."""

import json
import os
import re
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from urllib.parse import parse_qs, urlencode, urlsplit

import httpx
import pytest

from cli import tenant_file
from cli.__main__ import main
from local import processes, template
from tests.service import CHALLENGE

ROOT = Path(__file__).parents[2]
PATIENCE = 60


@dataclass
class Run:
    """A running `make run`; what it prints goes to a file, which never fills up as a pipe would."""

    process: subprocess.Popen[bytes]
    port: int
    output: Path

    @property
    def address(self) -> str:
        return f"http://localhost:{self.port}"

    @property
    def demonstration(self) -> str:
        return f"http://localhost:{self.port + 1}"

    @property
    def printed(self) -> str:
        return self.output.read_text()

    def wait_until_ready(self) -> None:
        deadline = time.monotonic() + PATIENCE
        while "\nready " not in self.printed:
            assert self.process.poll() is None, self.printed
            assert time.monotonic() < deadline, self.printed
            time.sleep(0.05)

    def ended(self) -> int:
        """Wait until it is gone, and return its exit status."""
        return self.process.wait(PATIENCE)


@contextmanager
def started(**settings: str) -> Iterator[Run]:
    """Start it, on free ports unless told otherwise."""
    port = settings.setdefault("PORT", str(free_pair()))
    with TemporaryDirectory() as folder:
        output = Path(folder, "output")
        with output.open("wb") as printed:
            process = subprocess.Popen(
                [sys.executable, "-m", "tests.log_recorder", "local.run"],
                cwd=ROOT,
                env=os.environ | {"PYTHONPATH": "layers/shared", "PYTHONUNBUFFERED": "1"} | settings,
                stdout=printed,
                stderr=subprocess.STDOUT,
            )
        try:
            yield Run(process, int(port) if port.isdecimal() else 0, output)
        finally:
            process.kill()
            process.wait()


def free_pair() -> int:
    """A free port whose neighbour is free as well."""
    while True:
        port = processes.free_port()
        with socket.socket() as neighbour:
            try:
                neighbour.bind(("127.0.0.1", port + 1))
            except OSError:
                continue
        return port


def refused(**settings: str) -> str:
    """What it says when it ends with 2."""
    with started(**settings) as run:
        assert run.ended() == 2, run.printed
        return run.printed


@pytest.fixture(scope="module", name="run")
def _run() -> Iterator[Run]:
    with started() as run:
        run.wait_until_ready()
        yield run


@pytest.fixture
def browser(run: Run) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=run.address) as browser:
        yield browser


def children(pid: int) -> set[int]:
    """The processes that a process started, and what they started."""
    parents = {}
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            identity, _, rest = stat.read_text().rpartition(")")
        except OSError:
            continue
        parents[int(identity.split()[0])] = int(rest.split()[1])
    own = {pid}
    while more := {child for child, parent in parents.items() if parent in own} - own:
        own |= more
    return own - {pid}


def alive(pid: int) -> bool:
    return Path(f"/proc/{pid}").exists() and "\nState:\tZ" not in Path(f"/proc/{pid}/status").read_text()


# ---- While it runs


def test_it_says_where_it_serves(run: Run) -> None:
    assert f"\ndemonstration at {run.demonstration}/\nready {run.address}/\n" in run.printed


def test_the_issuer_is_the_address(run: Run, browser: httpx.Client) -> None:
    metadata = browser.get("/.well-known/openid-configuration").json()
    assert metadata["issuer"] == f"{run.address}/"
    assert len(browser.get("/.well-known/jwks.json").json()["keys"]) == 2


def test_every_route_of_the_template_is_answered_by_its_function(browser: httpx.Client) -> None:
    for route_key in template.routes(template.load()):
        method, path = route_key.replace("ANY ", "GET ").replace("{proxy+}", "clients").split()
        answer = browser.request(method, path)
        assert answer.status_code not in {404, 405}, route_key
        assert answer.status_code < 500, route_key


def test_what_is_no_route_is_not_found(browser: httpx.Client) -> None:
    answer = browser.get("/nowhere")
    assert (answer.status_code, answer.json()) == (404, {"message": "Not Found"})


def test_localhost_is_served_in_both_families(run: Run) -> None:
    hosts = ["127.0.0.1"]
    with socket.socket(socket.AF_INET6) as probe:
        try:
            probe.bind(("::1", 0))
        except OSError:
            pass
        else:
            hosts.append("[::1]")
    for host in hosts:
        assert httpx.get(f"http://{host}:{run.port}/.well-known/jwks.json").status_code == 200


def test_the_demonstration_is_another_origin_that_may_read_the_answers(run: Run, browser: httpx.Client) -> None:
    assert "<html" in httpx.get(run.demonstration).text
    preflight = browser.options(
        "/oauth/token", headers={"origin": run.demonstration, "access-control-request-method": "POST"}
    )
    assert preflight.headers["access-control-allow-origin"] == run.demonstration
    stranger = browser.options(
        "/oauth/token", headers={"origin": "http://localhost:9", "access-control-request-method": "POST"}
    )
    assert "access-control-allow-origin" not in stranger.headers


CALLBACKS = {
    "notes-spa": "{demonstration}/",
    "notes-native": "http://127.0.0.1:51004/callback",
    "notes-web": "http://localhost:3000/callback",
    "calendar": "{demonstration}/calendar",
}


def authorization_request(run: Run, client_id: str) -> dict[str, str]:
    return {
        "client_id": client_id,
        "redirect_uri": CALLBACKS[client_id].format(demonstration=run.demonstration),
        "response_type": "code",
        "scope": "openid profile email offline_access read:notes",
        "audience": "https://notes.example.com/api",
        "state": "s",
        "code_challenge": CHALLENGE,
        "code_challenge_method": "S256",
    }


@pytest.mark.parametrize("client_id", CALLBACKS)
def test_people_of_the_example_log_in_at_each_of_its_applications(
    run: Run, browser: httpx.Client, client_id: str
) -> None:
    file = tenant_file.load(ROOT / "examples/tenant.yaml")
    assert isinstance(file.document, Mapping)
    request = authorization_request(run, client_id)
    for person in file.document["users"]:
        assert browser.get("/authorize", params=request | {"prompt": "login"}).status_code == 200
        form = {
            "request": urlencode(request),
            "csrf": browser.cookies["heirloom-csrf"],
            "action": "sign_in",
            "email": person["email"],
            "password": person["password"],
        }
        answer = browser.post("/login", data=form)
        if client_id == "calendar":
            assert answer.status_code == 200  # a stranger's application: the consent page
            answer = browser.post("/consent", data=form | {"decision": "allow"})
        assert answer.status_code == 303, answer.text
        assert answer.headers["location"].startswith(request["redirect_uri"])
        assert parse_qs(urlsplit(answer.headers["location"]).query).keys() == {"code", "state", "iss"}


def test_the_tenant_can_be_changed_while_it_runs(run: Run, capsys: pytest.CaptureFixture[str]) -> None:
    (endpoint,) = re.findall(r"^local AWS at (http://127\.0\.0\.1:\d+),", run.printed)
    assert main(["tenant", "plan", str(ROOT / "examples/tenant.yaml"), "--endpoint", endpoint]) == 0
    told = capsys.readouterr().out
    assert "~ application notes-spa" in told  # the example's addresses were moved to the port of this run
    assert "application notes-web" not in told


# ---- How it ends


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_ends_it_and_all_that_it_started(number: signal.Signals) -> None:
    with started() as run:
        run.wait_until_ready()
        started_by_it = children(run.process.pid)
        assert started_by_it
        run.process.send_signal(number)
        assert run.ended() == 0, run.printed
        assert "Traceback" not in run.printed
        assert not [pid for pid in started_by_it if alive(pid)]
        with pytest.raises(httpx.ConnectError):
            httpx.get(run.address)


def test_a_signal_while_it_starts_ends_it_too() -> None:
    with started() as run:
        deadline = time.monotonic() + PATIENCE
        while not (started_by_it := children(run.process.pid)):
            assert time.monotonic() < deadline
            time.sleep(0.02)
        run.process.send_signal(signal.SIGTERM)
        assert run.ended() == 0, run.printed
        assert not [pid for pid in started_by_it if alive(pid)]


@pytest.mark.parametrize("offset", [0, 1])
def test_a_port_that_is_taken_is_named(offset: int) -> None:
    port = free_pair()
    with socket.socket() as other:
        other.bind(("127.0.0.1", port + offset))
        other.listen()
        assert refused(PORT=str(port)) == f"port {port + offset} is taken\n"


@pytest.mark.parametrize("port", ["0", "65535", "http"])
def test_what_is_no_port_is_refused(port: str) -> None:
    assert refused(PORT=port) == f"PORT={port} is no port below 65535\n"


@pytest.mark.parametrize("issuer", ["http://login.example.com/", "https://login.example.com", "https://a.example/b/"])
def test_what_is_no_issuer_is_refused(issuer: str) -> None:
    must_be = "must be empty, or https://host/ in lower case, with the trailing slash and no path."
    assert refused(ISSUER=issuer) == f"ISSUER={issuer} {must_be}\n"


def test_a_tenant_file_with_mistakes_is_refused_with_all_of_them(tmp_path: Path) -> None:
    path = tmp_path / "tenant.yaml"
    path.write_text("clients:\n  - name: x\n    app_type: spa\n    callback: []\n    client_id: a b\n")
    assert refused(TENANT=str(path)).splitlines() == [
        f"{path}:4: clients[0].callback: unknown property; did you mean callbacks?",
        f"{path}:5: clients[0].client_id: must be 1 to 32 letters, digits, `_` or `-`",
    ]


def test_a_tenant_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    assert refused(TENANT=str(tmp_path / "none.yaml")) == f"{tmp_path}/none.yaml: No such file or directory\n"


def test_a_tenant_file_of_ones_own_is_served(tmp_path: Path) -> None:
    path = tmp_path / "tenant.json"  # JSON is YAML
    path.write_text(json.dumps({"clients": [{"name": "Mine", "client_id": "mine", "app_type": "native"}]}))
    with started(TENANT=str(path)) as run:
        run.wait_until_ready()
        token = httpx.post(f"{run.address}/oauth/token", data={"grant_type": "x", "client_id": "mine"})
        assert token.json()["error"] == "unsupported_grant_type"
        unknown = httpx.post(f"{run.address}/oauth/token", data={"grant_type": "x", "client_id": "notes-spa"})
        assert unknown.json()["error"] == "invalid_client"


def test_behind_a_proxy_the_issuer_is_the_address_of_the_proxy() -> None:
    with started(ISSUER="https://login.example.com/") as run:
        run.wait_until_ready()
        assert run.printed.endswith("\nready https://login.example.com/\n")
        metadata = httpx.get(f"{run.address}/.well-known/openid-configuration").json()
        assert metadata["token_endpoint"] == "https://login.example.com/oauth/token"
        page = httpx.get(f"{run.address}/authorize", params=authorization_request(run, "notes-spa"))
        assert page.headers["set-cookie"].startswith("__Host-heirloom-csrf="), "cookies are for https alone"
        assert httpx.get(f"{run.demonstration}/api/settings").json()["issuer"] == "https://login.example.com/"
