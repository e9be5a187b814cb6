import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, closing, contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

import boto3
import pytest
from botocore.exceptions import ClientError

from local.processes import NotStarted, dynamodb_local, free_port, ministack, server

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient
    from mypy_boto3_secretsmanager import SecretsManagerClient

LINUX = sys.platform.startswith("linux")
SERVERS = [pytest.param(dynamodb_local, id="DynamoDB Local"), pytest.param(ministack, id="ministack")]

type Server = Callable[[], AbstractContextManager[str]]


@pytest.fixture(autouse=True)
def temporary(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Give each test a temporary directory of its own, to see what is left there."""
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    return tmp_path


@pytest.mark.parametrize("start", SERVERS)
def test_a_table_takes_an_item_and_gives_it_back(start: Server) -> None:
    with start() as endpoint, dynamodb(endpoint) as client:
        client.create_table(
            TableName="things",
            BillingMode="PAY_PER_REQUEST",
            AttributeDefinitions=[{"AttributeName": "id", "AttributeType": "S"}],
            KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}],
        )
        client.put_item(TableName="things", Item={"id": {"S": "one"}})
        assert client.get_item(TableName="things", Key={"id": {"S": "one"}})["Item"] == {"id": {"S": "one"}}


@pytest.mark.skipif(not LINUX, reason="reads /proc")
@pytest.mark.parametrize("start", SERVERS)
def test_a_server_listens_on_loopback_only_and_is_gone_afterwards(start: Server, temporary: Path) -> None:
    before = children()
    with start() as endpoint:
        (pid,) = children() - before
        assert listening(pid) == {("127.0.0.1", port_of(endpoint))}
    assert not Path(f"/proc/{pid}").exists()
    assert not list(temporary.iterdir())


@pytest.mark.skipif(not LINUX, reason="reads /proc")
def test_a_server_is_gone_after_an_exception_too() -> None:
    before = children()
    started = ExitStack()
    started.enter_context(dynamodb_local())
    (pid,) = children() - before
    with pytest.raises(ZeroDivisionError), started:
        _ = 1 / 0
    assert not Path(f"/proc/{pid}").exists()


@pytest.mark.skipif(not LINUX, reason="setpriv is Linux's")
@pytest.mark.parametrize("name", ["dynamodb_local", "ministack"])
def test_a_server_dies_with_a_killed_parent(name: str, tmp_path: Path) -> None:
    program = f"from local.processes import {name}\nwith {name}() as url: print(url, flush=True); input()"
    with subprocess.Popen(
        [sys.executable, "-c", program],
        env=os.environ | {"TMPDIR": str(tmp_path)},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as parent:
        assert parent.stdout
        endpoint = parent.stdout.readline().strip()
        (pid,) = children(parent.pid)
        parent.send_signal(signal.SIGKILL)
    assert endpoint.startswith("http://127.0.0.1:")
    assert eventually(lambda: not alive(pid))


def test_a_taken_port_is_an_error_that_says_so() -> None:
    with ministack() as endpoint, pytest.raises(NotStarted, match="is taken"), dynamodb_local(port_of(endpoint)):
        pass


def test_a_server_that_ends_at_once_is_an_error_with_its_last_words() -> None:
    command = [sys.executable, "-c", "raise SystemExit('no such luck')"]
    with (
        pytest.raises(NotStarted, match=r"(?s)ended with 1.*no such luck"),
        server(command, url=f"http://127.0.0.1:{free_port()}"),
    ):
        pass


def test_a_missing_program_is_an_error_that_says_how_to_get_it() -> None:
    with (
        pytest.raises(NotStarted, match="no-such-program is missing: make it"),
        server(["no-such-program"], url=f"http://127.0.0.1:{free_port()}", needs="make it"),
    ):
        pass


def test_ministack_asks_who_is_there_only_when_told_to() -> None:
    with ministack() as endpoint, dynamodb(endpoint, access_key="stranger") as client:
        assert client.list_tables()["TableNames"] == []
    with (
        ministack(auth=True) as endpoint,
        dynamodb(endpoint, access_key="stranger") as client,
        pytest.raises(ClientError, match="UnrecognizedClientException"),
    ):
        client.list_tables()


def test_ministack_keeps_its_state_where_it_is_told_to(tmp_path: Path) -> None:
    with ministack(state_directory=tmp_path / "state") as endpoint, secrets(endpoint) as client:
        client.create_secret(Name="kept", SecretString="until tomorrow")
    with ministack(state_directory=tmp_path / "state") as endpoint, secrets(endpoint) as client:
        assert client.get_secret_value(SecretId="kept")["SecretString"] == "until tomorrow"
    with ministack() as endpoint, secrets(endpoint) as client, pytest.raises(ClientError):
        client.get_secret_value(SecretId="kept")


@contextmanager
def dynamodb(endpoint: str, access_key: str = "test") -> Iterator["DynamoDBClient"]:
    client: DynamoDBClient = boto3.client("dynamodb", **at(endpoint, access_key))
    with closing(client):
        yield client


@contextmanager
def secrets(endpoint: str) -> Iterator["SecretsManagerClient"]:
    client: SecretsManagerClient = boto3.client("secretsmanager", **at(endpoint))
    with closing(client):
        yield client


def at(endpoint: str, access_key: str = "test") -> dict[str, Any]:
    """Give the arguments of a client that takes none of them from the environment."""
    return {
        "endpoint_url": endpoint,
        "region_name": "eu-central-1",
        "aws_access_key_id": access_key,
        "aws_secret_access_key": "test",
    }


def port_of(endpoint: str) -> int:
    return int(endpoint.rsplit(":", 1)[1])


def children(parent: int | None = None) -> set[int]:
    """Give the processes that `parent` (by default: this one) started and that still run."""
    parent = parent or os.getpid()
    return {int(path.name) for path in Path("/proc").glob("[0-9]*") if stat(int(path.name))[1:2] == [str(parent)]}


def alive(pid: int) -> bool:
    """Tell whether a process runs: a dead one that nobody has waited for does not."""
    return stat(pid)[0:1] not in ([], ["Z"])


def stat(pid: int) -> list[str]:
    """Give a process's state, parent and so on; nothing when it is gone."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except (FileNotFoundError, ProcessLookupError):
        return []


def listening(pid: int) -> set[tuple[str, int]]:
    """Give the addresses and ports on which a process listens for TCP, IPv4-mapped ones as IPv4."""
    sockets, found = set(), set()
    for path in Path(f"/proc/{pid}/fd").iterdir():
        with suppress(FileNotFoundError):  # closed meanwhile
            sockets.add(str(path.readlink()))
    for table, family in (("tcp", socket.AF_INET), ("tcp6", socket.AF_INET6)):
        for line in Path(f"/proc/{pid}/net/{table}").read_text().splitlines()[1:]:
            fields = line.split()
            if fields[3] != "0A" or f"socket:[{fields[9]}]" not in sockets:
                continue
            address, port = fields[1].split(":")
            words = [bytes.fromhex(address[start : start + 8])[::-1] for start in range(0, len(address), 8)]
            found.add((socket.inet_ntop(family, b"".join(words)).removeprefix("::ffff:"), int(port, 16)))
    return found


def eventually(condition: Callable[[], bool], seconds: float = 10) -> bool:
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if condition():
            return True
        time.sleep(0.05)
    return False
