"""Whatever logs somebody out, the saved queries answer why: by the family, and by the user."""

import json
import time
from collections.abc import Callable
from functools import cache
from io import StringIO

import pytest

from heirloom.adapters.consents import DynamoDBConsents
from heirloom.adapters.events import LoggedEvents
from heirloom.adapters.sessions import DynamoDBSessions
from heirloom.adapters.users import DynamoDBUsers
from heirloom.domain import encoding
from heirloom.domain.events import Caller, Event
from heirloom.domain.family import MOST_FAMILIES
from heirloom.domain.lifetimes import DAY, LEEWAY
from heirloom.endpoints.operator import Operator
from heirloom.tenant.store import DynamoDBStore
from local import template
from tests import insights
from tests.endpoints.hands import block as block_alone
from tests.endpoints.hands import declare, delete_user, set_tenant
from tests.endpoints.reading import kind
from tests.endpoints.test_account import SESSION, family_id, press, show
from tests.management.administrator import Administrator
from tests.races.test_logins import fill
from tests.service import ALICE, BOB, SPA, Recorded, Service, claims_of, family_key_of, refusal

CALLER = Caller("", "an operator", "")
INVALID_GRANT = (400, "invalid_grant")


@pytest.fixture(name="log")
def _log(monkeypatch: pytest.MonkeyPatch) -> StringIO:
    """What the functions would have logged."""
    log = StringIO()
    logged = LoggedEvents("heirloom", "Heirloom")

    def emit(events: Recorded, event: Event) -> None:
        events.append(event)
        log.write(logged.line(event, time.time()) + "\n")

    monkeypatch.setattr(Recorded, "emit", emit)
    return log


def operator(service: Service) -> Operator:
    return Operator(
        families=service.families,
        sessions=DynamoDBSessions(service.client, service.tables["SessionsTable"]),
        users=DynamoDBUsers(service.client, service.tables["UsersTable"]),
        consents=DynamoDBConsents(service.client, service.tables["GrantsTable"]),
        events=service.events,
    )


def tenant_store(service: Service) -> DynamoDBStore:
    return DynamoDBStore(
        client=service.client,
        configuration_table=service.tables["ConfigurationTable"],
        users_table=service.tables["UsersTable"],
        families_table=service.tables["FamiliesTable"],
        clock=lambda: service.now,
        events=service.events,
    )


# ---- The ways, each from a login of Alice's whose refresh token is at hand


def reuse(service: Service, login: dict[str, str]) -> None:
    service.refreshed(login["refresh_token"])
    service.wait(LEEWAY + 2)
    service.refresh(login["refresh_token"])


def revocation(service: Service, login: dict[str, str]) -> None:
    service.revoke(login["refresh_token"])


def revocation_of_the_grant(service: Service, login: dict[str, str]) -> None:
    set_tenant(service, revocation_ends_grant=True)
    service.revoke(login["refresh_token"])


def logout(service: Service, _: dict[str, str]) -> None:
    service.set_policy(revoke_on_logout=True)
    service.send("GET", "/v2/logout", query={"client_id": "spa"})


def oidc_logout(service: Service, login: dict[str, str]) -> None:
    service.set_policy(revoke_on_logout=True)
    service.send("GET", "/oidc/logout", query={"id_token_hint": login["id_token"]})


def somebody_else_in_the_browser(service: Service, _: dict[str, str]) -> None:
    service.set_policy(revoke_on_logout=True)
    service.log_in(email=BOB.email)


def password_change(service: Service, _: dict[str, str]) -> None:
    tenant_store(service).end_logins(ALICE.user_id, because="password changed")


def block(service: Service, _: dict[str, str]) -> None:
    tenant_store(service).end_logins(ALICE.user_id, because="user blocked")


def idle_expiry(service: Service, _: dict[str, str]) -> None:
    service.set_policy(idle_lifetime=DAY)
    service.wait(DAY)


def absolute_expiry(service: Service, login: dict[str, str]) -> None:
    del login
    service.wait(SPA.refresh_token.absolute_lifetime or 0)


def mark_of_the_tenant(service: Service, _: dict[str, str]) -> None:
    service.wait(1)
    set_tenant(service, not_before=service.now)


def mark_of_the_application(service: Service, _: dict[str, str]) -> None:
    service.wait(1)
    declare(service, SPA, not_before=service.now)


def pruning(service: Service, _: dict[str, str]) -> None:
    service.wait(1000)
    fill(service, MOST_FAMILIES)
    service.login_tokens()


def a_code_that_comes_twice(service: Service, login: dict[str, str]) -> None:
    service.wait(30)
    service.exchange(login["code"])


def operator_ends_the_family(service: Service, login: dict[str, str]) -> None:
    operator(service).end_family(family_key_of(login["refresh_token"]), CALLER, now=service.now)


def operator_ends_the_session(service: Service, login: dict[str, str]) -> None:
    operator(service).end_session(ALICE.user_id, claims_of(login["id_token"])["sid"], CALLER, now=service.now)


def operator_ends_all_logins(service: Service, _: dict[str, str]) -> None:
    operator(service).end_logins(ALICE.user_id, CALLER, now=service.now)


def operator_ends_those_at_the_application(service: Service, _: dict[str, str]) -> None:
    operator(service).end_logins(ALICE.user_id, CALLER, now=service.now, client_id=SPA.client_id)


def deletion(service: Service, _: dict[str, str]) -> None:
    users = DynamoDBUsers(service.client, service.tables["UsersTable"])
    stored = users.by_id(ALICE.user_id)
    assert stored is not None
    operator(service).delete_user(ALICE.user_id, CALLER, now=service.now)
    users.put(stored, replacing=None)  # the other tests of this run share the users


def rotation_switched_on(service: Service, _: dict[str, str]) -> None:
    service.set_policy(rotating=False)
    service.cookies.clear()
    other = service.login_tokens()["refresh_token"]
    service.set_policy(rotating=True)
    service.refreshed(other)


def account_signs_out_the_device(service: Service, login: dict[str, str]) -> None:
    press(service, show(service), "family", family_id(login["refresh_token"]))


def account_signs_out_the_session(service: Service, login: dict[str, str]) -> None:
    service.cookies.clear()
    service.log_in()
    press(service, show(service), "session", claims_of(login["id_token"])["sid"])


def account_signs_out_the_others(service: Service, _: dict[str, str]) -> None:
    service.cookies.clear()
    service.log_in()
    press(service, show(service), "everything", "others")


def account_signs_out_everywhere(service: Service, _: dict[str, str]) -> None:
    press(service, show(service), "everything", "all")


def management_api_revokes_the_token(service: Service, _: dict[str, str]) -> None:
    admin = Administrator(service)
    assert admin.call("DELETE", f"refresh-tokens/{admin.refresh_token_id(ALICE.user_id, SPA.client_id)}").status == 202


def management_api_revokes_the_users_tokens(service: Service, _: dict[str, str]) -> None:
    assert Administrator(service).call("DELETE", f"users/{ALICE.user_id}/refresh-tokens").status == 202


def management_api_revokes_the_session(service: Service, _: dict[str, str]) -> None:
    admin = Administrator(service)
    (found,) = admin.call("GET", f"users/{ALICE.user_id}/sessions").json["sessions"]
    assert admin.call("POST", f"sessions/{found['id']}/revoke").status == 202


type Way = Callable[[Service, dict[str, str]], None]

WAYS: dict[Way, tuple[str, str, str]] = {
    reuse: ("ferrt", "reused", "reuse"),
    revocation: ("srrt", "revoked_by_application", "revoked_by_application"),
    revocation_of_the_grant: ("srrt", "revoked_by_application", "revoked_by_application"),
    logout: ("srrt", "logout", "logout"),
    oidc_logout: ("srrt", "logout", "logout"),
    somebody_else_in_the_browser: ("srrt", "logout", "logout"),
    password_change: ("srrt", "password changed", "password changed"),
    block: ("srrt", "user blocked", "user blocked"),
    idle_expiry: ("fertft", "expired", "idle_lifetime"),
    absolute_expiry: ("fertft", "expired", "absolute_lifetime"),
    mark_of_the_tenant: ("fertft", "revoked", "not_before"),
    mark_of_the_application: ("fertft", "revoked", "not_before"),
    pruning: ("resource_cleanup", f"more than {MOST_FAMILIES} live families", "gave_way"),
    a_code_that_comes_twice: ("srrt", "code_reuse", "code_reuse"),
    operator_ends_the_family: ("srrt", "revoked_by_operator", "revoked_by_operator"),
    operator_ends_the_session: ("srrt", "revoked_by_operator", "revoked_by_operator"),
    operator_ends_all_logins: ("srrt", "revoked_by_operator", "revoked_by_operator"),
    operator_ends_those_at_the_application: ("srrt", "revoked_by_operator", "revoked_by_operator"),
    deletion: ("srrt", "user_deleted", "user_deleted"),
    account_signs_out_the_device: ("srrt", "revoked_by_user", "revoked_by_user"),
    account_signs_out_the_session: ("srrt", "revoked_by_user", "revoked_by_user"),
    account_signs_out_the_others: ("srrt", "revoked_by_user", "revoked_by_user"),
    account_signs_out_everywhere: ("srrt", "revoked_by_user", "revoked_by_user"),
    management_api_revokes_the_token: ("srrt", "revoked_by_operator", "revoked_by_operator"),
    management_api_revokes_the_users_tokens: ("srrt", "revoked_by_operator", "revoked_by_operator"),
    management_api_revokes_the_session: ("srrt", "revoked_by_operator", "revoked_by_operator"),
    rotation_switched_on: ("srrt", "rotation_switched_on", "rotation_switched_on"),
}
"""What the log says when it happens, and as `endedBecause` when the application comes back."""


@pytest.mark.parametrize("way", WAYS, ids=lambda way: way.__name__)
def test_the_saved_queries_answer_why(service: Service, log: StringIO, way: Way) -> None:
    """Two answers each: the line of the moment, and that of the refusal which the application heard."""
    if way is rotation_switched_on:
        service.set_policy(rotating=False)
    code = service.code()
    login = {**service_tokens(service, code), "code": code}
    event_type, reason, ended_because = WAYS[way]

    way(service, login)
    assert refusal(service.refresh(login["refresh_token"])) == INVALID_GRANT

    family = encoding.encode(family_key_of(login["refresh_token"]).family_id)
    for rows in (
        answers(log, "WhyLoggedOutByFamilyQuery", FAMILY_ID=family),
        answers(log, "WhyLoggedOutByUserQuery", USER_ID=ALICE.user_id),
    ):
        told = [(row["type"], row.get("reason")) for row in rows]
        assert (event_type, reason) in told
        assert rows[-1]["type"] == "fertft"
        assert rows[-1]["details.endedBecause"] == ended_because
        assert rows[-1]["client_id"] == SPA.client_id


@pytest.mark.parametrize(
    "way", [operator_ends_all_logins, operator_ends_the_session, password_change, logout], ids=lambda way: way.__name__
)
def test_the_end_of_a_session_is_told_even_if_no_refresh_token_came_from_it(
    service: Service, log: StringIO, way: Way
) -> None:
    code = service.code(scope="openid")
    way(service, service_tokens(service, code))

    assert "slo" in [row["type"] for row in answers(log, "WhyLoggedOutByUserQuery", USER_ID=ALICE.user_id)]


def idle_session(service: Service) -> None:
    service.wait(service.configuration.settings.idle_session_lifetime)


def old_session(service: Service) -> None:
    set_tenant(service, idle_session_lifetime=service.configuration.settings.session_lifetime * 2)
    service.wait(service.configuration.settings.session_lifetime)


def marked_session(service: Service) -> None:
    service.wait(1)
    set_tenant(service, not_before=service.now)


def session_ended_elsewhere(service: Service) -> None:
    operator(service).end_session(ALICE.user_id, service.cookies[SESSION].split(".")[1], CALLER, now=service.now)


def all_sessions_ended_elsewhere(service: Service) -> None:
    operator(service).end_logins(ALICE.user_id, CALLER, now=service.now)


SESSIONS: dict[Callable[[Service], None], str] = {
    idle_session: "idle_lifetime",
    old_session: "absolute_lifetime",
    marked_session: "not_before",
    session_ended_elsewhere: "logout",
    all_sessions_ended_elsewhere: "all_logins_ended",
    block_alone: "user blocked",
    delete_user: "user_deleted",
}
"""What the log says when the browser comes with the cookie of a session that has ended."""


@pytest.mark.parametrize("way", SESSIONS, ids=lambda way: way.__name__)
def test_a_browser_that_is_asked_to_log_in_again_is_told_of(
    service: Service, log: StringIO, way: Callable[[Service], None]
) -> None:
    service.log_in()
    users = service.items("UsersTable")
    try:
        way(service)
        assert kind(service.authorize()) == "login"
    finally:
        for item in users:  # which the other tests of this run share
            service.client.put_item(TableName=service.tables["UsersTable"], Item=item)

    *_, last = answers(log, "WhyLoggedOutByUserQuery", USER_ID=ALICE.user_id)
    assert (last["type"], last["details.endedBecause"]) == ("w", SESSIONS[way])
    assert last["details.session_id"]


def test_another_user_is_not_in_the_answer(service: Service, log: StringIO) -> None:
    service.revoke(service.login_tokens()["refresh_token"])

    assert answers(log, "WhyLoggedOutByUserQuery", USER_ID=ALICE.user_id)
    assert not answers(log, "WhyLoggedOutByUserQuery", USER_ID=BOB.user_id)


def service_tokens(service: Service, code: str) -> dict[str, str]:
    """What a code was exchanged for."""
    document: dict[str, str] = json.loads(service.exchange(code).body)
    return document


@cache
def saved_queries() -> dict[str, str]:
    """The text of each, by its logical id."""
    saved = template.load().of_type("AWS::Logs::QueryDefinition")
    return {name: query["QueryString"] for name, query in saved.items()}


def answers(log: StringIO, saved: str, **asked: str) -> list[dict[str, str]]:
    """What a saved query finds in the log, with these words in the place of those that stand for them."""
    text = saved_queries()[saved]
    for word, value in asked.items():
        assert f"'{word}'" in text
        text = text.replace(f"'{word}'", f"'{value}'")
    lines = [insights.discovered(json.loads(line)) for line in log.getvalue().splitlines()]
    return insights.Query.of(text).answer(lines)
