"""An entry of a file of users: what it says is taken, what it cannot say is told, and no login is undone by it."""

import dataclasses
from typing import Any

import bcrypt
import pytest

from heirloom.adapters.password_hashes import Cost
from heirloom.adapters.passwords import CHEAPEST, Argon2Passwords
from heirloom.domain.user import User
from heirloom.tenant import importing
from heirloom.tenant.importing import ImportedUser
from heirloom.tenant.planning import Action
from heirloom.tenant.remarks import Remarks

PASSWORDS = Argon2Passwords(CHEAPEST)
BCRYPT = bcrypt.hashpw(b"a long password", bcrypt.gensalt(4)).decode()
ARGON2ID = Argon2Passwords(Cost(memory=64, iterations=2, lanes=2)).hash("a long password")

BULK: dict[str, Any] = {
    "user_id": "60425dc43519d90068f82973",
    "email": "Ada@example.com",
    "email_verified": True,
    "password_hash": BCRYPT,
    "blocked": False,
    "name": "Ada Łovelace",
    "given_name": "Ada",
    "nickname": "ada",
    "picture": "https://cdn.example/ada.png",
}
"""As Auth0's bulk import takes it."""

EXPORTED: dict[str, Any] = {
    "user_id": "auth0|60425dc43519d90068f82973",
    "email": "ada@example.com",
    "email_verified": True,
    "phone_number": "+15550100",
    "phone_verified": True,
    "username": None,
    "name": "Ada",
    "picture": "https://s.gravatar.com/avatar/0?d=https%3A%2F%2Fcdn.auth0.com%2Favatars%2Fad.png",
    "identities": [{"user_id": "60425dc43519d90068f82973", "connection": "users", "provider": "auth0"}],
    "created_at": "2021-03-05T16:34:12.775Z",
    "updated_at": "2026-11-01T12:00:00.000Z",
    "last_ip": "203.0.113.5",
    "logins_count": 7,
    "app_metadata": {"plan": "gold"},
    "user_metadata": {},
}
"""As Auth0's user export gives it."""

HASHES: dict[str, Any] = {
    "_id": {"$oid": "60425dc43519d90068f82973"},
    "email": "ada@example.com",
    "email_verified": False,
    "passwordHash": BCRYPT,
    "password_set_date": {"$date": "2021-03-05T16:34:12.775Z"},
    "tenant": "dev-1234",
    "connection": "users",
    "_tmp_is_unique": True,
}
"""As Auth0's support gives hashes away."""


def read(entry: object) -> ImportedUser:
    remarks = Remarks()
    user = importing.read(entry, remarks)
    assert not remarks.problems
    assert user is not None
    return user


def problems(entry: object) -> list[str]:
    remarks = Remarks()
    assert importing.read(entry, remarks) is None or remarks.problems
    return [str(remark) for remark in remarks.problems]


def ignored(entry: object) -> list[str]:
    remarks = Remarks()
    assert importing.read(entry, remarks) is not None
    return sorted(str(remark) for remark in remarks.ignored)


# ---- Reading


def test_an_entry_of_a_bulk_import() -> None:
    assert read(BULK) == ImportedUser(
        "auth0|60425dc43519d90068f82973",
        "Ada@example.com",
        BCRYPT,
        blocked=False,
        claims={
            "email_verified": True,
            "name": "Ada Łovelace",
            "given_name": "Ada",
            "nickname": "ada",
            "picture": "https://cdn.example/ada.png",
        },
    )
    assert ignored(BULK) == []


def test_an_entry_of_a_user_export() -> None:
    assert read(EXPORTED) == ImportedUser(
        "auth0|60425dc43519d90068f82973",
        "ada@example.com",
        None,
        blocked=None,
        claims={
            "email_verified": True,
            "phone_number": "+15550100",
            "phone_number_verified": True,
            "name": "Ada",
            "picture": EXPORTED["picture"],
            "updated_at": 1793534400,
        },
    )
    not_supported = ["app_metadata", "created_at", "identities", "last_ip", "logins_count", "user_metadata"]
    assert ignored(EXPORTED) == [f"{name}: not supported" for name in not_supported]


def test_an_entry_of_a_file_of_hashes() -> None:
    assert read(HASHES) == ImportedUser(
        "auth0|60425dc43519d90068f82973", "ada@example.com", BCRYPT, blocked=None, claims={"email_verified": False}
    )
    not_supported = ["_tmp_is_unique", "connection", "password_set_date", "tenant"]
    assert ignored(HASHES) == [f"{name}: not supported" for name in not_supported]


def test_all_three_are_about_the_same_person() -> None:
    assert len({read(entry).user_id for entry in (BULK, EXPORTED, HASHES)}) == 1
    assert len({read(entry).address for entry in (BULK, EXPORTED, HASHES)}) == 1


@pytest.mark.parametrize(("algorithm", "value"), [("bcrypt", BCRYPT), ("argon2", ARGON2ID)], ids=["bcrypt", "argon2"])
def test_a_custom_hash_is_taken(algorithm: str, value: str) -> None:
    entry = {**EXPORTED, "custom_password_hash": {"algorithm": algorithm, "hash": {"value": value}}}
    assert read(entry).password_hash == value
    entry["custom_password_hash"]["hash"]["encoding"] = "utf8"
    entry["custom_password_hash"]["password"] = {"encoding": "utf8"}
    assert read(entry).password_hash == value


def test_whoever_has_no_id_gets_one_that_is_always_the_same() -> None:
    nameless = {name: value for name, value in BULK.items() if name != "user_id"}
    user_id = read(nameless).user_id
    assert user_id.startswith("auth0|")
    assert read(nameless | {"email": "ADA@EXAMPLE.com"}).user_id == user_id
    assert read(nameless | {"email": "bea@example.com"}).user_id != user_id


@pytest.mark.parametrize(
    "date",
    [1793534400, "2026-11-01T12:00:00Z", "2026-11-01T13:00:00+01:00", "2026-11-01T12:00:00", "2026-11-01 12:00:00"],
)
def test_a_date_becomes_epoch_seconds_wherever_the_command_runs(date: object) -> None:
    assert read(EXPORTED | {"updated_at": date}).claims["updated_at"] == 1793534400


def test_an_id_of_another_connection_stays() -> None:
    assert read(EXPORTED | {"user_id": "google-oauth2|1234"}).user_id == "google-oauth2|1234"


def test_what_nobody_knows_is_told_and_does_not_keep_the_user_out() -> None:
    assert ignored(BULK | {"shoe_size": 46, "password": "in clear"}) == [
        "password: unknown property",
        "shoe_size: unknown property",
    ]


@pytest.mark.parametrize(
    ("entry", "problem"),
    [
        ("ada", "the file: must be an object"),
        ({"user_id": "auth0|ada"}, "email: is missing"),
        (BULK | {"email": "ada"}, "email: must be an e-mail address"),
        (BULK | {"email": 7}, "email: Input should be a valid string"),
        (BULK | {"user_id": 7}, "user_id: Input should be a valid string"),
        (BULK | {"user_id": "a b"}, "user_id: must be 1 to"),
        (BULK | {"blocked": "yes"}, "blocked: Input should be a valid boolean"),
        (BULK | {"updated_at": "yesterday"}, "updated_at: Input should be a valid integer"),
        (BULK | {"password_hash": "in clear"}, "password_hash: is neither bcrypt's"),
        (BULK | {"password_hash": BCRYPT.replace("$04$", "$31$")}, "password_hash: has the cost 31"),
        (
            BULK | {"custom_password_hash": {"algorithm": "bcrypt", "hash": {"value": BCRYPT}}},
            "custom_password_hash: must not be given together with password_hash",
        ),
        (
            EXPORTED | {"custom_password_hash": {"algorithm": "md5", "hash": {"value": "0" * 32}}},
            "custom_password_hash.algorithm: Input should be 'bcrypt' or 'argon2'",
        ),
        (
            EXPORTED | {"custom_password_hash": {"algorithm": "argon2", "hash": {"value": BCRYPT}}},
            "custom_password_hash.hash.value: is no hash of argon2",
        ),
        (
            EXPORTED | {"custom_password_hash": {"algorithm": "bcrypt", "hash": {"value": ARGON2ID}}},
            "custom_password_hash.hash.value: is no hash of bcrypt",
        ),
        (
            EXPORTED
            | {"custom_password_hash": {"algorithm": "bcrypt", "hash": {"value": BCRYPT}, "salt": {"value": "x"}}},
            "custom_password_hash.salt: unknown property",
        ),
        (BULK | {"mfa_factors": [{"totp": {"secret": "x"}}]}, "mfa_factors: protects something in Auth0"),
        (EXPORTED | {"multifactor": ["guardian"]}, "multifactor: protects something in Auth0"),
    ],
)
def test_what_cannot_be_taken_is_refused(entry: object, problem: str) -> None:
    (told,) = problems(entry)
    assert told.startswith(problem)
    assert BCRYPT not in told
    assert "in clear" not in told


def test_no_hash_is_shown_with_a_user() -> None:
    assert BCRYPT not in repr(read(BULK))


# ---- What changes


def test_a_new_user_is_created_as_the_entry_says() -> None:
    change = importing.change_of(read(BULK), None, PASSWORDS)
    assert change is not None
    assert (change.action, change.ends_logins) == (Action.CREATE, False)
    assert (change.after.password_hash, change.after.blocked) == (BCRYPT, False)


def imported(entry: object, before: User | None = None) -> User:
    change = importing.change_of(read(entry), before, PASSWORDS)
    assert change is not None
    return change.after


@pytest.mark.parametrize("entries", [(EXPORTED, HASHES), (HASHES, EXPORTED)])
def test_one_file_may_have_the_hashes_and_another_the_rest_in_either_order(entries: tuple[object, object]) -> None:
    first, second = entries
    user = imported(second, imported(first))
    assert user.password_hash == BCRYPT
    assert user.claims["name"] == "Ada"


@pytest.mark.parametrize("entry", [BULK, EXPORTED, HASHES])
def test_the_same_entry_changes_nothing_the_second_time(entry: object) -> None:
    assert importing.change_of(read(entry), imported(entry), PASSWORDS) is None


def test_what_the_entry_does_not_say_stays() -> None:
    before = dataclasses.replace(imported(BULK), blocked=True)
    after = imported({"email": "ada@example.com", "user_id": before.user_id, "nickname": "lovelace"}, before)
    assert after == dataclasses.replace(
        before, email="ada@example.com", claims={**before.claims, "nickname": "lovelace"}
    )


def test_a_hash_that_a_login_has_made_ours_stays() -> None:
    """The user may have changed the password since; a file from before must not bring the old one back."""
    before = dataclasses.replace(imported(BULK), password_hash=PASSWORDS.hash("a new password"))
    assert importing.change_of(read(BULK), before, PASSWORDS) is None


def test_a_newer_hash_takes_the_place_of_an_imported_one_and_ends_logins() -> None:
    before = imported(BULK)
    change = importing.change_of(read(BULK | {"password_hash": ARGON2ID}), before, PASSWORDS)
    assert change is not None
    assert change.after.password_hash == ARGON2ID
    assert (change.ends_logins, change.reason) == (True, "password changed")
    assert [str(difference) for difference in change.differences] == ["password: changed"]


def test_a_first_password_ends_no_logins() -> None:
    change = importing.change_of(read(HASHES), imported(EXPORTED), PASSWORDS)
    assert change is not None
    assert not change.ends_logins


def test_a_block_ends_logins() -> None:
    change = importing.change_of(read(BULK | {"blocked": True}), imported(BULK), PASSWORDS)
    assert change is not None
    assert (change.ends_logins, change.reason) == (True, "user blocked")
    assert [str(difference) for difference in change.differences] == ["blocked: false → true"]


def test_an_address_that_is_no_text_is_refused_also_where_the_id_is_made_of_it() -> None:
    """JSON can spell half of a surrogate pair, which has no UTF-8."""
    remarks = Remarks()

    assert importing.read({"email": "\ud800@example.com"}, remarks) is None
    assert [remark.path for remark in remarks.problems] == [("email",)]


def test_claims_that_are_no_text_are_refused() -> None:
    remarks = Remarks()

    assert importing.read(BULK | {"address": {"country": "\udc00"}}, remarks) is None
    assert [str(remark) for remark in remarks.problems] == ["address.country: must be Unicode text"]
