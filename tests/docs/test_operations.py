"""The page about operations: the restore is carried out as it is written, and every reason in the log is explained."""

import re
import time
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
from tests.endpoints.test_why_logged_out import WAYS

if TYPE_CHECKING:
    from mypy_boto3_dynamodb.client import DynamoDBClient

PAGE = (ROOT / "docs/operations.md").read_text("utf-8")
FAMILIES = "heirloom-FamiliesTable"
SOURCES = "".join(path.read_text("utf-8") for path in (ROOT / "layers/shared/heirloom").rglob("*.py"))


def part(heading: str) -> str:
    return PAGE.partition(f"\n## {heading}\n")[2].partition("\n## ")[0]


def test_every_reason_for_which_a_login_ends_is_explained() -> None:
    first_cells = re.findall(r"^\| (`.*?) \|", part('"I was logged out"'), re.MULTILINE)
    explained = {name for cell in first_cells for name in re.findall(r"`([^`]+)`", cell)}

    ended = {because for _, _, because in WAYS.values()}
    assert ended | {refusal.value for refusal in Refusal} <= explained
    assert all(f'"{name}"' in SOURCES for name in explained - {"reason"})


# ---- The restore


@pytest.fixture(name="local_stack")
def _local_stack() -> Iterator[Stack]:
    with processes.ministack() as endpoint:
        yield Stack(endpoint, **{"FAMILIES": FAMILIES, "FAMILIES-restored": f"{FAMILIES}-restored"})


def test_a_restore_as_it_is_written_leaves_no_family_of_before_alive(
    local_stack: Stack, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """A family was revoked after the moment that comes back. The mark alone keeps it from living again."""
    example = ROOT / "examples/tenant.yaml"
    tenant_file.seed(tenant_file.load(example), stack.store(local_stack.endpoint, local_stack.environment))
    token = local_stack.log_in()["refresh_token"]
    then = local_stack.dynamodb.scan(TableName=FAMILIES)["Items"]
    assert local_stack.send("revoke/revoke", token=token)["statusCode"] == 200
    file = tmp_path / "tenant.yaml"
    time.sleep(1 - time.time() % 1)  # the login may be of this very second, and no mark lies in the future
    mark = f"tenant:\n  not_before: {datetime.now(UTC):%Y-%m-%dT%H:%M:%SZ}\n"
    file.write_text(example.read_text("utf-8").replace("tenant:\n", mark))

    local_stack.names["tenant.yaml"] = str(file)

    for command in commands(part("Restore to a point in time")):
        local_stack.type(command)
        if "restore-table-to-point-in-time" in command:
            _put(local_stack.dynamodb, f"{FAMILIES}-restored", then)

    lifetime = local_stack.dynamodb.describe_time_to_live(TableName=FAMILIES)["TimeToLiveDescription"]
    assert lifetime["AttributeName"] == "expires_at"
    assert f"{FAMILIES}-restored" not in local_stack.dynamodb.list_tables()["TableNames"]
    assert local_stack.send("token/refresh", refresh_token=token)["statusCode"] == 400

    key = {"kind": {"S": "tenant"}, "id": {"S": "tenant"}}
    local_stack.dynamodb.delete_item(TableName="heirloom-ConfigurationTable", Key=key)  # and with it the mark
    assert local_stack.send("token/refresh", refresh_token=token)["statusCode"] == 200
    capsys.readouterr()


def _put(dynamodb: "DynamoDBClient", table: str, items: Sequence[Mapping[str, Any]]) -> None:
    """Make of a restored table what it was then: the local AWS restores what there is now."""
    for item in items:
        dynamodb.put_item(TableName=table, Item=item)


# ---- Keys


def test_a_compromise_as_it_is_written_ends_access_tokens_and_no_login(
    local_stack: Stack, capsys: pytest.CaptureFixture[str]
) -> None:
    example = ROOT / "examples/tenant.yaml"
    tenant_file.seed(tenant_file.load(example), stack.store(local_stack.endpoint, local_stack.environment))
    tokens = local_stack.log_in()
    assert local_stack.send("userinfo/post_body", access_token=tokens["access_token"])["statusCode"] == 200

    for command in commands(part("Key compromise")):
        local_stack.type(command)

    assert local_stack.send("userinfo/post_body", access_token=tokens["access_token"])["statusCode"] == 401
    assert local_stack.send("token/refresh", refresh_token=tokens["refresh_token"])["statusCode"] == 200
    capsys.readouterr()
