"""Token substitution: a token that was made for one client, audience or purpose is presented as another."""

import dataclasses
import json
from collections.abc import Callable
from typing import Any

import pytest

from heirloom.domain.application import GrantType
from heirloom.domain.backchannel_logout import LogoutNotice, logout_token
from heirloom.domain.client_grant import ClientGrant
from tests.attacks.attacker import attacker, nothing_changes
from tests.endpoints.assertions import SIGNING, assertion, with_assertion
from tests.endpoints.devices import poll, start
from tests.endpoints.hands import basic
from tests.management.administrator import ADMINISTRATOR, AUDIENCE, Administrator
from tests.proofs import Key, Prover
from tests.service import (
    ALICE,
    API,
    ISSUER,
    NATIVE,
    ONLINE_API,
    SECRET,
    SPA,
    START,
    THIRD_PARTY,
    WEB,
    Service,
    claims_of,
    refusal,
    tokens,
    with_secret,
)

MALICIOUS = dataclasses.replace(WEB, client_id="malicious")
"""A confidential client of the same tenant, with a secret of its own."""


@pytest.fixture(name="held")
def _held(service: Service) -> dict[str, str]:
    """One of each kind of token, code and reference that a person's login may leave somewhere."""
    service.declare(SIGNING)
    service.declare(MALICIOUS)
    issued = service.login_tokens()
    notice = LogoutNotice(client_id="spa", user_id=ALICE.user_id, session_id=claims_of(issued["id_token"])["sid"])
    logout = logout_token(notice, issuer=ISSUER, token_id="1", now=service.now)
    device = start(service)
    return {
        "access token": issued["access_token"],
        "ID token": issued["id_token"],
        "refresh token": issued["refresh_token"],
        "logout token": service.keys.signer().sign(logout),
        "client assertion": assertion(),
        "code": service.code(),
        "device code": device["device_code"],
        "user code": device["user_code"],
        "session cookie": service.cookies["__Host-heirloom"],
        "CSRF value": service.csrf,
        "DPoP proof": Key().proof(service.now),
    }


def userinfo(service: Service, token: str) -> int:
    return service.send("GET", "/userinfo", headers={"authorization": f"Bearer {token}"}).status


def as_hint(service: Service, token: str) -> bool:
    """Whether a token is taken as `id_token_hint`."""
    answer = service.authorize(id_token_hint=token, prompt="none")
    return "error=invalid_request" not in answer.headers["location"]


def is_active(service: Service, token: str) -> bool:
    form = with_secret({"client_id": "web", "token": token}, WEB)
    active: bool = json.loads(service.send("POST", "/oauth/introspect", form).body)["active"]
    return active


def signs_in(service: Service, token: str) -> bool:
    """Whether a token is taken as the session of a browser."""
    browser = attacker(service)
    browser.cookies["__Host-heirloom"] = token
    return "code=" in browser.authorize(prompt="none").headers["location"]


def authenticates(service: Service, token: str) -> bool:
    """Whether a token is taken as the assertion of a client that signs them."""
    form = with_assertion({"client_id": SIGNING.client_id, "token": "any"}, token)
    return service.send("POST", "/oauth/revoke", form).status == 200


USES: dict[str, tuple[set[str], Callable[[Service, str], bool]]] = {
    "userinfo": ({"access token"}, lambda service, token: userinfo(service, token) == 200),
    "id_token_hint": ({"ID token"}, as_hint),
    "introspection": ({"access token"}, is_active),
    "refresh": ({"refresh token"}, lambda service, token: service.refresh(token).status == 200),
    "code": ({"code"}, lambda service, token: attacker(service).exchange(token).status == 200),
    "device code": ({"device code"}, lambda service, token: "pending" in poll(service, {"device_code": token}).body),
    "session": ({"session cookie"}, signs_in),
    "assertion": ({"client assertion"}, authenticates),
}


@pytest.mark.parametrize("use", USES)
def test_a_token_is_good_for_what_it_was_made_for_and_nothing_else(
    service: Service, held: dict[str, str], use: str
) -> None:
    """RFC 9700 §4.6.1, RFC 6819 §4.4.1.13, RFC 6819 §4.6.5: each of eleven is presented wherever one is taken."""
    _, takes = USES[use]
    taken = {name for name, token in held.items() if takes(service, token)}
    assert taken == USES[use][0]


@pytest.mark.parametrize("other", [WEB, NATIVE, THIRD_PARTY, MALICIOUS], ids=lambda it: it.client_id)
def test_no_client_uses_or_ends_what_another_one_holds(service: Service, held: dict[str, str], other: Any) -> None:
    """RFC 9700 §4.14, RFC 6819 §4.4.1.4, RFC 6819 §4.1.2: refresh, exchange, revocation, introspection."""
    token = held["refresh token"]
    stranger = attacker(service)
    with nothing_changes(service):
        assert refusal(stranger.refresh(token, other)) == (400, "invalid_grant")
        assert refusal(stranger.exchange(held["code"], other, redirect_uri=None)) == (400, "invalid_grant")
        assert stranger.revoke(token, other).status == 200
        if other.confidential:
            form = with_secret({"client_id": other.client_id, "token": token}, other)
            answer = stranger.send("POST", "/oauth/introspect", form)
            assert json.loads(answer.body) == {"active": False}

    assert service.refreshed(token)
    assert tokens(service.exchange(held["code"]))


def test_two_names_in_one_request_are_not_two_clients(service: Service, held: dict[str, str]) -> None:
    """RFC 9700 §4.14, RFC 6819 §4.3.3: one client proves who it is, and names another in the body."""
    mine = basic(MALICIOUS.client_id, SECRET)
    code = service.code(WEB)
    with nothing_changes(service):
        for name in ("spa", "web", ""):
            form = {"client_id": name, "grant_type": "refresh_token", "refresh_token": held["refresh token"]}
            assert service.send("POST", "/oauth/token", form, mine).status in {400, 401}
        form = {"client_id": "web", "grant_type": "authorization_code", "code": code, "code_verifier": "v" * 43}
        assert refusal(service.send("POST", "/oauth/token", form, mine)) == (401, "invalid_client")
        signed = with_assertion({"grant_type": "refresh_token", "client_id": "web"}, assertion(jti="two names"))
        assert refusal(service.send("POST", "/oauth/token", signed)) == (401, "invalid_client")


def test_an_access_token_is_for_the_api_it_names(service: Service) -> None:
    """RFC 9700 §4.10.2, RFC 9700 §4.9.2, RFC 6819 §4.6.4: the API that was tricked into it holds nothing for us."""
    alone = service.login_tokens(scope="read:notes offline_access")
    assert claims_of(alone["access_token"])["aud"] == API
    assert userinfo(service, alone["access_token"]) == 401

    with_us = service.login_tokens()
    assert claims_of(with_us["access_token"])["aud"] == [API, f"{ISSUER}userinfo"]
    assert userinfo(service, with_us["access_token"]) == 200


@pytest.mark.parametrize(
    "mixed",
    [
        {"audience": API, "resource": ONLINE_API},
        {"audience": ONLINE_API},
        {"audience": None, "resource": ONLINE_API},
        {"audience": AUDIENCE},
        {"audience": None, "resource": AUDIENCE},
    ],
)
def test_a_refresh_token_is_not_exchanged_for_another_api(service: Service, mixed: dict[str, str | None]) -> None:
    """RFC 9700 §4.14, RFC 9700 §2.3, RFC 6819 §4.6.5: two names for one thing, one of them the attacker's."""
    token = service.login_tokens()["refresh_token"]
    answer = attacker(service).refresh(token, SPA, None, **mixed)

    if answer.status == 200:
        token = tokens(answer)["refresh_token"]
        assert API in claims_of(tokens(answer)["access_token"])["aud"]
        assert ONLINE_API not in claims_of(tokens(answer)["access_token"])["aud"]
    assert service.refreshed(token)


def test_a_login_with_two_audiences_in_one_request_gets_no_code(service: Service) -> None:
    """RFC 9700 §2.3, RFC 6819 §4.2.2: consent for one API must not become a token for another."""
    service.log_in()
    for mixed in ({"resource": ONLINE_API}, {"resource": f"{API} {ONLINE_API}"}, {"audience": AUDIENCE}):
        assert "code=" not in service.authorize(SPA, **mixed).headers["location"]
    assert "code=" in service.authorize(resource=API).headers["location"]


def test_nobody_administers_by_the_token_of_a_person(service: Service) -> None:
    """RFC 9700 §4.15, RFC 9700 §4.6, RFC 6819 §4.6.5: not even of an operator who logs in for our own audience."""
    admin = Administrator(service)
    service.configuration.client_grants += [ClientGrant("spa", AUDIENCE, frozenset({"read:users"}))]
    issued = service.login_tokens(WEB)
    user = f"users/{ALICE.user_id}"
    with nothing_changes(service):
        for token in (issued["access_token"], issued["id_token"], issued["refresh_token"]):
            assert admin.call("DELETE", user, token=token).status == 401

    assert admin.call("GET", user).status == 200


def test_a_client_cannot_pass_for_a_person(service: Service) -> None:
    """RFC 9700 §4.15, RFC 6819 §4.4.4: a client called like a person gets a token that is nobody's at `/userinfo`."""
    machine = dataclasses.replace(
        ADMINISTRATOR, client_id=ALICE.user_id, grant_types=frozenset({GrantType.CLIENT_CREDENTIALS})
    )
    service.declare(machine)
    service.configuration.client_grants += [ClientGrant(machine.client_id, API, frozenset({"read:notes"}))]
    form = {"grant_type": "client_credentials", "client_id": machine.client_id, "client_secret": SECRET}

    token = tokens(service.send("POST", "/oauth/token", {**form, "audience": API}))["access_token"]

    assert claims_of(token)["sub"] == f"{ALICE.user_id}@clients"
    assert userinfo(service, token) == 401
    assert userinfo(service, service.login_tokens()["access_token"]) == 200
    for scope in ("openid", "openid profile offline_access"):
        assert service.send("POST", "/oauth/token", {**form, "audience": API, "scope": scope}).status == 400


def test_a_bound_token_is_worth_nothing_without_its_key(service: Service) -> None:
    """RFC 9700 §4.10.1, RFC 9700 §4.9.1, RFC 6819 §4.6.1: stolen, it is no bearer token, and no other key's."""
    owner, thief = Prover(service), Prover(attacker(service))
    token = owner.login_tokens()["access_token"]
    bare = {"authorization": f"Bearer {token}"}
    with nothing_changes(service):
        assert service.send("GET", "/userinfo", headers=bare).status == 401
        assert thief.userinfo(token).status == 401
        assert thief.userinfo(token, scheme="Bearer").status == 401
    assert owner.userinfo(token).status == 200


def test_a_proof_is_for_one_endpoint_one_method_one_token_and_one_time(service: Service) -> None:
    """RFC 9700 §4.10.1, RFC 6819 §4.6.2: a proof that a proxy saw is presented again in every place that takes one."""
    owner = Prover(service)
    issued = owner.login_tokens()
    other = owner.login_tokens()["access_token"]
    key, now = owner.key, service.now
    seen = owner.header()
    tokens(service.refresh(issued["refresh_token"], SPA, seen))
    token = issued["access_token"]
    scheme = {"authorization": f"DPoP {token}"}
    with nothing_changes(service):
        assert service.refresh(issued["refresh_token"], SPA, seen).status == 400, "again"
        assert service.send("GET", "/userinfo", headers={**scheme, **seen}).status == 401, "elsewhere"
    proof: dict[str, Any] = {"htm": "GET", "htu": f"{ISSUER}userinfo", "ath": None}
    with nothing_changes(service):
        tried: list[dict[str, Any]] = [
            {},
            {"ath": "x" * 43},
            {"htm": "POST"},
            {"htm": "get"},
            {"htu": f"{ISSUER}oauth/token"},
        ]
        for changes in tried:
            made = key.proof(now, None, **(proof | changes))
            assert service.send("GET", "/userinfo", headers={**scheme, "DPoP": made}).status == 401
    assert owner.userinfo(token).status == 200
    assert owner.userinfo(other).status == 200


def test_a_grown_scope_is_not_to_be_had_by_asking_again(service: Service) -> None:
    """RFC 9700 §2.3, RFC 6819 §4.2.2, RFC 6819 §4.6.5: at the refresh, at the exchange, by another spelling."""
    login = service.login_tokens(scope="openid offline_access")
    token, code = login["refresh_token"], service.code(scope="openid")
    more = "openid offline_access profile email read:notes READ:NOTES read:* * admin"

    again = tokens(service.refresh(token, scope=more))
    assert again["scope"].split() == ["openid", "offline_access"]
    assert tokens(service.exchange(code, scope=more)).get("scope", "openid") == "openid"
    assert "email" not in claims_of(again["id_token"])


def test_an_assertion_of_one_client_is_none_of_another(service: Service) -> None:
    """RFC 6819 §4.3.3, RFC 9700 §2.5: a malicious client signs with the key that it registered, in the other's name."""
    service.declare(SIGNING)
    keyless = dataclasses.replace(SIGNING, client_id="victim", public_keys=())
    service.declare(keyless)
    code = service.code(SIGNING)
    with nothing_changes(service):
        claims: list[dict[str, Any]] = [{"iss": "victim", "sub": "victim"}, {"iss": "victim"}, {"sub": "victim"}]
        for names in claims:
            for client_id in ("victim", SIGNING.client_id):
                form = with_assertion({}, assertion(**names, jti=str(names), exp=START + 60))
                answer = service.exchange(code, SIGNING, client_secret=None, **{**form, "client_id": client_id})
                assert answer.status == 401
    assert tokens(service.exchange(code, SIGNING, client_secret=None, **with_assertion({}, assertion())))
