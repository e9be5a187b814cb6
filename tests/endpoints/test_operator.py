"""What an operator ends: once the call has answered, no token of it works, in or out of leeway."""

from typing import Any

import pytest

from heirloom.adapters.consents import DynamoDBConsents
from heirloom.adapters.sessions import DynamoDBSessions
from heirloom.adapters.users import DynamoDBUsers
from heirloom.domain.application import Application
from heirloom.domain.errors import StoreUnavailable
from heirloom.domain.events import Caller
from heirloom.endpoints.operator import Operator
from tests.endpoints.hands import forget_family
from tests.endpoints.reading import submit
from tests.service import (
    ALICE,
    BOB,
    SPA,
    THIRD_PARTY,
    WEB,
    Service,
    answered,
    claims_of,
    family_key_of,
    refusal,
    tokens,
)

CALLER = Caller("", "heirloom user", "")
INVALID_GRANT = (400, "invalid_grant")


@pytest.fixture(name="operator")
def _operator(service: Service) -> Operator:
    return Operator(
        families=service.families,
        sessions=DynamoDBSessions(service.client, service.tables["SessionsTable"]),
        users=DynamoDBUsers(service.client, service.tables["UsersTable"]),
        consents=DynamoDBConsents(service.client, service.tables["GrantsTable"]),
        events=service.events,
    )


Logins = dict[str, tuple[str, Application]]


@pytest.fixture(name="logins")
def _logins(service: Service) -> Logins:
    """Refresh tokens of alice on a phone and a laptop, at two applications there, and of bob; spent ones too."""
    phone = service.login_tokens()["refresh_token"]
    service.cookies.clear()
    laptop = service.login_tokens()["refresh_token"]
    same_session = answered(service.authorize(WEB))["code"]
    laptop_web = tokens(service.exchange(same_session, WEB))["refresh_token"]
    logins = {
        "phone": (phone, SPA),
        "laptop": (laptop, SPA),
        "laptop's successor": (service.refreshed(laptop), SPA),
        "laptop at web": (laptop_web, WEB),
    }
    service.cookies.clear()
    logins["bob"] = (service.login_tokens(email=BOB.email)["refresh_token"], SPA)
    return logins


def refreshable(service: Service, logins: Logins) -> set[str]:
    """Names of the tokens that still work."""
    answers = {name: service.refresh(token, application) for name, (token, application) in logins.items()}
    assert {refusal(answer) for answer in answers.values() if answer.status != 200} <= {INVALID_GRANT}
    return {name for name, answer in answers.items() if answer.status == 200}


def test_one_family(service: Service, operator: Operator, logins: Logins) -> None:
    token, _ = logins["laptop's successor"]

    assert operator.end_family(family_key_of(token), CALLER, now=service.now) == 1

    [event] = [event for event in service.events if event.type == "srrt"]
    assert (event.user_id, event.reason, event.details["latestCounter"]) == (ALICE.user_id, "revoked_by_operator", 1)
    assert refreshable(service, logins) == {"phone", "laptop at web", "bob"}
    assert operator.end_family(family_key_of(token), CALLER, now=service.now) == 0
    forget_family(service, token)
    assert operator.end_family(family_key_of(token), CALLER, now=service.now) == 0


def test_one_session_with_all_that_came_from_it(service: Service, operator: Operator) -> None:
    first = service.login_tokens()
    sid = claims_of(first["id_token"])["sid"]
    second = tokens(service.exchange(answered(service.authorize(WEB))["code"], WEB))
    mine = {**service.cookies}
    service.cookies.clear()
    elsewhere = service.login_tokens()["refresh_token"]

    assert operator.end_session(ALICE.user_id, sid, CALLER, now=service.now) == 2

    service.cookies = mine
    assert answered(service.authorize(prompt="none"))["error"] == "login_required"
    logins: Logins = {
        "there": (first["refresh_token"], SPA),
        "there at web": (second["refresh_token"], WEB),
        "elsewhere": (elsewhere, SPA),
    }
    assert refreshable(service, logins) == {"elsewhere"}
    [ended] = [event for event in service.events if event.type == "slo"]
    assert (ended.user_id, ended.reason) == (ALICE.user_id, "revoked_by_operator")
    assert ended.details == {"session_id": sid}


def test_all_logins_at_one_application_and_the_session_goes_on(
    service: Service, operator: Operator, logins: Logins
) -> None:
    service.cookies.clear()
    under_way, elsewhere = service.code(), service.code(WEB)

    assert operator.end_logins(ALICE.user_id, CALLER, now=service.now, client_id=SPA.client_id) == 2

    assert refreshable(service, logins) == {"laptop at web", "bob"}
    assert refusal(service.exchange(under_way)) == INVALID_GRANT
    assert service.exchange(elsewhere, WEB).status == 200
    assert service.exchange(answered(service.authorize())["code"]).status == 200, "a new login is a new login"


def test_all_logins_of_a_user(service: Service, operator: Operator, logins: Logins) -> None:
    service.cookies.clear()
    under_way = [(service.code(), SPA), (service.code(WEB), WEB)]

    assert operator.end_logins(ALICE.user_id, CALLER, now=service.now) == 3

    [ended] = [event for event in service.events if event.type == "slo"]
    assert (ended.user_id, ended.reason) == (ALICE.user_id, "revoked_by_operator")
    assert refreshable(service, logins) == {"bob"}
    for code, application in under_way:
        assert refusal(service.exchange(code, application)) == INVALID_GRANT
    assert answered(service.authorize(prompt="none"))["error"] == "login_required"
    assert service.refresh(service.login_tokens()["refresh_token"]).status == 200


def test_the_account_itself(service: Service, operator: Operator, logins: Logins) -> None:
    service.cookies.clear()
    submit(service, service.log_in(THIRD_PARTY), decision="allow")
    under_way = service.code()
    try:
        assert operator.delete_user(ALICE.user_id, CALLER, now=service.now) == 3

        assert refreshable(service, logins) == {"bob"}
        assert refusal(service.exchange(under_way)) == INVALID_GRANT
        assert service.items("GrantsTable") == []
        assert service.log_in().status == 400
        assert {item["user_id"]["S"] for item in service.items("UsersTable")} == {
            BOB.user_id,
            f"email:{BOB.email.casefold()}",
        }
        assert operator.delete_user(ALICE.user_id, CALLER, now=service.now) == 0
    finally:
        _bring_back(service)


def test_a_login_while_the_account_is_being_deleted_ends_with_it(
    service: Service, operator: Operator, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Until the account is gone, its password logs in."""
    delete, late = DynamoDBUsers.delete, []

    def after_a_login(users: DynamoDBUsers, user_id: str) -> None:
        late.append(service.login_tokens()["refresh_token"])
        delete(users, user_id)

    service.login_tokens()
    try:
        with monkeypatch.context() as patched:
            patched.setattr(DynamoDBUsers, "delete", after_a_login)
            assert operator.delete_user(ALICE.user_id, CALLER, now=service.now) == 2
        assert refusal(service.refresh(late[0])) == INVALID_GRANT
    finally:
        _bring_back(service)


def _bring_back(service: Service) -> None:
    """The other tests of this run share the users."""
    for item in service.items("UsersTable"):
        service.client.delete_item(TableName=service.tables["UsersTable"], Key={"user_id": item["user_id"]})
    Service.of(service.client, service.tables)


def test_a_fault_on_the_way_is_told_and_a_repetition_finishes(
    service: Service, operator: Operator, logins: Logins, monkeypatch: pytest.MonkeyPatch
) -> None:
    revoke = type(service.families).revoke
    calls = iter([True, False])

    def fail(*arguments: Any, **named: Any) -> Any:
        if not next(calls):
            raise StoreUnavailable("revoke: Throttling")
        return revoke(*arguments, **named)

    with monkeypatch.context() as patched:
        patched.setattr(type(service.families), "revoke", fail)
        with pytest.raises(StoreUnavailable):
            operator.end_logins(ALICE.user_id, CALLER, now=service.now)

    assert operator.end_logins(ALICE.user_id, CALLER, now=service.now) == 2
    assert refreshable(service, logins) == {"bob"}
