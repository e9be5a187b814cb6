"""Cache poisoning: an answer that was made for the attacker, or with what they wrote, is kept for everybody."""

import json

import pytest

from tests.attacks.attacker import EVIL, attacker
from tests.attacks.network import Wire
from tests.endpoints.devices import start
from tests.endpoints.hands import push
from tests.service import ORIGIN, SPA, WEB, Service, with_secret

PUBLIC = ["/.well-known/openid-configuration", "/.well-known/oauth-authorization-server", "/.well-known/jwks.json"]

UNKEYED = [
    ("Host", "evil.example"),
    ("X-Forwarded-Host", "evil.example"),
    ("X-Forwarded-Proto", "http"),
    ("X-Forwarded-Scheme", "nothttps"),
    ("X-Forwarded-Port", "1337"),
    ("X-Forwarded-Prefix", "/evil"),
    ("X-Original-URL", "/evil"),
    ("X-Rewrite-URL", "/evil"),
    ("Forwarded", "host=evil.example;proto=http"),
    ("Origin", EVIL),
    ("Origin", ORIGIN),
    ("Accept-Language", "de"),
    ("Accept", "text/html"),
    ("User-Agent", "evil"),
    ("Cookie", "__Host-heirloom=evil; lang=de"),
    ("Authorization", "Bearer evil"),
    ("X-HTTP-Method-Override", "POST"),
    ("Range", "bytes=0-1"),
    ("If-None-Match", "*"),
]
"""What no cache takes into account when it looks for an answer that it has."""


@pytest.mark.parametrize("path", PUBLIC)
def test_what_may_be_kept_is_the_same_whoever_asks_and_however(wire: Wire, path: str) -> None:
    """RFC 9700 §4.13, RFC 6819 §4.6.6, RFC 6819 §4.6.4: the metadata and the keys are all that caches may keep."""
    plain = wire.ask("GET", path)
    assert plain.header("cache-control").startswith("public, max-age=")
    assert json.loads(plain.body)
    kept = {name: values for name, values in plain.headers.items() if name not in {"apigw-requestid", "date"}}
    for header in UNKEYED:
        for target in (path, f"{path}?x={EVIL}", f"{path}?callback=evil&utm_source=x"):
            answer = wire.ask("GET", target, header)
            assert (answer.status, answer.body) == (200, plain.body), header
            other = {name: values for name, values in answer.headers.items() if name not in {"apigw-requestid", "date"}}
            assert other == kept, header
    assert "set-cookie" not in plain.headers


def test_whatever_is_somebodys_own_is_kept_by_nobody(service: Service) -> None:
    """RFC 6819 §4.6.6, RFC 9700 §4.2, RFC 6819 §4.4.2.2: pages, tokens, claims, redirects, refusals, faults."""
    issued = service.login_tokens(WEB)
    bearer = {"authorization": f"Bearer {issued['access_token']}"}
    introspection = with_secret({"client_id": "web", "token": issued["access_token"]}, WEB)
    start(service)
    for answer in (
        service.authorize(),
        service.authorize(response_mode="form_post"),
        service.authorize(response_mode="web_message", prompt="none"),
        service.authorize(client_id="nobody"),
        service.send("GET", "/account"),
        service.send("GET", "/activate"),
        service.send("GET", "/userinfo", headers=bearer),
        service.send("GET", "/userinfo"),
        service.send("POST", "/oauth/introspect", introspection),
        service.refresh(issued["refresh_token"], WEB),
        service.refresh("nonsense", WEB),
        push(service),
        service.revoke("nonsense"),
        service.send("GET", "/v2/logout"),
    ):
        assert answer.headers["cache-control"] == "no-store", answer
    for _, answer in service.transcript:
        assert answer.headers["cache-control"] == "no-store", answer


@pytest.mark.parametrize(
    "target",
    [
        "/account/x.css",
        "/account/..%2fx.js",
        "/account%2fx.png",
        "/account;x.css",
        "/account.css",
        "/userinfo/x.js",
        "/userinfo%00.css",
        "/.well-known/..%2faccount",
        "/.well-known/../account",
        "/.well-known/jwks.json/../../account",
    ],
)
def test_no_page_of_a_person_is_to_be_had_under_a_name_that_caches_keep(
    service: Service, wire: Wire, target: str
) -> None:
    """RFC 6819 §4.6.6, RFC 9700 §4.2: the person is led to a picture that is their account page (cache deception)."""
    token = service.login_tokens()["access_token"]
    own = [("Cookie", f"__Host-heirloom={service.cookies['__Host-heirloom']}"), ("Authorization", f"Bearer {token}")]

    answer = wire.ask("GET", target, *own)
    assert answer.status == 404
    assert b"alice" not in answer.body
    assert b"alice" in wire.ask("GET", "/account", *own).body


def test_an_answer_that_one_origin_may_read_says_that_it_depends_on_it(service: Service) -> None:
    """RFC 9700 §4.17, RFC 6819 §4.6.6: else a cache would hand one origin's permission to another."""
    theirs = attacker(service)
    for origin, readable in ((ORIGIN, True), (EVIL, False)):
        for answer in (
            theirs.refresh("x", SPA, {"origin": origin}),
            theirs.send("OPTIONS", "/oauth/token", headers={"origin": origin}),
            theirs.send("GET", "/userinfo", headers={"origin": origin}),
        ):
            assert (answer.headers.get("access-control-allow-origin") == origin) is readable
            assert answer.headers.get("vary") == "origin" or answer.headers["cache-control"] == "no-store"
