"""Key set poisoning: the attacker brings the key along, or has it fetched, or slips it among ours."""

import json
from typing import Any
from unittest.mock import patch

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric.rsa import generate_private_key
from jwt.algorithms import RSAAlgorithm

from heirloom.adapters.own_tokens import PublishedKeysVerifier
from heirloom.domain.errors import InvalidToken
from tests.attacks.attacker import EVIL, nothing_changes, parts_of, with_hmac
from tests.endpoints.assertions import SIGNING, assertion, rsa, with_assertion
from tests.management.administrator import Administrator
from tests.service import ISSUER, START, Service, claims_of, rsa_key

THEIRS = generate_private_key(public_exponent=65537, key_size=2048)
JWK = json.loads(RSAAlgorithm.to_jwk(THEIRS.public_key())) | {"kid": "theirs", "alg": "RS256", "use": "sig"}

BROUGHT_ALONG: list[dict[str, Any]] = [
    {"jwk": JWK},
    {"jwk": JWK, "kid": "theirs"},
    {"jku": f"{EVIL}/jwks.json"},
    {"jku": f"{ISSUER}.well-known/jwks.json@evil.example", "kid": "theirs"},
    {"jku": f"{ISSUER}v2/logout?returnTo={EVIL}/jwks.json", "kid": "theirs"},
    {"x5u": f"{EVIL}/certificate.pem"},
    {"x5c": ["TUlJQg=="]},
    {"x5t": "theirs", "x5t#S256": "theirs"},
    {"keys": [JWK]},
]


@pytest.fixture(name="no_connection", autouse=True)
def _no_connection(service: Service) -> Any:
    """Fail whatever would fetch a key: verifying opens no connection."""
    service.items("FamiliesTable")  # the store's own connections are there by now
    with patch("urllib.request.urlopen", side_effect=AssertionError("a key was to be fetched")):
        yield


@pytest.mark.parametrize("header", BROUGHT_ALONG, ids="+".join)
def test_a_key_that_comes_with_the_token_is_not_looked_at(service: Service, header: dict[str, Any]) -> None:
    """RFC 9700 §4.6, RFC 6819 §4.6.3: as access token, as ID token that logs somebody out, as a client's assertion."""
    service.declare(SIGNING)
    issued = service.login_tokens()
    named = {"kid": "test-key", **header}
    with nothing_changes(service):
        forged = jwt.encode(claims_of(issued["access_token"]), THEIRS, "RS256", named)
        assert service.send("GET", "/userinfo", headers={"authorization": f"Bearer {forged}"}).status == 401
        hint = jwt.encode(claims_of(issued["id_token"]), THEIRS, "RS256", named)
        assert service.send("GET", "/oidc/logout", query={"id_token_hint": hint}).status == 400
        form = with_assertion({"token": "any"}, assertion(key=THEIRS, headers=header))
        assert service.send("POST", "/oauth/revoke", form).status == 401

    ours = jwt.encode(claims_of(issued["access_token"]), rsa_key(), "RS256", named | {"kid": "test-key"})
    assert service.send("GET", "/userinfo", headers={"authorization": f"Bearer {ours}"}).status == 200


def test_a_key_that_a_client_registers_verifies_that_client_and_nothing_of_ours(service: Service) -> None:
    """RFC 6819 §4.6.3, RFC 9700 §4.6: the attacker registers a key under the name of the one that signs our tokens."""
    service.declare(SIGNING)
    issued = service.login_tokens()
    forged = jwt.encode(claims_of(issued["access_token"]), rsa(), "RS256", {"kid": "test-key"})

    assert service.send("GET", "/userinfo", headers={"authorization": f"Bearer {forged}"}).status == 401
    form = with_assertion({"token": "any"}, assertion(headers={"kid": "test-key"}))
    assert service.send("POST", "/oauth/revoke", form).status == 200, "where it does belong"


def test_no_client_may_register_where_its_keys_are(service: Service) -> None:
    """RFC 6819 §4.3.3, RFC 9700 §2.5: an address that is fetched later is one that the attacker answers later."""
    admin = Administrator(service)
    before = admin.applied("web")
    for member in ({"jwks_uri": f"{EVIL}/jwks.json"}, {"jwks": {"keys": [JWK | {"d": "AQAB"}]}}):
        answer = admin.call("PATCH", "clients/web", member)
        assert answer.status == 400, member
    assert admin.applied("web") == before


@pytest.mark.parametrize(
    "published",
    [
        {"keys": []},
        {"keys": [{**JWK, "kid": None}]},
        {"keys": [{"kty": "oct", "k": "c2VjcmV0", "kid": "test-key", "alg": "HS256"}]},
        {"keys": [{"kty": "oct", "k": "c2VjcmV0", "kid": "test-key", "alg": "RS256"}]},
        {"keys": "test-key"},
        {},
    ],
    ids=lambda it: json.dumps(it)[:32],
)
def test_a_key_set_that_is_none_of_ours_lets_nobody_in(service: Service, published: Any) -> None:
    """RFC 6819 §4.6.3: an empty set, a symmetric key: even a poisoned table turns verifying off for nobody."""
    token = service.login_tokens()["access_token"]
    header, claims = parts_of(token)
    verifier = PublishedKeysVerifier(ISSUER, lambda: json.dumps(published))
    for forged in (
        token,
        with_hmac({**header, "alg": "HS256"}, claims, b"secret"),
        with_hmac(header, claims, b"secret"),
    ):
        with pytest.raises(InvalidToken):
            verifier.access_token(forged, audience=None, now=START)


def test_the_published_set_is_what_was_published_whatever_is_asked(service: Service) -> None:
    """RFC 6819 §4.6.4, RFC 9700 §4.9.1: nothing of a request finds its way into the keys that everybody trusts."""
    plain = service.send("GET", "/.well-known/jwks.json")
    asked = service.send(
        "GET",
        "/.well-known/jwks.json",
        headers={"x-forwarded-host": "evil.example", "origin": EVIL, "accept": "application/jwk-set+json"},
        query={"kid": "theirs", "keys": json.dumps([JWK]), "callback": "steal", "iss": EVIL},
    )
    assert asked == plain
    assert {key["kid"] for key in json.loads(plain.body)["keys"]} == {"test-key"}
