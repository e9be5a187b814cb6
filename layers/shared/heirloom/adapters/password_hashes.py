"""Which password hashes can be verified, and what one may cost.

Users bring theirs from elsewhere: Argon2id (RFC 9106) of any cost, as a PHC string, and bcrypt. Whoever makes the hash
chooses its cost, and a login pays it; what costs more than `SLOWEST` is nobody's hash.
"""

import re
from dataclasses import dataclass
from typing import Final

_ARGON2ID: Final = re.compile(
    r"\$argon2id\$v=19\$m=([1-9][0-9]{0,9}),t=([1-9][0-9]{0,9}),p=([1-9][0-9]{0,9})"
    r"\$([A-Za-z0-9+/]{11,86})\$([A-Za-z0-9+/]{22,86})",
    re.ASCII,
)
"""With a salt of 8 bytes at least, and a tag of 16 (RFC 9106 §3.1, §4)."""

_BCRYPT: Final = re.compile(r"\$2[aby]\$([0-9]{2})\$[./A-Za-z0-9]{21}[.Oeu][./A-Za-z0-9]{31}", re.ASCII)
"""`$2x$` marks hashes of an implementation that was broken."""

_REMAINDERS: Final = (0, 2, 3)
"""What is left of the length of unpadded base64 after groups of four; a single character is no byte."""

BCRYPT_LIMIT: Final = 72
"""Bytes of a password of which bcrypt knows; the rest is not part of the hash."""


@dataclass(frozen=True, slots=True)
class Cost:
    """What one hash of Argon2id costs: memory in KiB, passes over it, and lanes."""

    memory: int
    iterations: int
    lanes: int


SLOWEST: Final = Cost(memory=128 * 1024, iterations=64, lanes=16)
"""Of Argon2id; in sum `MOST_WORK`. A login's function has 1 GiB, and ten seconds in which others wait for it."""

MOST_WORK: Final = 512 * 1024
"""KiB that are filled in all passes together: about a second."""

CHEAPEST_BCRYPT: Final = 4
SLOWEST_BCRYPT: Final = 14
"""Exponents of two: the least that bcrypt has, and a second."""


class UnusableHash(ValueError):
    """Nobody can log in with this hash; the message says why. It does not repeat the hash."""


def is_bcrypt(password_hash: str) -> bool:
    """Tell bcrypt's hashes from all others."""
    return _BCRYPT.fullmatch(password_hash) is not None


def check(password_hash: str) -> None:
    """Return if the hash can be verified; raise `UnusableHash`."""
    if found := _BCRYPT.fullmatch(password_hash):
        if not CHEAPEST_BCRYPT <= int(found[1]) <= SLOWEST_BCRYPT:
            raise UnusableHash(f"has the cost {found[1]}; bcrypt's is {CHEAPEST_BCRYPT} to {SLOWEST_BCRYPT} here")
    elif found := _ARGON2ID.fullmatch(password_hash):
        _check_argon2id(Cost(*map(int, found.group(1, 2, 3))), *found.group(4, 5))
    else:
        raise UnusableHash("is neither bcrypt's ($2a$, $2b$, $2y$) nor a PHC string of Argon2id, version 19")


def usable(password_hash: str) -> bool:
    """Tell whether the hash can be verified."""
    try:
        check(password_hash)
    except UnusableHash:
        return False
    return True


def _check_argon2id(cost: Cost, salt: str, tag: str) -> None:
    if cost.memory < 8 * cost.lanes or len(salt) % 4 not in _REMAINDERS or len(tag) % 4 not in _REMAINDERS:
        raise UnusableHash("is no Argon2id: m is less than 8 p, or the base64 is cut off")
    if cost.memory > SLOWEST.memory or cost.iterations > SLOWEST.iterations or cost.lanes > SLOWEST.lanes:
        raise UnusableHash(
            f"costs too much: Argon2id may have m={SLOWEST.memory}, t={SLOWEST.iterations}, p={SLOWEST.lanes} at most"
        )
    if cost.memory * cost.iterations > MOST_WORK:
        raise UnusableHash(f"costs too much: m times t may be {MOST_WORK} at most")
