"""The refresh token: its format, its proof of origin, and the derivation of its successor.

A token is `hrt_` and the base64url of 78 bytes:

    format 1 · key id 1 · user key 8 · family id 16 · generation 4 · secret 32 · MAC 16

The MAC covers everything before it and is verified before any I/O. The successor's secret is derived from its
predecessor's, so every copy of one token leads to the same successor and a family can never fork.
"""

import hashlib
import hmac
import re
from dataclasses import dataclass, field
from typing import Self

from heirloom.domain import encoding
from heirloom.domain.token_keys import TokenKey, TokenKeyring

PREFIX = "hrt_"
FORMAT = 1
USER_KEY_BYTES = 8
FAMILY_ID_BYTES = 16
SECRET_BYTES = 32
MAC_BYTES = 16
LAST_GENERATION = 2**32 - 1
"""A token has four bytes for it. A rotation every second takes 136 years to come here."""

_SHAPE = re.compile(r"hrt_[A-Za-z0-9_-]{104}", re.ASCII)
_MAC_PURPOSE = b"heirloom refresh token mac 1\x00"
_DERIVATION_PURPOSE = b"heirloom refresh token successor 1\x00"


class Forged(Exception):
    """Not a token of ours: its shape or its MAC is wrong, or it names a key that never existed."""


class NotDerivable(Exception):
    """The key that would derive the successor is unknown here or has lost its derivation half."""


@dataclass(frozen=True, slots=True)
class FamilyKey:
    """The primary key of a family, and no secret: 8 bytes for its user, 16 random bytes for itself."""

    user_key: bytes
    family_id: bytes


@dataclass(frozen=True, slots=True)
class RefreshToken:
    """A token of ours: parsed with a valid MAC, or just minted."""

    key_id: int
    family: FamilyKey
    generation: int
    secret: bytes = field(repr=False)

    @classmethod
    def parse(cls, text: str, keyring: TokenKeyring) -> Self:
        """Return the token that *text* is.

        Raise `Forged` for anything but the exact text we minted, and `UnknownTokenKey` when its key id is not on
        the keyring. Neither needs a store.
        """
        if not well_formed(text):
            raise Forged("malformed")
        octets = encoding.decode(text.removeprefix(PREFIX))
        body, mac = octets[:-MAC_BYTES], octets[-MAC_BYTES:]
        if body[0] != FORMAT:
            raise Forged("unknown format")
        key = keyring.key(body[1])
        if not hmac.compare_digest(mac, _mac(key, body)):
            raise Forged("wrong MAC")
        return cls(
            key_id=body[1],
            family=FamilyKey(user_key=body[2:10], family_id=body[10:26]),
            generation=int.from_bytes(body[26:30]),
            secret=body[30:],
        )

    def text(self, keyring: TokenKeyring) -> str:
        """Return the token as the client holds it: always the same text for the same token."""
        body = bytes((FORMAT, self.key_id)) + self._identity()
        return PREFIX + encoding.encode(body + _mac(keyring.key(self.key_id), body))

    def digest(self) -> bytes:
        """Return the SHA-256 by which a family knows its live token.

        Key id and MAC stay outside, so a changed MAC key makes no live token dead.
        """
        return hashlib.sha256(bytes((FORMAT,)) + self._identity()).digest()

    def successor(self, key: TokenKey) -> Self:
        """Return the next generation, derived with *key*; raise `NotDerivable` when its derivation half is erased."""
        if key.derivation is None:
            raise NotDerivable(key.key_id)
        generation = self.generation + 1
        material = _DERIVATION_PURPOSE + self.family.family_id + generation.to_bytes(4) + self.secret
        secret = hmac.digest(key.derivation, material, hashlib.sha256)
        return type(self)(key.key_id, self.family, generation, secret)

    def _identity(self) -> bytes:
        return self.family.user_key + self.family.family_id + self.generation.to_bytes(4) + self.secret


def well_formed(text: str) -> bool:
    """Tell whether *text* looks like a token of ours; its MAC may still be wrong."""
    return _SHAPE.fullmatch(text) is not None


def first(family: FamilyKey, secret: bytes, keyring: TokenKeyring) -> RefreshToken:
    """Return generation 0 of *family* with 32 random bytes of *secret*."""
    return RefreshToken(key_id=keyring.current.key_id, family=family, generation=0, secret=secret)


def user_key(user_id: str) -> bytes:
    """Return the 8 bytes under which all that belongs to a user is stored together.

    One stack is one tenant, so the tenant is no part of it. Two users may share a key: whoever lists a partition
    compares `user_id` too.
    """
    return hashlib.sha256(b"heirloom user\x00" + user_id.encode()).digest()[:USER_KEY_BYTES]


def _mac(key: TokenKey, body: bytes) -> bytes:
    return hmac.digest(key.mac, _MAC_PURPOSE + body, hashlib.sha256)[:MAC_BYTES]
