import re
import unicodedata

import pytest
from cryptography.exceptions import InvalidKey

from heirloom.adapters import passwords as adapter
from heirloom.adapters.password_hashes import Cost
from heirloom.adapters.passwords import CHEAPEST, Argon2Passwords

PASSWORD = "correct horse battery staple"


@pytest.fixture
def passwords() -> Argon2Passwords:
    return Argon2Passwords(CHEAPEST)


def test_a_password_matches_its_own_hash_only(passwords: Argon2Passwords) -> None:
    password_hash = passwords.hash(PASSWORD)
    assert passwords.verify(PASSWORD, password_hash)
    assert not passwords.verify(PASSWORD + " ", password_hash)
    assert not passwords.verify("", password_hash)


def test_two_hashes_of_one_password_differ(passwords: Argon2Passwords) -> None:
    assert passwords.hash(PASSWORD) != passwords.hash(PASSWORD)


def test_new_hashes_cost_what_owasp_recommends() -> None:
    assert re.match(
        r"\$argon2id\$v=19\$m=19456,t=2,p=1\$[A-Za-z0-9+/]{22}\$[A-Za-z0-9+/]{43}$", Argon2Passwords().hash("x")
    )


def test_a_hash_of_another_cost_still_verifies(passwords: Argon2Passwords) -> None:
    """What a hash costs is written in it, so a later recommendation needs no migration."""
    assert Argon2Passwords(Cost(memory=16, iterations=2, lanes=1)).verify(PASSWORD, passwords.hash(PASSWORD))


@pytest.mark.parametrize("password_hash", [None, ""])
def test_without_a_hash_nothing_matches(passwords: Argon2Passwords, password_hash: str | None) -> None:
    assert not passwords.verify(PASSWORD, password_hash)
    assert not passwords.verify("", password_hash)


@pytest.mark.parametrize("password_hash", ["junk", "$argon2id$", PASSWORD])
def test_what_is_no_hash_matches_nothing(passwords: Argon2Passwords, password_hash: str) -> None:
    assert not passwords.verify(PASSWORD, password_hash)


@pytest.mark.parametrize("password", [PASSWORD, "1²"])
def test_nobodys_password_is_checked_as_often_as_somebodys_and_at_the_same_cost(
    monkeypatch: pytest.MonkeyPatch, password: str
) -> None:
    """Else the time of a refused login would tell which addresses have an account."""
    checked: list[str] = []

    class Recorded:
        @staticmethod
        def verify_phc_encoded(_: bytes, phc: str) -> None:
            checked.append(re.sub("[A-Za-z0-9+/]", "x", phc.partition("p=")[2]) + phc.partition("p=")[0])
            raise InvalidKey

    password_hash = Argon2Passwords(CHEAPEST).hash("another")
    monkeypatch.setattr(adapter, "Argon2id", Recorded)
    for known in (password_hash, None, "junk"):
        assert not Argon2Passwords(CHEAPEST).verify(password, known)

    third = len(checked) // 3
    assert third == len({password, unicodedata.normalize("NFKC", password)})
    assert checked[:third] == checked[third : 2 * third] == checked[2 * third :]


@pytest.mark.parametrize(("typed", "stored"), [("é", "e\N{COMBINING ACUTE ACCENT}"), ("①", "1"), ("ﬁ", "fi")])
def test_a_character_matches_however_the_keyboard_composes_it(
    passwords: Argon2Passwords, typed: str, stored: str
) -> None:
    assert passwords.verify(typed, passwords.hash(stored))


def test_text_that_is_no_unicode_is_just_another_password(passwords: Argon2Passwords) -> None:
    assert passwords.verify("\ud800", passwords.hash("\ud800"))
    assert not passwords.verify("\ud801", passwords.hash("\ud800"))
