"""What ends with a session, at both logout endpoints, and who hears of it."""

import dataclasses
from collections.abc import Callable

import pytest
from botocore.exceptions import ClientError

from heirloom.domain import session
from heirloom.domain.application import Application
from heirloom.domain.backchannel_logout import LogoutNotice
from heirloom.domain.errors import StoreUnavailable
from heirloom.domain.lifetimes import DAY
from heirloom.http import Response
from tests.endpoints.hands import declare, set_tenant, store_calls
from tests.endpoints.reading import kind, sign_in
from tests.endpoints.test_known_devices import sessions_of
from tests.faults import BEFORE, Steps
from tests.service import ALICE, BOB, SPA, THIRD_PARTY, WEB, Service, answered, claims_of, refusal, tokens

SESSION = "__Host-heirloom"
RECEIVER = "https://app.example/logged-out"


def v2(service: Service) -> Response:
    return service.send("GET", "/v2/logout")


def oidc(service: Service) -> Response:
    """Ask and confirm, without a hint."""
    form = {"request": "client_id=spa", "csrf": service.csrf}
    return service.send("POST", "/oidc/logout", form)


type Logout = Callable[[Service], Response]
either_logout = pytest.mark.parametrize("log_out", [v2, oidc])


def session_id(service: Service) -> str:
    return service.cookies[SESSION].split(".")[1]


def revoked(service: Service) -> dict[str, str]:
    """Why each application's family is revoked; those that are not are missing."""
    return {
        item["client_id"]["S"]: item["revoked_because"]["S"]
        for item in service.items("FamiliesTable")
        if "revoked_because" in item
    }


def again(service: Service, application: Application) -> str:
    """Let another application use the session that there is; its refresh token."""
    code = answered(service.authorize(application))["code"]
    return str(tokens(service.exchange(code, application))["refresh_token"])


# ---- Refresh tokens


@either_logout
def test_refresh_tokens_outlive_a_logout_unless_the_application_says_otherwise(
    service: Service, log_out: Logout
) -> None:
    """Auth0 has no such switch: there all of them live on."""
    service.set_policy(WEB, revoke_on_logout=True)
    kept = service.login_tokens()["refresh_token"]
    ended = again(service, WEB)

    assert kind(log_out(service)) == "signed_out"

    assert service.refresh(kept).status == 200
    assert refusal(service.refresh(ended, WEB)) == (400, "invalid_grant")
    assert revoked(service) == {"web": "logout"}
    (event,) = [event for event in service.events if event.type == "srrt"]
    assert (event.client_id, event.user_id, event.reason) == ("web", ALICE.user_id, "logout")


@either_logout
def test_no_generation_of_a_family_that_ended_works_in_or_out_of_leeway(service: Service, log_out: Logout) -> None:
    service.set_policy(revoke_on_logout=True)
    first = service.login_tokens()["refresh_token"]
    second = service.refreshed(first)

    log_out(service)

    for _ in range(2):
        assert refusal(service.refresh(first)) == refusal(service.refresh(second)) == (400, "invalid_grant")
        service.wait(DAY)


def test_the_persons_other_sessions_keep_their_families(service: Service) -> None:
    """The phone is not logged out by the laptop."""
    service.set_policy(revoke_on_logout=True)
    phone = service.login_tokens()["refresh_token"]
    service.cookies.clear()
    laptop = service.login_tokens()["refresh_token"]

    v2(service)

    assert service.refresh(phone).status == 200
    assert refusal(service.refresh(laptop)) == (400, "invalid_grant")


def test_families_from_before_the_person_logged_in_again_end_too(service: Service) -> None:
    """It is one session, however often the person proved who they are in it."""
    service.set_policy(revoke_on_logout=True)
    before = service.login_tokens()["refresh_token"]
    after = tokens(service.exchange(answered(service.log_in(prompt="login"))["code"]))["refresh_token"]

    v2(service)

    assert refusal(service.refresh(before)) == refusal(service.refresh(after)) == (400, "invalid_grant")


def test_a_family_that_was_revoked_before_keeps_its_reason(service: Service) -> None:
    service.set_policy(revoke_on_logout=True)
    service.revoke(service.login_tokens()["refresh_token"])

    v2(service)

    assert revoked(service) == {"spa": "revoked_by_application"}
    assert service.events.types.count("srrt") == 1


def test_an_expired_session_ends_its_families_as_well(service: Service) -> None:
    """The session is idle for days while the application refreshes; then the person logs out there."""
    service.set_policy(revoke_on_logout=True)
    token = service.login_tokens()["refresh_token"]
    service.wait(4 * DAY)
    token = service.refreshed(token)
    assert answered(service.authorize(prompt="none"))["error"] == "login_required"

    v2(service)

    assert refusal(service.refresh(token)) == (400, "invalid_grant")


def test_an_application_that_is_gone_is_passed_over(service: Service) -> None:
    service.set_policy(revoke_on_logout=True)
    service.login_tokens()
    del service.configuration.applications["spa"]

    assert kind(v2(service)) == "signed_out"
    assert revoked(service) == {}


# ---- Codes


@either_logout
@pytest.mark.parametrize("revoke_on_logout", [True, False])
def test_a_code_that_was_under_way_is_void_after_a_logout(
    service: Service, log_out: Logout, *, revoke_on_logout: bool
) -> None:
    """With or without the switch: that login was not finished when the person left."""
    service.set_policy(revoke_on_logout=revoke_on_logout)
    code = service.code()

    log_out(service)

    assert refusal(service.exchange(code)) == (400, "invalid_grant")
    assert service.items("FamiliesTable") == []
    assert service.events[-1].reason == "the login was ended meanwhile"


def test_a_code_without_a_refresh_token_is_void_too(service: Service) -> None:
    code = service.code(scope="openid")

    v2(service)

    assert refusal(service.exchange(code)) == (400, "invalid_grant")


def test_a_code_is_void_while_the_end_is_not_finished(service: Service) -> None:
    declare(service, SPA, backchannel_logout_url=RECEIVER)
    code = service.code()
    service.back_channel.fault = StoreUnavailable("queue")

    assert v2(service).status == 503
    assert refusal(service.exchange(code)) == (400, "invalid_grant")


def test_a_code_outlives_its_sessions_lifetime(service: Service) -> None:
    """That nobody may log in silently any more is no logout."""
    set_tenant(service, session_lifetime=2, idle_session_lifetime=2)
    code = service.code()
    service.wait(30)

    assert answered(service.authorize(prompt="none"))["error"] == "login_required"
    assert service.exchange(code).status == 200


def test_a_code_outlives_another_login_of_its_person_in_the_browser(service: Service) -> None:
    """Two tabs: the login in the second one must not fail the first one's."""
    first, second = service.code(), service.code(prompt="login")

    assert service.exchange(first).status == service.exchange(second).status == 200


def test_a_code_is_void_after_somebody_else_logged_in_in_its_browser(service: Service) -> None:
    code = service.code()

    sign_in(service, service.authorize(prompt="login"), BOB.email)

    assert refusal(service.exchange(code)) == (400, "invalid_grant")


# ---- Somebody else


def test_whoever_takes_over_the_browser_ends_the_session_of_whom_was_there_whole(service: Service) -> None:
    declare(service, SPA, backchannel_logout_url=RECEIVER)
    service.set_policy(revoke_on_logout=True)
    token = service.login_tokens()["refresh_token"]
    ended = session_id(service)

    sign_in(service, service.authorize(prompt="login"), BOB.email)

    assert refusal(service.refresh(token)) == (400, "invalid_grant")
    assert service.back_channel == [LogoutNotice("spa", ALICE.user_id, ended)]
    (event,) = [event for event in service.events if event.type == "slo"]
    assert (event.user_id, event.reason) == (ALICE.user_id, "a login took its place")


def test_an_expired_session_in_the_browser_is_no_logout_of_whom_it_was(service: Service) -> None:
    service.set_policy(revoke_on_logout=True)
    token = service.login_tokens()["refresh_token"]
    service.wait(4 * DAY)

    service.log_in(email=BOB.email)

    assert service.refresh(token).status == 200


def test_a_logout_that_was_left_unfinished_is_finished_by_the_next_login(service: Service) -> None:
    """Else the cookie, with which it could go on, would be gone for good."""
    declare(service, SPA, backchannel_logout_url=RECEIVER)
    service.log_in()
    ended = session_id(service)
    service.back_channel.fault = StoreUnavailable("queue")
    assert v2(service).status == 503
    service.back_channel.fault = None

    service.log_in()

    assert service.back_channel == [LogoutNotice("spa", ALICE.user_id, ended)]
    assert session_id(service) != ended
    assert "code" in answered(service.authorize(prompt="none"))


# ---- Who hears of it


@either_logout
def test_every_application_that_took_part_hears_of_the_end(service: Service, log_out: Logout) -> None:
    """Also one without a refresh token, and one that came by single sign-on; nobody who did not ask to."""
    for application in (SPA, WEB):
        declare(service, application, backchannel_logout_url=RECEIVER)
    service.log_in(scope="openid")
    service.authorize(WEB, scope="openid")
    service.authorize(service.configuration.applications["native"], scope="openid")
    ended = session_id(service)

    log_out(service)

    assert service.back_channel == [LogoutNotice(client_id, ALICE.user_id, ended) for client_id in ("spa", "web")]


def test_silent_authentication_takes_part_too(service: Service) -> None:
    declare(service, WEB, backchannel_logout_url=RECEIVER)
    service.log_in()
    service.authorize(WEB, prompt="none")

    v2(service)

    assert [notice.client_id for notice in service.back_channel] == ["web"]


def test_the_sid_that_an_application_hears_is_the_one_of_its_id_token(service: Service) -> None:
    declare(service, SPA, backchannel_logout_url=RECEIVER)
    claims = claims_of(service.login_tokens()["id_token"])
    service.log_in(prompt="login")

    v2(service)

    assert service.back_channel == [LogoutNotice("spa", claims["sub"], claims["sid"])]


def test_an_application_is_noted_once_and_told_even_if_its_address_is_newer(service: Service) -> None:
    """A write that says nothing new is not made."""
    service.log_in()
    with store_calls(service) as calls:
        service.authorize()
    assert "UpdateItem" not in calls

    declare(service, SPA, backchannel_logout_url=RECEIVER)
    v2(service)

    assert [notice.client_id for notice in service.back_channel] == ["spa"]


def test_applications_that_want_to_hear_have_room_when_the_others_have_none(
    service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(session, "MOST_UNTOLD_CLIENT_IDS", 1)
    declare(service, WEB, backchannel_logout_url=RECEIVER)
    other = declare(service, SPA, client_id="other")
    service.log_in(SPA)
    for application in (other, WEB):
        assert "code" in answered(service.authorize(application, prompt="none"))

    (it,) = sessions_of(service)
    assert it.client_ids == {"spa", "web"}
    assert "w" not in service.events.types, "nobody who wanted to hear was left out"
    v2(service)
    assert [notice.client_id for notice in service.back_channel] == ["web"]


def test_a_session_remembers_a_limited_number(service: Service, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(session, "MOST_CLIENT_IDS", 1)
    for application in (SPA, WEB):
        declare(service, application, backchannel_logout_url=RECEIVER)
    service.log_in()

    assert "code" in answered(service.authorize(WEB)), "a login is not refused for that"
    assert "w" in service.events.types
    v2(service)
    assert [notice.client_id for notice in service.back_channel] == ["spa"]


def test_an_application_that_took_its_address_back_is_not_told(service: Service) -> None:
    declare(service, SPA, backchannel_logout_url=RECEIVER)
    service.log_in()
    declare(service, SPA, backchannel_logout_url=None)

    v2(service)

    assert service.back_channel == []


def test_whoever_said_no_at_the_consent_page_took_no_part(service: Service) -> None:
    stranger = declare(service, THIRD_PARTY, backchannel_logout_url=RECEIVER)
    service.log_in(stranger)

    v2(service)

    assert service.back_channel == []


# ---- Faults


@either_logout
def test_nobody_is_told_that_they_are_signed_out_while_others_do_not_know(service: Service, log_out: Logout) -> None:
    """The session is ended, the cookie stays: with it the next try goes on where this one stopped."""
    declare(service, SPA, backchannel_logout_url=RECEIVER)
    token = service.login_tokens()["refresh_token"]
    service.set_policy(revoke_on_logout=True)
    ended, cookie = session_id(service), service.cookies[SESSION]
    service.back_channel.fault = StoreUnavailable("queue")

    response = log_out(service)

    assert (response.status, kind(response)) == (503, "temporary_fault")
    assert service.cookies[SESSION] == cookie
    assert answered(service.authorize(prompt="none"))["error"] == "login_required"
    assert refusal(service.refresh(token)) == (400, "invalid_grant")
    service.back_channel.fault = None
    assert kind(log_out(service)) == "signed_out"
    assert service.back_channel == [LogoutNotice("spa", ALICE.user_id, ended)]
    assert SESSION not in service.cookies
    assert service.items("SessionsTable") == []


@either_logout
def test_a_session_that_another_request_ended_meanwhile_has_ended(service: Service, log_out: Logout) -> None:
    service.log_in()
    (stored,) = service.items("SessionsTable")
    key = {name: stored[name] for name in ("user_key", "session_id")}
    with Steps.of(service.client) as steps:
        steps.interpose(
            BEFORE,
            lambda: service.client.delete_item(TableName=service.tables["SessionsTable"], Key=key),
            calls=range(1, 2),  # it has been read, and is to be ended
        )
        response = log_out(service)

    assert kind(response) == "signed_out"
    assert service.items("SessionsTable") == []
    assert service.back_channel == []


def test_whoever_agreed_once_is_not_asked_again_after_a_fault(service: Service) -> None:
    declare(service, SPA, backchannel_logout_url=RECEIVER)
    service.log_in()
    service.back_channel.fault = StoreUnavailable("queue")
    assert oidc(service).status == 503
    service.back_channel.fault = None

    assert kind(service.send("GET", "/oidc/logout")) == "signed_out"


def test_a_write_that_meets_the_exchange_of_a_code_is_tried_again(service: Service) -> None:
    """DynamoDB refuses it for the moment that the transaction takes; DynamoDB Local never does."""
    service.log_in()
    endpoint = service.routes["GET", "/v2/logout"]
    pauses: list[float] = []
    refused = [2]

    class Contended:
        def __getattr__(self, name: str) -> object:
            return getattr(service.client, name)

        def update_item(self, **arguments: object) -> object:
            if refused[0]:
                refused[0] -= 1
                raise ClientError({"Error": {"Code": "TransactionConflictException"}}, "UpdateItem")
            return service.client.update_item(**arguments)  # type: ignore[arg-type] # passed on as they came

    sessions = dataclasses.replace(endpoint.ending.sessions, client=Contended(), sleep=pauses.append)
    ending = dataclasses.replace(endpoint.ending, sessions=sessions)
    service.routes = {**service.routes, ("GET", "/v2/logout"): dataclasses.replace(endpoint, ending=ending)}

    assert kind(v2(service)) == "signed_out"
    assert pauses == [0.05, 0.1]
    assert service.items("SessionsTable") == []
    service.log_in()
    refused[0] = 100
    assert kind(v2(service)) == "temporary_fault"
