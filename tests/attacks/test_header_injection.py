"""Header injection: what the attacker writes ends a header of our answer, or a line of our log, and begins another."""

import json
from collections.abc import Iterator

import pytest

from heirloom.adapters.events import LoggedEvents
from heirloom.http import Response
from tests.attacks.attacker import attacker
from tests.attacks.network import Wire
from tests.endpoints.devices import ask
from tests.endpoints.hands import push
from tests.endpoints.reading import read
from tests.service import ORIGIN, SPA, Service, answered, authorization_request

INJECTED = [
    "x\r\nSet-Cookie: __Host-heirloom=evil",
    "x\nLocation: https://evil.example",
    "x\r\n\r\n<script>alert(1)</script>",
    "x\r",
    "x\u560a\u560dSet-Cookie: evil",
    "x\u2028y",
    "x\x00y",
    "x\x0b\x0cy",
    "x\x7f\x85y",
    'x"; error="none',
    "x, Bearer",
    "x; Domain=.example",
]
"""Line ends, and what some server cuts down to one: U+560A and U+560D end in the bytes of them."""


def sound(response: Response) -> None:
    """Check that all headers and cookies of an answer are of one line, and printable."""
    for text in (*response.headers.values(), *response.cookies):
        assert text.isprintable()
        assert text.isascii()
    assert "evil" not in repr(response.cookies)
    assert response.headers.keys() & {"set-cookie"} == set()


def test_nothing_of_an_authorization_request_gets_out_of_its_header(service: Service) -> None:
    """RFC 9700 §4.11.2, RFC 6819 §4.2.4: `state` goes back in a header; everything else goes into pages, or nowhere."""
    service.log_in()
    for text in INJECTED:
        answer = service.authorize(state=text)
        sound(answer)
        assert answered(answer)["state"] == text, "and comes back to the letter"
        for name in authorization_request(SPA).keys() | {
            "prompt",
            "max_age",
            "response_mode",
            "login_hint",
            "ui_locales",
        }:
            if name != "state":
                sound(service.authorize(SPA, **{name: text}))
        sound(service.authorize(SPA, **{text: text}))


@pytest.mark.parametrize("text", INJECTED)
def test_nothing_that_is_refused_gets_into_a_header(service: Service, text: str) -> None:
    """RFC 6819 §4.4.1.11, RFC 9700 §4.13: token, device, logout, activation, pushed requests; challenges, too."""
    for answer in (
        service.refresh(text),
        service.refresh("x", SPA, {"authorization": f"Basic {text}"}),
        service.refresh("x", SPA, {"dpop": text, "origin": text}),
        service.exchange(text, redirect_uri=text, code_verifier=text, client_id=text),
        service.revoke(text),
        ask(service, scope=text, audience=text),
        push(service, state=text, redirect_uri=text),
        service.send("GET", "/userinfo", headers={"authorization": f"Bearer {text}", "origin": text}),
        service.send("OPTIONS", "/oauth/token", headers={"origin": text, "access-control-request-headers": text}),
        service.send("GET", "/v2/logout", query={"returnTo": text, "client_id": text}),
        service.send("GET", "/oidc/logout", query={"state": text, "ui_locales": text, "logout_hint": text}),
        service.send("GET", "/activate", query={"user_code": text, "ui_locales": text}),
        service.send("GET", "/account", query={"all": text}, headers={"accept-language": text}),
        service.send("POST", "/oauth/token", {"grant_type": text, "client_id": "spa"}, {"content-type": text}),
    ):
        sound(answer)


def test_a_registered_origin_is_repeated_and_nothing_else_is(service: Service) -> None:
    """RFC 9700 §4.17: `Access-Control-Allow-Origin` is the one header that repeats a header of the request."""
    for origin in (*(f"{ORIGIN}{text[1:]}" for text in INJECTED), "null", "*", f"{ORIGIN}, https://evil.example", ""):
        answer = service.refresh("x", SPA, {"origin": origin})
        assert "access-control-allow-origin" not in answer.headers, origin
    assert service.refresh("x", SPA, {"origin": ORIGIN}).headers["access-control-allow-origin"] == ORIGIN


def test_no_line_end_in_a_request_comes_out_of_the_wire_as_one(service: Service, wire: Wire) -> None:
    """RFC 9700 §4.11.2, RFC 6819 §4.2.4: percent-encoded in path and query, to the last byte of the answer."""
    for target in _targets():
        answer = wire.ask("GET", target)
        assert "set-cookie" not in answer.headers or "evil" not in repr(answer.headers["set-cookie"])
        assert "x-injected" not in answer.headers
    service.log_in()
    cookie = ("Cookie", f"__Host-heirloom={service.cookies['__Host-heirloom']}")
    good = wire.ask("GET", f"/authorize?{_query('%0d%0aX-Injected:%20evil')}", cookie)

    assert good.status == 303
    assert "x-injected" not in good.headers
    assert "state=%0D%0AX-Injected%3A+evil" in good.header("location")


def _query(state: str) -> str:
    return "&".join(
        f"{name}={state if name == 'state' else value.replace(' ', '+')}"
        for name, value in authorization_request(SPA).items()
    )


def _targets() -> Iterator[str]:
    for ending in ("%0d%0a", "%0a", "%0d", "%E5%98%8A%E5%98%8D", "%u000a"):
        injected = f"{ending}X-Injected:%20evil{ending}Set-Cookie:%20evil=1"
        yield f"/authorize{injected}"
        yield f"/v2/logout?returnTo=https://app.example/{injected}"
        yield f"/{injected}/../authorize"
        yield f"/activate?user_code={injected}"


def test_a_line_of_the_log_is_one_event_whatever_is_in_it(service: Service, capsys: pytest.CaptureFixture[str]) -> None:
    """RFC 6819 §4.6.7, RFC 9700 §4.13: a user agent, an address and an id that would write an event of their own."""
    forged = '"}\n{"type": "s", "user_id": "auth0|alice", "description": "logged in"}\r\n'
    theirs = attacker(service)
    theirs.user_agent = forged
    theirs.refresh("x", SPA, client_id=forged)
    theirs.authorize(client_id=forged)
    capsys.readouterr()
    log = LoggedEvents("attack", "attack")
    for event in service.events:
        log.emit(event)
    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines()]

    assert len(lines) == 2
    assert [line["user_agent"] for line in lines] == [forged] * 2
    assert {line["type"] for line in lines} == {"fertft", "f"}


def test_a_page_repeats_nothing_as_markup(service: Service) -> None:
    """RFC 9700 §4.17, RFC 6819 §4.4.2.4: what pages repeat of a request is text, in fields and in words."""
    markup = "\"'><script>alert(1)</script><img src=x onerror=alert(1)>"
    for answer in (
        service.authorize(login_hint=markup, ui_locales=markup, state=markup),
        service.send("GET", "/activate", query={"user_code": markup, "ui_locales": markup}),
        service.log_in(email=markup),
        service.authorize(client_id=markup),
        service.authorize(response_mode="form_post", prompt="none", state=markup),
        service.authorize(response_mode="web_message", prompt="none", state=markup),
        service.send("GET", "/oidc/logout", query={"state": markup, "client_id": markup}),
        service.send("GET", "/account", query={"all": markup}),
    ):
        assert "<script>alert" not in answer.body
        assert "<img src=x" not in answer.body
        assert read(answer).heading
