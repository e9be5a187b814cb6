"""The keys that sign tokens, from Secrets Manager."""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cache
from typing import Final, Self

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import load_pem_private_key

from heirloom.adapters.cached import Cached
from heirloom.adapters.configuration import PublishedKeys
from heirloom.adapters.secret import Document, Secret
from heirloom.domain import encoding
from heirloom.domain.claims import UnsignedToken
from heirloom.domain.errors import SigningFailed, StoreUnavailable
from heirloom.domain.token_keys import KeyState

_encode: Final = json.JSONEncoder(separators=(",", ":"), check_circular=False).encode


@dataclass(frozen=True, slots=True)
class JwtSigner:
    """The port `Signer` with a loaded RSA key."""

    key: RSAPrivateKey = field(repr=False)
    key_id: str
    generation: int = 0
    """How often the secret had been changed when the key was read."""

    def sign(self, token: UnsignedToken) -> str:
        """Return the JWT in JWS compact serialization (RFC 7515 §3.1), signed with RS256 (RFC 7518 §3.3)."""
        # Signing takes this much and no more: PyJWT, which verifies, would be a third of a cold start's imports.
        try:
            signed = f"{_header(self.key_id, token.token_type)}.{_segment(token.claims)}"
            signature = self.key.sign(signed.encode("ascii"), PKCS1v15(), SHA256())
        except (TypeError, ValueError) as error:
            raise SigningFailed(type(error).__name__) from error
        return f"{signed}.{encoding.encode(signature)}"


@dataclass(frozen=True, slots=True)
class SecretSigningKeys:
    """The port `SigningKeys`.

    A key that has left the published set is compromised: nobody may sign with it any more, however fresh the cache.
    """

    cache: Cached[JwtSigner]
    published: Callable[[], PublishedKeys]

    @classmethod
    def of(cls, secret: Secret, published: Callable[[], PublishedKeys]) -> Self:
        """Keep the current key of *secret*."""
        return cls(secret.cached(current_signer), published)

    def signer(self) -> JwtSigner:
        """Return the current key, loaded; raise `StoreUnavailable` rather than one that was revoked."""
        published = self.published()
        for signer in (self.cache.get, self.cache.reloaded):
            key = signer()
            # Keys are published before they sign, so one that is newer than what we know as published is good.
            if key.key_id in published.key_ids or key.generation > published.generation:
                return key
        raise StoreUnavailable("the signing key was revoked, and no other one is at hand")


def current_signer(document: Document) -> JwtSigner:
    """Return the signer of the current key in a secret's document; raise `SigningFailed`."""
    current = [key for key in document["keys"] if key["state"] == KeyState.CURRENT]
    if len(current) != 1:
        raise SigningFailed("no single current signing key")
    # That its primes are primes was checked when the key was published, and takes longer than all else of an exchange.
    private = load_pem_private_key(
        current[0]["private_key"].encode(), password=None, unsafe_skip_rsa_key_validation=True
    )
    if not isinstance(private, RSAPrivateKey):
        raise SigningFailed("the current signing key is not RSA")
    _require_whole(private)
    return JwtSigner(private, current[0]["kid"], document.get("generation", 0))


def _require_whole(key: RSAPrivateKey) -> None:
    """Return if the halves of *key* fit each other; raise `SigningFailed`."""
    try:
        key.public_key().verify(key.sign(b"", PKCS1v15(), SHA256()), b"", PKCS1v15(), SHA256())
    except (InvalidSignature, ValueError):
        raise SigningFailed("the current signing key is damaged") from None


def _segment(document: Mapping[str, object]) -> str:
    return encoding.encode(_encode(document).encode())


@cache
def _header(key_id: str, token_type: str) -> str:
    return _segment({"alg": "RS256", "kid": key_id, "typ": token_type})
