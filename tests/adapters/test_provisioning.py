import base64
import hashlib
import json
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import timedelta
from itertools import count
from threading import Barrier, Lock
from typing import TYPE_CHECKING, Any, cast

import jwt
import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, generate_private_key
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, load_pem_private_key
from jwt.algorithms import RSAAlgorithm

from heirloom.adapters import provisioning
from heirloom.adapters.token_keys import token_keyring
from heirloom.domain import encoding
from heirloom.domain.token_keys import KeyState

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
    from mypy_boto3_dynamodb.client import DynamoDBClient
    from mypy_boto3_secretsmanager.client import SecretsManagerClient

NOW = 1_800_000_000
NAMES = {"signing_keys_secret": "signing", "token_keys_secret": "token", "configuration_table": "configuration"}


class NotFound(Exception):
    """What Secrets Manager answers for a secret without a value."""


class Exists(Exception):
    """What Secrets Manager answers to another value under a token that was used."""


class Errors:
    ResourceNotFoundException = NotFound
    ResourceExistsException = Exists


@dataclass
class SecretsManager:
    """Secrets Manager as AWS has it: ministack takes a second value under one request token, AWS refuses it."""

    values: dict[str, str | None] = field(default_factory=lambda: dict.fromkeys(["signing", "token"]))
    versions: dict[str, str] = field(default_factory=dict)
    by_token: dict[tuple[str, str], str] = field(default_factory=dict)
    writes: int = 0
    before_put: Callable[[], object] = lambda: None
    after_read: Callable[[str], object] = lambda _: None
    exceptions: type[Errors] = Errors
    lock: Lock = field(default_factory=Lock)

    def get_secret_value(self, *, SecretId: str) -> dict[str, str]:  # noqa: N803 - AWS's name
        value, version = self.values[SecretId], self.versions.get(SecretId, "")
        if value is None:
            raise NotFound
        self.after_read(SecretId)
        return {"SecretString": value, "VersionId": version}

    def put_secret_value(self, *, SecretId: str, SecretString: str, ClientRequestToken: str) -> None:  # noqa: N803
        assert 32 <= len(ClientRequestToken) <= 64
        self.before_put()
        with self.lock:
            if self.by_token.setdefault((SecretId, ClientRequestToken), SecretString) != SecretString:
                raise Exists
            self.values[SecretId], self.versions[SecretId] = SecretString, ClientRequestToken
            self.writes += 1

    def rotate(self, version: str) -> None:
        """Do as a rotation does: bring new signing keys."""
        self.values["signing"] = json.dumps(provisioning.first_signing_keys(NOW + 1))
        self.versions["signing"] = version

    def signing_keys(self) -> dict[str, Any]:
        return cast("dict[str, Any]", json.loads(self.values["signing"] or ""))


@dataclass
class DynamoDB:
    items: list[dict[str, Any]] = field(default_factory=list)

    def put_item(self, *, TableName: str, Item: dict[str, Any]) -> None:  # noqa: N803 - AWS's names
        assert TableName == "configuration"
        self.items.append(Item)

    def published(self) -> list[str]:
        """The key ids that the world sees."""
        return [key["kid"] for key in json.loads(self.items[-1]["document"]["S"])["keys"]]


def provision(secrets_manager: SecretsManager, dynamodb: DynamoDB) -> None:
    provisioning.provision(
        cast("SecretsManagerClient", secrets_manager), cast("DynamoDBClient", dynamodb), **NAMES, now=NOW
    )


def kids(document: dict[str, Any]) -> list[str]:
    return [key["kid"] for key in document["keys"]]


def test_a_fresh_stack_gets_a_current_and_a_next_key_of_both_kinds() -> None:
    secrets_manager, dynamodb = SecretsManager(), DynamoDB()

    provision(secrets_manager, dynamodb)

    signing = secrets_manager.signing_keys()["keys"]
    assert [(key["state"], key["alg"], key["created_at"]) for key in signing] == [
        ("current", "RS256", NOW),
        ("next", "RS256", NOW),
    ]
    keyring = token_keyring(json.loads(secrets_manager.values["token"] or ""))
    assert {number: key.state for number, key in keyring.keys.items()} == {1: KeyState.CURRENT, 2: KeyState.NEXT}


def test_no_two_keys_are_alike() -> None:
    signing, token = provisioning.first_signing_keys(NOW), provisioning.first_token_keys(NOW)

    halves = [key[half] for key in token["keys"] for half in ("mac", "derivation")]
    assert len(set(halves)) == 4
    assert {len(encoding.decode(half)) for half in halves} == {32}
    assert len({key["private_key"] for key in signing["keys"]}) == 2


def test_the_private_key_is_rsa_2048_in_pkcs8() -> None:
    (pem, _) = (key["private_key"] for key in provisioning.first_signing_keys(NOW)["keys"])

    key = load_pem_private_key(pem.encode(), password=None)
    assert pem.startswith("-----BEGIN PRIVATE KEY-----\n")
    assert isinstance(key, RSAPrivateKey)
    assert (key.key_size, key.public_key().public_numbers().e) == (2048, 65537)


def test_a_second_run_changes_no_key_and_publishes_the_same() -> None:
    """Also years later, when Secrets Manager has dropped the version that was the first."""
    secrets_manager, dynamodb = SecretsManager(), DynamoDB()
    provision(secrets_manager, dynamodb)
    before = dict(secrets_manager.values)
    secrets_manager.by_token.clear()

    provision(secrets_manager, dynamodb)

    assert secrets_manager.values == before
    assert secrets_manager.writes == 2
    assert dynamodb.items[0] == dynamodb.items[-1]


def test_a_secret_that_was_made_with_an_empty_value_is_filled() -> None:
    """As ministack makes them."""
    secrets_manager, dynamodb = SecretsManager(values={"signing": "", "token": ""}), DynamoDB()

    provision(secrets_manager, dynamodb)

    assert secrets_manager.writes == 2
    assert dynamodb.published() == kids(secrets_manager.signing_keys())


def test_of_two_runs_at_once_one_brings_its_keys_in_and_both_publish_these() -> None:
    """Both see the secrets empty, and make keys; the second's would replace keys that may already have signed."""
    meeting = Barrier(2)
    secrets_manager, dynamodb = SecretsManager(before_put=lambda: meeting.wait(10)), DynamoDB()

    with ThreadPoolExecutor(2) as both:
        for run in [both.submit(provision, secrets_manager, dynamodb) for _ in range(2)]:
            run.result()

    assert secrets_manager.writes == 2  # one for each secret
    expected = kids(secrets_manager.signing_keys())
    assert [[key["kid"] for key in json.loads(item["document"]["S"])["keys"]] for item in dynamodb.items] == [
        expected
    ] * 2


def test_a_run_that_died_between_its_two_secrets_is_completed_by_the_next() -> None:
    secrets_manager, dynamodb = SecretsManager(), DynamoDB()
    provision(secrets_manager, dynamodb)
    signing = secrets_manager.values["signing"]
    secrets_manager.values["token"] = None
    secrets_manager.by_token.pop(("token", secrets_manager.versions["token"]))

    provision(secrets_manager, dynamodb)

    assert secrets_manager.values["signing"] == signing
    assert secrets_manager.values["token"] is not None


def test_keys_that_a_rotation_brought_in_between_are_published_at_last() -> None:
    """The run read the old keys; without another look it would take the new ones out of the world's sight."""
    secrets_manager, dynamodb = SecretsManager(), DynamoDB()
    provision(secrets_manager, dynamodb)
    reads = count()
    secrets_manager.after_read = lambda _: secrets_manager.rotate("rotated") if next(reads) == 2 else None

    provision(secrets_manager, dynamodb)

    assert secrets_manager.versions["signing"] == "rotated"
    assert dynamodb.published() == kids(secrets_manager.signing_keys())


def test_a_run_gives_up_on_keys_that_keep_changing() -> None:
    secrets_manager, dynamodb = SecretsManager(), DynamoDB()
    provision(secrets_manager, dynamodb)
    versions = count()
    secrets_manager.after_read = lambda _: secrets_manager.rotate(str(next(versions)))

    with pytest.raises(provisioning.Unsettled):
        provision(secrets_manager, dynamodb)


def test_what_is_published_checks_signatures_and_holds_nothing_private() -> None:
    """Only the members of a public RSA key (RFC 7518 §6.3.1), `alg`, `use`, `kid` and a certificate."""
    signing = provisioning.first_signing_keys(NOW)

    published = provisioning.public(signing)

    for private, public in zip(signing["keys"], published["keys"], strict=True):
        assert set(public) == {"kty", "n", "e", "alg", "use", "kid", "x5c"}
        assert (public["kty"], public["alg"], public["use"]) == ("RSA", "RS256", "sig")
        token = jwt.encode({"sub": "x"}, private["private_key"], algorithm="RS256")
        verifier = cast("RSAPublicKey", RSAAlgorithm.from_jwk(json.dumps(public)))
        assert jwt.decode(token, verifier, algorithms=["RS256"]) == {"sub": "x"}


def test_each_key_comes_with_a_certificate_of_itself_and_the_same_one_each_time() -> None:
    """Libraries compare certificate and key (RFC 7517 §4.7), and some look at its dates."""
    signing = provisioning.first_signing_keys(NOW)

    published = provisioning.public(signing)

    assert provisioning.public(signing) == published
    for public in published["keys"]:
        (text,) = public["x5c"]
        certificate = x509.load_der_x509_certificate(base64.b64decode(text, validate=True))
        assert certificate.public_key() == RSAAlgorithm.from_jwk(json.dumps(public))
        assert certificate.not_valid_before_utc.timestamp() == NOW
        assert certificate.not_valid_after_utc - certificate.not_valid_before_utc == timedelta(days=3650)
        certificate.verify_directly_issued_by(certificate)


def test_retired_keys_stay_public() -> None:
    signing = provisioning.first_signing_keys(NOW)
    signing["keys"][0]["state"] = "retired"

    assert kids(provisioning.public(signing)) == kids(signing)


def test_the_item_is_where_the_jwks_function_may_look() -> None:
    dynamodb = DynamoDB()

    provision(SecretsManager(), dynamodb)

    (item,) = dynamodb.items
    assert (item["kind"], item["id"]) == ({"S": "jwks"}, {"S": "jwks"})


def test_the_key_id_is_the_thumbprint_of_rfc_7638() -> None:
    """The example of §3.1."""
    n = (
        "0vx7agoebGcQSuuPiLJXZptN9nndrQmbXEps2aiAFbWhM78LhWx4cbbfAAtVT86zwu1RK7aPFFxuhDR1L6tSoc_BJECPebWKRXjBZCiFV4n3oknj"
        "hMstn64tZ_2W-5JsGY4Hc5n9yBXArwl93lqt7_RN5w6Cf0h4QyQ5v-65YGjQR0_FDW2QvzqY368QQMicAtaSqzs8KJZgnYb9c7d0zgdAZHzu6qMQ"
        "vRL5hajrn1n91CbOpbISD08qNLyrdkt-bFTWhAI4vMQFh6WeZu0fM4lFd2NcRwr3XPksINHaQ-G_xBniIqbw0Ls1jF44-csFCur-kEgU8awapJzK"
        "nqDKgw"
    )
    key = cast("RSAPublicKey", RSAAlgorithm.from_jwk(json.dumps({"kty": "RSA", "n": n, "e": "AQAB"})))

    assert provisioning.thumbprint(key) == "NzbLsXh8uDCcd-6MNwXF4W_7noWXFZAfHkxZsRGC9Xs"


def test_the_key_id_depends_on_the_public_key_alone() -> None:
    (key, _) = provisioning.first_signing_keys(NOW)["keys"]
    public = provisioning.public({"keys": [key]})["keys"][0]

    members = json.dumps({name: public[name] for name in ("e", "kty", "n")}, separators=(",", ":"))
    digest = hashlib.sha256(members.encode()).digest()
    assert key["kid"] == base64.urlsafe_b64encode(digest).decode().rstrip("=")


def test_a_key_of_another_kind_is_not_published() -> None:
    elliptic = (
        generate_private_key(SECP256R1()).private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()
    )

    with pytest.raises(ValueError, match="not an RSA key"):
        provisioning.public({"keys": [{"kid": "k", "alg": "ES256", "state": "current", "private_key": elliptic}]})
