"""What the OpenID Foundation's plan for a basic provider asks, by the names of its modules.

Its client is confidential, sends its secret in a header unless the module says otherwise, and knows no PKCE. What the
rest of these tests prove at length is asked here once and briefly; what only warns there is decided here.
"""

import dataclasses
import json
from dataclasses import dataclass
from typing import Any

import jwt
import pytest

from heirloom.adapters.users import DynamoDBUsers
from heirloom.domain.user import CLAIMS_BY_SCOPE, User
from tests.endpoints.hands import basic, declare
from tests.endpoints.reading import kind, read, sign_in, submit
from tests.service import (
    ALICE,
    CALLBACK,
    ISSUER,
    SECRET,
    WEB,
    Service,
    answered,
    authorization_request,
    claims_of,
    refusal,
    rsa_key,
    tokens,
    with_changes,
)

EVERY_CLAIM = {
    **{name: name for name in CLAIMS_BY_SCOPE["profile"]},
    "updated_at": 1_700_000_000,
    "email_verified": True,
    "phone_number": "+49 30 123456",
    "phone_number_verified": False,
    "address": {"country": "DE", "locality": "Berlin"},
}
PLAIN = {"code_challenge": None, "code_challenge_method": None, "audience": None, "scope": "openid"}


@pytest.fixture(autouse=True)
def _client_of_the_suite(service: Service) -> None:
    declare(service, WEB, require_proof_key=False)


def request(**changes: str | None) -> dict[str, str]:
    return authorization_request(WEB, **PLAIN | changes)


def authorize(service: Service, **changes: str | None) -> Any:
    return service.send("GET", "/authorize", query=request(**changes))


def exchange(service: Service, code: str, **changes: str | None) -> Any:
    form = {"grant_type": "authorization_code", "code": code, "redirect_uri": CALLBACK}
    return service.send("POST", "/oauth/token", with_changes(form, changes), basic(WEB.client_id, SECRET))


@dataclass(frozen=True)
class Login:
    """What the client has after a login, checked as the suite checks every one."""

    document: dict[str, Any]
    claims: dict[str, Any]
    userinfo: dict[str, Any]


def finish(service: Service, way_back: Any, nonce: str | None = "some nonce") -> Login:
    answer = answered(way_back)
    assert (answer["state"], answer["iss"]) == ("some state", ISSUER)
    document = tokens(exchange(service, answer["code"]))
    assert document["token_type"] == "Bearer"
    claims = claims_of(document["id_token"])
    assert (claims["iss"], claims["aud"], claims["sub"]) == (ISSUER, WEB.client_id, ALICE.user_id)
    assert claims["iat"] == service.now < claims["exp"]
    assert claims.get("nonce") == nonce
    userinfo = userinfo_of(service, document["access_token"])
    assert userinfo["sub"] == claims["sub"]
    return Login(document, claims, userinfo)


def log_in(service: Service, **changes: str | None) -> Login:
    """Log in anew."""
    shown = authorize(service, **changes)
    assert kind(shown) == "login"
    way_back = sign_in(service, shown, ALICE.email)
    if "consent" in (changes.get("prompt") or ""):
        way_back = submit(service, way_back, decision="allow")
    return finish(service, way_back, changes.get("nonce", "some nonce"))


def userinfo_of(service: Service, access_token: str) -> dict[str, Any]:
    response = service.send("GET", "/userinfo", headers={"Authorization": f"Bearer {access_token}"})
    assert response.status == 200
    document: dict[str, Any] = json.loads(response.body)
    return document


def give_every_claim(service: Service) -> None:
    users = DynamoDBUsers(service.client, service.tables["UsersTable"])
    stored = users.by_id(ALICE.user_id)
    assert isinstance(stored, User)
    users.put(dataclasses.replace(stored, claims=EVERY_CLAIM), replacing=stored)


def test_oidcc_server(service: Service) -> None:
    """`at_hash` is optional in the code flow (§3.1.3.6), and absent: what is not there cannot be wrong."""
    assert "at_hash" not in log_in(service).claims


def test_oidcc_server_client_secret_post(service: Service) -> None:
    code = answered(sign_in(service, authorize(service), ALICE.email))["code"]
    form = {"grant_type": "authorization_code", "code": code, "redirect_uri": CALLBACK}

    assert tokens(service.send("POST", "/oauth/token", {**form, "client_id": "web", "client_secret": SECRET}))


def test_oidcc_idtoken_signature(service: Service) -> None:
    id_token = log_in(service).document["id_token"]
    header = jwt.get_unverified_header(id_token)

    assert (header["alg"], header["kid"]) == ("RS256", "test-key")
    jwt.PyJWS().decode(id_token, rsa_key().public_key(), ["RS256"])


def test_oidcc_response_type_missing(service: Service) -> None:
    answer = answered(authorize(service, response_type=None))

    assert (answer["error"], answer["state"]) == ("invalid_request", "some state")


@pytest.mark.parametrize("how", ["get", "post-header", "post-body"])
def test_oidcc_userinfo(service: Service, how: str) -> None:
    token = log_in(service).document["access_token"]
    header = {"Authorization": f"Bearer {token}"}
    match how:
        case "get":
            response = service.send("GET", "/userinfo", headers=header)
        case "post-header":
            response = service.send("POST", "/userinfo", headers=header)
        case _:
            response = service.send("POST", "/userinfo", {"access_token": token})

    assert json.loads(response.body)["sub"] == ALICE.user_id


def test_oidcc_ensure_request_without_nonce_succeeds_for_code_flow(service: Service) -> None:
    log_in(service, nonce=None)


@pytest.mark.parametrize("value", ["profile", "email", "address", "phone"])
def test_oidcc_scope(service: Service, value: str) -> None:
    give_every_claim(service)

    assert log_in(service, scope=f"openid {value}").userinfo.keys() == {"sub", *CLAIMS_BY_SCOPE[value]}


def test_oidcc_scope_all(service: Service) -> None:
    give_every_claim(service)

    told = log_in(service, scope="openid profile email address phone").userinfo

    assert told == {"sub": ALICE.user_id, "email": ALICE.email, **EVERY_CLAIM}


def test_oidcc_ensure_other_scope_order_succeeds(service: Service) -> None:
    assert log_in(service, scope="email openid").userinfo["email"] == ALICE.email


@pytest.mark.parametrize("display", ["page", "popup", "touch", "wap", "hologram"])
def test_oidcc_display(service: Service, display: str) -> None:
    """A wish about how our pages look (§3.1.2.1): they are one for all sizes, and an unknown word is no mistake."""
    log_in(service, display=display)


def test_oidcc_prompt_login(service: Service) -> None:
    first = log_in(service)
    service.wait(2)
    second = log_in(service, prompt="login")

    assert first.claims["auth_time"] < second.claims["auth_time"]
    assert first.claims["sub"] == second.claims["sub"]


def test_oidcc_prompt_none_not_logged_in(service: Service) -> None:
    answer = answered(authorize(service, prompt="none"))

    assert (answer["error"], answer["state"]) == ("login_required", "some state")


def test_oidcc_prompt_none_logged_in(service: Service) -> None:
    first = log_in(service)
    service.wait(2)
    second = finish(service, authorize(service, prompt="none"))

    assert {name: first.claims[name] for name in ("sub", "auth_time", "sid")} == {
        name: second.claims[name] for name in ("sub", "auth_time", "sid")
    }


def test_oidcc_max_age_1(service: Service) -> None:
    first = log_in(service)
    service.wait(2)
    second = log_in(service, max_age="1")

    assert second.claims["auth_time"] == service.now > first.claims["auth_time"]


def test_oidcc_max_age_10000(service: Service) -> None:
    first = log_in(service)
    service.wait(2)
    second = finish(service, authorize(service, max_age="10000"))

    assert second.claims["auth_time"] == first.claims["auth_time"]


def test_oidcc_ensure_request_with_unknown_parameter_succeeds(service: Service) -> None:
    log_in(service, extra="foobar")


def test_oidcc_id_token_hint(service: Service) -> None:
    first = log_in(service)
    second = finish(service, authorize(service, prompt="none", id_token_hint=first.document["id_token"]))

    assert second.claims["sub"] == first.claims["sub"]


def test_oidcc_login_hint(service: Service) -> None:
    shown = authorize(service, login_hint=ALICE.email)

    assert read(shown).forms[-1].fields["email"] == ALICE.email
    finish(service, sign_in(service, shown, ALICE.email))


@pytest.mark.parametrize(("locales", "language"), [("de en", "de"), ("se", "en"), ("fr-CA fr en", "fr")])
def test_oidcc_ui_locales(service: Service, locales: str, language: str) -> None:
    assert read(authorize(service, ui_locales=locales)).language == language


def test_oidcc_claims_locales(service: Service) -> None:
    log_in(service, claims_locales="se")


def test_oidcc_ensure_request_with_acr_values_succeeds(service: Service) -> None:
    """A wish (§3.1.2.1), and the suite warns of an ID token without `acr`; we vouch for none, nor after a refresh."""
    login = log_in(service, acr_values="1 2", scope="openid offline_access")
    form = {"grant_type": "refresh_token", "refresh_token": login.document["refresh_token"]}
    refreshed = tokens(service.send("POST", "/oauth/token", form, basic(WEB.client_id, SECRET)))

    assert "acr" not in login.claims.keys() | claims_of(refreshed["id_token"]).keys()


def test_oidcc_codereuse(service: Service) -> None:
    code = answered(sign_in(service, authorize(service), ALICE.email))["code"]
    tokens(exchange(service, code))

    assert refusal(exchange(service, code)) == (400, "invalid_grant")


def test_oidcc_codereuse_30seconds(service: Service) -> None:
    """The refresh token dies with it; the access token lives out its time, of which the suite warns."""
    code = answered(sign_in(service, authorize(service, scope="openid offline_access"), ALICE.email))["code"]
    document = tokens(exchange(service, code))
    service.wait(30)

    assert refusal(exchange(service, code)) == (400, "invalid_grant")
    form = {"grant_type": "refresh_token", "refresh_token": document["refresh_token"]}
    assert refusal(service.send("POST", "/oauth/token", form, basic(WEB.client_id, SECRET))) == (400, "invalid_grant")
    assert userinfo_of(service, document["access_token"])


def test_oidcc_ensure_registered_redirect_uri(service: Service) -> None:
    for uri in (f"{CALLBACK}x", f"{CALLBACK}?x=1", CALLBACK.replace("https", "http"), None):
        assert kind(authorize(service, redirect_uri=uri)) == "wrong_redirect"


def test_oidcc_ensure_post_request_succeeds(service: Service) -> None:
    finish(service, sign_in(service, service.send("POST", "/authorize", request()), ALICE.email))


def test_oidcc_unsigned_request_object_supported_correctly_or_rejected_as_unsupported(service: Service) -> None:
    request_object = "eyJhbGciOiJub25lIn0.eyJyZXNwb25zZV90eXBlIjoiY29kZSJ9."

    assert answered(authorize(service, request=request_object))["error"] == "request_not_supported"


def test_oidcc_request_uri_unsigned_supported_correctly_or_rejected_as_unsupported(service: Service) -> None:
    answer = answered(authorize(service, request_uri="https://suite.example/request.jwt"))

    assert answer["error"] == "request_uri_not_supported"


def test_oidcc_ensure_request_object_with_redirect_uri(service: Service) -> None:
    """The one inside is not looked at, so nothing is sent to it."""
    request_object = "eyJhbGciOiJub25lIn0.eyJyZWRpcmVjdF91cmkiOiJodHRwczovL2V2aWwuZXhhbXBsZS8ifQ."

    response = authorize(service, request=request_object)

    assert response.headers["location"].startswith(f"{CALLBACK}?")
    assert answered(response)["error"] == "request_not_supported"


def test_oidcc_claims_essential(service: Service) -> None:
    assert log_in(service, claims='{"userinfo": {"name": {"essential": true}}}').userinfo["name"] == "Alice"


def test_oidcc_refresh_token(service: Service) -> None:
    """OpenID Connect Core §12.2."""
    login = log_in(service, scope="openid offline_access", prompt="consent login")
    service.wait(2)
    form = {"grant_type": "refresh_token", "refresh_token": login.document["refresh_token"]}
    refreshed = tokens(service.send("POST", "/oauth/token", form, basic(WEB.client_id, SECRET)))
    claims = claims_of(refreshed["id_token"])

    assert {name: claims[name] for name in ("iss", "sub", "aud", "auth_time")} == {
        name: login.claims[name] for name in ("iss", "sub", "aud", "auth_time")
    }
    assert (claims["iat"], "nonce" in claims) == (service.now, False)
    assert refreshed["access_token"] != login.document["access_token"]
    assert refusal(
        service.send("POST", "/oauth/token", {**form, "client_id": "spa", "refresh_token": refreshed["refresh_token"]})
    ) == (400, "invalid_grant")


def test_oidcc_ensure_request_with_valid_pkce_succeeds(service: Service) -> None:
    assert tokens(service.exchange(service.code(WEB), WEB))


def test_oidcc_discovery_endpoint_verification(service: Service) -> None:
    """The plan for a provider's configuration: what the suite looks for in the document."""
    document = json.loads(service.send("GET", "/.well-known/openid-configuration").body)

    assert document["issuer"] == ISSUER
    assert "code" in document["response_types_supported"]
    assert "authorization_code" in document["grant_types_supported"]
    assert "RS256" in document["id_token_signing_alg_values_supported"]
    assert document["subject_types_supported"] == ["public"]
    assert "openid" in document["scopes_supported"]
    assert {"sub", "email", "name"} <= set(document["claims_supported"])
    assert document["claims_parameter_supported"] is True
    # §3: their defaults would be another thing, so they are said.
    assert document["request_parameter_supported"] is document["request_uri_parameter_supported"] is False
    for name, value in document.items():
        if name.endswith(("_endpoint", "_uri")):
            assert value.startswith(ISSUER), name
