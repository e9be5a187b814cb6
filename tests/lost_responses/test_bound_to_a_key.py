"""For apps of which nobody knows when they come back: a key that stays on the device, and a token that stays too."""

from dataclasses import dataclass, field

import pytest

from tests import answers
from tests.endpoints.hands import family_of
from tests.lost_responses.clients import killed_apps
from tests.lost_responses.fleet import Fleet
from tests.lost_responses.table import HOUR
from tests.proofs import Prover
from tests.service import NATIVE, Service, refusal, tokens

DAY = 24 * HOUR


@dataclass(slots=True)
class Bound:
    """The real endpoints, with a key for each login (RFC 9449)."""

    service: Service
    provers: dict[str, Prover] = field(default_factory=dict)

    def log_in(self, kind: str, now: float) -> str:  # noqa: ARG002 - one kind
        self.service.now_ms = round(now * 1000)
        self.service.cookies.clear()
        prover = Prover(self.service)
        prover.learn_nonce()
        code = self.service.code(NATIVE)
        token = str(tokens(self.service.exchange(code, NATIVE, prover.header()))["refresh_token"])
        self.provers[token] = prover
        return token

    def present(self, token: str, kind: str, now: float) -> str | None:  # noqa: ARG002 - as above
        self.service.now_ms = round(now * 1000)
        prover = self.provers[token]
        prover.learn_nonce()
        answer = str(tokens(self.service.refresh(token, NATIVE, prover.header()))["refresh_token"])
        self.provers[answer] = prover
        return answer


def test_bound_and_not_rotating_no_session_is_lost_however_late_an_app_comes_back(service: Service) -> None:
    service.set_policy(NATIVE, rotating=False, leeway=0)

    counts = Fleet(Bound(service), killed_apps(12 * HOUR), seed=4, rate=0.5, devices=3, renewals=8).run()

    assert counts.lost_answers > 10
    assert counts.losses == []
    answers.check(service)


@pytest.mark.parametrize("later", [1, DAY])
def test_bound_and_not_rotating_a_copy_is_of_no_use_and_ends_nothing(service: Service, later: int) -> None:
    service.set_policy(NATIVE, rotating=False, leeway=0)
    server = Bound(service)
    token = server.log_in("", service.now)
    thief = Prover(service)
    service.wait(later)

    assert refusal(service.refresh(token, NATIVE)) == (400, "invalid_grant")
    thief.learn_nonce()
    assert refusal(service.refresh(token, NATIVE, thief.header())) == (400, "invalid_grant")

    assert service.events[-1].reason == "key_proof"
    assert family_of(service, token).revoked_at is None
    assert server.present(token, "", service.now) == token
