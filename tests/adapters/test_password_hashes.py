"""Hashes from elsewhere: which are taken, and that none of them can keep a login busy."""

import re

import bcrypt
import pytest
from cryptography.hazmat.primitives.kdf.argon2 import Argon2id

from heirloom.adapters import password_hashes
from heirloom.adapters.password_hashes import MOST_WORK, SLOWEST, SLOWEST_BCRYPT, Cost, UnusableHash
from heirloom.adapters.passwords import CHEAPEST, OWASP, Argon2Passwords

PASSWORD = "correct horse battery staple"
PASSWORDS = Argon2Passwords(CHEAPEST)
SALT = "c2FsdHNhbHRzYWx0c2FsdA"
TAG = "A" * 43


def bcrypted(password: str, prefix: str = "2b") -> str:
    made = bcrypt.hashpw(password.encode(), bcrypt.gensalt(4)).decode()
    return made.replace("$2b$", f"${prefix}$")


def argon2id(password: str, cost: Cost) -> str:
    made = Argon2id(
        salt=b"their own salt", length=24, iterations=cost.iterations, lanes=cost.lanes, memory_cost=cost.memory
    )
    return made.derive_phc_encoded(password.encode())


THEIRS = {
    "bcrypt 2a": bcrypted(PASSWORD, "2a"),
    "bcrypt 2b": bcrypted(PASSWORD, "2b"),
    "bcrypt 2y": bcrypted(PASSWORD, "2y"),
    "argon2id of another cost": argon2id(PASSWORD, Cost(memory=64, iterations=3, lanes=2)),
}


@pytest.mark.parametrize("password_hash", THEIRS.values(), ids=THEIRS.keys())
def test_a_password_matches_the_hash_that_somebody_else_made_of_it(password_hash: str) -> None:
    assert PASSWORDS.verify(PASSWORD, password_hash)
    assert not PASSWORDS.verify(PASSWORD + " ", password_hash)
    assert not PASSWORDS.verify("", password_hash)
    assert not PASSWORDS.verify("\ud800", password_hash)


@pytest.mark.parametrize("password_hash", THEIRS.values(), ids=THEIRS.keys())
def test_a_hash_from_elsewhere_is_to_be_made_anew_and_ours_is_not(password_hash: str) -> None:
    assert PASSWORDS.needs_rehash(PASSWORD, password_hash)
    assert not PASSWORDS.needs_rehash(PASSWORD, PASSWORDS.hash(PASSWORD))
    assert Argon2Passwords(OWASP).needs_rehash(PASSWORD, PASSWORDS.hash(PASSWORD))


def test_a_vector_of_bcrypt_from_another_implementation() -> None:
    """Openwall's crypt_blowfish, wrapper.c."""
    assert PASSWORDS.verify("U*U*U", "$2a$05$XXXXXXXXXXXXXXXXXXXXXOAcXxm9kjPGEMsLznoKqmqw7tc8WCx4a")


def test_bcrypt_knows_no_more_than_the_beginning_of_a_long_password() -> None:
    """Its other implementations cut it off in silence, ours must do the same for the hash to match."""
    password = "ä" * 36
    password_hash = bcrypted(password)

    assert PASSWORDS.verify(password + "whatever", password_hash)
    assert not PASSWORDS.verify("ä" * 35 + "a", password_hash)


def test_a_password_of_which_bcrypt_knows_a_part_alone_keeps_its_hash() -> None:
    """A slip in the part that was not checked would become the password."""
    password_hash = bcrypted("p" * 72)

    assert PASSWORDS.needs_rehash("p" * 72, password_hash)
    assert not PASSWORDS.needs_rehash("p" * 73, password_hash)


def test_a_zero_byte_ends_no_password() -> None:
    assert not PASSWORDS.verify("secret\0", bcrypted("secret"))
    assert not PASSWORDS.verify("secret\0more", bcrypted("secret"))


@pytest.mark.parametrize("password", ["1²", "ﬁsh", "Zo\N{LATIN SMALL LETTER E}\N{COMBINING DIAERESIS}"])
def test_others_hash_a_password_as_it_was_typed(password: str) -> None:
    for password_hash in (bcrypted(password), argon2id(password, CHEAPEST)):
        assert PASSWORDS.verify(password, password_hash)


UNUSABLE = {
    "nothing": ("", "neither"),
    "clear text": (PASSWORD, "neither"),
    "bcrypt 2x": (bcrypted("x", "2x"), "neither"),
    "bcrypt, cut off": (bcrypted("x")[:-1], "neither"),
    "bcrypt and more": (bcrypted("x") + "\n", "neither"),
    "bcrypt of a crooked salt": ("$2b$04$" + "a" * 53, "neither"),
    "bcrypt that takes minutes": (bcrypted("x").replace("$04$", "$20$"), "cost 20"),
    "bcrypt that takes nothing": (bcrypted("x").replace("$04$", "$03$"), "cost 03"),
    "argon2i": (f"$argon2i$v=19$m=64,t=1,p=1${SALT}${TAG}", "neither"),
    "argon2id of version 16": (f"$argon2id$v=16$m=64,t=1,p=1${SALT}${TAG}", "neither"),
    "argon2id without a version": (f"$argon2id$m=64,t=1,p=1${SALT}${TAG}", "neither"),
    "argon2id of a short salt": (f"$argon2id$v=19$m=64,t=1,p=1$c2FsdA${TAG}", "neither"),
    "argon2id of a short tag": (f"$argon2id$v=19$m=64,t=1,p=1${SALT}$AAAAAA", "neither"),
    "argon2id of half a byte": (f"$argon2id$v=19$m=64,t=1,p=1${SALT}$" + "A" * 41, "cut off"),
    "argon2id without memory": (f"$argon2id$v=19$m=8,t=1,p=2${SALT}${TAG}", "less than 8 p"),
    "argon2id of a gibibyte": (f"$argon2id$v=19$m=1048576,t=1,p=1${SALT}${TAG}", "costs too much"),
    "argon2id of many passes": (f"$argon2id$v=19$m=64,t=1000000,p=1${SALT}${TAG}", "costs too much"),
    "argon2id of many lanes": (f"$argon2id$v=19$m=4096,t=1,p=64${SALT}${TAG}", "costs too much"),
    "argon2id of much in sum": (f"$argon2id$v=19$m={SLOWEST.memory},t=5,p=1${SALT}${TAG}", f"{MOST_WORK} at most"),
    "a number that is none": (f"$argon2id$v=19$m={'9' * 4301},t=1,p=1${SALT}${TAG}", "neither"),
}


@pytest.mark.parametrize(("password_hash", "why"), UNUSABLE.values(), ids=UNUSABLE.keys())
def test_what_cannot_be_verified_or_costs_too_much_matches_nothing_and_says_why(password_hash: str, why: str) -> None:
    with pytest.raises(UnusableHash, match=re.escape(why)) as refused:
        password_hashes.check(password_hash)
    assert password_hash == "" or password_hash not in str(refused.value)
    assert not PASSWORDS.verify(PASSWORD, password_hash)
    assert not PASSWORDS.verify("x", password_hash)


def test_what_others_recommend_is_taken() -> None:
    """RFC 9106 §4, its second choice; OWASP; the defaults of argon2-cffi, libsodium and Auth0's bcrypt."""
    for cost in ("m=65536,t=3,p=4", "m=47104,t=1,p=1", "m=12288,t=3,p=1", "m=7168,t=5,p=1", "m=65536,t=2,p=1"):
        password_hashes.check(f"$argon2id$v=19${cost}${SALT}${TAG}")
    for cost in ("10", "12", str(SLOWEST_BCRYPT)):
        password_hashes.check(bcrypted("x").replace("$04$", f"${cost}$"))
