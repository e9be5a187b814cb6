"""The public halves of signing keys, as the world sees them (RFC 7517)."""

import base64
import hashlib
import json
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey, RSAPublicKey
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, load_pem_private_key

from heirloom.domain import encoding

_CERTIFICATE_LIFETIME: Final = timedelta(days=3650)
"""Longer than any key is published: when a key goes is the rotation's to say, never a certificate's."""


def jwk(key: dict[str, Any]) -> dict[str, Any]:
    """Return the JSON Web Key of a signing key's document, and nothing private.

    Raise `ValueError` if it is not an RSA key in PEM.
    """
    if "jwk" in key:
        published: dict[str, Any] = key["jwk"]
        return published
    private = load_pem_private_key(key["private_key"].encode("ascii"), password=None)
    if not isinstance(private, RSAPrivateKey):
        raise ValueError(f"key {key['kid']} is not an RSA key")  # noqa: TRY004 - the value is wrong, no caller's type
    certificate = _certificate(private, key["kid"], datetime.fromtimestamp(key["created_at"], UTC))
    return _required(private.public_key()) | {"alg": key["alg"], "use": "sig", "kid": key["kid"], "x5c": [certificate]}


def jwks(signing_keys: dict[str, Any]) -> dict[str, Any]:
    """Return the JWK Set (RFC 7517 §5) of a document of signing keys: all of them."""
    return {"keys": [jwk(key) for key in signing_keys["keys"]]}


def thumbprint(key: RSAPublicKey) -> str:
    """SHA-256 thumbprint of a public key (RFC 7638 §3), which is the `kid` of our keys."""
    members = json.dumps(_required(key), separators=(",", ":"), sort_keys=True)
    return encoding.encode(hashlib.sha256(members.encode("ascii")).digest())


def _certificate(key: RSAPrivateKey, key_id: str, created_at: datetime) -> str:
    """The key as a self-signed certificate (RFC 7517 §4.7), the same one each time: PKCS #1 signatures are not random.

    Auth0-PHP reads nothing else of a key, and passes over those that come without.
    """
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, key_id)])
    certificate = x509.CertificateBuilder(
        issuer_name=name,
        subject_name=name,
        public_key=key.public_key(),
        serial_number=1,  # unique: each key is an issuer of its own
        not_valid_before=created_at,
        not_valid_after=created_at + _CERTIFICATE_LIFETIME,
    )
    return base64.b64encode(certificate.sign(key, SHA256()).public_bytes(Encoding.DER)).decode("ascii")


def _required(key: RSAPublicKey) -> dict[str, str]:
    """The members that make the key what it is (RFC 7638 §3.2)."""
    numbers = key.public_numbers()
    return {"kty": "RSA", "n": _unsigned(numbers.n), "e": _unsigned(numbers.e)}


def _unsigned(number: int) -> str:
    """Base64urlUInt of RFC 7518 §2: big endian, no leading zero octet."""
    return encoding.encode(number.to_bytes((number.bit_length() + 7) // 8))
