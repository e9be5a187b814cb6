"""The key pairs behind refresh tokens: one half authenticates tokens, the other derives their successors.

*next* is known to every instance before it is used; *current* mints; *retired* only verifies and derives, for copies
that still walk to their successor; *MAC only* has lost its derivation half, so that an old spent token and a stolen
keyring no longer lead to the live one; *gone* has lost both. `key_rotation` says when.
"""

import enum
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Self


class KeyState(enum.StrEnum):
    """Where a key stands in its rotation. Signing keys are never *MAC only*, and are forgotten when they are gone."""

    NEXT = "next"
    CURRENT = "current"
    RETIRED = "retired"
    MAC_ONLY = "mac_only"
    GONE = "gone"


@dataclass(frozen=True, slots=True)
class TokenKey:
    """One pair of 32-byte HMAC-SHA-256 keys under one id (1 to 255)."""

    key_id: int
    state: KeyState
    mac: bytes = field(repr=False)
    derivation: bytes | None = field(repr=False)
    compromised: bool = False
    """A compromised MAC proves nothing: it may refuse a token, never revoke a family."""


class KeyringInvalid(Exception):
    """The stored keyring cannot be used."""


class UnknownTokenKey(Exception):
    """No key of this keyring has the id that a token names."""


@dataclass(frozen=True, slots=True)
class TokenKeyring:
    """All token keys by id; exactly one is current."""

    keys: Mapping[int, TokenKey]
    current: TokenKey

    @classmethod
    def of(cls, *keys: TokenKey) -> Self:
        """Build a keyring; raise `KeyringInvalid` unless ids are unique and exactly one key is current and whole."""
        by_id = {key.key_id: key for key in keys}
        current = [key for key in keys if key.state is KeyState.CURRENT]
        if len(by_id) != len(keys) or len(current) != 1 or current[0].derivation is None:
            raise KeyringInvalid("a token keyring needs unique ids and one current key with both halves")
        return cls(keys=by_id, current=current[0])

    def key(self, key_id: int) -> TokenKey:
        """Return the key with this id; raise `UnknownTokenKey`."""
        try:
            return self.keys[key_id]
        except KeyError:
            raise UnknownTokenKey(key_id) from None
