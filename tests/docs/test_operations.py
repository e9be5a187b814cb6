"""The page about operations: the restore is carried out as it is written, and every reason in the log is explained."""

import base64
import copy
import json
import re
import shlex
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs, urlencode, urlsplit

import pytest

from cli import tenant_file
from cli.__main__ import main
from heirloom.domain.family import Refusal
from local import processes, stack
from local.stack import Endpoints
from local.template import ROOT
from tests.docs.test_links import CODE
from tests.functions.test_events import EVENTS, invoked

if TYPE_CHECKING:
    from mypy_boto3_dynamodb.client import DynamoDBClient

PAGE = (ROOT / "docs/operations.md").read_text("utf-8")
FAMILIES = "heirloom-FamiliesTable"


def part(heading: str) -> str:
    return PAGE.partition(f"\n## {heading}\n")[2].partition("\n## ")[0]


def test_every_reason_for_which_a_login_ends_is_explained() -> None:
    code = "".join(path.read_text("utf-8") for path in (ROOT / "layers/shared/heirloom/endpoints").glob("*.py"))
    ends = set(re.findall(r'(?:because=|BECAUSE = |BY_[A-Z]+ = |USER_DELETED = )"(\w+)"', code))
    explained = {
        name
        for row in re.findall(r"^\| (`.*?) \|", part('"I was logged out"'), re.MULTILINE)
        for name in re.findall(r"`(\w+)`", row)
    }

    assert len(ends) > 5
    assert explained - {"reason"} == ends | {refusal.value for refusal in Refusal} | {"reused"}


# ---- The restore


class Stack:
    """A stack of its own on a local AWS, whose functions begin afresh with every request."""

    def __init__(self, endpoint: str) -> None:
        self.endpoint = endpoint
        self.environment = stack.create(Endpoints(endpoint, endpoint), issuer="http://localhost:8400/")
        self.dynamodb: DynamoDBClient = stack.client("dynamodb", endpoint)
        self.backup = ""

    def send(self, event: str, **form: str) -> dict[str, Any]:
        """Send a sample event, with other parameters in its form."""
        changed = copy.deepcopy(EVENTS[event])
        if form:
            known = {name: values[0] for name, values in parse_qs(base64.b64decode(changed["body"]).decode()).items()}
            changed["body"] = base64.b64encode(urlencode(known | form).encode()).decode()
        (answer,) = invoked(event.partition("/")[0], [changed], self.environment)
        return answer

    def log_in(self) -> str:
        """Return the first refresh token of a new login."""
        location = self.send("authorize/login")["headers"]["location"]
        answer = self.send("token/code", code=parse_qs(urlsplit(location).query)["code"][0])
        return str(json.loads(answer["body"])["refresh_token"])

    def type(self, command: str, file: Path) -> None:
        """Do what a command on the page says."""
        program, *words = shlex.split(command)
        if program == "bin/heirloom":
            here = {"--stack": "--endpoint", "heirloom-prod": self.endpoint, "tenant.yaml": str(file)}
            assert main([here.get(word, word) for word in words]) == 0
            return
        assert (program, words[0]) == ("aws", "dynamodb")
        waits = words[1] == "wait"
        verb, *options = words[2 if waits else 1 :]
        options = [word.replace("FAMILIES", FAMILIES).replace("BACKUP", self.backup) for word in options]
        arguments = _arguments(options)
        if waits:
            waiter: Any = self.dynamodb.get_waiter(verb.replace("-", "_"))  # type: ignore[call-overload]  # any of them
            waiter.wait(**arguments)
            return
        answer = getattr(self.dynamodb, verb.replace("-", "_"))(**arguments)
        self.backup = answer.get("BackupDetails", {}).get("BackupArn", self.backup)


def _arguments(options: list[str]) -> dict[str, Any]:
    """Return boto3's arguments for those of the AWS CLI."""
    arguments: dict[str, Any] = {}
    words = iter(options)
    for option in words:
        name = "".join(map(str.capitalize, option.removeprefix("--no-").removeprefix("--").split("-")))
        if option.endswith("-enabled"):
            arguments[name] = not option.startswith("--no-")
            continue
        value = next(words)
        pairs = [pair.split("=") for pair in value.split(",")]
        structure = {
            key: text[0] == "true" if text[0] in {"true", "false"} else text[0] for key, *text in pairs if text
        }
        arguments[name] = structure or value
    return arguments


def commands() -> list[str]:
    blocks = [code for language, code in CODE.findall(part("Restore to a point in time")) if not language]
    return [line for block in blocks for line in block.splitlines()]


@pytest.fixture(name="restored")
def _restored() -> Iterator[Stack]:
    with processes.ministack() as endpoint:
        yield Stack(endpoint)


def test_a_restore_as_it_is_written_leaves_no_family_of_before_alive(
    restored: Stack, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """A family was revoked after the moment that comes back. The mark alone keeps it from living again."""
    example = ROOT / "examples/tenant.yaml"
    tenant_file.seed(tenant_file.load(example), stack.store(restored.endpoint, restored.environment))
    token = restored.log_in()
    then = restored.dynamodb.scan(TableName=FAMILIES)["Items"]
    assert restored.send("revoke/revoke", token=token)["statusCode"] == 200
    file = tmp_path / "tenant.yaml"
    mark = f"tenant:\n  not_before: {datetime.now(UTC):%Y-%m-%dT%H:%M:%SZ}\n"
    file.write_text(example.read_text("utf-8").replace("tenant:\n", mark))

    for command in commands():
        restored.type(command, file)
        if "restore-table-to-point-in-time" in command:
            _put(restored.dynamodb, f"{FAMILIES}-restored", then)

    lifetime = restored.dynamodb.describe_time_to_live(TableName=FAMILIES)["TimeToLiveDescription"]
    assert lifetime["AttributeName"] == "expires_at"
    assert f"{FAMILIES}-restored" not in restored.dynamodb.list_tables()["TableNames"]
    assert restored.send("token/refresh", refresh_token=token)["statusCode"] == 400

    key = {"kind": {"S": "tenant"}, "id": {"S": "tenant"}}
    restored.dynamodb.delete_item(TableName="heirloom-ConfigurationTable", Key=key)  # and with it the mark
    assert restored.send("token/refresh", refresh_token=token)["statusCode"] == 200
    capsys.readouterr()


def _put(dynamodb: "DynamoDBClient", table: str, items: Sequence[Mapping[str, Any]]) -> None:
    """Make of a restored table what it was then: the local AWS restores what there is now."""
    for item in items:
        dynamodb.put_item(TableName=table, Item=item)
