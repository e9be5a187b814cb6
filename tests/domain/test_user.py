"""What is told about a person, and how they are found."""

from dataclasses import replace

import pytest

from heirloom.domain.user import SCOPE_OF_CLAIM, User, claims_for, normalised_email

ALICE = User(
    "auth0|alice",
    "alice@example.com",
    "hash",
    claims={
        "phone_number": "+49 30 1",
        "name": "Alice",
        "nickname": None,
        "locale": "",
        "updated_at": 0,
        "email": "forged@example.com",
        "shoe_size": 38,
    },
)


@pytest.mark.parametrize(
    ("scope", "named", "claims"),
    [
        ({"openid", "read"}, set(), {}),
        ({"email"}, set(), {"email": "alice@example.com", "email_verified": False}),
        ({"profile"}, set(), {"name": "Alice", "locale": "", "updated_at": 0}),
        ({"phone"}, set(), {"phone_number": "+49 30 1"}),
        ({"address"}, set(), {}),
        (set(), {"name", "email", "nickname", "shoe_size", "sub"}, {"name": "Alice", "email": "alice@example.com"}),
        ({"phone"}, {"name"}, {"name": "Alice", "phone_number": "+49 30 1"}),
    ],
)
def test_what_a_scope_asks_for_and_what_is_named_is_told_if_it_is_known(
    scope: set[str], named: set[str], claims: dict[str, object]
) -> None:
    assert claims_for(ALICE, frozenset(scope), frozenset(named)) == claims


def test_what_is_named_comes_first_and_the_most_important_before_the_rest() -> None:
    """A family's item has room for the first ones alone."""
    told = claims_for(ALICE, frozenset({"profile", "email", "phone"}), frozenset({"phone_number", "email"}))

    assert list(told) == ["email", "phone_number", "name", "locale", "updated_at", "email_verified"]
    assert list(SCOPE_OF_CLAIM)[:2] == ["name", "nickname"]


def test_an_address_is_verified_if_somebody_said_so() -> None:
    verified = replace(ALICE, claims={"email_verified": True})

    assert claims_for(verified, frozenset({"email"})) == {"email": "alice@example.com", "email_verified": True}


def test_the_address_is_the_users_own_and_no_claim() -> None:
    assert ALICE.all_claims == {**ALICE.claims, "email": "alice@example.com", "email_verified": False}


@pytest.mark.parametrize("text", ["alice@example.com", "Alice@Example.COM", " alice@example.com\n"])
def test_an_address_is_found_however_it_is_typed(text: str) -> None:
    assert normalised_email(text) == "alice@example.com"


def test_a_password_hash_is_not_in_the_repr() -> None:
    assert "$2b$" not in repr(replace(ALICE, password_hash="$2b$"))
