"""Whatever people, thieves, operators, clocks, keys and faults do: the service does what the model says."""

import logging
import secrets
import time
from collections import Counter

import pytest
from hypothesis import HealthCheck, seed, settings
from hypothesis.stateful import get_state_machine_test

from heirloom.domain.lifetimes import DAY
from tests import soaking
from tests.faults import AFTER
from tests.model_based.deeds import By, Drawn, EndLogins, Introspect, Redeem, Refresh, Revoke, Wants, Which
from tests.model_based.histories import Histories
from tests.model_based.model import Outcome

# How long an example takes says something about the machine that runs it.
BUSY = [HealthCheck.too_slow, HealthCheck.data_too_large]
QUICK = settings(max_examples=10, stateful_step_count=25, derandomize=True, suppress_health_check=BUSY)
LONG = settings(max_examples=10, stateful_step_count=60, database=None, suppress_health_check=BUSY)
MINUTES = 10
"""Of a soak of an hour."""

_log = logging.getLogger(__name__)

TestHistories = pytest.mark.usefixtures("stacks")(Histories.TestCase)
TestHistories.settings = QUICK


@pytest.mark.soak
@pytest.mark.usefixtures("stacks")
def test_histories_of_any_length_go_as_the_model_says() -> None:
    """Each batch has a seed of its own, which the log names: with it, the batch comes again."""
    end, batches = time.monotonic() + soaking.seconds(MINUTES), 0
    Histories.reached.clear()
    while time.monotonic() < end or batches == 0:
        number = secrets.randbits(32)
        _log.info("histories: seed %d", number)
        seed(number)(get_state_machine_test(Histories, settings=LONG))()
        batches += 1

    reached = Counter[Outcome]()
    for (_, outcome), times in Histories.reached.items():
        reached[outcome] += times
    _log.info("histories: %d, with %d requests", batches * LONG.max_examples, reached.total())
    for kind, outcome in sorted(Histories.reached):
        _log.info("histories: %s, %s: %d", kind, outcome, Histories.reached[kind, outcome])
    assert set(reached) == set(Outcome), "every outcome was reached"


@pytest.mark.usefixtures("stacks")
def test_one_history_comes_to_every_outcome() -> None:
    """So whatever the random ones come to, there is nothing that they could not."""
    Histories.reached.clear()
    history = Histories()
    spa, web, native, desk = range(4)
    history.begins(skews=(0, 5000, -5000), applications=(spa, web))

    def happen(function: int, *deeds: Drawn) -> None:
        for deed in deeds:
            history.happens(deed, function)

    happen(0, Introspect(0), Refresh(0), Introspect(0, Which.EARLIER, back=1), Refresh(0, Which.EARLIER, back=1))
    happen(1, Refresh(0, wants=Wants.MORE), Refresh(0, wants=Wants.ELSEWHERE), Refresh(0, by=By.STRANGER))
    happen(2, Refresh(0, by=By.IMPOSTOR), Refresh(0, Which.FORGED), Revoke(0, Which.FORGED))
    history.happens_with_a_fault(Refresh(0), 0, 0, AFTER, "unreachable")
    history.time_leaps(600, rotates=False)
    happen(0, Refresh(0), Refresh(0), Revoke(0))

    for late_ms in (0, 1000, 1001):  # the first of a second for clocks that differ, its last, and too late
        history.logs_in(0, spa, 0)
        history.an_answer_is_lost_and_the_copy_comes_at_the_edge(0, 0, late_ms)

    history.an_application_is_changed(spa, {"leeway": 0})
    history.a_function_restarts(0, cut_off=False)
    history.logs_in(0, spa, 0)
    history.happens_and_the_sdk_repeats(Refresh(0), 0, "UpdateItem")
    history.an_application_is_changed(spa, {"leeway": 60})

    history.logs_in(0, native, 0, has_key=True)
    happen(1, Refresh(0, by=By.THIEF))
    history.logs_in(0, desk, 0)
    happen(1, Refresh(0), Revoke(0), Refresh(0))

    history.logs_in(0, spa, 0, redeems=False)
    happen(0, Redeem(0, By.STRANGER), Redeem(0, verified=False), Redeem(0), Redeem(0))
    history.logs_in(0, spa, 0, redeems=False)
    happen(0, EndLogins(0), Redeem(0))
    history.logs_in(0, spa, 0, redeems=False)
    history.a_while_passes(60_000)
    happen(0, Redeem(0))
    history.logs_in(0, spa, 0, redeems=False)
    history.a_while_passes(1000)
    history.all_families_until_now_are_revoked(None)
    history.a_function_restarts(0, cut_off=False)
    happen(0, Redeem(0))

    history.logs_in(0, spa, 0)
    history.time_leaps(32 * DAY, rotates=False)
    happen(0, Refresh(0))
    history.the_store_deletes_what_has_expired()
    happen(0, Refresh(0))
    history.teardown()

    assert {outcome for _, outcome in Histories.reached} == set(Outcome)
