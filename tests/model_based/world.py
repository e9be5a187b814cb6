"""Whoever uses the service: people with browsers, devices with tokens, and thieves with copies of these."""

import hashlib
from dataclasses import dataclass, field

from heirloom.domain.application import Application
from heirloom.domain.user import User
from tests.model_based.model import Position
from tests.proofs import Key
from tests.service import octets_of


@dataclass
class Person:
    """A user with one browser."""

    user: User
    cookies: dict[str, str] = field(default_factory=dict)
    session_id: str | None = None
    """The session whose cookie the browser has."""
    blocked: bool = False


@dataclass
class Device:
    """Where a person logs in at an application: what it has of its code and its tokens, and whoever stole of it."""

    name: int
    """Of its code and of the family that came of it."""
    person: Person
    application: Application
    code: str
    session_id: str
    logged_in: int
    """When that was, as moments of a history go."""
    key: Key | None
    held: str | None = None
    """The refresh token of the last answer that arrived."""
    stolen: str | None = None
    """A thief's copy, or what came of it."""
    thiefs_key: Key | None = None
    sent_at_ms: int | None = None
    """By the world's clock, when the held token was first presented without an answer that arrived."""
    shared: bool = False
    """Whether a token of the family was ever presented that the device did not hold then."""


@dataclass
class Tokens:
    """Every refresh token that anybody has seen: one text for each generation of a family, or it has forked."""

    texts: dict[Position, str] = field(default_factory=dict)
    families: dict[str, int] = field(default_factory=dict)
    """Names by the ids in tokens, hexadecimal."""

    def note(self, text: str, name: int | None = None) -> Position:
        """Tell which token this is; *name* is that of a family that has just begun."""
        octets = octets_of(text)
        if name is not None:
            self.families.setdefault(octets[10:26].hex(), name)
        position = Position(self.families[octets[10:26].hex()], int.from_bytes(octets[26:30]))
        assert self.texts.setdefault(position, text) == text, "a generation has two tokens: the family has forked"
        return position

    def of(self, name: int) -> list[str]:
        """The tokens of a family that somebody has seen, in their order."""
        return [self.texts[it] for it in sorted(self.texts, key=lambda it: it.generation) if it.family == name]


def digest_of(token: str) -> bytes:
    """By what a family knows its live token: all of it but key id and MAC."""
    octets = octets_of(token)
    return hashlib.sha256(octets[:1] + octets[2:62]).digest()


def key_id_of(token: str) -> int:
    """The id of the key that minted a token."""
    return octets_of(token)[1]
