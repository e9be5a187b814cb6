"""The servers that stand in for AWS on this machine.

Each one is a context manager that yields its URL once it answers, listens on loopback only, keeps what it writes in
a temporary directory, and is gone when the block ends, however it ends. On Linux a server also dies with the thread
that started it: no `kill -9` of a test run leaves one behind.
"""

import http.client
import os
import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from typing import IO
from urllib.parse import urlsplit

_ROOT = Path(__file__).parent.parent
_DYNAMODB = _ROOT / "local/dynamodb"
_MINISTACK = _ROOT / ".tools/ministack/bin/ministack"

_PATIENCE = 60.0  # seconds until a server must answer; two is usual, but a busy machine takes its time
_GRACE = 10.0  # seconds between asking a server to end and ending it


class NotStarted(RuntimeError):
    """A server did not come up; the message says why and ends with what it printed."""


def free_port() -> int:
    """Give a port of 127.0.0.1 on which nothing listens."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        port: int = listener.getsockname()[1]
    return port


@contextmanager
def server(
    command: Sequence[str | Path],
    *,
    url: str,
    environment: Mapping[str, str] | None = None,
    needs: str = "make setup",
) -> Iterator[str]:
    """Run `command` until the block ends, and yield `url`, which answers by then.

    `environment` is all that the server gets to see of it (by default: ours). `needs` is what to do when the
    program is missing.
    """
    if _answers(url):
        raise NotStarted(f"{url} is taken: something answers there already")
    if not shutil.which(command[0]):
        raise NotStarted(f"{command[0]} is missing: {needs}")
    with tempfile.TemporaryFile() as output:
        process = subprocess.Popen(
            [*_leash(), *command],
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            process_group=0,  # a Ctrl-C at the terminal reaches us alone, and we end our servers in order
        )
        try:
            _wait_until_it_answers(process, url, output)
            yield url
        finally:
            _end(process)


@contextmanager
def dynamodb_local(port: int | None = None) -> Iterator[str]:
    """Run AWS's own DynamoDB Local, empty and in memory; yield its endpoint."""
    emulator = _DYNAMODB / "node_modules/amplify-dynamodb-simulator/emulator"
    if not emulator.exists():
        raise NotStarted(f"{emulator} is missing: make setup")
    port = port or free_port()
    command: list[str | Path] = [
        "java",
        "-XX:-UsePerfData",  # leaves nothing in the system's temporary directory
        "-Djava.net.preferIPv4Stack=true",
        f"-Djava.library.path={emulator}/DynamoDBLocal_lib",
        f"-Dport={port}",
        "-cp",
        f"{emulator}/DynamoDBLocal.jar:{emulator}/DynamoDBLocal_lib/*",
        "org.eclipse.jetty.xml.XmlConfiguration",
        _DYNAMODB / "loopback.xml",
    ]
    needs = "install Java 17 or newer (Debian: default-jre-headless)"
    with server(command, url=f"http://127.0.0.1:{port}", needs=needs) as endpoint:
        yield endpoint


@contextmanager
def ministack(port: int | None = None, *, auth: bool = False, state_directory: Path | None = None) -> Iterator[str]:
    """Run ministack, most of AWS in one process; yield its endpoint.

    With `auth` it enforces IAM: what a policy does not allow is refused, and every call is on record. With
    `state_directory` it starts from what it wrote there at its last clean end, secrets in clear; without, it starts
    empty.
    """
    port = port or free_port()
    with tempfile.TemporaryDirectory(prefix="heirloom-") as temporary:
        state = state_directory or Path(temporary, "state")
        own = {
            "AUTH": str(auth).lower(),
            "BIND_HOST": "127.0.0.1",
            "CLOUDTRAIL_MAX_EVENTS": "100000",
            "CLOUDTRAIL_RECORDING": str(int(auth)),
            "GATEWAY_PORT": str(port),
            "IOT_MTLS_ENABLED": "0",  # else MQTT listens on every interface
            "PERSIST_STATE": str(int(state_directory is not None)),
            "S3_DATA_DIR": str(state / "s3"),
            "SFTP_ENABLED": "0",
            "STATE_DIR": str(state),
            "TMPDIR": temporary,  # deployed functions are unpacked here
        }
        # It runs Lambda functions as its children: our account and our import path are not theirs.
        foreign = ("AWS_", "PYTHON")
        inherited = {name: value for name, value in os.environ.items() if not name.startswith(foreign)}
        url = f"http://127.0.0.1:{port}"
        with server([_MINISTACK], url=f"{url}/_ministack/health", environment=inherited | own):
            yield url


@cache
def _leash() -> tuple[str, ...]:
    """Give the prefix that makes a command end when we end, where there is one that works."""
    setpriv = shutil.which("setpriv")
    if not setpriv:
        return ()
    leash = (setpriv, "--pdeathsig", "KILL", "--")
    tried = subprocess.run([*leash, "true"], capture_output=True, check=False)
    return leash if tried.returncode == 0 else ()


def _answers(url: str) -> bool:
    """Tell whether a server speaks HTTP there and is not (any more) in trouble."""
    address = urlsplit(url)
    connection = http.client.HTTPConnection(address.hostname or "", address.port, timeout=1)
    try:
        connection.request("GET", address.path or "/")
        return connection.getresponse().status < http.HTTPStatus.INTERNAL_SERVER_ERROR
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()


def _wait_until_it_answers(process: subprocess.Popen[bytes], url: str, output: IO[bytes]) -> None:
    """Return once `url` answers; raise `NotStarted` when the process ends or takes too long."""
    deadline = time.monotonic() + _PATIENCE
    while process.poll() is None:
        if _answers(url):
            return
        if time.monotonic() > deadline:
            break
        time.sleep(0.05)
    state = "is silent" if process.returncode is None else f"ended with {process.returncode}"
    output.seek(0)
    printed = output.read().decode(errors="replace")[-4000:]
    raise NotStarted(f"the server for {url} {state}\n{printed}")


def _end(process: subprocess.Popen[bytes]) -> None:
    """Ask the process to end, then insist; either way it is gone on return."""
    process.terminate()
    try:
        process.wait(_GRACE)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
