"""Duplicated parameters: two of one name, of which one part of the service reads the first and another the last.

Between functions and callers stands API Gateway, so nothing of ours reads raw HTTP. What is ours is what becomes of a
query, a body, headers and a path that say two things.
"""

import base64
import gzip
import json
from urllib.parse import urlencode

import pytest

from tests.attacks.attacker import EVIL, attacker, nothing_changes
from tests.attacks.network import Wire
from tests.endpoints.hands import basic
from tests.proofs import Prover, ath
from tests.service import (
    CALLBACK,
    SECRET,
    SPA,
    WEB,
    Service,
    authorization_request,
    refusal,
    tokens,
    with_secret,
)

FORM = ("Content-Type", "application/x-www-form-urlencoded")

UNROUTED = [
    ("PUT", "/oauth/token"),
    ("GET", "/oauth/token"),
    ("TRACE", "/userinfo"),
    ("DELETE", "/userinfo"),
    ("get", "/userinfo"),
    ("GET", "/consent"),
    ("HEAD", "/userinfo"),
    ("PATCH", "/oauth/revoke"),
    ("POST", "//oauth/token"),
    ("POST", "/oauth//token"),
    ("POST", "/OAUTH/token"),
    ("POST", "/oauth/token/"),
    ("POST", "/oauth/%74oken"),
    ("POST", "/oauth/token%00"),
    ("POST", "/oauth/token;x=1"),
    ("POST", "/x/../oauth/token"),
    ("POST", "/oauth/./token"),
    ("POST", "/oauth%2ftoken"),
    ("POST", "/oauth\\token"),
    ("POST", "/$default/oauth/token"),
]
"""What is almost a request that we answer."""


def test_a_request_that_says_two_things_is_answered_by_neither(service: Service) -> None:
    """RFC 9700 §4.1, RFC 6819 §4.2.4: the redirect URI that is checked, and the one that is used; likewise the rest."""
    service.log_in()
    request = authorization_request(SPA)
    others = {
        "redirect_uri": f"{EVIL}/callback",
        "client_id": "web",
        "state": "other",
        "scope": "openid",
        "response_type": "token",
        "response_mode": "query",
        "code_challenge": "A" * 43,
        "code_challenge_method": "plain",
        "audience": "https://online.example/api",
        "prompt": "none",
    }
    assert "code=" in service.send("GET", "/authorize", query=request).headers["location"]
    request |= {"response_mode": "query", "prompt": "none"}
    with nothing_changes(service):
        for name, other in others.items():
            for pair in ([(name, request[name]), (name, other)], [(name, other), (name, request[name])]):
                rest = [(it, value) for it, value in request.items() if it != name]
                for pairs in (pair + rest, rest + pair, [pair[0], *rest, pair[1]]):
                    answer = service.send("GET", "/authorize", query=urlencode(pairs))
                    assert (answer.status, answer.headers.get("location")) == (400, None), name


@pytest.mark.parametrize(
    "spelling", ["redirect%5furi", "redirect_uri%5B%5D", "redirect_uri[]", "Redirect_uri", "redirect_uri%00"]
)
def test_another_spelling_of_a_name_does_not_replace_it(service: Service, spelling: str) -> None:
    """RFC 9700 §4.1, RFC 6819 §4.2.4: percent-encoded it is the same name twice, else another one, and unknown."""
    service.log_in()
    query = urlencode(authorization_request(SPA)) + f"&{spelling}={EVIL}/callback"
    answer = service.send("GET", "/authorize", query=query)

    location = answer.headers.get("location", "")
    assert answer.status == 400 if spelling == "redirect%5furi" else location.startswith(f"{CALLBACK}?code=")
    assert EVIL not in location


@pytest.mark.parametrize("separator", [";", "%26", "&amp;", "\x26\x00", "%0a"])
def test_no_other_separator_begins_a_parameter(service: Service, separator: str) -> None:
    """RFC 9700 §4.1, RFC 6819 §4.2.4: web caches and frameworks differ about `;`."""
    query = urlencode({**authorization_request(SPA), "state": "x"}) + f"{separator}redirect_uri={EVIL}/callback"
    service.log_in()
    assert not service.send("GET", "/authorize", query=query).headers.get("location", "").startswith(EVIL)


def test_a_token_request_that_says_two_things_spends_nothing(service: Service) -> None:
    """RFC 9700 §4.14, RFC 6819 §4.3.3: two tokens, two clients, two secrets, two grants; as a form and as JSON."""
    own, other = (service.login_tokens()["refresh_token"] for _ in range(2))
    request = {"grant_type": "refresh_token", "client_id": "spa", "refresh_token": own}
    others = {"grant_type": "client_credentials", "client_id": "web", "refresh_token": other}
    json_type = {"content-type": "application/json"}
    with nothing_changes(service):
        for name, second in others.items():
            pairs = [*request.items(), (name, second)]
            for order in (pairs, pairs[::-1]):
                form = urlencode(order).encode()
                answer = service.send("POST", "/oauth/token", body=form, headers={FORM[0]: FORM[1]})
                assert refusal(answer) == (400, "invalid_request")
                document = "{" + ",".join(f"{json.dumps(key)}:{json.dumps(value)}" for key, value in order) + "}"
                answer = service.send("POST", "/oauth/token", body=document.encode(), headers=json_type)
                assert refusal(answer) == (400, "invalid_request")
    answer = service.send("POST", "/oauth/token", body=json.dumps(request).encode(), headers=json_type)
    assert tokens(answer), "said once, in JSON"
    assert service.refreshed(other)


def test_a_body_is_read_as_what_its_type_says_and_as_nothing_else(service: Service) -> None:
    """RFC 6819 §4.3.3, RFC 9700 §4.7: a form that a page may post, which is JSON to a server that guesses."""
    token = service.login_tokens()["refresh_token"]
    form = urlencode({"grant_type": "refresh_token", "client_id": "spa", "refresh_token": token}).encode()
    document = json.dumps({"grant_type": "refresh_token", "client_id": "spa", "refresh_token": token}).encode()
    with nothing_changes(service):
        for body, kind in (
            (document, FORM[1]),
            (document, "text/plain"),
            (document, "application/x-www-form-urlencoded, application/json"),
            (document, "text/plain; application/json"),
            (form, "application/json"),
            (form, "multipart/form-data; boundary=x"),
            (form, "text/plain"),
            (form, ""),
            (
                b"--x\r\nContent-Disposition: form-data; name=grant_type\r\n\r\nrefresh_token\r\n--x--",
                "multipart/form-data",
            ),
            (b"[" + document + b"]", "application/json"),
            (document.decode().encode("utf-16"), "application/json"),
            (gzip.compress(form), FORM[1]),
            (base64.b64encode(form), FORM[1]),
            (b"", FORM[1]),
        ):
            headers = {"content-type": kind, "content-encoding": "gzip"}
            assert service.send("POST", "/oauth/token", body=body, headers=headers).status == 400, (body, kind)
    assert tokens(service.send("POST", "/oauth/token", body=form, headers={"content-type": FORM[1]}))


def test_what_is_in_the_query_does_not_count_for_a_post(service: Service) -> None:
    """RFC 6819 §4.6.7, RFC 9700 §4.3.2: else tokens and secrets would come to stand in addresses, and in logs."""
    token = service.login_tokens(WEB)["refresh_token"]
    request = with_secret({"grant_type": "refresh_token", "client_id": "web", "refresh_token": token}, WEB)
    with nothing_changes(service):
        for name in request:
            form = {it: value for it, value in request.items() if it != name}
            answer = service.send("POST", "/oauth/token", form, query={name: request[name]})
            assert answer.status in {400, 401}, name
        assert service.send("POST", "/oauth/token", {}, query=request).status == 400
    assert service.refreshed(token, WEB)


def test_two_headers_of_one_name_are_none(service: Service, wire: Wire) -> None:
    """RFC 9700 §4.13, RFC 6819 §4.3.3: the API joins them by a comma; the service takes neither half."""
    token = service.login_tokens(WEB)["refresh_token"]
    access = service.login_tokens()["access_token"]
    form = urlencode({"grant_type": "refresh_token", "refresh_token": token}).encode()
    good = ("Authorization", basic("web", SECRET)["Authorization"])
    bearer = ("Authorization", f"Bearer {access}")
    theirs = ("Authorization", basic("spa", "x")["Authorization"])
    with nothing_changes(service):
        for pair in ([good, theirs], [theirs, good], [good, good]):
            assert wire.ask("POST", "/oauth/token", FORM, *pair, body=form).status in {400, 401}
        for pair in ([bearer, theirs], [bearer, bearer], [("Authorization", "Bearer x"), bearer]):
            assert wire.ask("GET", "/userinfo", *pair).status == 401
        assert (
            wire.ask("POST", "/oauth/token", FORM, ("Content-Type", "application/json"), good, body=form).status == 400
        )

    assert wire.ask("GET", "/userinfo", bearer).status == 200
    assert wire.ask("POST", "/oauth/token", FORM, good, body=form).status == 200


def test_two_proofs_are_none(service: Service, wire: Wire) -> None:
    """RFC 9700 §4.10.1, RFC 6819 §4.6.2: the thief's proof beside one that was seen before (RFC 9449 §4.3, 1)."""
    owner, thief = Prover(service), Prover(attacker(service))
    token = owner.login_tokens()["access_token"]

    def proof(prover: Prover) -> str:
        claims = {"htm": "GET", "htu": "https://login.example/userinfo", "ath": ath(token)}
        return prover.key.proof(service.now, None, **claims)

    scheme = ("Authorization", f"DPoP {token}")
    with nothing_changes(service):
        for pair in ((thief, owner), (owner, thief), (owner, owner)):
            headers = [("DPoP", proof(it)) for it in pair]
            assert wire.ask("GET", "/userinfo", scheme, *headers).status == 401
    assert wire.ask("GET", "/userinfo", scheme, ("DPoP", proof(owner))).status == 200


def test_of_two_cookies_of_one_name_none_is_a_way_in_for_the_other(service: Service, wire: Wire) -> None:
    """RFC 9700 §4.7, RFC 6819 §4.4.1.8: one that was tossed from a path or a subdomain neither adds nor replaces.

    Browsers send the narrower one first (RFC 6265 §5.4). `__Host-` lets none be set; this is the second line.
    """
    theirs = attacker(service)
    theirs.log_in(email="bob@example.com")
    service.log_in()
    mine, tossed = service.cookies["__Host-heirloom"], theirs.cookies["__Host-heirloom"]
    for cookies, who in (([mine, tossed], "alice"), ([tossed, mine], "bob"), ([mine], "alice")):
        header = "; ".join(f"__Host-heirloom={it}" for it in cookies)
        page = wire.ask("GET", "/account", ("Cookie", header)).body.decode()
        assert (who in page, {"alice": "bob", "bob": "alice"}[who] + "@" in page) == (True, False)


def test_no_other_verb_and_no_other_spelling_of_a_path_comes_in(service: Service, wire: Wire) -> None:
    """RFC 9700 §4.13, RFC 6819 §4.4.1.11: whoever limits a path in front of us sees all that has its effect."""
    token = service.login_tokens()
    form = urlencode({"grant_type": "refresh_token", "client_id": "spa", "refresh_token": token["refresh_token"]})
    bearer = ("Authorization", f"Bearer {token['access_token']}")
    with nothing_changes(service):
        for method, target in UNROUTED:
            answer = wire.ask(method, target, FORM, bearer, body=form.encode() if method != "HEAD" else b"")
            assert answer.status in {400, 404}, (method, target)
        for override in ("X-HTTP-Method-Override", "X-HTTP-Method", "X-Method-Override"):
            assert wire.ask("GET", "/oauth/token", FORM, (override, "POST")).status == 404
    assert wire.ask("POST", "/oauth/token", FORM, body=form.encode()).status == 200


def test_a_second_request_inside_of_a_body_is_a_body(service: Service, wire: Wire) -> None:
    """RFC 9700 §4.13, RFC 6819 §4.4.1.11: lengths that contradict each other smuggle nothing in.

    On AWS this is API Gateway's to refuse; here it is shown that the local one does not answer twice either.
    """
    token = service.login_tokens()["refresh_token"]
    form = urlencode({"grant_type": "refresh_token", "client_id": "spa", "refresh_token": token}).encode()
    inner = b"POST /oauth/token HTTP/1.1\r\nHost: x\r\nContent-Type: " + FORM[1].encode()
    inner += b"\r\nContent-Length: %d\r\n\r\n" % len(form) + form
    with nothing_changes(service):
        for lengths in (
            b"Content-Length: 4\r\nContent-Length: %d" % len(inner),
            b"Content-Length: %d, 4" % len(inner),
            b"Content-Length: +%d" % len(inner),
            b"Content-Length: %d\r\nTransfer-Encoding: xchunked" % len(inner),
            b"Content-Length: -1",
        ):
            head = b"POST /oauth/revoke HTTP/1.1\r\nHost: login.example\r\nConnection: close\r\n"
            answers = wire.send(head + lengths + b"\r\n\r\n" + inner)
            assert [it.status for it in answers if it.status == 200] == []
    assert service.refreshed(token)
