"""Who may call: an application with a token of its own that has the scope and still may; everybody else is refused."""

import dataclasses
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import jwt
import pytest

from heirloom.adapters import configuration
from heirloom.domain import management_api
from heirloom.domain.client_grant import ClientGrant
from heirloom.domain.resource_server import ResourceServer
from tests.faults import BEFORE, FAULTS, Steps
from tests.management.administrator import ADMINISTRATOR, AUDIENCE, Administrator
from tests.proofs import Key, ath
from tests.service import ALICE, API, ISSUER, SECRET, START, WEB, Service, claims_of, rsa_key

READ = ("GET", "users/auth0|alice")
ROUTES: list[tuple[str, str, object]] = [
    ("GET", "clients", None),
    ("POST", "clients", {}),
    ("PATCH", "clients/spa", {}),
    ("DELETE", "clients/spa", None),
    ("POST", "clients/web/rotate-secret", None),
    ("GET", "resource-servers", None),
    ("DELETE", f"resource-servers/{API}", None),
    ("GET", "client-grants", None),
    ("DELETE", "client-grants/cgr_x", None),
    ("GET", "users", None),
    ("POST", "users", {}),
    ("PATCH", "users/auth0|alice", {}),
    ("DELETE", "users/auth0|alice", None),
    ("GET", "users-by-email", None),
    ("GET", "users/auth0|alice/refresh-tokens", None),
    ("DELETE", "users/auth0|alice/refresh-tokens", None),
    ("GET", "users/auth0|alice/sessions", None),
    ("DELETE", "users/auth0|alice/sessions", None),
    ("GET", "refresh-tokens", None),
    ("POST", "refresh-tokens/revoke", {}),
    ("PATCH", "refresh-tokens/x", {}),
    ("DELETE", "refresh-tokens/x", None),
    ("GET", "sessions/x", None),
    ("DELETE", "sessions/x", None),
    ("POST", "sessions/x/revoke", None),
    ("GET", "grants", None),
    ("DELETE", "grants", None),
    ("DELETE", "grants/x", None),
    ("GET", "device-credentials", None),
    ("DELETE", "device-credentials/x", None),
    ("GET", "logs", None),
    ("GET", "logs/x", None),
    ("GET", "tenants/settings", None),
]


@contextmanager
def no_store(admin: Administrator) -> Iterator[None]:
    """Fail at the first call to the store."""
    admin.configuration.published_keys()  # known before, as in any function that has run once
    with Steps.of(admin.service.client) as steps:
        steps.fail(BEFORE, FAULTS["unreachable"], calls=range(10))
        yield


def signed(**changes: Any) -> str:
    """A token as ours are, but for some claims."""
    claims = {
        "iss": ISSUER,
        "sub": f"{ADMINISTRATOR.client_id}@clients",
        "azp": ADMINISTRATOR.client_id,
        "aud": AUDIENCE,
        "iat": START,
        "exp": START + 600,
        "scope": "read:users",
        "jti": "1",
        "gty": "client-credentials",
    }
    return jwt.encode({**claims, **changes}, rsa_key(), "RS256", {"kid": "test-key"})


def test_a_token_is_for_the_management_audience_and_lives_a_day(admin: Administrator) -> None:
    claims = claims_of(admin.token("read:users"))

    assert (claims["aud"], claims["scope"], claims["sub"]) == (AUDIENCE, "read:users", "administrator@clients")
    assert claims["exp"] - claims["iat"] == 86400
    assert admin.call(*READ, token=admin.token("read:users")).status == 200


def test_a_token_has_no_more_than_was_granted(service: Service, admin: Administrator) -> None:
    admin.grant({"read:users"})
    form = {"grant_type": "client_credentials", "client_id": "administrator", "client_secret": SECRET}
    answer = service.send("POST", "/oauth/token", form | {"audience": AUDIENCE, "scope": "read:users delete:users"})

    assert answer.status == 400
    assert claims_of(admin.token())["scope"] == "read:users"


def test_an_application_without_a_grant_gets_no_token(service: Service, admin: Administrator) -> None:
    machine = dataclasses.replace(ADMINISTRATOR, client_id="other")
    admin.declare(machine)
    form = {"grant_type": "client_credentials", "client_id": "other", "client_secret": SECRET, "audience": AUDIENCE}

    assert service.send("POST", "/oauth/token", form).status == 403


def test_no_person_can_log_in_for_the_management_audience(service: Service, admin: Administrator) -> None:
    assert admin.configuration.resource_server(AUDIENCE) is None
    answer = service.authorize(audience=AUDIENCE)

    assert "code=" not in answer.headers.get("location", "")
    assert answer.status == 303


@pytest.mark.parametrize(
    ("token", "message"),
    [
        ("", "Missing authentication"),
        ("nonsense", "The access token is invalid or expired"),
        (signed(aud=API), "The access token is invalid or expired"),
        (signed(aud=[API, f"{ISSUER}userinfo"]), "The access token is invalid or expired"),
        (signed(iss="https://other.example/"), "The access token is invalid or expired"),
        (signed(exp=START - 10), "The access token is invalid or expired"),
        (signed(sub=ALICE.user_id), "The access token is no application's own"),
        (signed(sub="web@clients"), "The access token is no application's own"),
        (signed(azp="web"), "The access token is no application's own"),
        (signed()[:-8] + "AAAAAAAA", "The access token is invalid or expired"),
    ],
)
def test_any_other_token_is_refused_before_the_store_is_asked(admin: Administrator, token: str, message: str) -> None:
    with no_store(admin):
        answer = admin.call(*READ, token=token)

    assert answer.problem == (401, "invalid_token")
    assert answer.json["message"] == message
    assert answer.headers["www-authenticate"].startswith('Bearer realm="Heirloom"')
    assert answer.headers["cache-control"] == "no-store"


@pytest.mark.parametrize(("method", "path", "body"), ROUTES)
def test_every_route_asks_for_its_scope_before_the_store_is_asked(
    admin: Administrator, method: str, path: str, body: object
) -> None:
    with no_store(admin):
        answer = admin.call(method, path, body, token=signed(scope="read:nothing"))

    assert answer.problem == (403, "insufficient_scope")
    wanted = answer.json["message"].removeprefix("Insufficient scope, expected any of: ")
    assert wanted in management_api.SCOPES
    others = " ".join(scope for scope in management_api.SCOPES if scope != wanted)
    with no_store(admin):
        assert admin.call(method, path, body, token=signed(scope=others)).problem == (403, "insufficient_scope")


def test_every_scope_is_that_of_a_route(admin: Administrator) -> None:
    assert {route.scope for route in admin.api.routes} - {None} == set(management_api.SCOPES)


def test_a_grant_that_is_taken_away_ends_its_tokens_within_a_minute(service: Service, admin: Administrator) -> None:
    token = admin.token()
    assert admin.call(*READ, token=token).status == 200
    admin.grant({"read:clients"})

    service.wait(61)

    assert admin.call(*READ, token=token).problem == (403, "insufficient_scope")
    assert admin.call("GET", "clients", token=token).status == 200


def test_a_bound_token_is_good_with_a_proof_of_its_key_once(service: Service, admin: Administrator) -> None:
    key = Key()
    token = admin.token(headers={"dpop": key.proof(service.now, htu=f"{ISSUER}oauth/token")})
    assert claims_of(token)["cnf"]

    def asked(**changes: Any) -> dict[str, str]:
        proof = {"htm": "GET", "htu": f"{AUDIENCE}users/auth0%7Calice", "ath": ath(token), **changes}
        return {"authorization": f"DPoP {token}", "dpop": key.proof(service.now, **proof)}

    good = asked()
    assert admin.call(*READ, token="", headers=good).status == 200
    again = admin.call(*READ, token="", headers=good)
    assert again.problem == (401, "invalid_dpop_proof")
    assert admin.call(*READ, token="", headers=asked(htm="DELETE")).status == 401
    assert admin.call(*READ, token="", headers=asked(htu=f"{AUDIENCE}users")).status == 401
    bearer = admin.call(*READ, token=token)
    assert bearer.problem == (401, "invalid_token")
    assert bearer.headers["www-authenticate"].startswith("DPoP ")


def test_a_refused_request_takes_no_proof(service: Service, admin: Administrator) -> None:
    key = Key()
    token = admin.token("read:users", headers={"dpop": key.proof(service.now, htu=f"{ISSUER}oauth/token")})
    proof = key.proof(service.now, htm="DELETE", htu=f"{AUDIENCE}users/auth0%7Calice", ath=ath(token))
    headers = {"authorization": f"DPoP {token}", "dpop": proof}
    before = service.items("SingleUseTable")

    assert admin.call("DELETE", "users/auth0|alice", token="", headers=headers).status == 403

    assert service.items("SingleUseTable") == before
    event = service.events[-1]
    assert (event.type, event.client_id, event.details["path"]) == (
        "fapi",
        "administrator",
        "/api/v2/users/auth0|alice",
    ), "who asked for what they may not"


@pytest.mark.parametrize("path", ["", "nothing", "users/", "client", "v2/users"])
def test_what_is_no_path_is_not_found(admin: Administrator, path: str) -> None:
    with no_store(admin):
        assert admin.call("GET", path, token="").problem == (404, "not_found")


@pytest.mark.parametrize(("method", "path"), [("PUT", "users"), ("POST", "users/auth0|alice"), ("OPTIONS", "clients")])
def test_what_a_path_cannot_do_is_said(admin: Administrator, method: str, path: str) -> None:
    """A preflight too: this is for servers, and no script of a browser may read it."""
    answer = admin.call(method, path, token="")

    assert answer.problem == (405, "method_not_allowed")
    assert "access-control-allow-origin" not in answer.headers


@pytest.mark.parametrize("method", ["GET", "PATCH", "DELETE"])
def test_a_fault_is_503_and_no_refusal(admin: Administrator, method: str) -> None:
    token = admin.token()
    admin.call(*READ, token=token)
    with Steps.of(admin.service.client) as steps:
        steps.fail(BEFORE, FAULTS["unreachable"], calls=range(10))
        answer = admin.call(method, "users/auth0|alice", {"name": "A"} if method == "PATCH" else None, token=token)

    assert answer.status == 503
    assert answer.headers["content-type"].startswith("text/plain")
    assert answer.headers["retry-after"] == "1"


def test_changes_and_refusals_are_in_the_log_and_secrets_are_not(service: Service, admin: Administrator) -> None:
    token = admin.token()
    service.events.clear()
    admin.call("PATCH", "users/auth0|alice", {"password": "another long password"}, token=token)
    admin.call("GET", "users", token=token)
    admin.call("PATCH", "users/auth0|alice", {"password": "short"}, token=token)

    own = [event for event in service.events if event.type in {"sapi", "fapi"}]
    assert [(event.type.value, event.client_id, event.details["method"]) for event in own] == [
        ("sapi", "administrator", "PATCH"),
        ("fapi", "administrator", "PATCH"),
    ]
    assert own[0].caller.address == "192.0.2.9"
    assert "password" not in repr(list(service.events)).replace("password: String", "").replace("password changed", "")
    assert token not in repr(list(service.events))


def test_an_api_that_was_declared_with_this_audience_gives_people_no_way_in(admin: Administrator) -> None:
    """Before there was a Management API somebody may have had one of their own there."""
    declared = ResourceServer(AUDIENCE, "Ours", {"read:users": ""}, allow_offline_access=True)
    admin.put(configuration.RESOURCE_SERVER, AUDIENCE, configuration.encode(declared))
    admin.put(
        configuration.CLIENT_GRANT,
        configuration.client_grant_id("web", management_api.AUDIENCE),
        configuration.encode(ClientGrant("web", management_api.AUDIENCE, frozenset({"read:users"}))),
    )
    person = signed(sub=ALICE.user_id, azp=WEB.client_id, gty="refresh_token")

    assert admin.call(*READ, token=person).problem == (401, "invalid_token")
