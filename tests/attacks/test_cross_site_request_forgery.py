"""Cross-site request forgery: another site has the person's browser act here, with the cookies that it has."""

import dataclasses
from collections.abc import Callable
from urllib.parse import urlencode

import pytest

from heirloom.endpoints.account import CARRIED
from heirloom.http import Response
from tests.attacks.attacker import EVIL, attacker, nothing_changes
from tests.endpoints.devices import confirmation, start
from tests.endpoints.reading import kind, read, sign_in
from tests.service import (
    ALICE,
    BOB,
    PASSWORD,
    SPA,
    THIRD_PARTY,
    Service,
    answered,
    authorization_request,
    claims_of,
    refusal,
    tokens,
)

CSRF = "__Host-heirloom-csrf"


@dataclasses.dataclass
class Form:
    """What a page of ours would post, and how one knows that it was taken."""

    path: str
    fields: dict[str, str]
    taken: Callable[[Response], bool]


def login(service: Service) -> Form:
    """Log the victim in as the attacker: what they do then, they do in the attacker's account."""
    service.authorize()
    fields = {"request": urlencode(authorization_request(SPA)), "action": "sign_in"}
    return Form("/login", {**fields, "email": BOB.email, "password": PASSWORD}, lambda it: it.status == 303)


def login_to_the_account_page(service: Service) -> Form:
    """The same, where no application is asked."""
    service.authorize()
    fields = {"request": CARRIED, "email": BOB.email, "password": PASSWORD, "action": "sign_in"}
    return Form("/login", fields, lambda it: it.status == 303)


def consent(service: Service) -> Form:
    """Agree to an application of the attacker's."""
    page = service.log_in(THIRD_PARTY)
    fields = read(page).forms[-1].fields
    return Form("/consent", {**fields, "decision": "allow"}, lambda it: "code=" in it.headers.get("location", ""))


def account(service: Service) -> Form:
    """Sign the person out everywhere."""
    service.log_in()
    fields = read(service.send("GET", "/account")).forms[-1].fields
    return Form("/account", {**fields, "everything": "all"}, lambda it: kind(it) == "signed_out")


def device(service: Service) -> Form:
    """Let the attacker's device in."""
    service.log_in()
    fields = read(confirmation(service, start(service))).forms[-1].fields
    return Form("/activate", {**fields, "decision": "allow"}, lambda it: kind(it) == "device_connected")


FORMS = [login, login_to_the_account_page, consent, account, device]

FORGERIES: dict[str, Callable[[Service, dict[str, str]], tuple[dict[str, str | None], dict[str, str]]]] = {
    "another origin": lambda _, fields: ({**fields}, {"origin": EVIL}),
    "an origin that is like ours": lambda _, fields: ({**fields}, {"origin": "https://login.example.evil.example"}),
    "our host over http": lambda _, fields: ({**fields}, {"origin": "http://login.example"}),
    "our host at another port": lambda _, fields: ({**fields}, {"origin": "https://login.example:444"}),
    "a sandboxed frame": lambda _, fields: ({**fields}, {"origin": "null"}),
    "two origins": lambda _, fields: ({**fields}, {"origin": f"https://login.example, {EVIL}"}),
    "no value": lambda _, fields: ({**fields, "csrf": None}, {}),
    "an empty value": lambda _, fields: ({**fields, "csrf": ""}, {}),
    "the attacker's value": lambda service, fields: ({**fields, "csrf": value_of_another_browser(service)}, {}),
    "a value in the query's way": lambda _, fields: ({**fields, "csrf": None, "CSRF": fields["csrf"]}, {}),
}


def value_of_another_browser(service: Service) -> str:
    theirs = attacker(service)
    theirs.authorize()
    return theirs.csrf


@pytest.mark.parametrize("form", FORMS)
def test_no_form_is_taken_from_another_site(service: Service, form: Callable[[Service], Form]) -> None:
    """RFC 9700 §4.7, RFC 6819 §4.4.1.8, RFC 6819 §4.4.1.10: in every way of forging."""
    ours = form(service)
    ours.fields["csrf"] = service.csrf
    with nothing_changes(service):
        for name, forge in FORGERIES.items():
            fields, headers = forge(service, ours.fields)
            sent = {field: value for field, value in fields.items() if value is not None}
            answer = service.send("POST", ours.path, sent, headers)
            assert (answer.status, kind(answer)) == (403, "expired_form"), name
    mine = {"origin": "https://login.example"}

    assert ours.taken(service.send("POST", ours.path, ours.fields, mine)), "our own page's form"


@pytest.mark.parametrize("form", FORMS)
def test_a_cookie_that_the_attacker_planted_is_no_help(service: Service, form: Callable[[Service], Form]) -> None:
    """RFC 9700 §4.7, RFC 6819 §4.4.1.8: values that could be planted by whoever once had the browser, or a proxy."""
    ours = form(service)
    own = service.csrf
    with nothing_changes(service):
        for planted in ("", "x", "A" * 42, "A" * 44, "A" * 42 + "B", "=" * 43):
            service.cookies[CSRF] = planted
            answer = service.send("POST", ours.path, {**ours.fields, "csrf": planted})
            assert (answer.status, kind(answer)) == (403, "expired_form"), planted
    service.cookies[CSRF] = own

    assert ours.taken(service.send("POST", ours.path, {**ours.fields, "csrf": own}))


@pytest.mark.parametrize("path", ["/login", "/consent", "/account", "/activate"])
def test_a_link_does_nothing_that_a_form_does(service: Service, path: str) -> None:
    """RFC 9700 §4.7, RFC 6819 §4.4.1.10: `SameSite=Lax` lets cookies come along with links."""
    service.log_in(THIRD_PARTY)
    query = {"csrf": service.csrf, "email": ALICE.email, "password": PASSWORD, "decision": "allow", "everything": "all"}
    with nothing_changes(service):
        if ("GET", path) in service.routes:
            assert "code=" not in service.send("GET", path, query=query).headers.get("location", "")
        else:
            assert path == "/consent", "which answers to nothing but a post"


def test_nobody_is_logged_out_of_their_session_by_a_page_that_knows_nothing_of_it(service: Service) -> None:
    """RFC 9700 §4.7, RFC 6819 §4.4.1.8: the person is asked, unless who asks knows the session."""
    own = service.login_tokens()["id_token"]
    theirs = attacker(service).login_tokens(email=BOB.email)["id_token"]
    for query in ({}, {"client_id": "spa"}, {"id_token_hint": theirs}, {"logout_hint": ALICE.email}):
        with nothing_changes(service):
            assert kind(service.send("GET", "/oidc/logout", query=query)) == "logout"
            assert kind(service.send("POST", "/oidc/logout", query)) == "logout"
    with nothing_changes(service):
        confirmed = service.send("POST", "/oidc/logout", {"csrf": "A" * 43, "request": "client_id=spa"})
        assert kind(confirmed) == "logout"

    assert kind(service.send("GET", "/oidc/logout", query={"id_token_hint": own})) == "signed_out"


def test_auth0s_logout_ends_this_browsers_session_and_no_refresh_token(service: Service) -> None:
    """RFC 9700 §4.7, RFC 6819 §4.4.1.8: a link that anybody may send ends no login on a device, and leads nowhere."""
    refresh_token = service.login_tokens()["refresh_token"]
    answer = service.send("GET", "/v2/logout", query={"returnTo": f"{EVIL}/", "client_id": "spa"})
    assert answer.status == 400
    assert "code=" in service.authorize(prompt="none").headers["location"], "a wrong link ends nothing"

    service.send("GET", "/v2/logout")
    assert "login_required" in service.authorize(prompt="none").headers["location"]
    assert service.refreshed(refresh_token)


def test_a_login_that_the_attacker_began_leads_to_no_code_at_the_victims_application(service: Service) -> None:
    """RFC 9700 §4.7.1, RFC 6819 §4.4.1.8: the attacker's code at the victim's callback lacks the victim's verifier.

    `state` comes back to the letter, so an application that binds it to its session sees it as well.
    """
    answer = answered(attacker(service).log_in(email=BOB.email, state="of the attacker", code_challenge="A" * 43))

    assert answer["state"] == "of the attacker"
    assert refusal(service.exchange(answer["code"])) == (400, "invalid_grant")
    victims = tokens(service.exchange(service.code()))
    assert claims_of(victims["id_token"])["sub"] == ALICE.user_id


def test_a_login_beside_another_persons_session_gives_nothing_of_either_to_the_other(service: Service) -> None:
    """RFC 9700 §4.7, RFC 6819 §4.4.1.8: where the attacker did log the victim's browser in, the old login is over."""
    victims = service.cookies | {}
    service.log_in()
    victims |= service.cookies
    sign_in(service, service.authorize(prompt="login"), BOB.email)

    assert claims_of(tokens(service.exchange(service.code(email=BOB.email)))["id_token"])["sub"] == BOB.user_id
    old = attacker(service)
    old.cookies.update(victims)
    assert "login_required" in old.authorize(prompt="none").headers["location"]
