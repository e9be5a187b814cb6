"""Open redirects: a person, a code or an error is sent to an address of the attacker's."""

import dataclasses
from collections.abc import Mapping

import pytest

from heirloom.endpoints.account import CARRIED
from heirloom.http import Response
from tests.attacks.attacker import EVIL, nothing_changes
from tests.endpoints.hands import push, set_tenant
from tests.endpoints.reading import kind, read, sign_in
from tests.service import ALICE, NATIVE, SPA, WEB, Service, answered, tokens

LIKE_THE_CALLBACK = [
    EVIL,
    f"{EVIL}/callback",
    f"//{EVIL.removeprefix('https://')}/callback",
    "https://app.example.evil.example/callback",
    "https://evil.example/https://app.example/callback",
    "https://evil.example?https://app.example/callback",
    "https://evil.example#https://app.example/callback",
    "https://app.example@evil.example/callback",
    "https://app.example:443@evil.example/callback",
    "https://app.example%40evil.example/callback",
    "https://app.example\\@evil.example/callback",
    "https://evil.example\\.app.example/callback",
    "https:\\\\evil.example\\callback",
    "https:/app.example/callback",
    "https:app.example/callback",
    "https://app.example:443/callback",
    "https://app.example./callback",
    "https://APP.example/callback",
    "HTTPS://app.example/callback",
    "https://app.example/Callback",
    "https://app.example/callback/",
    "https://app.example//callback",
    "https://app.example/./callback",
    "https://app.example/x/../callback",
    "https://app.example/callback/../../redirect?to=evil",
    "https://app.example/callback/%2e%2e/redirect",
    "https://app.example/%63allback",
    "https://app.example/callback%00",
    "https://app.example/callback%0d%0aLocation:%20https://evil.example",
    "https://app.example/callback\r\nLocation: https://evil.example",
    "https://app.example/callback\x00.evil.example",
    "https://app.example/callback?next=https://evil.example",
    "https://app.example/callback#code",
    "https://app.example/callback;evil",
    "https://app.example/callback ",
    " https://app.example/callback",
    "https://app.example /callback",
    "https://sub.app.example/callback",
    "https://аpp.example/callback",  # noqa: RUF001 - a Cyrillic letter is the attack
    "https://app。example/callback",
    "https://xn--pp-8ia.example/callback",
    "http://app.example/callback",
    "javascript:alert(1)//https://app.example/callback",
    "data:text/html,<script>alert(1)</script>",
    "blob:https://app.example/callback",
    "view-source:https://app.example/callback",
    "https://app.example/callback https://evil.example/",
    "*",
    "null",
]
"""What URL parsers of browsers, servers and SDKs take apart in different ways."""

LIKE_LOOPBACK = [
    "http://localhost:51004/callback",
    "http://127.1:51004/callback",
    "http://2130706433/callback",
    "http://0x7f000001/callback",
    "http://0177.0.0.1/callback",
    "http://127.0.0.1.evil.example/callback",
    "http://127.0.0.1:51004.evil.example/callback",
    "http://127.0.0.1:80@evil.example/callback",
    "http://127.0.0.1:@evil.example/callback",
    "http://evil.example#127.0.0.1/callback",
    "http://127.0.0.1\\.evil.example/callback",
    "http://127.0.0.1:99999/callback",
    "http://127.0.0.1:-1/callback",
    "http://127.0.0.1:٣٣/callback",
    "http://[::1]:51004/callback",
    "http://[::ffff:127.0.0.1]/callback",
    "http://0.0.0.0:51004/callback",
    "https://127.0.0.1:51004/callback",
    "http://127.0.0.1:51004//callback",
    "http://127.0.0.1:51004/callback/..",
    "com.example.notes://evil.example/callback",
    "com.example.notes:/callback/evil",
    "COM.example.notes:/callback",
    "com.example.notes.evil:/callback",
]

MODES = {
    "redirect": {},
    "error": {"scope": '"'},
    "silent": {"prompt": "none"},
    "posted": {"response_mode": "form_post"},
}


LIKE_THE_CLIENT = [
    "",
    "SPA",
    "Spa",
    " spa",
    "spa ",
    "spa\x00",
    "\uff53\uff50\uff41",
    "sp\u0430",
    "spa%00",
    "spa/",
    "spa,web",
    "*",
]


def goes_nowhere(response: Response, uri: str) -> None:
    """Check that an answer is a page of ours which neither leads to *uri* nor repeats it."""
    assert response.status == 400
    assert kind(response) == "wrong_redirect"
    assert "location" not in response.headers
    assert read(response).forms == []
    assert uri not in read(response).text
    assert EVIL not in response.body


@pytest.mark.parametrize("mode", MODES.values(), ids=MODES.keys())
def test_nobody_and_no_code_is_sent_to_what_looks_like_the_callback(service: Service, mode: Mapping[str, str]) -> None:
    """RFC 9700 §4.1.1, RFC 9700 §4.11.2, RFC 6819 §4.2.4, RFC 6819 §4.4.1.5: also of a person who is logged in."""
    service.log_in()
    with nothing_changes(service):
        for uri in LIKE_THE_CALLBACK:
            goes_nowhere(service.authorize(SPA, redirect_uri=uri, **mode), uri)
            assert push(service, redirect_uri=uri).status == 400, uri

    assert "code" in answered(service.authorize())


@pytest.mark.parametrize("mode", MODES.values(), ids=MODES.keys())
def test_nor_to_what_looks_like_loopback(service: Service, mode: Mapping[str, str]) -> None:
    """RFC 9700 §4.1, RFC 6819 §4.2.4: the port of a native application is free, and nothing else of its address."""
    service.declare(dataclasses.replace(NATIVE, callbacks=NATIVE.callbacks | {"http://localhost/callback"}))
    with nothing_changes(service):
        for uri in LIKE_LOOPBACK:
            goes_nowhere(service.authorize(NATIVE, redirect_uri=uri, **mode), uri)

    assert "code" in answered(service.log_in(NATIVE, redirect_uri="http://127.0.0.1:51004/callback"))


def test_the_callback_of_one_application_is_none_of_another(service: Service) -> None:
    """RFC 9700 §4.1, RFC 6819 §4.1.5: a malicious client registers its own, and names the honest one."""
    service.declare(dataclasses.replace(SPA, client_id="malicious", callbacks=frozenset({f"{EVIL}/callback"})))
    service.log_in()
    with nothing_changes(service):
        goes_nowhere(service.authorize(redirect_uri=f"{EVIL}/callback"), f"{EVIL}/callback")
        goes_nowhere(service.authorize(client_id="malicious"), "https://app.example/callback")


def test_an_application_that_is_almost_known_is_unknown(service: Service) -> None:
    """RFC 9700 §4.11.2, RFC 6819 §4.2.4: and to unknown applications nobody is sent, with whatever error."""
    service.log_in()
    with nothing_changes(service):
        for client_id in LIKE_THE_CLIENT:
            for mode in ({}, MODES["error"]):
                answer = service.authorize(SPA, client_id=client_id, **mode)
                assert (answer.status, kind(answer)) == (400, "unknown_application"), client_id
                assert "location" not in answer.headers

    assert "code" in answered(service.authorize(client_id="spa"))


def test_a_code_is_exchanged_at_the_address_it_was_sent_to_alone(service: Service) -> None:
    """RFC 9700 §4.1.3: of two registered callbacks, one may have an open redirector."""
    other = "https://app.example/open"
    service.declare(dataclasses.replace(SPA, callbacks=SPA.callbacks | {other}))
    code = service.code()
    with nothing_changes(service):
        assert service.exchange(code, redirect_uri=other).status == 400
    assert tokens(service.exchange(code))


@pytest.mark.parametrize("path", ["/v2/logout", "/oidc/logout"])
def test_a_logout_leads_nowhere_that_is_not_registered(service: Service, path: str) -> None:
    """RFC 9700 §4.11.2, RFC 6819 §4.2.4: and the session does not end by a link that was wrong."""
    service.log_in()
    name = "returnTo" if path == "/v2/logout" else "post_logout_redirect_uri"
    good = "https://app.example/"
    with nothing_changes(service):
        for uri in [*LIKE_THE_CALLBACK, "https://app.example", "https://app.example/?", "https://app.example/#"]:
            for who in ({"client_id": "spa"}, {}):
                answer = service.send("GET", path, query={name: uri, **who})
                goes_nowhere(answer, uri)

    answer = service.send("GET", path, query={name: good, "client_id": "spa"})
    assert answer.headers.get("location") == good or kind(answer) == "logout"


def test_the_tenants_own_addresses_are_not_each_applications(service: Service) -> None:
    """RFC 9700 §4.11.2: an address that is good without a client is not good in the name of one."""
    set_tenant(service, allowed_logout_urls=frozenset({"https://tenant.example/"}))
    there = {"returnTo": "https://tenant.example/"}

    goes_nowhere(service.send("GET", "/v2/logout", query={**there, "client_id": WEB.client_id}), there["returnTo"])
    assert service.send("GET", "/v2/logout", query=there).headers["location"] == there["returnTo"]


@pytest.mark.parametrize(
    "carried",
    [
        EVIL,
        f"{CARRIED}//evil.example",
        f"{CARRIED}all=//evil.example",
        f"{CARRIED}{EVIL}",
        f"{CARRIED}all=browsers&returnTo={EVIL}",
        f"{CARRIED}..//evil.example?",
        f"activate:{EVIL}",
        f"redirect_uri={EVIL}&client_id=spa&response_type=code",
    ],
)
def test_what_a_login_form_carries_on_cannot_be_made_to_lead_elsewhere(service: Service, carried: str) -> None:
    """RFC 9700 §4.11.2, RFC 6819 §4.2.1: the login page's own hidden field, rewritten before it is posted."""
    service.authorize()
    form = {"request": carried, "csrf": service.csrf, "action": "sign_in", "email": ALICE.email}
    answer = service.send("POST", "/login", {**form, "password": "correct horse battery staple"})

    location = answer.headers.get("location", "")
    assert location == "" or location.startswith("/account")
    assert not location.startswith("//")
    assert "evil.example" not in location.partition("?")[0]


def test_a_login_at_our_account_page_leads_to_it(service: Service) -> None:
    """RFC 9700 §4.11.2: the honest way that the rewritten forms above imitate."""
    page = service.send("GET", "/account", query={"returnTo": EVIL, "redirect_uri": EVIL, "next": EVIL})

    assert sign_in(service, page, ALICE.email).headers["location"] == "/account"


def test_an_error_leads_back_by_303_so_that_no_password_goes_along(service: Service) -> None:
    """RFC 9700 §4.12: with 307 the browser would post what the person typed to the application."""
    answer = service.log_in(scope="openid")
    assert answer.status == 303
    assert answer.body == ""
    refused = service.authorize(scope='"')
    assert (refused.status, answered(refused)["error"]) == (303, "invalid_scope")
