"""The first keys of a fresh stack, and the public half of them for everybody.

CloudFormation cannot make an RSA key, so a stack is born with two empty secrets, and this fills them. It may run any
number of times, also twice at once: a key that may have signed a token is never replaced.
"""

import base64
import hashlib
import json
import secrets
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, Final

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey, RSAPublicKey, generate_private_key
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, load_pem_private_key

from heirloom.domain import encoding
from heirloom.domain.token_keys import KeyState

if TYPE_CHECKING:
    from collections.abc import Callable

    from mypy_boto3_dynamodb.client import DynamoDBClient
    from mypy_boto3_secretsmanager.client import SecretsManagerClient

# The version id of the first value a secret ever gets. Secrets Manager takes one value under an id and refuses another,
# so that of two runs at once only one brings its keys in.
_FIRST: Final = "heirloom-first-keys-00000000000000000001"

# A rotation that moves the keys between our reading and our publishing makes us publish again. It happens once in
# days, so a third time in a row is not a rotation.
_PUBLISH_ATTEMPTS: Final = 3

_CERTIFICATE_LIFETIME: Final = timedelta(days=3650)
"""Longer than any key is published: when a key goes is the rotation's to say, never a certificate's."""


class Unsettled(Exception):
    """The signing keys changed each time they were published."""


def provision(
    secrets_manager: "SecretsManagerClient",
    dynamodb: "DynamoDBClient",
    *,
    signing_keys_secret: str,
    token_keys_secret: str,
    configuration_table: str,
    now: int,
) -> None:
    """Fill the secrets that hold nothing yet and publish the signing keys' public halves.

    `now` is in epoch seconds. Raise `Unsettled` and whatever the two clients raise; after that, run it again.
    """
    _fill(secrets_manager, signing_keys_secret, lambda: first_signing_keys(now))
    _fill(secrets_manager, token_keys_secret, lambda: first_token_keys(now))
    for _ in range(_PUBLISH_ATTEMPTS):
        read = secrets_manager.get_secret_value(SecretId=signing_keys_secret)
        dynamodb.put_item(
            TableName=configuration_table,
            Item={
                "kind": {"S": "jwks"},
                "id": {"S": "jwks"},
                "document": {"S": json.dumps(public(json.loads(read["SecretString"])), separators=(",", ":"))},
            },
        )
        if secrets_manager.get_secret_value(SecretId=signing_keys_secret)["VersionId"] == read["VersionId"]:
            return
    raise Unsettled("the signing keys keep changing")


def first_signing_keys(now: int) -> dict[str, Any]:
    """A current RSA key, and the next one, which verifiers learn before it signs. `now` is in epoch seconds."""
    return {"keys": [_signing_key(KeyState.CURRENT, now), _signing_key(KeyState.NEXT, now)]}


def first_token_keys(now: int) -> dict[str, Any]:
    """A current token key and the next one. `now` is in epoch seconds."""
    return {"keys": [_token_key(1, KeyState.CURRENT, now), _token_key(2, KeyState.NEXT, now)]}


def public(signing_keys: dict[str, Any]) -> dict[str, Any]:
    """The JWK Set (RFC 7517 §5) of signing keys: next, current and retired ones, and nothing private.

    Raise `ValueError` if one is not an RSA key in PEM.
    """
    return {"keys": [_jwk(key) for key in signing_keys["keys"]]}


def thumbprint(key: RSAPublicKey) -> str:
    """SHA-256 thumbprint of a public key (RFC 7638 §3), which is the `kid` of our keys."""
    members = json.dumps(_required(key), separators=(",", ":"), sort_keys=True)
    return encoding.encode(hashlib.sha256(members.encode("ascii")).digest())


def _fill(secrets_manager: "SecretsManagerClient", secret: str, make: "Callable[[], dict[str, Any]]") -> None:
    # "Not found" also stands for a secret that has no value; where there is no secret at all, the next call says so.
    # An empty value, or an answer without one, is what a local AWS gives of a secret that was made without.
    with suppress(secrets_manager.exceptions.ResourceNotFoundException):
        if secrets_manager.get_secret_value(SecretId=secret).get("SecretString"):
            return
    value = json.dumps(make())
    # Where it exists, another run was faster, and its keys may already have signed.
    with suppress(secrets_manager.exceptions.ResourceExistsException):
        secrets_manager.put_secret_value(SecretId=secret, SecretString=value, ClientRequestToken=_FIRST)


def _signing_key(state: KeyState, now: int) -> dict[str, Any]:
    key = generate_private_key(public_exponent=65537, key_size=2048)
    return {
        "kid": thumbprint(key.public_key()),
        "alg": "RS256",
        "state": state,
        "private_key": key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode("ascii"),
        "created_at": now,
    }


def _token_key(number: int, state: KeyState, now: int) -> dict[str, Any]:
    return {
        "id": number,
        "state": state,
        "mac": encoding.encode(secrets.token_bytes(32)),
        "derivation": encoding.encode(secrets.token_bytes(32)),
        "created_at": now,
        "compromised": False,
    }


def _jwk(key: dict[str, Any]) -> dict[str, Any]:
    private = load_pem_private_key(key["private_key"].encode("ascii"), password=None)
    if not isinstance(private, RSAPrivateKey):
        raise ValueError(f"key {key['kid']} is not an RSA key")  # noqa: TRY004 - the value is wrong, no caller's type
    certificate = _certificate(private, key["kid"], datetime.fromtimestamp(key["created_at"], UTC))
    return _required(private.public_key()) | {"alg": key["alg"], "use": "sig", "kid": key["kid"], "x5c": [certificate]}


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
