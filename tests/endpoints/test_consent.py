"""`/consent`: third-party applications ask first, and the answer is remembered."""

from urllib.parse import urlencode

import pytest

from heirloom.domain.lifetimes import DAY, FRESH_LOGIN
from tests.endpoints.hands import block, declare, declare_api, raise_epoch
from tests.endpoints.reading import kind, read, sign_in, submit
from tests.service import (
    ALICE,
    API,
    BOB,
    NATIVE,
    ONLINE_API,
    ORIGIN,
    SPA,
    THIRD_PARTY,
    Service,
    answered,
    authorization_request,
    claims_of,
    tokens,
)


def agree(service: Service, **changes: str | None) -> dict[str, str]:
    """Log in at the third-party application and agree."""
    return answered(submit(service, service.log_in(THIRD_PARTY, **changes), decision="allow"))


def test_a_third_party_application_must_ask(service: Service) -> None:
    shown = service.log_in(THIRD_PARTY)
    text = read(shown).text

    assert kind(shown) == "consent"
    assert not service.items("CodesTable")
    assert all(part in text for part in (THIRD_PARTY.name, "Notes API", "Read your notes", "app.example"))
    assert "alice" in text
    assert f"form-action 'self' {ORIGIN}" in shown.headers["content-security-policy"].split("; ")


@pytest.mark.parametrize(("native", "shown"), [(False, "app.example"), (True, "com.example.notes:")])
def test_a_person_sees_where_the_answer_goes(service: Service, shown: str, *, native: bool) -> None:
    application = declare(service, NATIVE if native else THIRD_PARTY, is_first_party=False)

    text = " ".join(read(service.log_in(application)).text.split())

    assert shown in text
    assert f"//{shown}" not in text


def test_a_person_who_agrees_is_sent_back_with_a_code_for_what_was_shown(service: Service) -> None:
    granted = tokens(service.exchange(agree(service)["code"], THIRD_PARTY))

    assert granted["scope"] == "openid email offline_access profile read:notes"
    assert claims_of(granted["access_token"])["azp"] == THIRD_PARTY.client_id


def test_what_was_agreed_to_is_not_asked_again(service: Service) -> None:
    agree(service)
    service.wait(DAY)

    assert "code" in answered(service.authorize(THIRD_PARTY))
    assert "code" in answered(service.authorize(THIRD_PARTY, prompt="none", scope="openid"))


def test_it_is_remembered_beyond_the_session(service: Service) -> None:
    agree(service)
    service.cookies.clear()

    assert "code" in answered(service.log_in(THIRD_PARTY))


def test_new_scopes_are_asked_for_and_added_to_the_old_ones(service: Service) -> None:
    agree(service, scope="openid")

    shown = service.authorize(THIRD_PARTY, scope="openid read:notes")
    assert kind(shown) == "consent"
    assert answered(service.authorize(THIRD_PARTY, prompt="none"))["error"] == "consent_required"
    submit(service, shown, decision="allow")
    submit(service, service.authorize(THIRD_PARTY, scope="email"), decision="allow")

    assert "code" in answered(service.authorize(THIRD_PARTY, scope="openid email read:notes"))


@pytest.mark.parametrize("decision", ["deny", "", "Allow", "allow "])
def test_whatever_is_no_yes_is_a_no(service: Service, decision: str) -> None:
    shown = service.log_in(THIRD_PARTY)
    before = service.contents()

    answer = answered(submit(service, shown, decision=decision))

    assert (answer["error"], answer["state"]) == ("access_denied", "some state")
    assert service.contents() == before
    assert kind(service.authorize(THIRD_PARTY)) == "consent"


def test_a_yes_holds_for_one_person(service: Service) -> None:
    agree(service)

    assert kind(sign_in(service, service.authorize(THIRD_PARTY, prompt="login"), BOB.email)) == "consent"


def test_a_yes_holds_for_one_application(service: Service) -> None:
    agree(service)
    other = declare(service, THIRD_PARTY, client_id="other")

    assert kind(service.authorize(other)) == "consent"


def test_a_yes_holds_for_one_api(service: Service) -> None:
    agree(service, scope="openid")

    assert kind(service.authorize(THIRD_PARTY, scope="openid", audience=ONLINE_API)) == "consent"
    assert kind(service.authorize(THIRD_PARTY, scope="openid", audience=None)) == "consent"


def test_a_third_party_application_must_ask_even_for_nothing_but_the_login(service: Service) -> None:
    """Who somebody is, and a token for the API, is no less a thing to give away than a scope."""
    shown = service.log_in(THIRD_PARTY, scope=None)

    assert kind(shown) == "consent"
    assert answered(service.authorize(THIRD_PARTY, scope="unknown", prompt="none"))["error"] == "consent_required"
    assert "code" in answered(submit(service, shown, decision="allow"))
    assert "code" in answered(service.authorize(THIRD_PARTY, scope="unknown", prompt="none"))


def test_a_first_party_application_need_not_ask(service: Service) -> None:
    assert "code" in answered(service.log_in())


def test_a_first_party_application_must_ask_where_the_api_says_so(service: Service) -> None:
    declare_api(service, API, skip_consent_for_first_party=False)

    assert kind(service.log_in()) == "consent"
    assert "code" in answered(service.authorize(audience=None))


def test_a_yes_without_a_session_leads_to_the_login_page(service: Service) -> None:
    shown = service.log_in(THIRD_PARTY)
    del service.cookies["__Host-heirloom"]

    assert kind(submit(service, shown, decision="allow")) == "login"
    assert not service.items("GrantsTable")


@pytest.mark.parametrize("end", [raise_epoch, block])
def test_a_yes_after_the_login_was_ended_leads_to_the_login_page(service: Service, end: object) -> None:
    shown = service.log_in(THIRD_PARTY)
    assert callable(end)
    end(service)

    assert kind(submit(service, shown, decision="allow")) == "login"
    assert not service.items("GrantsTable")


def test_a_yes_under_a_login_that_is_too_old_for_max_age_leads_to_the_login_page(service: Service) -> None:
    shown = service.log_in(THIRD_PARTY, max_age="60")
    service.wait(FRESH_LOGIN)
    assert "code" in answered(submit(service, shown, decision="allow"))

    service.wait(1)

    assert kind(submit(service, shown, decision="allow")) == "login"


def test_a_yes_under_an_old_login_is_good_where_no_newer_one_was_asked_for(service: Service) -> None:
    service.log_in(SPA)
    service.wait(DAY)

    assert "code" in answered(submit(service, service.authorize(THIRD_PARTY), decision="allow"))


def test_what_is_agreed_to_is_what_was_asked_for_and_not_what_was_written_into_the_form(service: Service) -> None:
    """The form carries the request: it is validated anew, and grants no more than the application may have."""
    request = authorization_request(THIRD_PARTY, redirect_uri="https://evil.example/")

    response = submit(service, service.log_in(THIRD_PARTY), request=urlencode(request), decision="allow")

    assert (response.status, kind(response)) == (400, "wrong_redirect")
    assert not service.items("GrantsTable")


def test_a_yes_is_recorded(service: Service) -> None:
    agree(service)

    assert service.events.types == ["sco", "s"]
    assert {event.user_id for event in service.events} == {ALICE.user_id}


def test_prompt_none_never_shows_the_consent_page(service: Service) -> None:
    service.log_in(SPA)

    assert answered(service.authorize(THIRD_PARTY, prompt="none"))["error"] == "consent_required"
    assert not service.items("GrantsTable")
