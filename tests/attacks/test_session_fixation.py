"""Session fixation: the attacker knows a cookie before the person logs in, and uses it afterwards."""

import dataclasses

from tests.attacks.attacker import attacker, nothing_changes
from tests.endpoints.devices import confirm, poll, start
from tests.endpoints.hands import pushed, raise_epoch
from tests.endpoints.reading import kind, sign_in
from tests.service import ALICE, BOB, SPA, Service, answered, claims_of, tokens

SESSION = "__Host-heirloom"


def is_logged_in(service: Service, cookie: str) -> bool:
    """Whether this session cookie, in the attacker's browser, is somebody's."""
    browser = attacker(service)
    browser.cookies[SESSION] = cookie
    return "code=" in browser.authorize(prompt="none").headers["location"]


def test_a_session_that_was_planted_is_not_the_one_of_the_login(service: Service) -> None:
    """RFC 6819 §4.4.1.10, RFC 9700 §4.7: the attacker's own session, in the browser where the person logs in."""
    theirs = attacker(service)
    theirs.log_in(email=BOB.email)
    planted = theirs.cookies[SESSION]
    service.cookies[SESSION] = planted

    page = service.authorize(prompt="login")
    code = answered(sign_in(service, page, ALICE.email))["code"]

    assert service.cookies[SESSION] != planted
    assert claims_of(tokens(service.exchange(code))["id_token"])["sub"] == ALICE.user_id
    assert not is_logged_in(service, planted), "it is over, and was never the person's"
    assert is_logged_in(service, service.cookies[SESSION])


def test_a_login_of_the_same_person_has_a_cookie_of_its_own(service: Service) -> None:
    """RFC 6819 §4.4.1.10: who copied the cookie before does not have the one after."""
    service.log_in()
    copied = service.cookies[SESSION]
    sign_in(service, service.authorize(prompt="login"), ALICE.email)

    assert service.cookies[SESSION] != copied
    assert copied.split(".")[1] == service.cookies[SESSION].split(".")[1], "one session, so that one logout ends it"
    assert not is_logged_in(service, copied)
    assert is_logged_in(service, service.cookies[SESSION])


def test_a_made_up_cookie_becomes_nobodys_session(service: Service) -> None:
    """RFC 6819 §4.4.1.10, RFC 6819 §4.4.1.6: nor does one of known parts; ids are no secrets."""
    service.log_in()
    user_key, session_id, secret = service.cookies[SESSION].split(".")
    with nothing_changes(service):
        for cookie in (
            f"{user_key}.{session_id}.{'A' * 43}",
            f"{user_key}.{'A' * 22}.{secret}",
            f"{'A' * 11}.{session_id}.{secret}",
            f"{user_key}.{session_id}.",
            f"{user_key}.{session_id}",
            f"{user_key}.{session_id}.{secret}.",
            f"{user_key}.{session_id}.{secret}=",
            f"{user_key}..{secret}",
            f'"{user_key}.{session_id}.{secret}"',
            "..",
            "admin",
            "",
        ):
            assert not is_logged_in(service, cookie), cookie
    assert is_logged_in(service, f"{user_key}.{session_id}.{secret}")


def test_a_request_that_the_attacker_pushed_is_answered_to_the_attackers_application_alone(service: Service) -> None:
    """RFC 9700 §4.7, RFC 6819 §4.4.1.10: the reference is fixed, the code still goes where the request says."""
    bring = pushed(service, state="of the attacker")
    answer = answered(sign_in(service, service.send("GET", "/authorize", query=bring), ALICE.email))

    assert answer["state"] == "of the attacker", "which the person's application does not know"
    again = service.send("GET", "/authorize", query=bring)
    assert (again.status, kind(again)) == (400, "start_again")


def test_who_is_logged_out_everywhere_is_so_with_a_cookie_that_was_copied(service: Service) -> None:
    """RFC 6819 §4.4.1.6, RFC 9700 §4.14: a copy of the cookie ends with the session, whoever holds it."""
    service.log_in()
    copied = service.cookies[SESSION]
    assert is_logged_in(service, copied)
    raise_epoch(service)
    assert not is_logged_in(service, copied)

    service.log_in()
    copied = service.cookies[SESSION]
    service.send("GET", "/v2/logout")
    assert not is_logged_in(service, copied)


def test_a_device_that_the_attacker_began_is_the_confirming_persons_and_only_once(service: Service) -> None:
    """RFC 6819 §4.4.1.10: a device code is fixed by whoever began; nobody else may answer for it afterwards."""
    device = start(service)
    confirm(service, device)
    theirs = attacker(service)
    theirs.log_in(email=BOB.email)
    with nothing_changes(service):
        shown = theirs.send("POST", "/activate", {"csrf": theirs.csrf, "user_code": device["user_code"]})
        assert kind(shown) == "user_code"
    native = dataclasses.replace(SPA, client_id="native")
    assert claims_of(tokens(poll(service, device, native))["id_token"])["sub"] == ALICE.user_id
