"""`heirloom user import`: many users at once, whatever happens meanwhile, and the same file changes nothing twice."""

import dataclasses
import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import bcrypt
import pytest

from cli import target, user_import
from cli.__main__ import main
from cli.target import Target
from heirloom.adapters.passwords import OWASP, Argon2Passwords
from heirloom.adapters.users import DynamoDBUsers, UserConflict
from heirloom.domain.errors import StoreUnavailable
from heirloom.domain.user import User
from heirloom.tenant.store import DynamoDBStore
from tests import service as harness

if TYPE_CHECKING:
    from mypy_boto3_dynamodb.client import DynamoDBClient

HASH = bcrypt.hashpw(b"a long password", bcrypt.gensalt(4)).decode()
NEWER = bcrypt.hashpw(b"a newer password", bcrypt.gensalt(4)).decode()


@pytest.fixture(name="users")
def _users(tables: tuple["DynamoDBClient", Mapping[str, str]], monkeypatch: pytest.MonkeyPatch) -> DynamoDBUsers:
    """The users of a stack on DynamoDB Local, which is the one that the command works on."""
    harness.empty(*tables)
    client, names = tables
    for left in client.scan(TableName=names["UsersTable"])["Items"]:  # those that every service has
        client.delete_item(TableName=names["UsersTable"], Key={"user_id": left["user_id"]})
    nowhere: Any = None
    stack = Target(client, nowhere, {**names, "EventBus": "bus"})
    monkeypatch.setattr(target, "of", lambda _: stack)
    monkeypatch.setattr("time.sleep", lambda _: None)
    return DynamoDBUsers(client, names["UsersTable"])


@pytest.fixture(name="path")
def _path(tmp_path: Path) -> Path:
    return tmp_path / "users.json"


def person(number: int, **changes: object) -> dict[str, Any]:
    return {
        "user_id": f"id{number}",
        "email": f"user{number}@example.com",
        "password_hash": HASH,
        "name": f"User {number}",
        **changes,
    }


def command(path: Path, *arguments: str) -> int:
    return main(["user", "import", str(path), "--stack", "heirloom", *arguments])


def answer(capsys: pytest.CaptureFixture[str]) -> Any:
    told = capsys.readouterr()
    assert told.err == ""
    return json.loads(told.out)


def everybody(users: DynamoDBUsers) -> dict[str, User]:
    """All users; every one has a pointer, and every pointer a user."""
    items = users.client.scan(TableName=users.table, ConsistentRead=True)["Items"]
    people = {item["user_id"]["S"] for item in items if "target" not in item}
    assert people == {item["target"]["S"] for item in items if "target" in item}
    return {user_id: user for user_id in people if (user := users.by_id(user_id)) is not None}


@pytest.mark.parametrize(
    "written",
    [lambda entries: json.dumps(entries, indent=1), lambda entries: "\n".join(map(json.dumps, entries))],
    ids=["array", "lines"],
)
def test_many_users_come_in_and_nothing_changes_the_second_time(
    users: DynamoDBUsers, path: Path, written: Callable[[object], str], capsys: pytest.CaptureFixture[str]
) -> None:
    path.write_text(written([person(number) for number in range(60)]))

    assert command(path) == 0

    told = capsys.readouterr()
    assert told.out.splitlines()[0] == "  + user auth0|id0"
    assert told.out.splitlines()[-1] == "60 created"
    assert told.err == ""
    imported = everybody(users)
    assert len(imported) == 60
    assert imported["auth0|id7"] == User("auth0|id7", "user7@example.com", HASH, claims={"name": "User 7"})
    assert command(path) == 0
    assert capsys.readouterr().out == "60 unchanged\n"
    assert everybody(users) == imported


def test_a_second_file_says_what_it_changes(
    users: DynamoDBUsers, path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path.write_text(json.dumps([person(0), person(1)]))
    command(path)
    capsys.readouterr()
    path.write_text(json.dumps([person(0, name="Other", email="other@example.com"), person(1), person(2)]))

    assert command(path) == 0

    assert capsys.readouterr().out.splitlines() == [
        "  ~ user auth0|id0",
        '      email: "user0@example.com" → "other@example.com"',
        '      name: "User 0" → "Other"',
        "  + user auth0|id2",
        "1 created, 1 updated, 1 unchanged",
    ]
    assert everybody(users)["auth0|id0"].email == "other@example.com"
    assert users.id_of("user0@example.com") is None


def test_the_answer_for_programs(users: DynamoDBUsers, path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path.write_text("\n".join(map(json.dumps, [person(0, app_metadata={"a": 1}), person(1, app_metadata={"b": 2})])))

    assert command(path, "--json") == 0

    assert answer(capsys) == {
        "dry_run": False,
        "summary": {"created": 2, "updated": 0, "unchanged": 0, "failed": 0, "invalid": 0, "without_password": 0},
        "changes": [
            {"action": "create", "kind": "user", "id": f"auth0|id{number}", "differences": []} for number in (0, 1)
        ],
        "ignored": [{"property": "app_metadata", "text": "not supported", "file": str(path), "line": 1, "entries": 2}],
    }
    path.write_text(json.dumps([person(0, password_hash=NEWER)]))
    assert command(path, "--json") == 0
    told = json.loads(capsys.readouterr().out)  # beside it stands which logins ended
    assert told["changes"][0]["differences"] == [{"property": "password", "confidential": True}]
    assert NEWER not in json.dumps(told)
    assert everybody(users)["auth0|id0"].password_hash == NEWER


def test_what_is_not_supported_is_listed_once_with_how_often_it_is_there(
    users: DynamoDBUsers, path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path.write_text("\n".join(json.dumps(person(number, username="u", shoe_size=46)) for number in range(3)))

    assert command(path) == 0

    assert capsys.readouterr().err.splitlines() == [
        "not supported, ignored:",
        "  shoe_size in 3 entries, first in line 1: unknown property",
        "  username in 3 entries, first in line 1: not supported",
    ]
    assert len(everybody(users)) == 3


@pytest.mark.parametrize("flags", [[], ["--json"]])
def test_entries_that_are_no_good_are_listed_and_keep_no_other_out(
    users: DynamoDBUsers, path: Path, flags: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    lines = [
        json.dumps(person(0)),
        json.dumps(person(1, password_hash="in clear")),
        "{",
        json.dumps(person(0, email="another@example.com")),
        json.dumps(person(2, email="USER0@example.com")),
        json.dumps(person(3)),
    ]
    path.write_text("\n".join(lines))

    assert command(path, *flags) == 2

    assert set(everybody(users)) == {"auth0|id0", "auth0|id3"}
    expected = [
        (2, "[1].password_hash", "is neither bcrypt's ($2a$, $2b$, $2y$) nor a PHC string of Argon2id, version 19"),
        (3, "[2]", "Expecting property name enclosed in double quotes"),
        (4, "[3].user_id", "is that of line 1 too"),
        (5, "[4].email", "is that of line 1 too"),
    ]
    told = capsys.readouterr()
    if flags:
        document = json.loads(told.out)
        assert [(one["line"], one["path"], one["text"]) for one in document["error"]["problems"]] == expected
        assert document["summary"]["created"] == 2
        assert document["summary"]["invalid"] == 4
    else:
        assert told.out.splitlines()[-1] == "2 created, 4 invalid"
        assert told.err.splitlines() == [f"{path}:{line}: {place}: {text}" for line, place, text in expected]
    assert "in clear" not in told.out + told.err


@pytest.mark.parametrize("text", ['[{"email": "a@b.c"},', "[1, 2", '[{"a": 1, "a": 2}]'])
def test_an_array_that_is_no_json_changes_nothing(
    users: DynamoDBUsers, path: Path, text: str, capsys: pytest.CaptureFixture[str]
) -> None:
    path.write_text(text)
    assert command(path) == 2
    assert capsys.readouterr().err.startswith(f"{path}:1: ")
    assert everybody(users) == {}


def test_a_file_that_is_not_there_ends_with_2(path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert command(path, "--json") == 2
    assert answer(capsys)["error"]["problems"] == [
        {"file": str(path), "line": None, "path": "", "text": "No such file or directory"}
    ]


def test_an_address_of_somebody_else_is_not_taken_away(
    users: DynamoDBUsers, path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    owner = User("auth0|owner", "user1@example.com", "hash")
    users.put(owner, replacing=None)
    path.write_text(json.dumps([person(0), person(1), person(2)]))

    for flags in (["--dry-run"], []):
        assert command(path, *flags) == 1
        told = capsys.readouterr()
        assert told.out.splitlines()[-1].endswith("2 created, 1 failed")
        assert told.err == f"{path}:1: [1]: the address is another user's, or the user changes all the time\n"

    assert set(everybody(users)) == {"auth0|owner", "auth0|id0", "auth0|id2"}
    assert users.id_of("user1@example.com") == "auth0|owner"


def test_a_dry_run_says_the_same_and_changes_nothing(
    users: DynamoDBUsers, path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path.write_text(json.dumps([person(0), person(1, password_hash=None)]))

    assert command(path, "--dry-run") == 0

    assert capsys.readouterr().out.splitlines() == [
        "  + user auth0|id0",
        "  + user auth0|id1",
        "would be: 2 created; 1 of them have no password, so they cannot log in",
    ]
    assert everybody(users) == {}


def test_a_password_that_was_changed_here_is_not_undone(users: DynamoDBUsers, path: Path) -> None:
    path.write_text(json.dumps([person(0)]))
    command(path)
    before = everybody(users)["auth0|id0"]
    changed = dataclasses.replace(before, password_hash=Argon2Passwords(OWASP).hash("changed"))
    users.put(changed, replacing=before)

    assert command(path) == 0

    assert everybody(users) == {"auth0|id0": changed}


# ---- Meanwhile


def meddling(monkeypatch: pytest.MonkeyPatch, put: Callable[[DynamoDBStore, User, User | None], None]) -> None:
    """Let something else store users."""
    monkeypatch.setattr(DynamoDBStore, "put_user", lambda self, user, *, replacing: put(self, user, replacing))


def test_a_login_that_upgrades_a_hash_meanwhile_keeps_it(
    users: DynamoDBUsers, path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    path.write_text(json.dumps([person(0)]))
    command(path)
    capsys.readouterr()
    path.write_text(json.dumps([person(0, password_hash=NEWER, name="Other")]))
    ours = Argon2Passwords(OWASP).hash("a long password")
    put = DynamoDBStore.put_user

    def after_a_login(self: DynamoDBStore, user: User, replacing: User | None) -> None:
        stored = users.by_id(user.user_id)
        assert stored is not None
        users.replace_hash(stored, ours)
        put(self, user, replacing=replacing)

    meddling(monkeypatch, after_a_login)

    assert command(path) == 0

    assert everybody(users)["auth0|id0"] == User("auth0|id0", "user0@example.com", ours, claims={"name": "Other"})
    assert capsys.readouterr().out.splitlines()[-1] == "1 updated"


def test_an_answer_that_is_lost_is_no_failure(
    users: DynamoDBUsers, path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    path.write_text(json.dumps([person(number) for number in range(5)]))
    put = DynamoDBStore.put_user
    lost: set[str] = set()

    def lose(self: DynamoDBStore, user: User, replacing: User | None) -> None:
        put(self, user, replacing=replacing)
        if user.user_id not in lost:
            lost.add(user.user_id)
            raise StoreUnavailable("store user")

    meddling(monkeypatch, lose)

    assert command(path) == 0

    assert capsys.readouterr().out.splitlines()[-1] == "5 created"
    assert len(everybody(users)) == 5


@pytest.mark.parametrize("flags", [[], ["--json"]])
def test_a_store_that_stays_away_ends_the_import_which_goes_on_when_it_is_back(
    users: DynamoDBUsers,
    path: Path,
    flags: list[str],
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    path.write_text(json.dumps([person(number) for number in range(70)]))
    put = DynamoDBStore.put_user

    def away(self: DynamoDBStore, user: User, replacing: User | None) -> None:
        if user.user_id == "auth0|id60":
            raise StoreUnavailable("store user: ThrottlingException")
        put(self, user, replacing=replacing)

    meddling(monkeypatch, away)
    assert command(path, *flags) == 1
    told = capsys.readouterr()
    if flags:
        document = json.loads(told.out)
        assert document["summary"]["created"] == 60
        assert "the same command goes on: store user: ThrottlingException" in document["error"]["message"]
    else:
        assert told.out.splitlines()[-1] == "60 created"
        assert "the same command goes on: store user: ThrottlingException" in told.err
    meddling(monkeypatch, lambda self, user, replacing: put(self, user, replacing=replacing))

    assert command(path) == 0

    assert len(everybody(users)) == 70


def test_a_user_who_changes_all_the_time_is_given_up_and_told(
    users: DynamoDBUsers, path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    path.write_text(json.dumps([person(0)]))

    def conflict(*_: object) -> None:
        raise UserConflict

    meddling(monkeypatch, conflict)
    assert command(path) == 1
    assert capsys.readouterr().out == "1 failed\n"
    assert everybody(users) == {}


def test_the_progress_is_shown_at_a_terminal(
    users: DynamoDBUsers, path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("sys.stderr.isatty", lambda: True)
    monkeypatch.setattr(user_import, "_BATCH", 2)
    path.write_text(json.dumps([person(number) for number in range(3)]))
    assert command(path) == 0
    assert capsys.readouterr().err == "\r2 of 3 users\r3 of 3 users\n"
    assert len(everybody(users)) == 3
