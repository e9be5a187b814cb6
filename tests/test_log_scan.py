"""What is logged is looked through for secrets, in whatever company they stand there."""

import base64
import json
import random
import secrets
import subprocess
import sys
from pathlib import Path
from urllib.parse import quote

import pytest

from heirloom.domain import encoding
from local.template import ROOT
from tests.log_recorder import Recorder
from tests.log_scan import Scan, scan

NOISE = random.Random(1)  # noqa: S311 - each process of a run names these tests alike
TOKEN = "hrt_" + encoding.encode(NOISE.randbytes(78))
CLAIMS = json.dumps({"sub": "auth0|alice", "sid": NOISE.randbytes(80).hex()}).encode()
JWT = ".".join(encoding.encode(octets) for octets in (b'{"alg":"RS256"}', CLAIMS, NOISE.randbytes(256)))
PASSWORD = 'correct "horse" battery'
REPETITIVE = "s" * 32


def scanned(folder: Path, secret: str | bytes, line: str) -> Scan:
    """What is found when these two are noted, among others."""
    recorder = Recorder(folder)
    recorder.line("a line without anything")
    for one in (secrets.token_urlsafe(32), *(secret.split(".")[1:] if secret == JWT else [secret])):
        recorder.secret(one)
    recorder.line(json.dumps({"user_id": "auth0|alice", "family": secrets.token_urlsafe(16)}))
    recorder.line(line)
    recorder.close()
    return scan(folder)


@pytest.mark.parametrize(
    ("secret", "line"),
    [
        (TOKEN, json.dumps({"reason": f"refused {TOKEN}"})),
        (TOKEN, f"token={TOKEN[31:51]};"),
        (TOKEN, base64.b64encode(TOKEN.encode()).decode()),
        (TOKEN, f"https://app.example/?t={quote(TOKEN)}"),
        (TOKEN, TOKEN + "A" * 10),
        (JWT, f"Bearer {JWT}"),
        (JWT, JWT.split(".")[2]),
        (JWT, JWT.split(".")[2][100:120]),
        (JWT, JWT.split(".")[1]),
        (PASSWORD, PASSWORD),
        (PASSWORD, json.dumps({"password": PASSWORD})),
        (PASSWORD, quote(PASSWORD)),
        (PASSWORD, base64.b64encode(PASSWORD.encode()).decode()),
        (REPETITIVE, f"client_secret={REPETITIVE}"),
        (b"\x00\xff" * 8 + bytes(range(16)), encoding.encode(b"\x00\xff" * 8 + bytes(range(16)))),
        (b"\x00\xff" * 8 + bytes(range(16)), (b"\x00\xff" * 8 + bytes(range(16))).hex()),
    ],
)
def test_a_secret_that_was_logged_is_found(tmp_path: Path, secret: str | bytes, line: str) -> None:
    result = scanned(tmp_path, secret, line)

    assert len(result.found) >= 1
    assert result.lines == 3
    assert "test_log_scan.py" in result.found[0]
    assert str(secret) not in result.found[0].partition(", in ")[0], "a report of a leak is none itself"


@pytest.mark.parametrize(
    ("secret", "line"),
    [
        (TOKEN, json.dumps({"family_id": encoding.encode(encoding.decode(TOKEN[4:])[10:26])})),
        (TOKEN, f"begins with {TOKEN[:9]}"),
        (JWT, "client test-key"),
        (JWT, "/api/v2/grants/" + encoding.encode(b"A grant of auth0|alice")),
        (PASSWORD, "correct horses need no battery"),
        (REPETITIVE, "s" * 31),
        ("short", "short"),
    ],
)
def test_what_is_public_is_no_secret(tmp_path: Path, secret: str, line: str) -> None:
    assert scanned(tmp_path, secret, line).found == []


def test_a_line_like_an_earlier_one_is_noted_by_what_is_new_in_it(tmp_path: Path) -> None:
    recorder = Recorder(tmp_path)
    recorder.secret(TOKEN)
    for text in (secrets.token_urlsafe(32), TOKEN, secrets.token_urlsafe(32)):
        recorder.line(f"refused {text}")
    recorder.close()

    result = scan(tmp_path)

    assert len(result.found) == 1
    assert (result.lines, result.secrets) == (3, 1)


LEAKING = """
from heirloom.adapters import web
from heirloom.http import Response

ANSWER = Response(200, '{"access_token": "TOKEN"}', {"content-type": "application/json"})


def endpoint(request):
    web.logger.info("taken", extra={"what": LOGGED})
    return ANSWER


def test_it():
    event = {
        "routeKey": "POST /it",
        "headers": {"content-type": "application/x-www-form-urlencoded"},
        "requestContext": {"http": {"method": "POST", "path": "/it"}},
        "body": "client_secret=SECRET",
    }
    assert web.serve({"POST /it": lambda: endpoint}, event, None)["statusCode"] == 200
"""


@pytest.mark.parametrize(
    ("logged", "workers", "found"), [("request.method", 0, 0), ("(request.body.decode(), ANSWER.body[25:45])", 2, 2)]
)
def test_a_run_in_which_a_function_logs_a_secret_fails(tmp_path: Path, logged: str, workers: int, found: int) -> None:
    """A run of its own with the hooks of this one, in one process and in several."""
    source = LEAKING.replace("LOGGED", logged)
    for name in ("TOKEN", "SECRET"):
        source = source.replace(name, secrets.token_urlsafe(60))
    file = tmp_path / "test_leaking.py"
    file.write_text(source)
    hooks = ["-p", "tests.conftest", "-c", str(ROOT / "pyproject.toml"), "-p", "no:cacheprovider"]
    command = [sys.executable, "-m", "pytest", "-q", *hooks, "--numprocesses", str(workers), str(file)]

    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)

    assert f"log scan: 1 lines, 2 secrets, {found} found" in done.stdout, done.stdout + done.stderr
    assert "1 passed" in done.stdout
    assert done.returncode == bool(found)
