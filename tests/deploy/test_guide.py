"""Somebody follows docs/deploy.md: every block that it shows for a shell, from first to last, in one shell.

They have credentials, and say yes when `make deploy` asks. What their machine adds is a name that leads to the local
gateway, since DNS knows nothing of the addresses that ministack gives to APIs; in samconfig.toml its own processor, and
not to save queries, of which ministack knows nothing.
"""

import os
import re
import shutil
import ssl
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import TYPE_CHECKING

import httpx
import pytest
from botocore.exceptions import ClientError

from local.artifacts import ARCHITECTURE, HOST, Artifacts
from local.stores import ACCOUNT
from local.template import ROOT, Template
from tests.sdk import tls

if TYPE_CHECKING:
    from tests.deploy.conftest import Stack

PAGE = ROOT / "docs/deploy.md"
STACK = "heirloom-dev"
SUFFIX = f".execute-api.{ACCOUNT['AWS_REGION']}.amazonaws.com"
LEFT_OUT = (".git", ".aws-sam", ".tools", ".venv", "node_modules", "__pycache__", "tests")


def blocks() -> list[str]:
    """What the page shows for a shell."""
    return re.findall(r"^```sh\n(.*?)^```$", PAGE.read_text("utf-8"), re.DOTALL | re.MULTILINE)


@pytest.fixture(scope="module")
def clone(artifacts: Artifacts, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The repository, as somebody has it who built it before on this machine."""
    folder = tmp_path_factory.mktemp("reader") / "heirloom"
    shutil.copytree(ROOT, folder, ignore=shutil.ignore_patterns(*LEFT_OUT, ".*_cache"), symlinks=True)
    for tools in (".tools", ".venv"):
        (folder / tools).symlink_to(ROOT / tools)
    settings = folder / "samconfig.toml"
    local = f'"Architecture={ARCHITECTURE}", "SavedQueries=false"'
    settings.write_text(settings.read_text("utf-8").replace('"Architecture=arm64"', local))
    assert artifacts.template.exists(), "so that there is something to take over"
    for cached in (HOST / "cache", HOST.parent / "deps"):
        shutil.copytree(cached, folder / ".aws-sam" / cached.name, copy_function=os.link)
    built = (HOST / "build.toml").read_text("utf-8").replace(str(ROOT), str(folder))
    (folder / ".aws-sam/build.toml").write_text(built, "utf-8")
    return folder


@pytest.fixture(scope="module")
def followed(stack: "Stack", clone: Path) -> str:
    """What the shell printed."""
    home = clone.parent
    context = tls.certificate(home, f"*{SUFFIX}")
    with gateway(stack, context) as port:
        (home / ".curlrc").write_text(f'connect-to = "::127.0.0.1:{port}"\ncacert = "{home / tls.AUTHORITY}"\n')
        done = subprocess.run(
            ["/bin/bash", "-euo", "pipefail", "-c", "\n".join(blocks())],
            cwd=clone,
            env={"PATH": os.environ["PATH"], "HOME": str(home), **ACCOUNT, "AWS_ENDPOINT_URL": stack.endpoint},
            input="y\n",
            capture_output=True,
            text=True,
            check=False,
        )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_it_ends_with_a_refreshed_token(followed: str) -> None:
    before, after = re.findall(r"^(?:before|after): +(\S+)$", followed, re.MULTILINE)

    assert all(re.fullmatch(r"hrt_[A-Za-z0-9_-]{104}", token) for token in (before, after))
    assert before != after


def test_the_person_and_the_issuer_were_shown_on_the_way(followed: str) -> None:
    assert '"sub": "auth0|alice"' in followed
    assert re.search(rf'"issuer": "https://\w+{re.escape(SUFFIX)}/"', followed)


def test_the_stack_is_gone_and_what_somebody_would_miss_is_not(
    stack: "Stack", template: Template, followed: str
) -> None:
    assert followed
    with pytest.raises(ClientError, match="does not exist"):
        stack.client("cloudformation").describe_stacks(StackName=STACK)
    kept = {name.split("-")[2] for name in stack.dynamodb.list_tables()["TableNames"] if name.startswith(f"{STACK}-")}
    lasting = {name for name in template.of_type("AWS::DynamoDB::Table") if is_kept(template, name)}
    assert kept == lasting


def is_kept(template: Template, logical_id: str) -> bool:
    """Tell whether a resource survives its stack."""
    return str(template.resources[logical_id].get("DeletionPolicy")).startswith("Retain")


def test_every_block_of_the_page_is_for_the_shell_or_shows_a_document() -> None:
    """A command in a block of another kind would not be carried out."""
    assert set(re.findall(r"^```(\w*)\n", PAGE.read_text("utf-8"), re.MULTILINE)) <= {"sh", "json"} | {""}
    assert len(blocks()) >= 7


@contextmanager
def gateway(stack: "Stack", context: ssl.SSLContext) -> Iterator[int]:
    """API Gateway at the names that it gives to APIs, by TLS; yield its port."""

    class Forwarding(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            api = self.headers["host"].removesuffix(SUFFIX)
            body = self.rfile.read(int(self.headers.get("content-length", 0)))
            passed = {name: value for name, value in self.headers.items() if name.lower() != "host"}
            url = f"{stack.endpoint}/_aws/execute-api/{api}/$default{self.path}"
            answer = httpx.request(self.command, url, headers=passed, content=body, trust_env=False, timeout=120)
            self.send_response(answer.status_code)
            for name, value in answer.headers.multi_items():
                if name.lower() not in {"content-length", "transfer-encoding", "connection"}:
                    self.send_header(name, value)
            self.send_header("content-length", str(len(answer.content)))
            self.end_headers()
            self.wfile.write(answer.content)

        def do_POST(self) -> None:
            self.do_GET()

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Forwarding) as server:
        server.socket = context.wrap_socket(server.socket, server_side=True)
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
        thread.start()
        try:
            yield server.server_port
        finally:
            server.shutdown()
            thread.join()
