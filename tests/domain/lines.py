"""Families and their tokens as they come about: by rotating, one generation after another."""

import dataclasses
from typing import Any

from heirloom.domain import lifetimes, refresh_token
from heirloom.domain.family import SLOTS, Family, Grant, Rotation, Supersession
from heirloom.domain.refresh_token import FamilyKey, RefreshToken
from heirloom.domain.token_keys import KeyState, TokenKey, TokenKeyring

NOW = 1_800_000_000
OLD_KEY = TokenKey(1, KeyState.RETIRED, b"m" * 32, b"d" * 32)
CURRENT_KEY = TokenKey(2, KeyState.CURRENT, b"n" * 32, b"e" * 32)
KEYRING = TokenKeyring.of(OLD_KEY, CURRENT_KEY)
GRANT = Grant(
    client_id="app",
    user_id="auth0|alice",
    session_id="session",
    audience="https://api.example/",
    scope=frozenset({"openid", "offline_access", "read"}),
    auth_time=NOW - 1000,
)


@dataclasses.dataclass(frozen=True)
class Line:
    """A family, and all tokens it ever had, the live one last."""

    family: Family
    tokens: tuple[RefreshToken, ...]


def line(generations: int, *, spent_ago: tuple[float, ...] = (), family_id: bytes = b"f" * 16) -> Line:
    """A family that rotated *generations* times; *spent_ago* in seconds before NOW for the last ones, 0 otherwise.

    The first rotations used a token key that has been retired since.
    """
    key = FamilyKey(refresh_token.user_key(GRANT.user_id), family_id)
    tokens = [
        refresh_token.first(key, b"s" * 32, TokenKeyring.of(dataclasses.replace(OLD_KEY, state=KeyState.CURRENT)))
    ]
    superseded = {}
    for generation in range(generations):
        derived_with = OLD_KEY if generation < generations // 2 else CURRENT_KEY
        from_the_end = generations - generation
        ago = spent_ago[-from_the_end] if from_the_end <= len(spent_ago) else 0
        superseded[generation % SLOTS] = Supersession(round((NOW - ago) * 1000), derived_with.key_id)
        tokens.append(tokens[-1].successor(derived_with))
    family = Family(
        key=key,
        grant=GRANT,
        generation=generations,
        live_digest=tokens[-1].digest(),
        superseded=superseded,
        attempt="earlier",
        created_at=NOW - 1000,
        absolute_expires_at=NOW + 1000,
        exchanged_at=NOW - 100,
        idle_expires_at=NOW + 500,
    )
    return Line(family, tuple(tokens))


def rotation(presented: RefreshToken, **changes: Any) -> Rotation:
    """An honest exchange of *presented* at NOW, with *changes*."""
    honest = Rotation(
        presented=presented,
        successor=presented.successor(CURRENT_KEY),
        client_id=GRANT.client_id,
        attempt="this one",
        now_ms=NOW * 1000,
        leeway=lifetimes.LEEWAY,
        idle_lifetime=600,
        not_before=0,
    )
    return dataclasses.replace(honest, **changes)
