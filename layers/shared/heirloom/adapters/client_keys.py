"""Clients' public keys, from a JWK or from PEM."""

import json
from collections.abc import Mapping
from typing import Final

import jwt
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, EllipticCurvePublicKey
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from cryptography.hazmat.primitives.serialization import load_pem_public_key
from jwt.algorithms import ECAlgorithm, RSAAlgorithm

from heirloom.domain.client_key import ClientKey, SigningAlgorithm

LEAST_RSA_BITS: Final = 2048

_RSA: Final = frozenset({SigningAlgorithm.RS256, SigningAlgorithm.RS384, SigningAlgorithm.PS256})
_P256: Final = frozenset({SigningAlgorithm.ES256})
_RSA_MEMBERS: Final = ("kty", "n", "e")
_EC_MEMBERS: Final = ("kty", "crv", "x", "y")
_PRIVATE_MEMBERS: Final = ("d", "p", "q", "dp", "dq", "qi", "oth", "k", "priv")
"""RFC 7518 §6.2.2, §6.3.2 and §6.4.1: of private keys, and of secrets."""

_WRONG_KIND: Final = f"must be an RSA key of at least {LEAST_RSA_BITS} bits, or an elliptic curve key on P-256"


class UnusableKey(ValueError):
    """The key is none with which assertions can be verified; the message says why, and repeats nothing of it."""


class PrivateKeyGiven(UnusableKey):
    """The key is the client's own half."""

    def __init__(self) -> None:
        super().__init__(
            "is a private key or a secret, which nobody but the client may have: make a new pair, and give its public"
            " key here"
        )


def of_jwk(members: Mapping[str, object]) -> ClientKey:
    """Return the key of a JWK (RFC 7517 §4); raise `UnusableKey`. Without `alg` it may sign with all that fit it."""
    if any(name in members for name in _PRIVATE_MEMBERS):
        raise PrivateKeyGiven
    operations = members.get("key_ops", ["verify"])
    if members.get("use", "sig") != "sig" or not isinstance(operations, list) or "verify" not in operations:
        raise UnusableKey("is registered for something else than signatures")
    key_id = members.get("kid")
    if key_id is not None and not isinstance(key_id, str):
        raise UnusableKey("must have a text for its kid")
    return _registered(_loaded(members), members.get("alg"), key_id, by_default=None)


def of_pem(pem: str, *, algorithm: str | None, key_id: str | None) -> ClientKey:
    """Return the key of a PEM text; raise `UnusableKey`. Without *algorithm* an RSA key has Auth0's default, RS256."""
    if "PRIVATE KEY" in pem:
        raise PrivateKeyGiven
    try:
        key = load_pem_public_key(pem.encode())
    except (ValueError, UnsupportedAlgorithm):
        raise UnusableKey("must be a public key in PEM, not a certificate") from None
    return _registered(key, algorithm, key_id, by_default=SigningAlgorithm.RS256)


def _loaded(members: Mapping[str, object]) -> object:
    try:
        if members["kty"] == "RSA":
            return RSAAlgorithm.from_jwk({name: str(members[name]) for name in _RSA_MEMBERS})
        return ECAlgorithm.from_jwk({name: str(members[name]) for name in _EC_MEMBERS})
    except (jwt.PyJWTError, KeyError, ValueError):
        raise UnusableKey(f"{_WRONG_KIND}, and a valid JWK") from None


def _registered(
    key: object, algorithm: object, key_id: str | None, *, by_default: SigningAlgorithm | None
) -> ClientKey:
    members: Mapping[str, object]
    names: tuple[str, ...]
    if isinstance(key, RSAPublicKey) and key.key_size >= LEAST_RSA_BITS:
        members, names, fitting = RSAAlgorithm.to_jwk(key, as_dict=True), _RSA_MEMBERS, _RSA
    elif isinstance(key, EllipticCurvePublicKey) and isinstance(key.curve, SECP256R1):
        members, names, fitting = ECAlgorithm.to_jwk(key, as_dict=True), _EC_MEMBERS, _P256
    else:
        raise UnusableKey(_WRONG_KIND)
    if algorithm is None:
        algorithms = frozenset(one for one in fitting if one is by_default) or fitting
    elif isinstance(algorithm, str) and algorithm in fitting:
        algorithms = frozenset(one for one in fitting if one == algorithm)
    else:
        raise UnusableKey(f"must have one of {', '.join(sorted(fitting))} for its alg")
    canonical = json.dumps({name: members[name] for name in names}, separators=(",", ":"), sort_keys=True)
    return ClientKey(canonical, algorithms, key_id)
