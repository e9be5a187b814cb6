"""The signature of a DPoP proof is that of the key in it, or the proof is none."""

import base64
import json
from collections.abc import Callable
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import ec

from heirloom.adapters.dpop import JwtProofVerifier
from heirloom.domain.errors import InvalidDPoPProof
from tests.proofs import Key, rsa_private_key
from tests.service import START

VERIFIER = JwtProofVerifier()


def part(document: object) -> str:
    """A part of a JWT."""
    text = document if isinstance(document, str) else json.dumps(document)
    return base64.urlsafe_b64encode(text.encode()).rstrip(b"=").decode()


def parts(text: str) -> list[str]:
    return text.split(".")


@pytest.mark.parametrize("key", [Key(), Key(rsa_private_key(), "RS256")], ids=["ES256", "RS256"])
def test_a_proof_says_what_its_key_signed(key: Key) -> None:
    signed = VERIFIER.verify(key.proof(START, jti="one"))

    assert (signed.thumbprint, signed.claims["jti"], signed.claims["iat"]) == (key.thumbprint, "one", START)


def other_signature(key: Key) -> str:
    one, other = parts(key.proof(START)), parts(Key().proof(START))
    return ".".join([*one[:2], other[2]])


def other_claims(key: Key) -> str:
    one, other = parts(key.proof(START)), parts(key.proof(START))
    return ".".join([one[0], other[1], one[2]])


def other_key(key: Key) -> str:
    return key.proof(START, {"jwk": Key().jwk})


def unsigned(key: Key) -> str:
    header = {"typ": "dpop+jwt", "alg": "none", "jwk": key.jwk}
    return f"{part(header)}.{parts(key.proof(START))[1]}.AAAA"


def signed_with_its_public_key(key: Key) -> str:
    secret = json.dumps(key.jwk).encode()
    return jwt.PyJWS().encode(b"{}", base64.b64encode(secret), "HS256", {"typ": "dpop+jwt", "jwk": key.jwk})


def off_the_curve(key: Key) -> str:
    return key.proof(START, {"jwk": {**key.jwk, "y": part("y" * 32)}})


def small_rsa_key(_: Key) -> str:
    with pytest.warns(jwt.warnings.InsecureKeyLengthWarning):
        return Key(rsa_private_key(1024), "RS256").proof(START)


def another_curve(_: Key) -> str:
    key = Key(ec.generate_private_key(ec.SECP384R1()), "ES384")
    return key.proof(START)


def with_payload(text: str) -> Callable[[Key], str]:
    def make(key: Key) -> str:
        return jwt.PyJWS().encode(text.encode(), key.private, "ES256", {"typ": "dpop+jwt", "jwk": key.jwk})

    return make


def with_header(text: str) -> Callable[[Key], str]:
    return lambda key: ".".join([part(text), *parts(key.proof(START))[1:]])


@pytest.mark.parametrize(
    "make",
    [
        other_signature,
        other_claims,
        other_key,
        unsigned,
        signed_with_its_public_key,
        off_the_curve,
        small_rsa_key,
        another_curve,
        pytest.param(with_payload("[]"), id="claims are a list"),
        pytest.param(with_payload("no JSON"), id="claims are no JSON"),
        pytest.param(with_payload("[" * 1500), id="deep claims"),
        pytest.param(with_header("[]"), id="header is a list"),
        pytest.param(with_header("no JSON"), id="header is no JSON"),
        pytest.param(with_header("[" * 1500), id="deep header"),
        pytest.param(lambda key: key.proof(START, {"b64": False, "crit": ["b64"]}), id="bare payload"),
        pytest.param(lambda key: key.proof(START) + "=", id="padding"),
        pytest.param(lambda key: key.proof(START)[:-1], id="cut off"),
        pytest.param(lambda key: f"{key.proof(START)},{key.proof(START)}", id="two proofs"),
        pytest.param(lambda key: key.proof(START, jti="x" * 4096), id="too long"),
    ],
)
def test_a_proof_that_its_key_did_not_sign_is_none(make: Callable[[Key], Any]) -> None:
    with pytest.raises(InvalidDPoPProof):
        VERIFIER.verify(make(Key()))
