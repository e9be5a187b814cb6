"""The page about operations: the restore is carried out as it is written, and every reason in the log is explained."""

import re
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from cli import tenant_file
from heirloom.domain.family import Refusal
from local import processes, stack
from local.template import ROOT
from tests.docs.typing_along import Stack, commands

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


@pytest.fixture(name="restored")
def _restored() -> Iterator[Stack]:
    with processes.ministack() as endpoint:
        yield Stack(endpoint, **{"FAMILIES": FAMILIES, "FAMILIES-restored": f"{FAMILIES}-restored"})


def test_a_restore_as_it_is_written_leaves_no_family_of_before_alive(
    restored: Stack, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """A family was revoked after the moment that comes back. The mark alone keeps it from living again."""
    example = ROOT / "examples/tenant.yaml"
    tenant_file.seed(tenant_file.load(example), stack.store(restored.endpoint, restored.environment))
    token = restored.log_in()["refresh_token"]
    then = restored.dynamodb.scan(TableName=FAMILIES)["Items"]
    assert restored.send("revoke/revoke", token=token)["statusCode"] == 200
    file = tmp_path / "tenant.yaml"
    mark = f"tenant:\n  not_before: {datetime.now(UTC):%Y-%m-%dT%H:%M:%SZ}\n"
    file.write_text(example.read_text("utf-8").replace("tenant:\n", mark))

    restored.names["tenant.yaml"] = str(file)

    for command in commands(part("Restore to a point in time")):
        restored.type(command)
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
