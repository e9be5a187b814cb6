"""A client's public keys, with which its assertions are verified."""

import enum
import hashlib
from dataclasses import dataclass

from heirloom.domain import encoding


class SigningAlgorithm(enum.StrEnum):
    """How a client may sign (RFC 7518 §3.1): Auth0's three, and ES256 for clients with elliptic curve keys."""

    RS256 = "RS256"
    RS384 = "RS384"
    PS256 = "PS256"
    ES256 = "ES256"


@dataclass(frozen=True, slots=True)
class ClientKey:
    """One key, and what it may sign with.

    `jwk` is the text that is hashed for its thumbprint: the members of a JWK that make it what it is, in one order and
    without spaces (RFC 7638 §3).
    """

    jwk: str
    algorithms: frozenset[str]
    key_id: str | None = None

    def __str__(self) -> str:
        """Name it for people."""
        named = [self.key_id] if self.key_id else []
        return " ".join([*named, "/".join(sorted(self.algorithms)), self.thumbprint])

    @property
    def thumbprint(self) -> str:
        """Return the SHA-256 thumbprint (RFC 7638 §3)."""
        return encoding.encode(hashlib.sha256(self.jwk.encode()).digest())

    def may_have_signed(self, *, algorithm: str, key_id: object) -> bool:
        """Tell whether a signature under this header may be the key's.

        A `kid` means the key that was registered with it. One that was registered without any may bear any: clients
        name their keys as they like.
        """
        named = self.key_id is None or key_id is None or self.key_id == key_id
        return named and algorithm in self.algorithms
