"""`heirloom user` ends logins in local and deployed stacks alike, and tells EventBridge."""

import time
from collections.abc import Iterator

import pytest

from cli import tenant_file
from cli.__main__ import main
from heirloom.adapters.families import DynamoDBFamilies, item_of
from heirloom.adapters.passwords import CHEAPEST, Argon2Passwords
from heirloom.domain import encoding
from heirloom.domain.family import Family
from local import processes, stack, template
from local.stack import Endpoints
from tests.domain.lines import line

FAMILIES = f"{template.PREFIX}FamiliesTable"


@pytest.fixture(scope="module", name="aws")
def _aws() -> Iterator[str]:
    with processes.ministack() as aws:
        environment = stack.create(Endpoints(aws, aws), issuer="http://localhost/")
        tenant_file.seed(
            tenant_file.load(template.ROOT / "examples/tenant.yaml"),
            stack.store(aws, environment),
            Argon2Passwords(CHEAPEST),
        )
        yield aws


@pytest.fixture(name="family")
def _family(aws: str) -> Family:
    """A login of auth0|alice at the application `app`, as `tests.domain.lines` has it."""
    family = line(3).family
    stack.client("dynamodb", aws).put_item(TableName=FAMILIES, Item=item_of(family))
    return family


def stored(aws: str, family: Family) -> Family:
    found = DynamoDBFamilies(stack.client("dynamodb", aws), FAMILIES).find(family.key)
    assert found is not None
    return found


@pytest.mark.parametrize("what", ["family", "session", "application", "everything"])
def test_logins_end(aws: str, family: Family, what: str, capsys: pytest.CaptureFixture[str]) -> None:
    arguments = {
        "family": ["--family", encoding.encode(family.key.family_id)],
        "session": ["--session", family.grant.session_id],
        "application": ["--application", family.grant.client_id],
        "everything": [],
    }[what]

    assert main(["user", "end", family.grant.user_id, "--endpoint", aws, *arguments]) == 0

    told = capsys.readouterr().out
    assert told.endswith("revoked: 1\n")
    assert "EventBridge" not in told, "the bus took it"
    revoked = stored(aws, family)
    assert revoked.revoked_because == "revoked_by_operator"
    assert revoked.revoked_at is not None
    assert abs(revoked.revoked_at - time.time()) < 60


@pytest.mark.parametrize(
    "others", [["--family", encoding.encode(b"x" * 16)], ["--session", "another"], ["--application", "another"]]
)
def test_others_are_left_alone(aws: str, family: Family, others: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["user", "end", family.grant.user_id, "--endpoint", aws, *others]) == 0

    assert capsys.readouterr().out == "revoked: 0\n"
    assert stored(aws, family) == family


def test_a_user_is_deleted(aws: str, capsys: pytest.CaptureFixture[str]) -> None:
    users = stack.client("dynamodb", aws)
    before = users.scan(TableName=f"{template.PREFIX}UsersTable")["Items"]
    user_id = next(item["user_id"]["S"] for item in before if "password_hash" in item)

    assert main(["user", "delete", user_id, "--endpoint", aws]) == 0

    after = users.scan(TableName=f"{template.PREFIX}UsersTable")["Items"]
    assert len(after) == len(before) - 2
    assert user_id not in str(after)
    assert "revoked: " in capsys.readouterr().out


def test_a_store_that_is_not_there_ends_with_1(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["user", "end", "auth0|alice", "--endpoint", "http://127.0.0.1:9"]) == 1
    assert "the stack does not answer as it should: " in capsys.readouterr().err


@pytest.mark.parametrize(
    "arguments",
    [
        ["end", "auth0|alice"],
        ["end", "--stack", "heirloom"],
        ["end", "auth0|alice", "--stack", "heirloom", "--family", "no family!"],
        ["end", "auth0|alice", "--stack", "heirloom", "--family", "QQ", "--session", "x"],
        ["delete", "auth0|alice", "--stack", "heirloom", "--session", "x"],
        ["block", "auth0|alice", "--stack", "heirloom"],
    ],
)
def test_a_command_that_makes_no_sense_does_nothing(arguments: list[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["user", *arguments])
    assert ended.value.code == 2


def test_the_outputs_of_the_template_name_all_that_the_command_needs() -> None:
    needed = {"FamiliesTable", "SessionsTable", "UsersTable", "GrantsTable", "EventBus"}
    assert needed <= set(template.load().document["Outputs"])
