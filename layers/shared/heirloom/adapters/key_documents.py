"""The documents in which the two secrets hold their keys: what the rotation knows of a key, and its material."""

import secrets
from dataclasses import fields
from typing import Any, Final

from cryptography.hazmat.primitives.asymmetric.rsa import generate_private_key
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from heirloom.adapters import public_keys
from heirloom.domain import encoding
from heirloom.domain.key_rotation import Key, SigningKeys, TokenKeys
from heirloom.domain.token_keys import KeyState

_HALF_BYTES: Final = 32

_TOLD_BY_NAME: Final = tuple(field.name for field in fields(Key) if field.name not in {"key_id", "state"})

type Document = dict[str, Any]
type Material[Id: int | str] = dict[Id, Document]
"""What there is of a key besides its times, by its id."""


def new_signing_key() -> Document:
    """Make the material of an RSA key."""
    key = generate_private_key(public_exponent=65537, key_size=2048)
    key_id = public_keys.thumbprint(key.public_key())
    if key_id.startswith("-"):  # behind `--signing` it would be an option
        return new_signing_key()
    pem = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode("ascii")
    return {"kid": key_id, "alg": "RS256", "private_key": pem}


def new_token_key(key_id: int) -> Document:
    """Make the material of a token key."""
    mac, derivation = (encoding.encode(secrets.token_bytes(_HALF_BYTES)) for _ in range(2))
    return {"id": key_id, "mac": mac, "derivation": derivation}


def signing_keys(document: Document | None) -> SigningKeys:
    """Return what the rotation knows of the signing keys."""
    return tuple(_key(key["kid"], key) for key in _listed(document))


def token_keys(document: Document | None) -> TokenKeys:
    """Return what the rotation knows of the token keys."""
    return tuple(_key(key["id"], key) for key in _listed(document))


def with_signing_keys(document: Document | None, keys: SigningKeys, made: Material[str]) -> Document:
    """Return the document with these keys, some of which were just *made*.

    A key that signs no more has lost its private half: what it signed is checked with the other one.
    """
    material = {key["kid"]: key for key in _listed(document)} | made
    listed = []
    for key in keys:
        one = {"kid": key.key_id, "alg": material[key.key_id]["alg"]} | _told(key)
        one["jwk"] = public_keys.jwk(material[key.key_id] | {"created_at": key.created_at})
        if key.state in {KeyState.NEXT, KeyState.CURRENT}:
            one["private_key"] = material[key.key_id]["private_key"]
        listed.append(one)
    return _document(document, listed)


def with_token_keys(document: Document | None, keys: TokenKeys, made: Material[int]) -> Document:
    """Return the document with these keys, some of which were just *made*; halves whose time is over are erased."""
    material = {key["id"]: key for key in _listed(document)} | made
    listed = []
    for key in keys:
        one = {"id": key.key_id} | _told(key)
        if key.state is not KeyState.GONE:
            one["mac"] = material[key.key_id]["mac"]
        if key.state not in {KeyState.GONE, KeyState.MAC_ONLY}:
            one["derivation"] = material[key.key_id]["derivation"]
        listed.append(one)
    return _document(document, listed)


def generation(document: Document) -> int:
    """Return how often a document was changed; its successors have higher numbers."""
    number: int = document.get("generation", 0)
    return number


def _document(former: Document | None, listed: list[Document]) -> Document:
    if former is not None and former["keys"] == listed:
        return former
    return {"generation": generation(former or {}) + 1, "keys": listed}


def _listed(document: Document | None) -> list[Document]:
    return [] if document is None else document["keys"]


def _key[Id: int | str](key_id: Id, document: Document) -> Key[Id]:
    told = {name: document[name] for name in _TOLD_BY_NAME if name in document}
    return Key(key_id=key_id, state=KeyState(document["state"]), **told)


def _told[Id: int | str](key: Key[Id]) -> Document:
    values = {name: getattr(key, name) for name in _TOLD_BY_NAME}
    return {"state": key.state.value} | {name: value for name, value in values.items() if value is not None}
