"""Token keys and signing keys, from Secrets Manager."""

import json
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Self

import jwt
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from cryptography.hazmat.primitives.serialization import load_pem_private_key

from heirloom.adapters.aws import translated_faults
from heirloom.adapters.cached import Cached
from heirloom.domain import encoding, lifetimes
from heirloom.domain.claims import UnsignedToken
from heirloom.domain.errors import SigningFailed
from heirloom.domain.token_keys import KeyState, TokenKey, TokenKeyring

if TYPE_CHECKING:
    from mypy_boto3_secretsmanager.client import SecretsManagerClient

CACHE_LIFETIME = 5 * lifetimes.MINUTE
"""Seconds. A key is *next* for longer than this, so that every instance knows it before it is used."""

STALE_LIFETIME = lifetimes.HOUR
RELOAD_PAUSE = 10

type Document = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Secret:
    """One secret that holds a JSON document."""

    client: "SecretsManagerClient"
    secret_id: str

    def document(self) -> Document:
        """Return the document; raise `StoreUnavailable`, also while the secret is still empty."""
        with translated_faults("read secret"):
            text = self.client.get_secret_value(SecretId=self.secret_id)["SecretString"]
        document: Document = json.loads(text)
        return document


def token_keyring(document: Document) -> TokenKeyring:
    """Return the keyring of a secret's document; raise `KeyringInvalid`."""
    return TokenKeyring.of(
        *(
            TokenKey(
                key_id=key["id"],
                state=KeyState(key["state"]),
                mac=encoding.decode(key["mac"]),
                derivation=encoding.decode(key["derivation"]) if key.get("derivation") else None,
                compromised=key.get("compromised", False),
            )
            for key in document["keys"]
        )
    )


@dataclass(frozen=True, slots=True)
class SecretTokenKeys:
    """The port `TokenKeys`."""

    cache: Cached[TokenKeyring]

    @classmethod
    def of(cls, secret: Secret, clock: Callable[[], float] = time.time) -> Self:
        """Keep the keyring of *secret*."""
        return cls(_cached(lambda: token_keyring(secret.document()), clock))

    def keyring(self) -> TokenKeyring:
        """Return the keyring."""
        return self.cache.get()

    def reloaded(self) -> TokenKeyring:
        """Return the keyring read anew, unless that was done within seconds."""
        return self.cache.reloaded()


@dataclass(frozen=True, slots=True)
class JwtSigner:
    """The port `Signer` with a loaded RSA key."""

    key: RSAPrivateKey = field(repr=False)
    key_id: str

    def sign(self, token: UnsignedToken) -> str:
        """Return the JWT, signed with RS256."""
        headers = {"kid": self.key_id, "typ": token.token_type}
        try:
            return jwt.encode(token.claims, self.key, algorithm="RS256", headers=headers)
        except (jwt.PyJWTError, TypeError, ValueError) as error:
            raise SigningFailed(type(error).__name__) from error


@dataclass(frozen=True, slots=True)
class SecretSigningKeys:
    """The port `SigningKeys`."""

    cache: Cached[JwtSigner]

    @classmethod
    def of(cls, secret: Secret, clock: Callable[[], float] = time.time) -> Self:
        """Keep the current key of *secret*."""
        return cls(_cached(lambda: current_signer(secret.document()), clock))

    def signer(self) -> JwtSigner:
        """Return the current key, loaded."""
        return self.cache.get()


def current_signer(document: Document) -> JwtSigner:
    """Return the signer of the current key in a secret's document; raise `SigningFailed`."""
    current = [key for key in document["keys"] if key["state"] == KeyState.CURRENT]
    if len(current) != 1:
        raise SigningFailed("no single current signing key")
    private = load_pem_private_key(current[0]["private_key"].encode(), password=None)
    if not isinstance(private, RSAPrivateKey):
        raise SigningFailed("the current signing key is not RSA")
    return JwtSigner(private, current[0]["kid"])


def _cached[T](load: Callable[[], T], clock: Callable[[], float]) -> Cached[T]:
    return Cached(load, clock, lifetime=CACHE_LIFETIME, stale_lifetime=STALE_LIFETIME, reload_pause=RELOAD_PAUSE)
