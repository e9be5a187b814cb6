"""The keyring behind refresh tokens, from Secrets Manager."""

from dataclasses import dataclass
from typing import Self

from heirloom.adapters.cached import Cached
from heirloom.adapters.secret import Document, Secret
from heirloom.domain import encoding
from heirloom.domain.token_keys import KeyState, TokenKey, TokenKeyring


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
            if key["state"] != KeyState.GONE
        )
    )


@dataclass(frozen=True, slots=True)
class SecretTokenKeys:
    """The port `TokenKeys`."""

    cache: Cached[TokenKeyring]

    @classmethod
    def of(cls, secret: Secret) -> Self:
        """Keep the keyring of *secret*."""
        return cls(secret.cached(token_keyring))

    def keyring(self) -> TokenKeyring:
        """Return the keyring."""
        return self.cache.get()

    def reloaded(self) -> TokenKeyring:
        """Return the keyring read anew, unless that was done within seconds."""
        return self.cache.reloaded()
