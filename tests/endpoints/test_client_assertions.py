"""`private_key_jwt` (RFC 7523, OpenID Connect Core §9): a client proves that it holds its private key."""

import dataclasses
import hmac
import json
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import pytest
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from heirloom.domain import client_assertion, encoding
from heirloom.http import Response
from tests import service as harness
from tests.endpoints.assertions import RSA, SIGNING, TYPE, assertion, ec, registered, rsa, with_assertion
from tests.endpoints.hands import at_once, basic, store_calls
from tests.service import API, ISSUER, ORIGIN, SECRET, SPA, START, WEB, Service, refusal, tokens

if TYPE_CHECKING:
    from mypy_boto3_dynamodb.client import DynamoDBClient

SAML = "urn:ietf:params:oauth:client-assertion-type:saml2-bearer"
TOKEN_ENDPOINT = f"{ISSUER}oauth/token"
REFUSED = '{"error": "invalid_client", "error_description": "Client authentication failed"}'


@pytest.fixture(name="service")
def _service(service: Service) -> Service:
    service.declare(SIGNING)
    return service


def revoke(service: Service, text: str, **changes: str) -> Response:
    """Ask for something that costs nothing, with an assertion."""
    return service.send("POST", "/oauth/revoke", with_assertion({"token": "none of ours", **changes}, text))


def spent(service: Service) -> int:
    """How many assertions the store knows."""
    return len(service.items("SingleUseTable"))


# ---- What is accepted


def test_a_client_logs_in_refreshes_introspects_and_revokes_with_assertions(service: Service) -> None:
    code = service.code(SIGNING)
    exchange = {"grant_type": "authorization_code", "code": code, "redirect_uri": harness.CALLBACK}
    exchange["code_verifier"] = harness.VERIFIER
    login = tokens(service.send("POST", "/oauth/token", with_assertion(exchange, assertion(jti="1"))))
    refresh = {"grant_type": "refresh_token", "refresh_token": login["refresh_token"]}
    live = tokens(service.send("POST", "/oauth/token", with_assertion(refresh, assertion(jti="2"))))["refresh_token"]

    form = with_assertion({"token": live}, assertion(jti="3"))
    assert json.loads(service.send("POST", "/oauth/introspect", form).body)["active"] is True
    assert revoke(service, assertion(jti="4"), token=live).status == 200
    form = with_assertion({"token": live}, assertion(jti="5"))
    assert json.loads(service.send("POST", "/oauth/introspect", form).body) == {"active": False}
    assert spent(service) == 5


ACCEPTED: list[tuple[str, dict[str, Any]]] = [
    ("the issuer in a list", {"aud": [ISSUER]}),
    ("the token endpoint", {"aud": TOKEN_ENDPOINT}),
    ("the endpoint that is called", {"aud": f"{ISSUER}oauth/revoke"}),
    ("several of our names", {"aud": [ISSUER, TOKEN_ENDPOINT]}),
    ("no iat", {"iat": None}),
    ("an old iat", {"iat": START - 86_400}),
    ("iat and nbf of a client whose clock is ahead", {"iat": START + 30, "nbf": START + 30}),
    ("the end of a client whose clock is behind", {"exp": START - 29}),
    ("the longest life", {"exp": START + 3600}),
    ("the longest life by a clock that is ahead", {"exp": START + 3630}),
    ("times with a fraction", {"iat": START + 0.25, "nbf": START - 0.5, "exp": START + 60.75}),
    ("a jti of 256 characters", {"jti": "x" * 256}),
    ("other claims", {"htm": "POST", "nested": {"a": [1]}}),
    ("the type of RFC 7523's successor", {"headers": {"typ": "client-authentication+jwt"}}),
    ("no type", {"headers": {"typ": None}}),
    ("a name that the client gave to a key that it registered without one", {"headers": {"kid": "my key"}}),
    ("RS384", {"algorithm": "RS384"}),
    ("PS256", {"algorithm": "PS256"}),
    ("a key on P-256", {"algorithm": "ES256", "key": ec()}),
    ("a key on P-256 by its name", {"algorithm": "ES256", "key": ec(), "headers": {"kid": "curved"}}),
]


@pytest.mark.parametrize("how", [row[1] for row in ACCEPTED], ids=[row[0] for row in ACCEPTED])
def test_a_good_assertion_is_accepted_once(service: Service, how: dict[str, Any]) -> None:
    text = assertion(**how)

    assert revoke(service, text).status == 200
    assert spent(service) == 1
    assert refusal(revoke(service, text)) == (401, "invalid_client")


def test_client_id_may_be_given_and_agree(service: Service) -> None:
    assert revoke(service, assertion(), client_id=SIGNING.client_id).status == 200


def test_the_endpoint_that_is_called_is_no_name_at_another(service: Service) -> None:
    form = with_assertion({"token": "x"}, assertion(aud=f"{ISSUER}oauth/revoke"))

    assert refusal(service.send("POST", "/oauth/introspect", form)) == (401, "invalid_client")
    assert spent(service) == 0


def test_while_a_key_is_replaced_both_are_good_and_then_the_new_one_alone(service: Service) -> None:
    old, new = registered(rsa("old"), *RSA, key_id="old"), registered(ec("new"), "ES256", key_id="new")
    by_old: dict[str, Any] = {"key": rsa("old"), "headers": {"kid": "old"}}
    by_new: dict[str, Any] = {"key": ec("new"), "algorithm": "ES256", "headers": {"kid": "new"}}

    service.declare(dataclasses.replace(SIGNING, public_keys=(old, new)))
    assert revoke(service, assertion(**by_old, jti="1")).status == 200
    assert revoke(service, assertion(**by_new, jti="2")).status == 200
    service.declare(dataclasses.replace(SIGNING, public_keys=(new,)))
    assert refusal(revoke(service, assertion(**by_old, jti="3"))) == (401, "invalid_client")
    assert revoke(service, assertion(**by_new, jti="4")).status == 200


def test_two_keys_without_names_are_tried_in_turn(service: Service) -> None:
    """As Auth0's SDKs, which name none."""
    service.declare(
        dataclasses.replace(SIGNING, public_keys=(registered(rsa("old"), *RSA), registered(rsa("new"), *RSA)))
    )

    assert revoke(service, assertion(key=rsa("new"), jti="1")).status == 200
    assert revoke(service, assertion(key=rsa("old"), jti="2")).status == 200


def test_two_clients_may_choose_the_same_jti(service: Service) -> None:
    other = dataclasses.replace(SIGNING, client_id="other")
    service.declare(other)

    assert revoke(service, assertion()).status == 200
    assert revoke(service, assertion(iss="other", sub="other")).status == 200


def test_a_jti_is_remembered_as_long_as_its_assertion_is_good(service: Service) -> None:
    assert revoke(service, assertion()).status == 200

    (item,) = service.items("SingleUseTable")
    assert int(item["expires_at"]["N"]) >= START + 180 + client_assertion.CLOCK_SKEW
    service.wait(180 + client_assertion.CLOCK_SKEW)
    assert refusal(revoke(service, assertion(jti="two"))) == (401, "invalid_client")


def test_whoever_sends_no_assertion_pays_nothing_for_it(service: Service) -> None:
    with store_calls(service) as calls:
        service.revoke("none of ours", WEB)

    assert calls == []


# ---- What is refused


def altered(text: str, part: int) -> str:
    """An assertion with another character in one of its parts."""
    parts = text.split(".")
    middle = len(parts[part]) // 2
    changed = "A" if parts[part][middle] != "A" else "B"
    parts[part] = parts[part][:middle] + changed + parts[part][middle + 1 :]
    return ".".join(parts)


def spelled(header: object, payload: object, signature: str = "AA") -> str:
    """Something of an assertion's shape; a text stands for itself."""
    texts = (part if isinstance(part, str) else json.dumps(part) for part in (header, payload))
    return ".".join([*(encoding.encode(text.encode()) for text in texts), signature])


def by_hmac_with_the_public_key() -> str:
    """The oldest trick: the public key, which everybody knows, as a shared secret."""
    known = rsa().public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    text = spelled({"alg": "HS256"}, CLAIMS, "")
    return text + encoding.encode(hmac.digest(known, text.removesuffix(".").encode(), "sha256"))


CLAIMS = {"iss": "signing", "sub": "signing", "aud": ISSUER, "exp": START + 60, "jti": "x"}
DEEP = "[" * 3000 + "]" * 3000
BAD: list[tuple[str, str]] = [
    ("nonsense", "x"),
    ("two parts", "e30.e30"),
    ("four parts", assertion() + ".AA"),
    ("no base64url", "é.é.é"),
    ("empty parts", ".."),
    ("a header that is a list", spelled([], CLAIMS)),
    ("claims that are a list", spelled({"alg": "RS256"}, [])),
    ("claims that nest without end", spelled({"alg": "RS256"}, DEEP)),
    ("9,000 characters", assertion(filling="x" * 9000)),
    ("another header", altered(assertion(), 0)),
    ("other claims than were signed", altered(assertion(), 1)),
    ("another signature", altered(assertion(), 2)),
    ("no signature", assertion().rpartition(".")[0] + "."),
    ("alg none", spelled({"alg": "none"}, CLAIMS, "")),
    ("alg none with a signature", spelled({"alg": "none"}, CLAIMS, assertion().rpartition(".")[2])),
    ("alg of a list", spelled({"alg": ["RS256"]}, CLAIMS)),
    ("no alg", spelled({}, CLAIMS)),
    ("HMAC with the public key", by_hmac_with_the_public_key()),
    ("an algorithm that is not registered", assertion(algorithm="RS512")),
    ("the other kind of key", assertion(key=ec(), algorithm="ES256", headers={"kid": "another"})),
    ("an unregistered key", assertion(key=rsa("stranger"))),
    ("an unregistered key that comes along", assertion(key=rsa("stranger"), headers={"jwk": {"kty": "RSA"}})),
    ("kid of a list", spelled({"alg": "RS256", "kid": []}, CLAIMS)),
    ("a critical extension", assertion(headers={"crit": ["b65"], "b65": True})),
    ("a DPoP proof", assertion(headers={"typ": "dpop+jwt"})),
    ("an access token", assertion(headers={"typ": "at+jwt"})),
    ("a request object", assertion(headers={"typ": "oauth-authz-req+jwt"})),
    ("no iss", assertion(iss=None)),
    ("iss of another client", assertion(iss="web")),
    ("sub of another client", assertion(sub="web")),
    ("sub of a list", spelled({"alg": "RS256"}, {**CLAIMS, "sub": ["signing"]})),
    ("no sub", assertion(sub=None)),
    ("the person for sub", assertion(sub="auth0|alice")),
    ("no aud", assertion(aud=None)),
    ("aud an empty list", assertion(aud=[])),
    ("aud of another server", assertion(aud="https://other.example/")),
    ("aud of another server beside ours", assertion(aud=[ISSUER, "https://other.example/"])),
    ("aud without the slash", assertion(aud=ISSUER.removesuffix("/"))),
    ("aud with a slash more", assertion(aud=f"{TOKEN_ENDPOINT}/")),
    ("aud in capitals", assertion(aud=ISSUER.upper())),
    ("aud the path alone", assertion(aud="/oauth/token")),
    ("aud the audience of an API", assertion(aud=API)),
    ("aud a number", assertion(aud=1)),
    ("aud a list in a list", assertion(aud=[[ISSUER]])),
    ("no exp", assertion(exp=None)),
    ("exp a text", assertion(exp=str(START + 60))),
    ("exp true", assertion(exp=True)),
    ("exp NaN", assertion(exp=float("nan"))),
    ("exp without end", assertion(exp=float("inf"))),
    ("exp a day ahead", assertion(exp=START + 86400)),
    ("exp a second too far ahead", assertion(exp=START + 3631)),
    ("exp past", assertion(exp=START - 30)),
    ("exp of 400 digits", assertion(exp=10**400)),
    ("iat in the future", assertion(iat=START + 31)),
    ("iat a text", assertion(iat="now")),
    ("iat true", assertion(iat=True)),
    ("nbf in the future", assertion(nbf=START + 31)),
    ("nbf a list", assertion(nbf=[START])),
    ("no jti", assertion(jti=None)),
    ("jti empty", assertion(jti="")),
    ("jti a number", assertion(jti=7)),
    ("jti of 257 characters", assertion(jti="x" * 257)),
]


@pytest.fixture(scope="module", name="shared")
def _shared(tables: "tuple[DynamoDBClient, Mapping[str, str]]") -> Service:
    """One service for all that is refused: none of it changes anything."""
    harness.empty(*tables)
    service = Service.of(*tables)
    service.declare(SIGNING)
    return service


@pytest.mark.parametrize("text", [row[1] for row in BAD], ids=[row[0] for row in BAD])
def test_a_bad_assertion_is_refused_like_any_other_and_uses_up_no_jti(shared: Service, text: str) -> None:
    shared.events.clear()
    before = shared.contents()

    with_client_id, without = revoke(shared, text, client_id=SIGNING.client_id), revoke(shared, text)

    assert (with_client_id.status, with_client_id.body) == (without.status, without.body) == (401, REFUSED)
    assert "www-authenticate" not in with_client_id.headers
    assert shared.contents() == before
    assert text not in repr(list(shared.events))
    assert all(str(event.reason).startswith(("client assertion: ", "unknown client")) for event in shared.events)


def test_the_reason_is_in_the_log(service: Service) -> None:
    changes: dict[str, Any]
    for changes in ({"exp": START - 30}, {"aud": "https://other.example/"}, {"jti": ""}):
        revoke(service, assertion(**changes))
    revoke(service, assertion(key=rsa("stranger")))

    assert [event.reason for event in service.events] == [
        "client assertion: expired, or without an end",
        "client assertion: meant for another audience",
        "client assertion: jti is missing or too long",
        "client assertion: signed by no registered key",
    ]
    assert {event.client_id for event in service.events} == {SIGNING.client_id}


def test_a_forger_cannot_use_up_the_jti_of_the_client(service: Service) -> None:
    assert refusal(revoke(service, assertion(key=rsa("stranger")))) == (401, "invalid_client")
    assert refusal(revoke(service, assertion(aud="https://other.example/"))) == (401, "invalid_client")

    assert revoke(service, assertion()).status == 200


def test_another_clients_assertion_is_no_proof(service: Service) -> None:
    service.declare(dataclasses.replace(SIGNING, client_id="other", public_keys=(registered(rsa("other"), *RSA),)))
    by_other = assertion(iss="other", sub="other", key=rsa("other"))
    in_our_name = assertion(key=rsa("other"))

    for text in (by_other, in_our_name):
        assert refusal(revoke(service, text, client_id=SIGNING.client_id)) == (401, "invalid_client")
    assert revoke(service, by_other, client_id="other").status == 200


@pytest.mark.parametrize("path", ["/oauth/token", "/oauth/revoke", "/oauth/introspect"])
@pytest.mark.parametrize(
    ("form", "headers"),
    [
        ({"client_id": "signing"}, {}),
        ({"client_id": "signing", "client_secret": SECRET}, {}),
        ({"client_id": "signing", "client_secret": ""}, {}),
        ({}, basic("signing", SECRET)),
        ({}, basic("signing", "")),
    ],
    ids=["nothing", "a secret", "an empty secret", "Basic", "Basic without a secret"],
)
def test_a_client_that_signs_has_no_other_way(
    service: Service, path: str, form: dict[str, str], headers: dict[str, str]
) -> None:
    """Even with a digest that was left behind when it had a secret."""
    service.declare(dataclasses.replace(SIGNING, secret_digest=WEB.secret_digest))

    response = service.send("POST", path, form | {"token": "x", "grant_type": "refresh_token"}, headers)

    assert refusal(response) == (401, "invalid_client")


@pytest.mark.parametrize("application", [WEB, SPA], ids=["a client with a secret", "a public client"])
def test_a_client_that_registered_no_key_cannot_sign(service: Service, application: Any) -> None:
    service.declare(dataclasses.replace(application, public_keys=SIGNING.public_keys))
    text = assertion(iss=application.client_id, sub=application.client_id)

    assert refusal(revoke(service, text)) == (401, "invalid_client")
    assert spent(service) == 0


@pytest.mark.parametrize(
    ("form", "headers", "expected"),
    [
        ({"client_secret": SECRET}, {}, (400, "invalid_request")),
        ({}, basic("signing", SECRET), (400, "invalid_request")),
        ({"client_assertion_type": SAML}, {}, (401, "invalid_client")),
        ({"client_assertion_type": ""}, {}, (401, "invalid_client")),
        ({"client_assertion": ""}, {}, (401, "invalid_client")),
        ({"client_id": "spa"}, {}, (401, "invalid_client")),
        ({"client_id": "nobody"}, {}, (401, "invalid_client")),
    ],
    ids=["a secret too", "Basic too", "SAML", "no type", "a type alone", "another client_id", "an unknown client_id"],
)
def test_one_way_to_authenticate_is_enough_and_must_be_whole(
    service: Service, form: dict[str, str], headers: dict[str, str], expected: tuple[int, str]
) -> None:
    whole = {"token": "x", "client_assertion_type": TYPE, "client_assertion": assertion()}

    assert refusal(service.send("POST", "/oauth/revoke", whole | form, headers)) == expected
    assert spent(service) == 0


def test_an_application_that_is_refused_may_read_why_from_its_own_origin(service: Service) -> None:
    service.declare(dataclasses.replace(SIGNING, web_origins=frozenset({ORIGIN})))
    form = with_assertion({"token": "x"}, assertion(exp=START - 30))

    response = service.send("POST", "/oauth/revoke", form, {"Origin": ORIGIN})

    assert refusal(response) == (401, "invalid_client")
    assert response.headers["access-control-allow-origin"] == ORIGIN


def test_of_many_presentations_at_once_one_is_accepted(service: Service) -> None:
    text = assertion()

    answers = at_once([lambda: revoke(service, text)] * 12)

    assert sorted(answer.status for answer in answers) == [200, *[401] * 11]
    assert spent(service) == 1
