"""Device code phishing: the attacker's device, and a person who is led to say yes to it (RFC 8628 §5.4)."""

import json

import pytest

from heirloom.domain import guessing
from heirloom.domain.user_code import ALPHABETS, UserCodeCharset
from tests.attacks.attacker import attacker, nothing_changes
from tests.attacks.network import Wire, caller_named
from tests.endpoints.devices import ask, confirmation, decide, enter, poll, start
from tests.endpoints.reading import kind, read, submit
from tests.service import ALICE, NATIVE, SPA, THIRD_PARTY, Service, claims_of, tokens


def error_of(service: Service, device: dict[str, object]) -> str:
    return str(json.loads(poll(service, device).body)["error"])


def test_a_link_with_the_code_in_it_lets_nobody_in_by_itself(service: Service) -> None:
    """RFC 6819 §4.4.1.4, RFC 6819 §4.4.1.10: the person is logged in, agreed before, and only follows the link."""
    theirs = start(service)
    service.log_in()
    with nothing_changes(service):
        page = service.send("GET", "/activate", query={"user_code": theirs["user_code"], "decision": "allow"})
    assert kind(page) == "user_code"
    assert error_of(service, theirs) == "authorization_pending"


def test_entering_the_code_shows_it_and_who_asks_before_anything_is_decided(service: Service) -> None:
    """RFC 6819 §4.2.2, RFC 6819 §4.4.1.4: what the person may compare: the code, the application, the scopes."""
    theirs = start(service)
    page = confirmation(service, theirs)

    text = read(page).text
    assert theirs["user_code"] in text
    assert NATIVE.name in text
    assert "Read your notes" in text
    assert read(page).forms[-1].buttons[0] != ("decision", "allow"), "the button that comes first is not yes"
    assert error_of(service, theirs) == "authorization_pending"


def test_a_person_who_says_no_is_heard_for_good(service: Service) -> None:
    """RFC 6819 §4.4.1.4, RFC 6819 §4.2.2: the attacker cannot have it asked again with the same code."""
    theirs = start(service)
    decide(service, confirmation(service, theirs), "deny")
    assert kind(enter(service, theirs["user_code"])) == "user_code", "asked about no more"

    assert error_of(service, theirs) == "access_denied"
    assert kind(decide(service, confirmation(service, own := start(service)))) == "device_connected"
    assert claims_of(tokens(poll(service, own))["access_token"])["sub"] == ALICE.user_id


def test_the_form_of_one_device_cannot_be_turned_into_a_yes_to_another(service: Service) -> None:
    """RFC 6819 §4.4.1.10, RFC 6819 §4.2.3: the hidden field names the device by a digest that only our pages know."""
    own, theirs = start(service), start(service)
    page = confirmation(service, own)
    for rewritten in (f"activate:{theirs['device_code']}", f"activate:{theirs['user_code']}", "activate:" + "0" * 64):
        submit(service, page, request=rewritten, decision="allow")
    assert error_of(service, theirs) == "authorization_pending"
    decide(service, page)
    assert tokens(poll(service, own))


@pytest.mark.parametrize("logged_in", [False, True])
def test_codes_of_other_peoples_devices_cannot_be_guessed(service: Service, *, logged_in: bool) -> None:
    """RFC 6819 §4.3.5, RFC 6819 §4.4.3.6: twenty guesses from a network, ten by a person, then pauses that double.

    In the half hour that a code lives, that leaves some dozens of guesses at 20^8 codes (RFC 8628 §5.1).
    """
    start(service)
    theirs = attacker(service)
    if logged_in:
        theirs.log_in()
    free = (guessing.USER_CODES_OF_ACCOUNT if logged_in else guessing.USER_CODES_FROM_ADDRESS).free_attempts
    statuses = [enter(theirs, "BBBB-BBBB").status for _ in range(free + 2)]

    assert statuses == [400] * free + [429] * 2
    assert len(ALPHABETS[UserCodeCharset.BASE20]) ** 8 > 2**34
    assert kind(enter(service, start(service)["user_code"])) == "login", "whoever has not guessed may still enter one"


def test_no_other_headers_make_the_guesser_somebody_else(service: Service, wire: Wire) -> None:
    """RFC 9700 §4.13, RFC 6819 §4.3.5: `X-Forwarded-For` and the like change whom the brakes count at nothing."""
    service.send("GET", "/activate")
    form = {"csrf": service.csrf, "user_code": "BBBB-BBBB"}
    statuses = []
    for number in range(guessing.USER_CODES_FROM_ADDRESS.free_attempts + 1):
        lies = caller_named(f"198.51.100.{number}")
        statuses.append(wire.post("/activate", form, ("Cookie", f"__Host-heirloom-csrf={service.csrf}"), *lies).status)
    assert statuses[-2:] == [400, 429]


def test_a_script_in_a_browser_cannot_begin_a_device_of_anothers_application(service: Service) -> None:
    """RFC 6819 §4.4.1.4: applications that are not for devices get no codes to phish with."""
    for application in (SPA, THIRD_PARTY):
        with nothing_changes(service):
            assert ask(service, application).status == 400
    assert ask(service).status == 200
