"""The public halves of the signing keys: what verifiers of all kinds read of them."""

import base64
import hashlib
import json
from datetime import timedelta
from functools import cache
from typing import TYPE_CHECKING, Any, cast

import jwt
import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, generate_private_key
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, load_pem_private_key
from jwt.algorithms import RSAAlgorithm

from heirloom.adapters import key_documents, public_keys

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey

NOW = 1_800_000_000


@cache
def made() -> dict[str, Any]:
    """Two signing keys as they are made."""
    return {"keys": [key_documents.new_signing_key() | {"created_at": NOW} for _ in range(2)]}


def test_the_private_key_is_rsa_2048_in_pkcs8() -> None:
    (pem, _) = (key["private_key"] for key in made()["keys"])

    key = load_pem_private_key(pem.encode(), password=None)
    assert pem.startswith("-----BEGIN PRIVATE KEY-----\n")
    assert isinstance(key, RSAPrivateKey)
    assert (key.key_size, key.public_key().public_numbers().e) == (2048, 65537)


def test_what_is_published_checks_signatures_and_holds_nothing_private() -> None:
    """Only the members of a public RSA key (RFC 7518 §6.3.1), `alg`, `use`, `kid` and a certificate."""
    signing = made()

    published = public_keys.jwks(signing)

    for private, public in zip(signing["keys"], published["keys"], strict=True):
        assert set(public) == {"kty", "n", "e", "alg", "use", "kid", "x5c"}
        assert (public["kty"], public["alg"], public["use"]) == ("RSA", "RS256", "sig")
        token = jwt.encode({"sub": "x"}, private["private_key"], algorithm="RS256")
        verifier = cast("RSAPublicKey", RSAAlgorithm.from_jwk(json.dumps(public)))
        assert jwt.decode(token, verifier, algorithms=["RS256"]) == {"sub": "x"}


def test_each_key_comes_with_a_certificate_of_itself_and_the_same_one_each_time() -> None:
    """Libraries compare certificate and key (RFC 7517 §4.7), and some look at its dates."""
    signing = made()

    published = public_keys.jwks(signing)

    assert public_keys.jwks(signing) == published
    for public in published["keys"]:
        (text,) = public["x5c"]
        certificate = x509.load_der_x509_certificate(base64.b64decode(text, validate=True))
        assert certificate.public_key() == RSAAlgorithm.from_jwk(json.dumps(public))
        assert certificate.not_valid_before_utc.timestamp() == NOW
        assert certificate.not_valid_after_utc - certificate.not_valid_before_utc == timedelta(days=3650)
        certificate.verify_directly_issued_by(certificate)


def test_the_key_id_is_the_thumbprint_of_rfc_7638() -> None:
    """The example of §3.1."""
    n = (
        "0vx7agoebGcQSuuPiLJXZptN9nndrQmbXEps2aiAFbWhM78LhWx4cbbfAAtVT86zwu1RK7aPFFxuhDR1L6tSoc_BJECPebWKRXjBZCiFV4n3oknj"
        "hMstn64tZ_2W-5JsGY4Hc5n9yBXArwl93lqt7_RN5w6Cf0h4QyQ5v-65YGjQR0_FDW2QvzqY368QQMicAtaSqzs8KJZgnYb9c7d0zgdAZHzu6qMQ"
        "vRL5hajrn1n91CbOpbISD08qNLyrdkt-bFTWhAI4vMQFh6WeZu0fM4lFd2NcRwr3XPksINHaQ-G_xBniIqbw0Ls1jF44-csFCur-kEgU8awapJzK"
        "nqDKgw"
    )
    key = cast("RSAPublicKey", RSAAlgorithm.from_jwk(json.dumps({"kty": "RSA", "n": n, "e": "AQAB"})))

    assert public_keys.thumbprint(key) == "NzbLsXh8uDCcd-6MNwXF4W_7noWXFZAfHkxZsRGC9Xs"


def test_the_key_id_depends_on_the_public_key_alone() -> None:
    (key, _) = made()["keys"]
    public = public_keys.jwk(key)

    members = json.dumps({name: public[name] for name in ("e", "kty", "n")}, separators=(",", ":"))
    digest = hashlib.sha256(members.encode()).digest()
    assert key["kid"] == base64.urlsafe_b64encode(digest).decode().rstrip("=")


def test_a_key_of_another_kind_is_not_published() -> None:
    elliptic = (
        generate_private_key(SECP256R1()).private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()
    )

    with pytest.raises(ValueError, match="not an RSA key"):
        public_keys.jwks({"keys": [{"kid": "k", "alg": "ES256", "state": "current", "private_key": elliptic}]})


def test_no_signing_key_has_an_id_that_an_operator_s_shell_takes_for_an_option(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    ids = iter(["-gd6mg", "gd6-mg"])
    monkeypatch.setattr(public_keys, "thumbprint", lambda _: next(ids))

    assert key_documents.new_signing_key()["kid"] == "gd6-mg"
