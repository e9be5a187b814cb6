"""What was ended is over: for every token, in every race, on every instance, for good."""

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from itertools import count
from typing import Any

import pytest

from heirloom.adapters.users import DynamoDBUsers
from heirloom.domain.lifetimes import DAY, HOUR, LEEWAY
from heirloom.domain.user import User
from heirloom.http import Response
from tests.endpoints.hands import at_once, family_of, restarted, set_tenant
from tests.faults import AFTER, BEFORE, Steps, lost_on_the_wire
from tests.service import ALICE, BOB, PASSWORD, SPA, WEB, Service, answered, refusal, tokens
from tests.tenant.test_applying import Stack

REFUSED = (400, "invalid_grant")

either_side = pytest.mark.parametrize("when", [BEFORE, AFTER])


@dataclass
class Answered:
    """A request that is sent when the time has come, and how it was answered."""

    request: Callable[[], Response]
    answers: list[Response] = field(default_factory=list)

    def __call__(self) -> None:
        self.answers.append(self.request())


def all_dead(service: Service, presented: list[str]) -> bool:
    """Tell whether no instance takes any of these tokens, whether spent a moment or long ago."""
    for _ in range(2):
        instance = restarted(service)
        if any(refusal(instance.refresh(token)) != REFUSED for token in presented):
            return False
        service.wait(LEEWAY + 2)
    return True


@either_side
@pytest.mark.parametrize("presented", [0, 1, 2], ids=["spent long ago", "spent just now", "live"])
@pytest.mark.parametrize("revoked_with", [0, 2], ids=["a spent token", "the live token"])
def test_case_03_a_revocation_at_any_step_of_a_refresh_is_final(
    service: Service, steps: Steps, when: str, presented: int, revoked_with: int
) -> None:
    """Keycloak #51312: a refresh that raced a revocation brought the session back to life."""
    for call in count():
        line = [service.login_tokens()["refresh_token"]]
        line.append(service.refreshed(line[0]))
        service.wait(LEEWAY + 2)
        line.append(service.refreshed(line[1]))
        revocation = Answered(partial(service.revoke, line[revoked_with]))
        steps.interpose(when, revocation, calls=range(call, call + 1))
        response = service.refresh(line[presented])
        steps.actions = {}
        if not revocation.answers:
            break
        assert revocation.answers[0].status == 200
        if response.status == 200:
            line.append(tokens(response)["refresh_token"])
        assert all_dead(service, line)
    assert call == (1 if presented == 2 else 2), "every call to the store was a step"


@either_side
def test_case_03_a_refresh_at_any_step_of_a_revocation_gets_nothing_that_lasts(
    service: Service, steps: Steps, when: str
) -> None:
    """Keycloak #51312: the same race, seen from the revocation."""
    line = [service.login_tokens()["refresh_token"]]
    refresh = Answered(partial(service.refresh, line[0]))
    steps.interpose(when, refresh)

    assert service.revoke(line[0]).status == 200

    (response,) = refresh.answers
    assert response.status == (200 if when == BEFORE else 400)
    if response.status == 200:
        line.append(tokens(response)["refresh_token"])
    assert all_dead(service, line)


@pytest.mark.parametrize("round_", range(5))
def test_case_03_a_revocation_that_races_refreshes_wins_for_good(service: Service, round_: int) -> None:
    """Keycloak #51312: as above, in real threads."""
    del round_
    token = service.login_tokens()["refresh_token"]
    actions: list[Callable[[], Response]] = [lambda: service.refresh(token)] * 7
    actions.insert(3, lambda: service.revoke(token))

    responses = at_once(actions)

    assert responses.pop(3).status == 200
    granted = [tokens(response)["refresh_token"] for response in responses if response.status == 200]
    assert all_dead(service, [token, *granted])


@pytest.mark.parametrize(
    ("user_id", "rotations"), [("samlp|a:b/c|d", 2), ("a\x1fb\x00c", 12), ("#epoch", 2), ("x" * 48, 12)]
)
def test_case_13_after_reuse_no_token_of_the_family_works(service: Service, user_id: str, rotations: int) -> None:
    """OpenAuth: its DynamoDB adapter lost the separator of the key, so the revocation deleted something else."""
    password_hash = service.routes["POST", "/login"].passwords.hash(PASSWORD)
    carol = User(user_id=user_id, email="carol@example.com", password_hash=password_hash)
    DynamoDBUsers(service.client, service.tables["UsersTable"]).put(carol, replacing=None)
    line = [service.login_tokens(email=carol.email)["refresh_token"]]
    for _ in range(rotations):
        line.append(service.refreshed(line[-1]))
    service.wait(LEEWAY + 2)

    assert refusal(service.refresh(line[0])) == REFUSED

    family = family_of(service, line[0])
    assert (family.grant.user_id, family.revoked_because, family.revoked_at) == (user_id, "reuse", service.now)
    details = dict(service.events[-1].details)
    assert details | {"tokenCounter": 0, "latestCounter": rotations} == details
    assert service.events[-1].type.value == "ferrt"
    assert all_dead(service, line)


# ---- Users, sessions and applications that are gone


def tenant_file(*, blocked: bool) -> dict[str, Any]:
    """What an operator applies to block Alice, or to let her in again."""
    return {"users": [{"user_id": ALICE.user_id, "email": ALICE.email, "blocked": blocked, **ALICE.claims}]}


def test_case_23_a_blocked_user_is_out_at_every_device(service: Service) -> None:
    """Zitadel CVE-2023-22492: a locked user went on refreshing; #12637: so did a session that was ended."""
    devices = [(service.login_tokens(application)["refresh_token"], application) for application in (SPA, SPA, WEB)]
    in_flight = service.code()
    service.cookies.clear()
    bobs = service.login_tokens(email=BOB.email)["refresh_token"]

    Stack(service.client, service.tables).apply(tenant_file(blocked=True))

    instance = restarted(service)
    for token, application in devices:
        assert refusal(instance.refresh(token, application)) == REFUSED
    assert refusal(instance.exchange(in_flight)) == REFUSED
    assert service.log_in().status == 400
    assert instance.refresh(bobs).status == 200


@dataclass
class Attempt:
    """To make a code into tokens, and to use them, while the user is being blocked."""

    service: Service
    code: str
    line: list[str]
    """What tokens there are of the user."""
    made: bool = False

    def __call__(self) -> None:
        self.made = True
        for response in (self.service.exchange(self.code), self.service.refresh(self.line[-1])):
            if response.status == 200:
                self.line.append(tokens(response)["refresh_token"])


@either_side
def test_case_23_no_login_slips_through_while_a_user_is_blocked(service: Service, steps: Steps, when: str) -> None:
    """Zitadel CVE-2023-22492: at each step of the blocking, a code is exchanged, and its token is used."""
    stack = Stack(service.client, service.tables)
    for call in count():
        line = [service.login_tokens()["refresh_token"]]
        code = service.code()
        attempt = Attempt(service, code, line)
        steps.interpose(when, attempt, calls=range(call, call + 1))
        stack.apply(tenant_file(blocked=True))
        steps.actions = {}
        assert refusal(service.exchange(code)) == REFUSED
        assert all_dead(service, line)
        stack.apply(tenant_file(blocked=False))
        if not attempt.made:
            break
    assert call > 5


def test_case_23_ending_all_logins_ends_the_session_and_its_refresh_tokens(service: Service) -> None:
    """Zitadel #12637, #12584: a session was terminated in an object that was thrown away, and still refreshed."""
    token = service.login_tokens()["refresh_token"]
    assert "code" in answered(service.authorize(prompt="none"))

    service.families.end_logins(ALICE.user_id, because="session_ended", now=service.now)

    assert all_dead(service, [token])
    assert answered(service.authorize(prompt="none"))["error"] == "login_required"


@either_side
def test_case_23_a_logout_ends_what_came_from_its_session_where_the_application_wants_that(
    service: Service, steps: Steps, when: str
) -> None:
    """Zitadel #12637: here too a code is exchanged at each step of the logout, and its token is used."""
    service.set_policy(revoke_on_logout=True)
    for call in count():
        service.cookies.clear()
        elsewhere = service.login_tokens()["refresh_token"]
        service.cookies.clear()
        line = [service.login_tokens()["refresh_token"]]
        kept = tokens(service.exchange(answered(service.authorize(WEB))["code"], WEB))["refresh_token"]
        attempt = Attempt(service, answered(service.authorize())["code"], line)
        steps.interpose(when, attempt, calls=range(call, call + 1))
        service.send("GET", "/v2/logout")
        steps.actions = {}
        assert service.refresh(elsewhere).status == service.refresh(kept, WEB).status == 200
        assert refusal(service.exchange(attempt.code)) == REFUSED
        assert all_dead(service, line)
        if not attempt.made:
            break
    assert call > 4


def test_case_23_an_application_that_was_removed_is_refused(service: Service) -> None:
    """Zitadel CVE-2023-22492: the same for what a token was issued to."""
    token = service.login_tokens()["refresh_token"]
    before = service.contents()
    removed = service.configuration.applications.pop(SPA.client_id)

    assert refusal(restarted(service).refresh(token)) == (401, "invalid_client")
    assert refusal(restarted(service).refresh(token, WEB)) == REFUSED
    assert refusal(service.revoke(token, removed)) == (401, "invalid_client")
    assert service.contents() == before


def test_case_23_a_tenant_whose_logins_were_all_ended_is_refused(service: Service) -> None:
    """Zitadel CVE-2023-22492: the same for a whole organisation, and for a login that was under way."""
    token, code = service.login_tokens()["refresh_token"], service.code()
    service.wait(1)

    set_tenant(service, not_before=service.now)

    assert refusal(service.exchange(code)) == REFUSED
    assert all_dead(service, [token])


# ---- The tombstone


@pytest.mark.usefixtures("no_pause")
@either_side
def test_case_29_a_write_that_was_under_way_cannot_bring_a_revoked_family_back(service: Service, when: str) -> None:
    """GrowthBook #6371: a refresh that was slower than the revocation wrote its new state over it."""
    token = service.login_tokens()["refresh_token"]
    revocation = Answered(partial(service.revoke, token))

    with lost_on_the_wire(service.client, when, requests=1, meanwhile=revocation):
        response = service.refresh(token)  # the SDK sends its write once more, after the revocation

    assert revocation.answers[0].status == 200
    assert refusal(response) == REFUSED
    assert family_of(service, token).generation == (1 if when == AFTER else 0)
    assert all_dead(service, [token])


def test_case_29_a_tombstone_stays_and_no_request_changes_it(service: Service) -> None:
    """GrowthBook #6371: it had nothing durable by which a slow request could tell that the token was revoked."""
    line = [service.login_tokens()["refresh_token"]]
    line.append(service.refreshed(line[0]))
    live_until = family_of(service, line[1]).idle_expires_at
    service.revoke(line[1])
    before = service.contents()

    for pause in (0, LEEWAY + 2, HOUR, 28 * DAY):
        service.wait(pause)
        for token in line:
            assert refusal(service.refresh(token)) == REFUSED
            assert service.revoke(token).status == 200
        assert service.contents() == before

    (tombstone,) = service.items("FamiliesTable")
    assert int(tombstone["expires_at"]["N"]) >= live_until, "DynamoDB keeps it while the token could be presented"
