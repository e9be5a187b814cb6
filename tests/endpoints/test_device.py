"""The device authorization grant (RFC 8628): a device shows a code, a person says yes elsewhere, the device polls."""

import dataclasses
import json
import re
import secrets
from collections.abc import Callable
from functools import partial
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from heirloom.adapters.device_codes import POINTER
from heirloom.domain import device_authorization, encoding, user_code
from heirloom.domain.application import Application, ApplicationType, AuthenticationMethod, GrantType, secret_digest
from heirloom.domain.lifetimes import DAY, DEVICE_CODE
from heirloom.domain.resource_server import ProofRequirement
from heirloom.domain.user_code import UserCodeCharset
from heirloom.endpoints.activation import ActivationEndpoint
from heirloom.http import Response
from heirloom.pages.catalogue import LANGUAGES, UserCodeProblem, texts_in
from tests.endpoints.assertions import SIGNING, assertion, with_assertion
from tests.endpoints.devices import ask, confirm, confirmation, decide, enter, poll, start
from tests.endpoints.hands import (
    at_once,
    basic,
    block,
    declare,
    declare_api,
    raise_epoch,
    set_tenant,
    store_calls,
)
from tests.endpoints.reading import kind, read, sign_in, submit
from tests.endpoints.test_login import Together
from tests.faults import BEFORE, Steps
from tests.proofs import Prover
from tests.service import (
    ALICE,
    API,
    BOB,
    ISSUER,
    NATIVE,
    ONLINE_API,
    SECRET,
    SPA,
    START,
    WEB,
    Service,
    claims_of,
    family_key_of,
    refusal,
    tokens,
)

PENDING, SLOW_DOWN = (400, "authorization_pending"), (400, "slow_down")
INTERVAL = 5


def reasons(service: Service, event_type: str) -> list[str | None]:
    """Why something was refused, as the log has it."""
    return [event.reason for event in service.events if event.type.value == event_type]


# ---- The whole story


def test_a_device_is_confirmed_elsewhere_and_gets_tokens(service: Service) -> None:
    device = start(service)
    assert refusal(poll(service, device)) == PENDING
    shown = service.send("GET", "/activate")
    login = submit(service, shown, user_code=device["user_code"])
    assert (kind(shown), kind(login)) == ("user_code", "login")
    assert NATIVE.name in read(login).text
    service.wait(3)
    asked = sign_in(service, login, ALICE.email)
    service.wait(4)
    assert kind(decide(service, asked)) == "device_connected"

    granted = tokens(poll(service, device))

    assert granted["scope"] == "openid offline_access profile read:notes"
    access, identity = claims_of(granted["access_token"]), claims_of(granted["id_token"])
    assert (access["sub"], access["azp"]) == (ALICE.user_id, NATIVE.client_id)
    assert access["aud"] == [API, f"{ISSUER}userinfo"]
    assert "gty" not in access, "it was not refreshed yet"
    assert (identity["aud"], identity["auth_time"]) == (NATIVE.client_id, START + 3)
    assert identity["sid"] == service.items("SessionsTable")[0]["session_id"]["S"]
    assert identity["name"] == "Alice"
    assert "nonce" not in identity
    assert service.refresh(granted["refresh_token"], NATIVE).status == 200


def test_what_a_device_hears_first(service: Service) -> None:
    """RFC 8628 §3.2, in Auth0's numbers."""
    response = ask(service)
    device = json.loads(response.body)

    assert response.headers["cache-control"] == "no-store"
    assert re.fullmatch(r"[A-Za-z0-9_-]{43}", device["device_code"])
    assert re.fullmatch(r"[BCDFGHJKLMNPQRSTVWXZ]{4}-[BCDFGHJKLMNPQRSTVWXZ]{4}", device["user_code"])
    assert device["verification_uri"] == "https://login.example/activate"
    assert (device["expires_in"], device["interval"]) == (900, 5)
    address = urlsplit(device["verification_uri_complete"])
    assert (address.path, parse_qs(address.query)) == ("/activate", {"user_code": [device["user_code"]]})


def test_the_store_holds_no_device_code(service: Service) -> None:
    device = start(service)

    assert device["device_code"] not in repr(service.items("DeviceCodesTable"))


def test_the_events_of_a_story_are_those_of_auth0(service: Service) -> None:
    device = start(service)
    poll(service, device)
    confirm(service, device)
    granted = tokens(poll(service, device))
    poll(service, device)

    assert service.events.types == ["s", "sede", "fede"]
    confirmed, exchanged, _ = service.events
    assert (confirmed.client_id, confirmed.user_id) == (NATIVE.client_id, ALICE.user_id)
    assert confirmed.reason == "a device was confirmed"
    assert (exchanged.client_id, exchanged.user_id) == (NATIVE.client_id, ALICE.user_id)
    family_id = encoding.encode(family_key_of(granted["refresh_token"]).family_id)
    assert exchanged.details == {"familyId": family_id, "session_id": claims_of(granted["id_token"])["sid"]}


def test_somebody_who_is_logged_in_need_not_log_in_again(service: Service) -> None:
    service.log_in()
    device = start(service)
    service.wait(60)

    assert kind(decide(service, enter(service, device["user_code"]))) == "device_connected"
    assert claims_of(tokens(poll(service, device))["id_token"])["auth_time"] == START


def test_without_offline_access_there_is_no_family(service: Service) -> None:
    device = start(service, scope="openid")
    confirm(service, device)

    assert "refresh_token" not in tokens(poll(service, device))
    assert not service.items("FamiliesTable")


def test_without_a_scope_and_an_audience_a_device_learns_who_somebody_is(service: Service) -> None:
    device = start(service, scope=None, audience=None)
    confirm(service, device)
    granted = tokens(poll(service, device))

    assert "id_token" not in granted
    assert claims_of(granted["access_token"])["aud"] == f"{ISSUER}userinfo"


def test_two_devices_of_one_person_are_two_families(service: Service) -> None:
    first, second = start(service), start(service)
    confirm(service, first)
    confirm(service, second)

    keys = {family_key_of(tokens(poll(service, device))["refresh_token"]).family_id for device in (first, second)}

    assert len(keys) == 2


def test_a_login_makes_room_as_any_other_does(service: Service, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("heirloom.domain.family.MOST_FAMILIES", 1)
    before = service.login_tokens(NATIVE)["refresh_token"]
    device = start(service)
    service.wait(1)
    confirm(service, device)

    live = tokens(poll(service, device))["refresh_token"]

    assert service.refresh(live, NATIVE).status == 200
    assert refusal(service.refresh(before, NATIVE)) == (400, "invalid_grant")


# ---- Asking for codes


@pytest.mark.parametrize("application", [SPA, WEB])
def test_an_application_without_the_grant_gets_no_codes(service: Service, application: Application) -> None:
    assert refusal(ask(service, application)) == (400, "unauthorized_client")
    assert not service.items("DeviceCodesTable")
    assert service.events.types == ["fdeaz"]


def test_an_unknown_application_gets_no_codes(service: Service) -> None:
    assert refusal(ask(service, client_id="nobody")) == (401, "invalid_client")
    assert not service.items("DeviceCodesTable")


def test_a_confidential_client_must_prove_who_it_is_at_both_endpoints(service: Service) -> None:
    application = declare(
        service,
        NATIVE,
        token_endpoint_auth_method=AuthenticationMethod.CLIENT_SECRET_BASIC,
        secret_digest=secret_digest(SECRET),
    )
    assert refusal(ask(service, NATIVE)) == (401, "invalid_client")
    device = start(service, application)
    confirm(service, device)
    assert refusal(poll(service, device, NATIVE)) == (401, "invalid_client")

    form = {"grant_type": GrantType.DEVICE_CODE.value, "device_code": device["device_code"]}
    response = service.send("POST", "/oauth/token", form, basic("native", SECRET))

    assert tokens(response)["access_token"]


def test_a_device_may_sign_an_assertion_at_both_endpoints(service: Service) -> None:
    grant_types = NATIVE.grant_types
    declare(service, SIGNING, app_type=ApplicationType.NATIVE, grant_types=grant_types)
    audience = f"{ISSUER}oauth/device/code"
    asked = {"scope": "openid", "audience": API}
    response = service.send("POST", "/oauth/device/code", with_assertion(asked, assertion(aud=audience)))
    device = json.loads(response.body)
    again = service.send("POST", "/oauth/device/code", with_assertion(asked, assertion(aud=audience)))
    assert refusal(again) == (401, "invalid_client"), "an assertion is good once"
    confirm(service, device)

    form = {"grant_type": GrantType.DEVICE_CODE.value, "device_code": device["device_code"]}
    granted = service.send("POST", "/oauth/token", with_assertion(form, assertion(jti="another")))

    assert claims_of(tokens(granted)["access_token"])["azp"] == SIGNING.client_id


@pytest.mark.parametrize(
    ("name", "value", "error"),
    [
        ("scope", 'openid "', "invalid_scope"),
        ("scope", "x" * 2000, "invalid_scope"),
        ("audience", "https://nowhere.example/", "invalid_target"),
        ("resource", ONLINE_API, "invalid_target"),
        ("resource", "#", "invalid_target"),
        ("client_id", None, "invalid_request"),
    ],
)
def test_a_bad_request_gets_no_codes(service: Service, name: str, value: str | None, error: str) -> None:
    assert refusal(ask(service, NATIVE, **{name: value})) == (400, error)
    assert not service.items("DeviceCodesTable")


def test_what_may_not_be_had_is_dropped_and_warned_about(service: Service) -> None:
    """The rules of /authorize."""
    device = start(service, scope="openid offline_access read:all read:everything", audience=ONLINE_API)
    confirm(service, device)

    assert tokens(poll(service, device))["scope"] == "openid read:all"
    assert reasons(service, "w") == ["offline_access was dropped: the API does not allow offline access"]
    assert service.events[0].client_id == NATIVE.client_id


def test_a_resource_indicator_is_an_audience(service: Service) -> None:
    """RFC 8707."""
    device = start(service, audience=None, resource=API)
    confirm(service, device)

    assert claims_of(tokens(poll(service, device))["access_token"])["aud"] == [API, f"{ISSUER}userinfo"]


def test_the_default_audience_holds_for_devices_too(service: Service) -> None:
    set_tenant(service, default_audience=ONLINE_API)
    device = start(service, scope="read:all", audience=None)
    confirm(service, device)

    assert claims_of(tokens(poll(service, device))["access_token"])["aud"] == ONLINE_API


def test_a_user_code_that_a_living_device_has_is_drawn_again(service: Service, monkeypatch: pytest.MonkeyPatch) -> None:
    draws = iter("B" * 8 + "B" * 8 + "C" * 8)
    monkeypatch.setattr(secrets, "choice", lambda _: next(draws))

    assert [start(service)["user_code"] for _ in range(2)] == ["BBBB-BBBB", "CCCC-CCCC"]


def test_a_user_code_is_free_again_when_its_device_has_given_up(
    service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    """DynamoDB takes days to delete what has expired."""
    monkeypatch.setattr(secrets, "choice", lambda _: "B")
    former = start(service)
    service.wait(DEVICE_CODE - 1)
    assert ask(service).status == 503
    service.wait(1)

    device = start(service)
    confirm(service, device)

    assert tokens(poll(service, device))
    assert refusal(poll(service, former)) == (400, "expired_token")


def test_a_tenant_may_have_codes_of_digits(service: Service) -> None:
    set_tenant(service, user_code_charset=UserCodeCharset.DIGITS, user_code_mask="*** *** ***")
    device = start(service)

    assert re.fullmatch(r"\d{3} \d{3} \d{3}", device["user_code"])
    assert 'inputmode="numeric"' in service.send("GET", "/activate").body
    assert device["user_code"] in read(confirmation(service, device)).text


# ---- Polling


def test_until_somebody_decides_a_poll_is_one_call_to_the_store_and_no_event(service: Service) -> None:
    device = start(service)

    for _ in range(3):
        with store_calls(service) as calls:
            assert refusal(poll(service, device)) == PENDING
        assert calls == ["UpdateItem"]
        service.wait(INTERVAL)
    assert not service.events


def test_a_device_that_polls_too_often_is_told_so_and_must_wait_longer_from_then_on(service: Service) -> None:
    """RFC 8628 §3.5: "the interval MUST be increased by 5 seconds for this and all subsequent requests"."""
    device = start(service)
    assert refusal(poll(service, device)) == PENDING
    service.wait(INTERVAL - 2)
    assert refusal(poll(service, device)) == SLOW_DOWN

    for _ in range(2):
        service.wait(INTERVAL + 5)
        assert refusal(poll(service, device)) == PENDING
    service.wait(INTERVAL)
    assert refusal(poll(service, device)) == SLOW_DOWN
    service.wait(INTERVAL + 5)
    assert refusal(poll(service, device)) == SLOW_DOWN, "it is fifteen seconds by now"
    service.wait(20)
    assert refusal(poll(service, device)) == PENDING
    assert set(service.events.types) == {"fede"}


def test_a_network_that_is_faster_this_time_is_not_the_devices_fault(service: Service) -> None:
    device = start(service)
    poll(service, device)
    service.wait(INTERVAL - 0.9)

    assert refusal(poll(service, device)) == PENDING


def test_a_device_that_polls_too_often_hears_a_yes_all_the_same(service: Service) -> None:
    """`slow_down` is a kind of `authorization_pending`: nothing is pending any more."""
    device = start(service)
    poll(service, device)
    service.wait(1)
    assert refusal(poll(service, device)) == SLOW_DOWN
    confirm(service, device)

    assert tokens(poll(service, device))


def test_each_device_has_an_interval_of_its_own(service: Service) -> None:
    first, second = start(service), start(service)

    heard = []
    for device in (first, second, first):
        heard.append(refusal(poll(service, device)))
        service.wait(1)

    assert heard == [PENDING, PENDING, SLOW_DOWN]


@pytest.mark.parametrize("answered", [None, "allow", "deny"])
def test_a_device_code_expires(service: Service, answered: str | None) -> None:
    device = start(service)
    if answered:
        decide(service, confirmation(service, device), answered)
    service.wait(DEVICE_CODE)

    assert refusal(poll(service, device)) == (400, "expired_token")
    assert not service.items("FamiliesTable")


def test_until_its_last_second_a_code_is_good(service: Service) -> None:
    device = start(service)
    service.wait(DEVICE_CODE - 1)
    confirm(service, device)

    assert tokens(poll(service, device))


def test_a_no_is_heard_by_the_device(service: Service) -> None:
    device = start(service)
    assert kind(decide(service, confirmation(service, device), "deny")) == "device_refused"

    for _ in range(2):
        assert refusal(poll(service, device)) == (400, "access_denied")
    assert service.events.types == ["fdecc", "fede", "fede"]
    assert service.events[0].reason == "a device was not confirmed"
    assert not service.items("GrantsTable")


@pytest.mark.parametrize("decision", ["", "Allow", "allow ", "yes"])
def test_whatever_is_no_yes_is_a_no(service: Service, decision: str) -> None:
    device = start(service)
    assert kind(decide(service, confirmation(service, device), decision)) == "device_refused"

    assert refusal(poll(service, device)) == (400, "access_denied")


def test_a_device_code_is_good_once(service: Service) -> None:
    """A repeated poll means that the answer got lost, and whoever polled first keeps what they got."""
    device = start(service)
    confirm(service, device)
    live = tokens(poll(service, device))["refresh_token"]

    for pause in (0, INTERVAL, 60):
        service.wait(pause)
        assert refusal(poll(service, device)) == (400, "invalid_grant")

    assert service.refresh(live, NATIVE).status == 200
    assert reasons(service, "fede") == ["used device code"] * 3


def test_parallel_polls_make_one_family(service: Service) -> None:
    device = start(service)
    confirm(service, device)

    answers = at_once([lambda: poll(service, device)] * 8)

    assert sorted(answer.status for answer in answers) == [200, *[400] * 7]
    assert {refusal(answer)[1] for answer in answers if answer.status == 400} == {"invalid_grant"}
    assert len(service.items("FamiliesTable")) == 1


def test_of_two_polls_at_once_the_second_hears_that_the_code_is_used(service: Service) -> None:
    """The first one ends right before the transaction of the other, which had found the code unused."""
    device = start(service)
    confirm(service, device)
    answers: list[Response] = []
    with Steps.of(service.client) as steps:
        steps.interpose(BEFORE, lambda: answers.append(poll(service, device)), calls=range(1, 2))
        assert refusal(poll(service, device)) == (400, "invalid_grant")

    assert reasons(service, "fede") == ["used device code"]
    [first] = answers
    assert service.refresh(tokens(first)["refresh_token"], NATIVE).status == 200


def test_a_yes_beside_polls_is_one_family(service: Service) -> None:
    for _ in range(3):
        service.wait(DAY)
        device = start(service)
        shown = confirmation(service, device)
        families = len(service.items("FamiliesTable"))

        said, *heard = at_once([partial(decide, service, shown), *[partial(poll, service, device)] * 5])
        heard.append(poll(service, device))

        assert kind(said) == "device_connected"
        assert [answer.status for answer in heard].count(200) == 1
        assert len(service.items("FamiliesTable")) == families + 1


def test_unknown_and_foreign_device_codes_are_refused_alike(service: Service) -> None:
    other = declare(service, NATIVE, client_id="other")
    device = start(service)
    foreign = poll(service, device, other)
    confirm(service, device)

    answers = [foreign, poll(service, device, other), poll(service, {"device_code": "x" * 43})]

    assert {(answer.status, answer.body) for answer in answers} == {(400, answers[0].body)}
    assert refusal(answers[0]) == (400, "invalid_grant")
    assert tokens(poll(service, device)), "and a foreign client takes nothing away"


def test_a_foreign_client_cannot_slow_a_device_down(service: Service) -> None:
    other = declare(service, NATIVE, client_id="other")
    device = start(service)
    for _ in range(3):
        poll(service, device, other)

    assert refusal(poll(service, device)) == PENDING


def test_the_digest_that_our_pages_carry_is_no_device_code(service: Service) -> None:
    device = start(service)
    confirm(service, device)
    digest = device_authorization.digest(device["device_code"])

    for text in (digest, POINTER + user_code.bare(device["user_code"]), device["user_code"]):
        assert refusal(poll(service, {"device_code": text})) == (400, "invalid_grant")


def test_a_poll_needs_a_device_code_and_the_grant(service: Service) -> None:
    device = start(service)
    assert refusal(poll(service, device, device_code=None)) == (400, "invalid_request")
    declare(service, NATIVE, grant_types=frozenset({GrantType.REFRESH_TOKEN}))

    assert refusal(poll(service, device)) == (400, "unauthorized_client")


@pytest.mark.parametrize(
    "end",
    [
        raise_epoch,
        lambda service: service.families.end_logins(ALICE.user_id, because="user blocked", now=service.now),
        lambda service: service.families.end_logins(
            ALICE.user_id, because="revoked", now=service.now, client_id=NATIVE.client_id
        ),
        lambda service: service.send("GET", "/v2/logout"),
        lambda service: set_tenant(service, not_before=service.now + 1),
        lambda service: declare(service, NATIVE, not_before=service.now + 1),
    ],
    ids=[
        "epoch",
        "blocked by the tenant file",
        "ended at this application",
        "logout",
        "tenant's mark",
        "application's mark",
    ],
)
def test_a_login_that_was_ended_between_the_yes_and_the_poll_gives_nothing(
    service: Service, end: Callable[[Service], object]
) -> None:
    device = start(service)
    confirm(service, device)
    end(service)

    assert refusal(poll(service, device)) == (400, "invalid_grant")
    assert not [item for item in service.items("FamiliesTable") if "generation" in item]
    marked = "a login from before the mark of mass revocation"
    assert reasons(service, "fede")[0] in {"the login was ended meanwhile", marked}


def test_a_script_gets_no_refresh_token_from_an_application_that_does_not_rotate(service: Service) -> None:
    service.set_policy(NATIVE, rotating=False)
    device = start(service)
    confirm(service, device)
    form = {
        "grant_type": GrantType.DEVICE_CODE.value,
        "client_id": NATIVE.client_id,
        "device_code": device["device_code"],
    }

    response = service.send("POST", "/oauth/token", form, {"Origin": "https://app.example"})

    assert "refresh_token" not in tokens(response)


def test_a_device_that_proves_a_key_gets_a_family_of_that_key(service: Service) -> None:
    """RFC 9449 §5."""
    prover, device = Prover(service), start(service)
    confirm(service, device)
    prover.learn_nonce()

    granted = tokens(poll(service, device, headers=prover.header()))

    assert claims_of(granted["access_token"])["cnf"] == {"jkt": prover.key.thumbprint}
    assert refusal(service.refresh(granted["refresh_token"], NATIVE)) == (400, "invalid_grant")
    assert prover.refresh(granted["refresh_token"], NATIVE).status == 200


def test_a_proof_that_was_forgotten_costs_no_device_code(service: Service) -> None:
    declare_api(service, API, proof_required_for=ProofRequirement.ALL_CLIENTS)
    prover, device = Prover(service), start(service)
    confirm(service, device)
    assert refusal(poll(service, device)) == (400, "invalid_dpop_proof")
    prover.learn_nonce()

    assert tokens(poll(service, device, headers=prover.header()))["token_type"] == "DPoP"


# ---- Entering a code


def full_width(code: str) -> str:
    """As keyboards for Japanese have it."""
    return "".join(chr(ord(character) + 0xFEE0) if character.isalpha() else character for character in code)


@pytest.mark.parametrize(
    "typed",
    [str.lower, lambda code: code.replace("-", ""), lambda code: f"  {code.replace('-', ' ')} ", "-".join, full_width],
    ids=["small", "bare", "spaces", "hyphens", "full width"],
)
def test_codes_are_typed_as_people_type(service: Service, typed: Callable[[str], str]) -> None:
    device = start(service)

    assert kind(enter(service, typed(device["user_code"]))) == "login"


def test_a_link_with_the_code_fills_it_in_and_does_nothing_else(service: Service) -> None:
    """RFC 8628 §5.4: whoever sends a link must not get anywhere by it."""
    service.log_in()
    device = start(service)
    query = urlsplit(device["verification_uri_complete"]).query

    with store_calls(service) as calls:
        shown = service.send("GET", "/activate", query=query)
    assert not calls
    assert kind(shown) == "user_code"
    assert read(shown).forms[-1].fields["user_code"] == device["user_code"]

    asked = submit(service, shown)
    assert kind(asked) == "device"
    assert refusal(poll(service, device)) == PENDING


def test_whatever_was_agreed_to_before_a_device_is_confirmed_by_its_person(service: Service) -> None:
    """First-party, consent given, logged in: the code must be compared all the same."""
    application = declare(service, NATIVE, is_first_party=False)
    for _ in range(2):
        device = start(service, application)
        shown = confirmation(service, device)
        assert kind(shown) == "device"
        decide(service, shown)


def test_the_page_that_asks_shows_who_asks_for_what_and_the_code_to_compare(service: Service) -> None:
    device = start(service)
    page = read(confirmation(service, device))

    for text in (NATIVE.name, device["user_code"], "Notes API", "Read your notes", "Stay signed in", "alice"):
        assert text in page.text
    texts = texts_in("en")
    assert (page.heading, texts.beware in page.text) == (texts.is_it_yours, True)


def wrong(_: Service) -> str:
    return "BCDF-GHJK"


def expired(service: Service) -> str:
    device = start(service)
    service.wait(DEVICE_CODE)
    return str(device["user_code"])


def confirmed(service: Service) -> str:
    device = start(service)
    confirm(service, device)
    service.cookies.clear()
    return str(device["user_code"])


def denied(service: Service) -> str:
    device = start(service)
    decide(service, confirmation(service, device), "deny")
    service.cookies.clear()
    return str(device["user_code"])


def used(service: Service) -> str:
    device = start(service)
    confirm(service, device)
    tokens(poll(service, device))
    service.cookies.clear()
    return str(device["user_code"])


def withdrawn(service: Service) -> str:
    device = start(service)
    declare(service, NATIVE, grant_types=frozenset())
    return str(device["user_code"])


def of_nobody(service: Service) -> str:
    device = start(service)
    del service.configuration.applications[NATIVE.client_id]
    return str(device["user_code"])


def for_nothing(service: Service) -> str:
    device = start(service)
    del service.configuration.apis[API]
    return str(device["user_code"])


def half_written(service: Service) -> str:
    device = start(service)
    key = {"code": {"S": device_authorization.digest(device["device_code"])}}
    service.client.delete_item(TableName=service.tables["DeviceCodesTable"], Key=key)
    return str(device["user_code"])


@pytest.mark.parametrize(
    "bad", [wrong, expired, confirmed, denied, used, withdrawn, of_nobody, for_nothing, half_written]
)
def test_whatever_is_wrong_with_a_code_is_answered_alike(service: Service, bad: Callable[[Service], str]) -> None:
    code = bad(service)
    service.events.clear()

    response = enter(service, code)

    assert (response.status, kind(response)) == (400, "user_code")
    assert texts_in("en").user_code_problems[UserCodeProblem.wrong_code] in read(response).text
    assert read(response).forms[-1].fields["user_code"] == code
    assert service.events.types == ["fdeac"]
    assert code not in repr(list(service.events))
    unknown = enter(service, "BBBB-BBBB")
    assert unknown.body.replace("BBBB-BBBB", "") == response.body.replace(code, "")


@pytest.mark.parametrize("nothing", ["", " - ", "ÄÖÜ", "\u202e"])
def test_a_form_without_a_code_comes_back(service: Service, nothing: str) -> None:
    response = enter(service, nothing)

    assert (response.status, kind(response)) == (400, "user_code")
    assert texts_in("en").user_code_problems[UserCodeProblem.missing_code] in read(response).text
    assert not service.items("LoginAttemptsTable"), "and is no guess"


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_page_speaks_the_persons_language(service: Service, language: str) -> None:
    device = start(service)
    header = {"Accept-Language": language}
    texts = texts_in(language)

    shown = [service.send("GET", "/activate", headers=header)]
    for typed in (
        {"user_code": device["user_code"]},
        {"email": ALICE.email, "password": "correct horse battery staple", "action": "sign_in"},
        {"decision": "allow"},
    ):
        form = read(shown[-1]).forms[-1]
        shown.append(service.send("POST", form.action, form.fields | typed, header))

    assert [read(page).heading for page in shown] == [
        texts.connect_device,
        texts.sign_in,
        texts.is_it_yours,
        texts.device_connected,
    ]
    assert {read(page).language for page in shown} == {language}


def test_ui_locales_in_the_link_choose_the_language(service: Service) -> None:
    shown = service.send("GET", "/activate", query={"ui_locales": "fr"}, headers={"Accept-Language": "de"})

    assert read(shown).language == "fr"


def test_a_query_that_is_no_query_gets_an_error_page(service: Service) -> None:
    response = service.send("GET", "/activate", query="user_code=a&user_code=b")

    assert (response.status, kind(response)) == (400, "invalid_request")
    assert service.events.types == ["fdeac"]


# ---- Logging in and deciding


def test_a_login_that_fails_leads_back_to_the_login_page(service: Service) -> None:
    device = start(service)
    login = enter(service, device["user_code"])

    again = sign_in(service, login, ALICE.email, "no password of hers")
    assert (again.status, kind(again)) == (400, "login")
    assert kind(sign_in(service, again, ALICE.email)) == "device"
    assert service.events.types == ["fp"]


def test_the_login_page_of_a_device_leads_nowhere_else(service: Service) -> None:
    login = enter(service, start(service)["user_code"])

    assert "form-action 'self'" in login.headers["content-security-policy"].split("; ")


def test_a_device_whose_time_is_over_when_its_person_has_logged_in_needs_a_new_code(service: Service) -> None:
    device = start(service)
    login = enter(service, device["user_code"])
    service.wait(DEVICE_CODE)

    response = sign_in(service, login, ALICE.email)

    assert (response.status, kind(response)) == (400, "user_code")
    assert "__Host-heirloom" in service.cookies, "the login itself stands"


def test_a_device_that_is_confirmed_too_late_stays_out(service: Service) -> None:
    device = start(service)
    shown = confirmation(service, device)
    service.wait(DEVICE_CODE)

    assert kind(decide(service, shown)) == "user_code"
    assert refusal(poll(service, device)) == (400, "expired_token")


def test_nobody_logs_in_for_a_device_that_no_longer_waits(service: Service) -> None:
    shown = confirmation(service, start(service))
    service.wait(DEVICE_CODE)

    assert kind(decide(service, shown, "another_account")) == "user_code"


@pytest.mark.parametrize("end", [raise_epoch, block, lambda service: service.cookies.pop("__Host-heirloom")])
def test_a_yes_without_a_session_leads_to_the_login_page(service: Service, end: Callable[[Service], object]) -> None:
    device = start(service)
    shown = confirmation(service, device)
    end(service)

    assert kind(decide(service, shown)) == "login"
    assert refusal(poll(service, device)) == PENDING


def test_another_account_is_one_step_away(service: Service) -> None:
    device = start(service)
    login = decide(service, confirmation(service, device), "another_account")
    assert kind(login) == "login"

    assert kind(decide(service, sign_in(service, login, BOB.email))) == "device_connected"
    assert claims_of(tokens(poll(service, device))["id_token"])["sub"] == BOB.user_id


def test_a_yes_that_is_sent_again_is_heard_again(service: Service) -> None:
    """Somebody reloads the page, or its answer got lost. Nothing more happens."""
    device = start(service)
    shown = confirmation(service, device)

    answers = [decide(service, shown) for _ in range(2)]
    granted = tokens(poll(service, device))
    answers.append(decide(service, shown))

    assert [kind(answer) for answer in answers] == ["device_connected"] * 3
    assert service.events.types == ["s", "sede"]
    assert service.refresh(granted["refresh_token"], NATIVE).status == 200


@pytest.mark.parametrize(("first", "second"), [("allow", "deny"), ("deny", "allow")])
def test_the_first_decision_stands(service: Service, first: str, second: str) -> None:
    device = start(service)
    shown = confirmation(service, device)
    decide(service, shown, first)

    assert kind(decide(service, shown, second)) == "user_code"
    assert poll(service, device).status == (200 if first == "allow" else 400)


def test_two_people_cannot_both_have_a_device(service: Service) -> None:
    device = start(service)
    of_bob = confirmation(service, device, BOB.email)
    of_alice = sign_in(service, decide(service, of_bob, "another_account"), ALICE.email)
    decide(service, of_alice)
    del service.cookies["__Host-heirloom"]  # Bob is somewhere else
    sign_in(service, service.authorize(), BOB.email)

    assert kind(decide(service, of_bob)) == "user_code"
    assert claims_of(tokens(poll(service, device))["id_token"])["sub"] == ALICE.user_id


def test_parallel_decisions_are_one(service: Service) -> None:
    device = start(service)
    shown = confirmation(service, device)
    choices = ["allow", "deny"] * 4

    answers = at_once([partial(decide, service, shown, choice) for choice in choices])

    heard = [kind(answer) for answer in answers]
    outcome = poll(service, device).status
    said = {"device_connected": 200, "device_refused": 400}
    assert {said[each] for each in heard if each in said} == {outcome}


def test_a_yes_to_a_third_party_is_consent_and_remembered(service: Service) -> None:
    application = declare(service, NATIVE, is_first_party=False)
    device = start(service, application, scope="openid read:notes")
    confirm(service, device)

    assert service.events.types == ["sco", "s"]
    (grant,) = service.items("GrantsTable")
    assert grant["grant_id"]["S"] == f"native {API}"
    assert set(grant["scope"]["SS"]) == {"openid", "read:notes"}


def test_a_yes_that_comes_too_late_is_no_consent(service: Service) -> None:
    application = declare(service, NATIVE, is_first_party=False)
    shown = confirmation(service, start(service, application))
    service.wait(DEVICE_CODE)

    assert kind(decide(service, shown)) == "user_code"
    assert service.items("GrantsTable") == []
    assert service.events.types == ["fdeac"]


def test_a_yes_to_a_first_party_is_none_unless_the_api_wants_it(service: Service) -> None:
    confirm(service, start(service))
    assert not service.items("GrantsTable")
    declare_api(service, API, skip_consent_for_first_party=False)
    confirm(service, start(service))

    assert len(service.items("GrantsTable")) == 1


def test_an_application_that_wants_to_hear_of_a_logout_takes_part_in_the_session(service: Service) -> None:
    application = declare(service, NATIVE, backchannel_logout_url="https://app.example/backchannel")
    device = start(service, application)
    confirm(service, device)
    tokens(poll(service, device))
    service.send("GET", "/v2/logout")

    assert [notice.client_id for notice in service.back_channel] == [NATIVE.client_id]


# ---- Forged posts


def forgeries(service: Service) -> list[Callable[[dict[str, str]], Response]]:
    return [
        lambda form: service.send("POST", "/activate", form | {"csrf": "A" * 43}),
        lambda form: service.send("POST", "/activate", {k: v for k, v in form.items() if k != "csrf"}),
        lambda form: service.send("POST", "/activate", form, {"Origin": "https://evil.example"}),
        lambda form: service.send("POST", "/activate", form, {"Origin": "null"}),
    ]


def test_a_forged_post_confirms_nothing_and_tells_nothing(service: Service) -> None:
    device = start(service)
    shown = confirmation(service, device)
    yes = read(shown).forms[-1].fields | {"decision": "allow"}
    code = {"csrf": service.csrf, "user_code": device["user_code"]}

    for forge in forgeries(service):
        for form in (yes, code):
            response = forge(form)
            assert (response.status, kind(response)) == (403, "expired_form")

    assert refusal(poll(service, device)) == PENDING
    guesses = {
        item["attempts"]["N"] for item in service.items("LoginAttemptsTable") if "user code" in item["bucket"]["S"]
    }
    assert guesses == {"0"}, "the one that was right is taken back"


@pytest.mark.parametrize(
    "carried",
    [
        "activate:",
        "activate:" + "0" * 64,
        "activate:" + "0" * 63,
        "activate:" + "F" * 64,
        "activate:user_code:BBBBBBBB",
        "activate:" + "0" * 64 + "\n",
        "activate:" + "٣" * 64,
        "client_id=native",
        "x",
    ],
)
@pytest.mark.parametrize("path", ["/activate", "/login"])
def test_what_a_page_carries_on_cannot_be_made_up(service: Service, path: str, carried: str) -> None:
    service.log_in()
    form = {"csrf": service.csrf, "request": carried, "decision": "allow", "action": "continue"}

    response = service.send("POST", path, form)

    assert response.status == 400
    assert kind(response) in {"user_code", "wrong_redirect", "unknown_application"}


def test_the_key_of_a_user_codes_item_is_no_way_around_the_brakes(service: Service) -> None:
    device = start(service)
    service.log_in()
    carried = f"activate:{POINTER}{user_code.bare(device['user_code'])}"
    form = {"csrf": service.csrf, "request": carried, "decision": "allow"}

    assert kind(service.send("POST", "/activate", form)) == "user_code"
    assert refusal(poll(service, device)) == PENDING


def test_an_authorization_request_may_have_any_other_parameter(service: Service) -> None:
    """Auth0's older SDKs send `device`."""
    assert service.log_in(device="television", activate="x", user_code="y").status == 303


# ---- Brakes


def guess(service: Service, times: int) -> list[int]:
    return [enter(service, f"BBBB-BB{a}{b}").status for a in "BCDFG" for b in "BCDFGHJKLM"][:times]


def test_guessing_from_one_address_is_slowed_down(service: Service) -> None:
    device = start(service)
    assert guess(service, 21) == [400] * 20 + [429]

    paused = enter(service, device["user_code"])

    assert (paused.status, kind(paused)) == (429, "user_code")
    assert int(paused.headers["retry-after"]) >= 1
    assert device["user_code"] in paused.body, "what was typed is kept"
    assert reasons(service, "fdeac")[-1] == "paused for 1 s"
    service.wait(1)
    assert kind(enter(service, device["user_code"])) == "login"


def test_the_pauses_grow(service: Service) -> None:
    guess(service, 20)
    pauses = []
    for _ in range(10):
        response = enter(service, "BBBB-BBBB")
        pauses.append(int(response.headers["retry-after"]))
        service.wait(pauses[-1])
        assert enter(service, "BBBB-BBBB").status == 400

    assert pauses == [1, 2, 4, 8, 16, 32, 64, 128, 256, 300]


def test_another_address_is_not_slowed_down(service: Service) -> None:
    guess(service, 21)
    service.address = "192.0.2.2"

    assert kind(enter(service, start(service)["user_code"])) == "login"


def test_somebody_who_is_logged_in_is_slowed_down_at_every_address(service: Service) -> None:
    service.log_in()
    statuses = []
    for number in range(11):
        service.address = f"198.51.100.{number}"
        statuses.append(enter(service, "BBBB-BBBB").status)

    assert statuses == [400] * 10 + [429]


def test_right_codes_are_not_counted(service: Service) -> None:
    service.log_in()
    for _ in range(25):
        assert kind(enter(service, start(service)["user_code"])) == "device"


def test_parallel_guesses_of_one_person_do_not_slip_through_together(service: Service) -> None:
    """They all look at the brakes before any of them is counted."""
    service.log_in()
    form = {"csrf": service.csrf, "user_code": "BBBB-BBBB"}
    endpoint: ActivationEndpoint = service.routes["POST", "/activate"]
    attempts: Any = Together(endpoint.attempts, 8)
    service.routes = {**service.routes, ("POST", "/activate"): dataclasses.replace(endpoint, attempts=attempts)}

    answers = at_once([lambda: service.send("POST", "/activate", form)] * 8)

    assert sorted(answer.status for answer in answers) == [400] + [429] * 7


def test_guesses_are_forgotten_after_a_day(service: Service) -> None:
    guess(service, 21)
    service.wait(DAY)

    assert guess(service, 21) == [400] * 20 + [429]


# ---- What must hold of the codes themselves


@pytest.mark.parametrize("charset", UserCodeCharset)
def test_every_character_of_a_user_code_is_drawn(charset: UserCodeCharset) -> None:
    drawn = "".join(user_code.draw(charset, "****-****", secrets.choice) for _ in range(200)).replace("-", "")

    assert set(drawn) == set(user_code.ALPHABETS[charset])
    assert not set(drawn) & set("AEIOUY")


def test_nothing_that_a_device_knows_is_in_the_pages_but_its_user_code(service: Service) -> None:
    device = start(service)
    confirm(service, device)
    shown = [response.body for _, response in service.transcript if "text/html" in response.headers["content-type"]]

    assert shown
    assert not [page for page in shown if device["device_code"] in page]


def test_an_application_may_lose_the_grant_meanwhile(service: Service) -> None:
    device = start(service)
    shown = confirmation(service, device)
    declare(service, NATIVE, grant_types=frozenset({GrantType.REFRESH_TOKEN}))

    assert kind(decide(service, shown)) == "user_code"


def test_faults_of_the_codes_endpoint_are_no_refusal(service: Service, monkeypatch: pytest.MonkeyPatch) -> None:
    """Every user code is taken: unlikely, and not the device's fault."""
    monkeypatch.setattr(secrets, "choice", lambda _: "B")
    start(service)

    response = ask(service)

    assert (response.status, response.headers["content-type"]) == (503, "text/plain; charset=utf-8")
    assert [event.alarm for event in service.events] == ["Fault"]
