"""A client that signs assertions, and the assertions of whoever would like to be it."""

import dataclasses
import json
from collections.abc import Mapping
from functools import cache
from typing import Any

import jwt
from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, EllipticCurvePrivateKey
from cryptography.hazmat.primitives.asymmetric.ec import generate_private_key as generate_ec_key
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey, generate_private_key
from jwt.algorithms import ECAlgorithm, RSAAlgorithm

from heirloom.domain.application import AuthenticationMethod
from heirloom.domain.client_key import ClientKey
from tests.service import ISSUER, START, WEB

TYPE = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"
RSA = ("RS256", "RS384", "PS256")

type PrivateKey = RSAPrivateKey | EllipticCurvePrivateKey


@cache
def rsa(name: str = "registered") -> RSAPrivateKey:
    """A private key by its name in the tests."""
    assert name
    return generate_private_key(public_exponent=65537, key_size=2048)


@cache
def ec(name: str = "registered") -> EllipticCurvePrivateKey:
    """A private key on P-256 by its name in the tests."""
    assert name
    return generate_ec_key(SECP256R1())


def registered(key: PrivateKey, *algorithms: str, key_id: str | None = None) -> ClientKey:
    """What a client registers of its *key*."""
    public = key.public_key()
    jwk = RSAAlgorithm.to_jwk(public) if isinstance(key, RSAPrivateKey) else ECAlgorithm.to_jwk(public)  # type: ignore[arg-type] # of one kind
    members = {name: value for name, value in json.loads(jwk).items() if name in {"kty", "n", "e", "crv", "x", "y"}}
    return ClientKey(json.dumps(members, separators=(",", ":"), sort_keys=True), frozenset(algorithms), key_id)


@cache
def keys() -> tuple[ClientKey, ...]:
    """What the client of the tests registered: an RSA key, and one on P-256 under a name."""
    return registered(rsa(), *RSA), registered(ec(), "ES256", key_id="curved")


SIGNING = dataclasses.replace(
    WEB,
    client_id="signing",
    token_endpoint_auth_method=AuthenticationMethod.PRIVATE_KEY_JWT,
    secret_digest=None,
    public_keys=keys(),
)


def assertion(
    *, key: Any = None, algorithm: str = "RS256", headers: dict[str, Any] | None = None, **changes: Any
) -> str:
    """A good assertion of the client, with *changes* of its claims; `None` takes one out."""
    claims = {
        "iss": SIGNING.client_id,
        "sub": SIGNING.client_id,
        "aud": ISSUER,
        "iat": START,
        "exp": START + 180,
        "jti": "one",
    }
    given = {name: value for name, value in {**claims, **changes}.items() if value is not None}
    return jwt.encode(given, rsa() if key is None else key, algorithm, headers)


def with_assertion(form: Mapping[str, str], text: str) -> dict[str, str]:
    """*form* as such a client sends it."""
    return {**form, "client_assertion_type": TYPE, "client_assertion": text}
