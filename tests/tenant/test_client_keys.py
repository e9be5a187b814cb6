"""Clients that sign assertions are declared with their public keys, and with nothing that could be stolen."""

import copy
import json
import re
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from functools import cache
from typing import TYPE_CHECKING, Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric.ec import SECP384R1, EllipticCurvePrivateKey
from cryptography.hazmat.primitives.asymmetric.ec import generate_private_key as generate_ec_key
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey, generate_private_key
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat
from jwt.algorithms import ECAlgorithm, RSAAlgorithm

from heirloom.domain.application import Application, AuthenticationMethod
from heirloom.tenant import reading
from heirloom.tenant.remarks import Invalid
from tests import service as harness
from tests.endpoints.assertions import ec, registered, rsa
from tests.tenant.documents import NATIVE, NOW, SPA, WEB
from tests.tenant.test_applying import Stack, differences, headlines

if TYPE_CHECKING:
    from mypy_boto3_dynamodb.client import DynamoDBClient

MACHINE = {name: value for name, value in WEB.items() if name != "client_secret"}
ALL_RSA = ("RS256", "RS384", "PS256")
WRONG_KIND = "must be an RSA key of at least 2048 bits, or an elliptic curve key on P-256"
PRIVATE = "is a private key or a secret"


def jwk(key: RSAPrivateKey | EllipticCurvePrivateKey, **more: Any) -> dict[str, Any]:
    """The public half of *key* as a JWK."""
    if isinstance(key, RSAPrivateKey):
        return RSAAlgorithm.to_jwk(key.public_key(), as_dict=True) | more
    return ECAlgorithm.to_jwk(key.public_key(), as_dict=True) | more


def pem(key: Any, kind: PublicFormat = PublicFormat.SubjectPublicKeyInfo) -> str:
    """The public half of *key* in PEM."""
    text: bytes = key.public_key().public_bytes(Encoding.PEM, kind)
    return text.decode()


def private_pem(key: Any) -> str:
    """The key itself in PEM."""
    text: bytes = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    return text.decode()


@cache
def weak() -> RSAPrivateKey:
    return generate_private_key(public_exponent=65537, key_size=1024)  # noqa: S505 - that is the mistake


def certificate() -> str:
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, "client")])
    builder = x509.CertificateBuilder(name, name, rsa().public_key(), x509.random_serial_number())
    day = datetime.fromtimestamp(NOW, UTC)
    valid = builder.not_valid_before(day).not_valid_after(day + timedelta(1))
    return valid.sign(rsa(), SHA256()).public_bytes(Encoding.PEM).decode()


def by_jwks(*keys: Mapping[str, Any], **more: Any) -> dict[str, Any]:
    return {**MACHINE, "token_endpoint_auth_method": "private_key_jwt", "jwks": {"keys": list(keys)}, **more}


def by_credentials(*credentials: Mapping[str, Any], **more: Any) -> dict[str, Any]:
    methods = {"private_key_jwt": {"credentials": list(credentials)}}
    return {**MACHINE, "client_authentication_methods": methods, **more}


def credential(key: Any, **more: Any) -> dict[str, Any]:
    return {"credential_type": "public_key", "pem": pem(key), **more}


def application(client: Mapping[str, Any]) -> Application:
    ((_, application),) = (reading.read({"clients": [client]}, now=NOW).applications or {}).items()
    return application


def problems(client: Mapping[str, Any]) -> list[str]:
    with pytest.raises(Invalid) as refused:
        reading.read({"clients": [client]}, now=NOW)
    return [str(remark) for remark in refused.value.remarks]


# ---- What it means


def test_a_key_in_a_jwk_set_may_sign_with_all_that_fit_it_or_with_its_alg() -> None:
    client = application(by_jwks(jwk(rsa(), kid="a"), jwk(ec()), jwk(rsa("third"), alg="PS256", use="sig")))

    assert client.token_endpoint_auth_method is AuthenticationMethod.PRIVATE_KEY_JWT
    assert client.confidential
    assert client.secret_digest is None
    assert client.public_keys == (
        registered(rsa(), *ALL_RSA, key_id="a"),
        registered(ec(), "ES256"),
        registered(rsa("third"), "PS256"),
    )


@pytest.mark.parametrize("method", [None, "private_key_jwt"])
@pytest.mark.parametrize("kind", [PublicFormat.SubjectPublicKeyInfo, PublicFormat.PKCS1])
def test_auth0s_credentials_are_the_same_with_the_key_in_pem(method: str | None, kind: PublicFormat) -> None:
    client = application(
        by_credentials(
            credential(rsa(), pem=pem(rsa(), kind), name="Laptop", id="cred_1"),
            credential(ec(), kid="b"),
            credential(rsa("third"), alg="RS384"),
            token_endpoint_auth_method=method,
        )
    )

    assert client.token_endpoint_auth_method is AuthenticationMethod.PRIVATE_KEY_JWT
    assert client.public_keys == (
        registered(rsa(), "RS256"),
        registered(ec(), "ES256", key_id="b"),
        registered(rsa("third"), "RS384"),
    )


def test_a_thumbprint_is_that_of_the_standard() -> None:
    """RFC 7638 §3.1 has a key and its thumbprint."""
    modulus = (
        "0vx7agoebGcQSuuPiLJXZptN9nndrQmbXEps2aiAFbWhM78LhWx4cbbfAAtVT86zwu1RK7aPFFxuhDR1L6tSoc_BJECPebWKRXjBZCiFV4n3ok"
        "njhMstn64tZ_2W-5JsGY4Hc5n9yBXArwl93lqt7_RN5w6Cf0h4QyQ5v-65YGjQR0_FDW2QvzqY368QQMicAtaSqzs8KJZgnYb9c7d0zgdAZHzu6q"
        "MQvRL5hajrn1n91CbOpbISD08qNLyrdkt-bFTWhAI4vMQFh6WeZu0fM4lFd2NcRwr3XPksINHaQ-G_xBniIqbw0Ls1jF44-csFCur-kEgU8awapJ"
        "zKnqDKgw"
    )
    (key,) = application(by_jwks({"kty": "RSA", "n": modulus, "e": "AQAB", "kid": "2011-04-29"})).public_keys

    assert key.thumbprint == "NzbLsXh8uDCcd-6MNwXF4W_7noWXFZAfHkxZsRGC9Xs"


def test_a_secret_that_nobody_asks_for_is_reported_and_forgotten() -> None:
    desired = reading.read({"clients": [by_jwks(jwk(rsa()), client_secret="s" * 32)]}, now=NOW)

    assert [str(remark) for remark in desired.ignored] == [
        "clients[0].client_secret: the client authenticates without one"
    ]
    assert (desired.applications or {})["web"].secret_digest is None


@pytest.mark.parametrize("methods", [{}, None])
def test_no_methods_are_none(methods: object) -> None:
    client = application({**WEB, "client_authentication_methods": methods})

    assert client.token_endpoint_auth_method is AuthenticationMethod.CLIENT_SECRET_POST


def test_a_native_application_may_sign() -> None:
    """One with a key of its own on each device has a client for each."""
    client = application({**NATIVE, "token_endpoint_auth_method": "private_key_jwt", "jwks": {"keys": [jwk(ec())]}})

    assert client.confidential


# ---- What is refused

JWKS = "clients[0].jwks"
CREDENTIALS = "clients[0].client_authentication_methods.private_key_jwt.credentials"
NO_JWK = f"{JWKS}.keys[0]: {WRONG_KIND}, and a valid JWK"
NO_KEY = "is missing, or has no key: private_key_jwt needs the client's public keys"
NO_PEM = f"{CREDENTIALS}[0].pem: must be a public key in PEM, not a certificate"
PROTECTS = "protects something in Auth0 and is not supported here: take it out, or turn it off"
METHOD = "clients[0].token_endpoint_auth_method: must be private_key_jwt for the client's keys to mean anything"


@pytest.mark.parametrize(
    ("client", "problem"),
    [
        (by_jwks(), f"{JWKS}: {NO_KEY}"),
        (by_jwks(jwks=None), f"{JWKS}: {NO_KEY}"),
        (by_jwks(jwks={}), f"{JWKS}.keys: is missing"),
        (by_jwks(jwks=[]), f"{JWKS}: Input should be a valid dictionary or instance of JwkSet"),
        (by_jwks(jwks={"keys": ["x"]}), f"{JWKS}.keys[0]: Input should be a valid dictionary"),
        (by_jwks(jwk(weak())), f"{JWKS}.keys[0]: {WRONG_KIND}"),
        (by_jwks(jwk(generate_ec_key(SECP384R1()))), f"{JWKS}.keys[0]: {WRONG_KIND}"),
        (by_jwks({"kty": "OKP", "crv": "Ed25519", "x": "AA"}), NO_JWK),
        (by_jwks({}), NO_JWK),
        (by_jwks({"kty": "RSA", "n": "!", "e": "AQAB"}), NO_JWK),
        (by_jwks({"kty": "RSA", "n": ["x"], "e": 3}), NO_JWK),
        (
            by_jwks({"kty": "EC", "crv": "P-256", "x": "AA", "y": "AA"}),
            NO_JWK,
        ),
        (by_jwks(jwk(rsa(), use="enc")), f"{JWKS}.keys[0]: is registered for something else than signatures"),
        (by_jwks(jwk(rsa(), key_ops=["encrypt"])), f"{JWKS}.keys[0]: is registered for something else than signatures"),
        (by_jwks(jwk(rsa(), key_ops="verify")), f"{JWKS}.keys[0]: is registered for something else than signatures"),
        (by_jwks(jwk(rsa(), kid=7)), f"{JWKS}.keys[0]: must have a text for its kid"),
        (by_jwks(jwk(rsa(), alg="RS512")), f"{JWKS}.keys[0]: must have one of PS256, RS256, RS384 for its alg"),
        (by_jwks(jwk(rsa(), alg="ES256")), f"{JWKS}.keys[0]: must have one of PS256, RS256, RS384 for its alg"),
        (by_jwks(jwk(ec(), alg=["ES256"])), f"{JWKS}.keys[0]: must have one of ES256 for its alg"),
        (by_jwks(jwk(ec(), alg="none")), f"{JWKS}.keys[0]: must have one of ES256 for its alg"),
        (
            by_jwks(jwk(rsa()), jwk(rsa(), kid="again")),
            f"{JWKS}.keys[1]: is the key, or has the kid, of another one of this client",
        ),
        (
            by_jwks(jwk(rsa(), kid="one"), jwk(ec(), kid="one")),
            f"{JWKS}.keys[1]: is the key, or has the kid, of another one of this client",
        ),
        (by_jwks(*(jwk(ec(str(number))) for number in range(5))), f"{JWKS}: must have at most 4 keys"),
        (
            by_jwks(jwk(rsa()), jwks_uri="https://web.example/jwks.json"),
            f"clients[0].jwks_uri: {PROTECTS}",
        ),
        (
            by_jwks(jwk(rsa()), client_authentication_methods={"private_key_jwt": {"credentials": [credential(ec())]}}),
            f"{JWKS}: must not be given together with client_authentication_methods",
        ),
        (by_jwks(jwk(rsa()), token_endpoint_auth_method=None), METHOD),
        (by_jwks(jwk(rsa()), token_endpoint_auth_method="client_secret_post"), METHOD),
        (by_credentials(credential(rsa()), token_endpoint_auth_method="client_secret_basic"), METHOD),
        (
            {**SPA, "token_endpoint_auth_method": "private_key_jwt", "jwks": {"keys": [jwk(ec())]}},
            "clients[0].token_endpoint_auth_method: must be none: everybody can read a single-page application",
        ),
        (
            by_credentials(),
            f"clients[0].client_authentication_methods: {NO_KEY}",
        ),
        (
            by_credentials({"id": "cred_1"}),
            f"{CREDENTIALS}[0].pem: is missing: an export names the key by its id alone, so put the key here",
        ),
        (by_credentials(credential(weak())), f"{CREDENTIALS}[0].pem: {WRONG_KIND}"),
        (by_credentials(credential(Ed25519PrivateKey.generate())), f"{CREDENTIALS}[0].pem: {WRONG_KIND}"),
        (
            by_credentials({"pem": certificate()}),
            NO_PEM,
        ),
        (by_credentials({"pem": "nonsense"}), NO_PEM),
        (by_credentials({"pem": 7}), f"{CREDENTIALS}[0].pem: Input should be a valid string"),
        (
            by_credentials(credential(rsa(), alg="HS256")),
            f"{CREDENTIALS}[0].pem: must have one of PS256, RS256, RS384 for its alg",
        ),
        (
            by_credentials(credential(rsa(), credential_type="x509_cert")),
            f"{CREDENTIALS}[0].credential_type: Input should be 'public_key'",
        ),
        (
            by_credentials(credential(rsa(), expires_at="2027-01-01T00:00:00Z")),
            f"{CREDENTIALS}[0].expires_at: {PROTECTS}",
        ),
        (
            {**MACHINE, "client_authentication_methods": {"tls_client_auth": {"credentials": [{"id": "cred_1"}]}}},
            f"clients[0].client_authentication_methods.tls_client_auth: {PROTECTS}",
        ),
    ],
)
def test_a_key_that_proves_nothing_is_named_with_its_place(client: dict[str, Any], problem: str) -> None:
    assert problem in problems(client)


@pytest.mark.parametrize(
    "client",
    [
        by_jwks(jwk(rsa()), json.loads(RSAAlgorithm.to_jwk(rsa("private")))),
        by_jwks(json.loads(ECAlgorithm.to_jwk(ec("private")))),
        by_jwks({"kty": "oct", "k": "c2VjcmV0LXRoYXQtbm9ib2R5LW1heS1zZWU"}),
        by_credentials({"pem": private_pem(rsa("private"))}),
        by_credentials({"pem": private_pem(ec("private"))}),
        by_credentials({"pem": pem(rsa()) + private_pem(rsa("private"))}),
    ],
    ids=["RSA", "EC", "a secret", "RSA in PEM", "EC in PEM", "both in PEM"],
)
def test_a_private_key_is_refused_loudly_and_not_repeated(client: dict[str, Any]) -> None:
    (problem,) = problems(client)

    assert PRIVATE in problem
    assert re.search(r"[A-Za-z0-9+/_-]{30}", problem) is None


# ---- Applied


@pytest.fixture
def stack(tables: "tuple[DynamoDBClient, Mapping[str, str]]") -> Stack:
    harness.empty(*tables)
    return Stack(*tables)


def test_keys_reach_the_functions_and_a_second_time_there_is_nothing_to_do(stack: Stack) -> None:
    document = {"clients": [by_jwks(jwk(rsa(), kid="a"), jwk(ec()))]}

    assert stack.apply(document).secrets == {}, "no client secret is made up"
    assert stack.configuration.application("web") == application(document["clients"][0])
    assert stack.plan(document).changes == ()


def test_a_change_of_keys_names_them(stack: Stack) -> None:
    document = {"clients": [by_jwks(jwk(rsa(), kid="a"))]}
    stack.apply(document)
    after = copy.deepcopy(document)
    after["clients"][0]["jwks"]["keys"].append(jwk(ec(), kid="b"))

    plan = stack.plan(after)

    old, new = registered(rsa(), *ALL_RSA, key_id="a"), registered(ec(), "ES256", key_id="b")
    assert headlines(plan) == ["update application web"]
    assert differences(plan) == [
        f"jwks: a PS256/RS256/RS384 {old.thumbprint} → a PS256/RS256/RS384 {old.thumbprint}, b ES256 {new.thumbprint}"
    ]


def test_a_client_that_begins_to_sign_loses_its_secret_and_the_other_way_round(stack: Stack) -> None:
    stack.apply({"clients": [WEB]})
    signing = {"clients": [by_jwks(jwk(ec()))]}
    assert "client_secret: taken away" in differences(stack.plan(signing))
    stack.apply(signing)
    assert stack.plan(signing).changes == ()

    applied = stack.apply({"clients": [MACHINE]})

    assert list(applied.secrets) == ["web"]
    after = stack.configuration.application("web")
    assert after is not None
    assert (after.public_keys, after.secret_digest is None) == ((), False)
