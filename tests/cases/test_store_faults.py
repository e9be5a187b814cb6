"""The store fails, answers get lost: nobody is logged out by that, and nothing is reported as done that is not."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from random import Random

import pytest

from heirloom.domain.lifetimes import DAY, LEEWAY
from tests.endpoints.hands import family_of
from tests.faults import (
    AFTER,
    BEFORE,
    FAULTS,
    Steps,
    lost_on_the_wire,
    throttled_on_the_wire,
    unavailable,
)
from tests.service import ALICE, BOB, Service, refusal, tokens

REFUSED = (400, "invalid_grant")
ATTEMPTS = 2
"""How often the tests' client sends a request before it gives up."""

every_fault = pytest.mark.parametrize("fault", FAULTS.values(), ids=FAULTS.keys())
either_side = pytest.mark.parametrize("when", [BEFORE, AFTER])


@every_fault
@either_side
def test_case_05_a_fault_during_a_refresh_costs_nothing(
    service: Service, steps: Steps, fault: Exception, when: str
) -> None:
    """Keycloak #49213: a transaction that failed left the use counted, so that the retry was taken for reuse."""
    token = service.login_tokens()["refresh_token"]
    steps.fail(when, fault)

    assert unavailable(service.refresh(token))
    service.wait(LEEWAY)
    live = service.refreshed(token)

    family = family_of(service, token)
    assert (family.generation, family.revoked_at) == (1, None)
    assert service.refresh(live).status == 200
    assert [event.alarm for event in service.events if event.alarm] == ["Fault"]


@pytest.mark.usefixtures("no_pause")
@pytest.mark.parametrize("leeway", [0, LEEWAY])
@either_side
def test_case_05_a_write_that_the_sdk_repeats_recognises_its_own_work(service: Service, leeway: int, when: str) -> None:
    """Keycloak #49213: here even without leeway, since the second write is the first one's, not the client's."""
    service.set_policy(leeway=leeway)
    token = service.login_tokens()["refresh_token"]

    with lost_on_the_wire(service.client, when, requests=ATTEMPTS - 1):
        live = service.refreshed(token)

    assert family_of(service, token).generation == 1
    assert service.refresh(live).status == 200


@pytest.mark.usefixtures("no_pause")
@either_side
def test_case_05_a_store_that_is_gone_for_a_minute_logs_nobody_out(service: Service, when: str) -> None:
    """Keycloak #49213: five failures in a row here, each with all of the SDK's own repetitions."""
    token = service.login_tokens()["refresh_token"]
    for _ in range(5):
        with lost_on_the_wire(service.client, when, requests=ATTEMPTS):
            assert unavailable(service.refresh(token))
        service.wait(12)

    assert service.refresh(service.refreshed(token)).status == 200


@pytest.mark.usefixtures("no_pause")
def test_case_05_throttling_is_waited_out_or_told(service: Service) -> None:
    """Keycloak #49213: the fault that is most likely on DynamoDB."""
    token = service.login_tokens()["refresh_token"]

    with throttled_on_the_wire(service.client, requests=ATTEMPTS):
        assert unavailable(service.refresh(token))
    with throttled_on_the_wire(service.client, requests=ATTEMPTS - 1):
        token = service.refreshed(token)

    assert family_of(service, token).generation == 1


@pytest.mark.usefixtures("no_pause")
@either_side
def test_case_05_a_code_exchange_that_the_sdk_repeats_is_one_exchange(service: Service, when: str) -> None:
    """Keycloak #49213: the same for a login."""
    code = service.code()

    with lost_on_the_wire(service.client, when, requests=ATTEMPTS - 1):
        token = tokens(service.exchange(code))["refresh_token"]

    assert len(service.items("FamiliesTable")) == 1
    assert service.refresh(token).status == 200


@every_fault
@either_side
def test_case_08_a_revocation_that_may_have_failed_is_never_reported_as_done(
    service: Service, steps: Steps, fault: Exception, when: str
) -> None:
    """Fosite CVE-2020-15223: errors of the storage were swallowed: 200, and the token lived on (RFC 7009 §2.2.1)."""
    token = service.login_tokens()["refresh_token"]
    steps.fail(when, fault)

    assert unavailable(service.revoke(token))
    assert service.refresh(token).status == (200 if when == BEFORE else 400)
    assert service.revoke(token).status == 200
    assert refusal(service.refresh(token)) == REFUSED


@every_fault
@either_side
def test_case_08_reuse_is_not_reported_before_the_revocation_is_durable(
    service: Service, steps: Steps, fault: Exception, when: str
) -> None:
    """Fosite CVE-2020-15223: a refusal that revokes is a revocation too: until that is done the answer is 503."""
    token = service.login_tokens()["refresh_token"]
    live = service.refreshed(token)
    service.wait(LEEWAY + 2)
    steps.fail(when, fault, calls=range(1, 2))

    assert unavailable(service.refresh(token))
    assert refusal(service.refresh(token)) == REFUSED
    assert refusal(service.refresh(live)) == REFUSED


# ---- Bad reception


@dataclass
class Reception:
    """How a phone's requests fare, and how the phone goes on after one without an answer."""

    lost: float
    """Share of the requests that never arrive, and again of the answers that never come back."""
    repeated: float
    """Share of the requests that the network delivers again, later."""
    pauses: tuple[float, float]
    """Seconds until the phone tries again, from and to."""
    tries: int = 8
    random: Random = field(default_factory=lambda: Random(24))  # noqa: S311 - the same luck in every run

    def happens(self, share: float) -> bool:
        return self.random.random() < share

    def refresh(self, service: Service, token: str) -> str | None:
        """The token that the phone has in the end, `None` if it heard that it is logged out."""
        for _ in range(self.tries):
            arrived = not self.happens(self.lost)
            if arrived:
                response = service.refresh(token)
                if not self.happens(self.lost):
                    return str(tokens(response)["refresh_token"]) if response.status == 200 else None
            service.wait(self.random.uniform(*self.pauses))
        return token

    def days(self, service: Service, phones: list[str], days: int) -> Iterator[int]:
        """Let every phone refresh three times a day; yield the number of those that are still logged in."""
        alive: list[str | None] = [*phones]
        for _ in range(days):
            for _ in range(3):
                for number, token in enumerate(alive):
                    if token is None:
                        continue
                    alive[number] = self.refresh(service, token)
                    if self.happens(self.repeated):
                        service.wait(self.random.uniform(0, self.pauses[0]))
                        service.refresh(token)
                service.wait(DAY / 3)
            yield len([token for token in alive if token is not None])


def phones(service: Service, count: int) -> list[str]:
    """The first tokens of as many logins, of two people."""
    logins = []
    for number in range(count):
        service.cookies.clear()
        logins.append(service.login_tokens(email=(ALICE, BOB)[number % 2].email, scope="offline_access read:notes"))
    return [login["refresh_token"] for login in logins]


@pytest.mark.parametrize(
    ("leeway", "pauses"), [(LEEWAY, (1, 7)), (3600, (60, 420))], ids=["retries in seconds", "retries in minutes"]
)
def test_case_24_answers_that_get_lost_log_nobody_out(
    service: Service, leeway: int, pauses: tuple[float, float]
) -> None:
    """Zitadel #9631: one answer in twenty is lost on a phone, and a third of the users was logged out in a week."""
    service.set_policy(leeway=leeway)
    reception = Reception(lost=0.2, repeated=0.1, pauses=pauses)

    *_, left = reception.days(service, phones(service, 12), days=10)

    assert left == 12
    assert {True, False} <= {event.details.get("replayed") for event in service.events}


def test_case_24_without_leeway_the_same_users_would_be_logged_out(service: Service) -> None:
    """Zitadel #9631: what that server did, to show that the simulation would notice."""
    service.set_policy(leeway=0)
    reception = Reception(lost=0.05, repeated=0, pauses=(1, 7))

    *_, left = reception.days(service, phones(service, 12), days=7)

    assert left < 12
