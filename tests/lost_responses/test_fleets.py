"""Fleets whose answers get lost: on the real endpoints, on the same rule alone, and on the rules of the peers."""

import logging
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import pytest

from heirloom.domain.events import Alarm
from local.template import ROOT
from tests import answers, soaking
from tests import service as harness
from tests.lost_responses import table
from tests.lost_responses.clients import kinds
from tests.lost_responses.endpoints import Endpoints, Promised
from tests.lost_responses.fleet import Counts, Fleet, Loss, Server
from tests.lost_responses.servers import Heirloom
from tests.service import Service

if TYPE_CHECKING:
    from mypy_boto3_dynamodb.client import DynamoDBClient

FEW = 5
"""Devices: one of each kind."""

_log = logging.getLogger(__name__)


@dataclass(slots=True)
class Transcript:
    """A server, and which of its tokens, counted from the first, was exchanged for which."""

    server: Server
    lines: list[tuple[int, int | None]] = field(default_factory=list)
    _numbers: dict[str, int] = field(default_factory=dict)

    def log_in(self, kind: str, now: float) -> str:
        token = self.server.log_in(kind, now)
        self._number(token)
        return token

    def present(self, token: str, kind: str, now: float) -> str | None:
        answer = self.server.present(token, kind, now)
        self.lines.append((self._number(token), None if answer is None else self._number(answer)))
        return answer

    def _number(self, token: str) -> int:
        return self._numbers.setdefault(token, len(self._numbers))


def lost_to_answers(counts: Counts) -> list[Loss]:
    """The sessions that ended because an answer got lost, and not because an older one was stored over a newer one."""
    return [loss for loss in counts.losses if not loss.overtaken]


def nothing_is_unexplained(service: Service) -> bool:
    """Tell whether no alarm was raised but the one that is for what happens here."""
    return {event.alarm for event in service.events} <= {None, Alarm.REPLAYS_IN_CONSECUTIVE_GENERATIONS}


@pytest.mark.parametrize("rate", table.RATES)
def test_no_session_is_lost_to_a_lost_answer(service: Service, rate: float) -> None:
    server = Promised(Endpoints(service, table.RECOMMENDED), table.RECOMMENDED)

    counts = Fleet(server, kinds(table.BACK_SOON), seed=1, rate=rate, devices=FEW, renewals=8).run()

    assert counts.lost_answers > 0
    assert server.replays > 0
    assert lost_to_answers(counts) == []
    assert nothing_is_unexplained(service)
    answers.check(service)


@pytest.mark.parametrize("leeway", [0, 60])
def test_whoever_comes_later_than_leeway_is_taken_for_a_thief(service: Service, leeway: int) -> None:
    """Nothing else ends a session, whatever the settings; `Promised` looks at each answer."""
    leeways = table.leeways(leeway)
    server = Promised(Endpoints(service, leeways), leeways)

    counts = Fleet(server, kinds(away=12 * table.HOUR), seed=2, rate=0.5, devices=FEW, renewals=8).run()

    assert server.late > 0
    assert len(counts.losses) == server.late
    assert nothing_is_unexplained(service)
    answers.check(service)


@pytest.mark.parametrize("thieves", [False, True])
def test_the_rule_alone_answers_as_the_endpoints_do(service: Service, thieves: bool) -> None:  # noqa: FBT001
    """So the tables, which come from the rule alone, are about the service."""
    leeways = table.leeways(60)
    real, pure = Transcript(Endpoints(service, leeways)), Transcript(Heirloom(leeways))

    for server in (real, pure):
        Fleet(server, kinds(away=12 * table.HOUR), seed=3, rate=0.5, devices=FEW, renewals=6, thieves=thieves).run()

    assert real.lines == pure.lines
    assert any(answer is None for _, answer in pure.lines)


@pytest.mark.parametrize(
    "name",
    [pytest.param(name, marks=pytest.mark.soak if "everywhere" in name else ()) for name in table.RULES],
)
def test_the_page_has_the_figures_of_each_rule(name: str) -> None:
    assert table.rule(name) in section()


@pytest.mark.parametrize(
    "leeway",
    [pytest.param(leeway, marks=() if leeway == 600 else pytest.mark.soak) for leeway in table.LEEWAYS],
)
def test_the_page_has_the_figures_of_each_leeway(leeway: int) -> None:
    assert table.killed(leeway) in section()


def section() -> list[str]:
    """The lines of the page about lost responses."""
    _, _, rest = (ROOT / "docs/reliability.md").read_text("utf-8").partition("\n## Lost responses\n")
    return rest.partition("\n## ")[0].splitlines()


@pytest.mark.soak
def test_no_session_is_lost_in_ten_thousand_exchanges_at_each_rate(
    tables: tuple["DynamoDBClient", Mapping[str, str]],
) -> None:
    """On the real endpoints, fleet after fleet, until all that the table is about is done, or time is up."""
    until = time.monotonic() + soaking.seconds(8)
    counts = {rate: Counts() for rate in table.RATES}
    for seed in range(table.FLEETS):
        for rate in table.RATES:
            if time.monotonic() > until:
                break
            harness.empty(*tables)
            service = Service.of(*tables)
            server = Promised(Endpoints(service, table.RECOMMENDED), table.RECOMMENDED)
            counts[rate] += Fleet(server, kinds(table.BACK_SOON), seed, rate).run()
            assert nothing_is_unexplained(service)
    for rate, each in counts.items():
        _log.info(
            "answers lost at %.0f %%: %d exchanges, %d answers lost, %d sessions lost to that, %d to overtaken answers",
            rate * 100,
            each.requests - each.lost_requests,
            each.lost_answers,
            len(lost_to_answers(each)),
            len(each.losses) - len(lost_to_answers(each)),
        )
        assert lost_to_answers(each) == []
