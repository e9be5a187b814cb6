"""While a share of all calls to AWS fails, nobody is logged out, and nothing is answered that is not true."""

import itertools
import logging
import time
from concurrent.futures import ProcessPoolExecutor
from contextlib import redirect_stdout
from functools import partial
from io import StringIO
from multiprocessing import get_context
from random import Random

import pytest

from local.stack import Endpoints
from tests import soaking
from tests.unreliable_store.campaign import HEADINGS, Campaign, Figures
from tests.unreliable_store.conftest import TIMEOUT, Bench, benches
from tests.unreliable_store.proxy import MOSTLY_QUICK

RATES = {0.01: (4, 25), 0.1: (2, 15), 0.5: (2, 2)}
"""By the share of calls that fail: logins, and refreshes of each."""

log = logging.getLogger(__name__)


@pytest.mark.parametrize("rate", RATES)
def test_no_session_is_lost_and_no_answer_is_wrong(bench: Bench, rate: float) -> None:
    bench.functions.cold_every = 60
    for proxy in bench.proxies:
        proxy.kinds = MOSTLY_QUICK
    logins, refreshes = RATES[rate]

    figures = Campaign(bench, Figures(rate), Random(7)).run(range(logins), refreshes=refreshes)  # noqa: S311

    log.info("%s\n%s", HEADINGS, figures.row)
    log.info("faults: %s", dict(sorted(figures.injected.items())))
    assert figures.injected.total() > 0
    assert (figures.lost, figures.wrong) == (0, [])
    assert figures.revoked == logins // 2
    if rate == min(RATES):
        assert figures.begun_again == 0


PROCESSES = 4
"""Campaigns at once: most of their time they wait."""


@pytest.mark.soak
@pytest.mark.parametrize("rate", RATES)
def test_the_same_for_minutes_with_all_that_it_waits_for(stores: Endpoints, rate: float) -> None:
    """Nothing is shortened here: timeouts, pauses between attempts, and answers that drip in until the time is up."""
    lasting = soaking.seconds(8 / len(RATES))

    with ProcessPoolExecutor(PROCESSES, mp_context=get_context("spawn")) as processes:
        figures = sum(processes.map(partial(campaigns, stores, rate, lasting), range(PROCESSES)), Figures(rate))

    log.info("%s\n%s", HEADINGS, figures.row)
    log.info("faults: %s", dict(sorted(figures.injected.items())))
    assert figures.injected.total() > 0
    assert (figures.lost, figures.wrong) == (0, [])
    assert max(figures.seconds) < TIMEOUT


def campaigns(stores: Endpoints, rate: float, lasting: float, number: int) -> Figures:
    """One campaign after the other, on a stack of their own, for so many seconds."""
    figures = Figures(rate)
    with (
        redirect_stdout(StringIO()),
        benches(stores, prefix=f"faults-{rate * 100:.0f}-{number}-", seed=number) as bench,
    ):
        bench.functions.cold_every = 100
        ends_at = time.time() + lasting
        for person in itertools.takewhile(lambda _: time.time() < ends_at, itertools.count(number)):
            figures = Campaign(bench, figures, Random(person)).run(range(person, person + 1), refreshes=8)  # noqa: S311
    return figures
