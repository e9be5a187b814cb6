"""Issuer spoofing: a `Host` or forwarding header makes the service speak as the attacker's, or count somebody else."""

import dataclasses
import json
from urllib.parse import urlencode

from heirloom.domain import guessing
from heirloom.http import Response
from tests.attacks.attacker import EVIL, attacker
from tests.attacks.network import Wire, caller_named
from tests.endpoints.hands import basic
from tests.proofs import Key
from tests.service import (
    ISSUER,
    SECRET,
    SPA,
    WEB,
    Service,
    authorization_request,
    claims_of,
    refusal,
    tokens,
)

SPOOFED = {
    "host": "evil.example",
    "x-forwarded-host": "evil.example",
    "x-forwarded-server": "evil.example",
    "x-host": "evil.example",
    "x-original-host": "evil.example",
    "x-forwarded-proto": "http",
    "x-forwarded-port": "1337",
    "x-forwarded-prefix": "/evil",
    "forwarded": 'for=198.51.100.1;host="evil.example";proto=http',
    "origin": EVIL,
    "referer": f"{EVIL}/",
}


def test_no_header_of_a_request_names_the_issuer(service: Service, wire: Wire) -> None:
    """RFC 9700 §4.13, RFC 9700 §4.4, RFC 6819 §4.2.1: metadata, tokens, redirects, the device's link."""
    plain = json.loads(wire.ask("GET", "/.well-known/openid-configuration").body)
    headers = [(name.title(), value) for name, value in SPOOFED.items()]
    form = ("Content-Type", "application/x-www-form-urlencoded")
    assert json.loads(wire.ask("GET", "/.well-known/openid-configuration", *headers).body) == plain

    service.log_in()
    cookie = ("Cookie", f"__Host-heirloom={service.cookies['__Host-heirloom']}")
    answer = wire.ask("GET", f"/authorize?{urlencode(authorization_request(SPA))}", cookie, *headers)
    assert answer.header("location").startswith("https://app.example/callback?code=")
    assert "evil" not in repr(answer)

    body = urlencode({"client_id": "native", "scope": "openid"}).encode()
    device = json.loads(wire.ask("POST", "/oauth/device/code", form, *headers, body=body).body)
    assert device["verification_uri"] == f"{ISSUER}activate"

    token = service.login_tokens()["refresh_token"]
    body = urlencode({"grant_type": "refresh_token", "client_id": "spa", "refresh_token": token}).encode()
    issued = json.loads(wire.ask("POST", "/oauth/token", form, *headers, body=body).body)
    for name in ("access_token", "id_token"):
        assert claims_of(issued[name])["iss"] == ISSUER


def test_no_page_leads_to_the_host_that_a_request_names(service: Service, wire: Wire) -> None:
    """RFC 9700 §4.13, RFC 6819 §4.2.1: the login form posts to where it came from by its path alone."""
    spoofed = [(name, value) for name, value in SPOOFED.items() if name != "origin"]
    for target in (
        f"/authorize?{urlencode(authorization_request(SPA))}",
        "/account",
        "/activate",
        "/v2/logout",
        "/login",
    ):
        answer = wire.ask("GET", target, *spoofed)
        assert answer.status in {200, 400}
        assert b"evil" not in answer.body
        assert all(b'action="/' in part for part in answer.body.split(b"<form ")[1:])
        assert all("; Secure" in cookie and "Domain" not in cookie for cookie in answer.headers.get("set-cookie", []))
    assert service.transcript


def test_a_proof_and_an_assertion_are_judged_by_the_issuers_name_and_not_by_the_hosts(service: Service) -> None:
    """RFC 9700 §4.13, RFC 9700 §4.10.1, RFC 6819 §4.6.2: what was made for the attacker's host is good at no `Host`."""
    token = service.login_tokens(WEB)["refresh_token"]
    key = Key()

    def answer(target: str) -> Response:
        proof = {"DPoP": key.proof(service.now, htu=target)}
        return service.refresh(token, WEB, {**proof, **SPOOFED, **basic("web", SECRET)}, client_secret=None)

    assert refusal(answer(f"{EVIL}/oauth/token")) == (400, "invalid_dpop_proof")
    assert tokens(answer(f"{ISSUER}oauth/token"))["token_type"] == "DPoP"


def test_nobody_gets_around_the_brakes_by_naming_another_address(service: Service, wire: Wire) -> None:
    """RFC 9700 §4.13, RFC 6819 §4.4.3.6: each guess comes from a new address, say its headers."""
    service.authorize()
    form = {"request": urlencode(authorization_request(SPA)), "csrf": service.csrf, "action": "sign_in"}
    form |= {"email": "alice@example.com", "password": "wrong horse"}
    statuses = []
    for number in range(guessing.ACCOUNT_FROM_ADDRESS.free_attempts + 1):
        lies = caller_named(f"198.51.100.{number}")
        statuses.append(wire.post("/login", form, ("Cookie", f"__Host-heirloom-csrf={service.csrf}"), *lies).status)
    assert statuses[-2:] == [400, 429]


def test_the_address_is_the_one_that_reached_the_api(service: Service, wire: Wire) -> None:
    """RFC 9700 §4.13, RFC 6819 §4.4.3.6: from the wire to the log, whatever the request says of where it is from."""
    wire.ask("GET", "/authorize?client_id=nobody", *caller_named("198.51.100.7:443"))

    assert [event.caller.address for event in service.events] == ["127.0.0.1"]


def test_one_network_is_one_guesser_however_many_addresses_it_has(service: Service) -> None:
    """RFC 6819 §4.4.3.6: an IPv6 caller owns 2^64 addresses, and a spelling of each."""
    statuses = []
    for number in range(guessing.ACCOUNT_FROM_ADDRESS.free_attempts + 1):
        theirs = dataclasses.replace(attacker(service), address=f"2001:db8:0:1:{number:x}::{number:x}")
        statuses.append(theirs.log_in(password="wrong horse").status)
    assert statuses[-2:] == [400, 429]
    elsewhere = dataclasses.replace(attacker(service), address="2001:db8:0:2::1")
    assert "code=" in elsewhere.log_in().headers["location"]


def test_one_account_is_one_account_however_it_is_spelled(service: Service) -> None:
    """RFC 6819 §4.4.3.6: capitals and spaces are no new account to guess at."""
    spellings = [
        "alice@example.com",
        "ALICE@example.com",
        " alice@example.com",
        "Alice@Example.Com",
        "aLICE@example.com ",
    ]
    statuses = [
        attacker(service).log_in(email=it, password="wrong horse").status for it in (*spellings, "alice@EXAMPLE.com")
    ]
    assert statuses == [400] * 5 + [429]
