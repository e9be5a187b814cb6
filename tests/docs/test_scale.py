"""The page about scale has what its program computes today, from quotas that say where they are from."""

import re
import subprocess
import sys

import pytest

from benchmarks.scale import quotas
from benchmarks.scale.burst import Crowd, Limits, Morning, peaks
from benchmarks.scale.capacity import Need, Refresh
from benchmarks.tables import cells, table
from local.template import ROOT

PAGE = (ROOT / "docs/scale.md").read_text("utf-8")


def test_the_page_has_what_is_computed_now() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "benchmarks.scale", "--check"],
        cwd=ROOT,
        env={"PATH": "/usr/bin:/bin", "PYTHONPATH": "layers/shared"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, f"make scale\n{done.stdout}{done.stderr}"


def test_every_quota_says_where_it_is_from_and_the_page_of_what_day() -> None:
    assert all(re.fullmatch(r"https://docs\.aws\.amazon\.com/[\w./-]+\.html", it.source) for it in quotas.ALL.values())
    assert f"as of {quotas.AS_OF}." in PAGE


def test_a_table_of_a_page_is_read_as_it_was_written() -> None:
    text = f"<!-- table: it -->\n{table(('a', 'b'), [(1, 'x'), (2, 'y')])}<!-- end -->\n"

    assert cells(text, "it") == [["1", "x"], ["2", "y"]]
    with pytest.raises(KeyError):
        cells(text, "another")


def test_requests_run_out_before_functions_at_work_do() -> None:
    """A refresh keeps a function busy for less than a tenth of a second."""
    need = Need(100_000, Refresh.counted())

    assert need.concurrency == 100_000 / quotas.REQUESTS_PER_CONCURRENCY.amount > need.at_work > 0
    assert need.to_raise == {"API Gateway": 100_000, "Lambda concurrency": 10_000, "DynamoDB table": 100_000}
    assert need.stacks == 10


def test_a_slow_refresh_needs_as_many_functions_as_are_at_work() -> None:
    slow = Refresh(write_units=1, log_bytes=0, seconds=0.5, dollars=0, configuration_reads=0, secret_reads=0)

    assert Need(1_000, slow).concurrency == 500


WIDE = Limits(rate=100_000, burst=100_000, concurrency=100_000, table_writes=100_000)


def test_who_meets_no_limit_waits_for_nothing() -> None:
    outcome = Morning(Crowd(1_000, spread=60), WIDE).run()

    assert outcome.turned_away == outcome.not_started == outcome.not_stored == outcome.waited == outcome.met_json == 0
    assert 0 < outcome.peak < 1_000 / 60 * 3


@pytest.mark.parametrize(
    ("limits", "by"),
    [
        (Limits(rate=10, burst=10, concurrency=100_000, table_writes=100_000), "turned_away"),
        (Limits(rate=100_000, burst=100_000, concurrency=1, table_writes=100_000), "not_started"),
        (Limits(rate=100_000, burst=100_000, concurrency=100_000, table_writes=10), "not_stored"),
    ],
)
def test_each_limit_throttles_by_itself_and_everybody_is_served_in_the_end(limits: Limits, by: str) -> None:
    outcome = Morning(Crowd(1_000, spread=1), limits).run()

    throttled = {name: getattr(outcome, name) for name in ("turned_away", "not_started", "not_stored")}
    assert throttled.pop(by) > 0
    assert set(throttled.values()) == {0}
    assert outcome.last > 1
    assert (outcome.met_json == 0) == (by == "not_stored"), "ours is plain text"


def test_jitter_tames_the_crowd() -> None:
    limits = Limits(rate=20, burst=20)
    crowd = Crowd(1_000, spread=10)

    assert Morning(crowd, limits).run().turned_away > 1_000
    assert Morning(Crowd(1_000, spread=10, jitter=120), limits).run().turned_away == 0


def test_the_same_seed_draws_the_same_morning_and_another_one_another() -> None:
    crowd, limits = Crowd(500, spread=1), Limits(rate=10, burst=10)
    mornings = [Morning(crowd, limits, seed=seed).run() for seed in (1, 1, 2)]

    assert mornings[0] == mornings[1] != mornings[2]


def test_jitter_of_lifetimes_flattens_later_waves_and_not_the_first() -> None:
    steady = peaks(10_000, 60, 3_600, jitter=0, waves=3)
    drawn = peaks(10_000, 60, 3_600, jitter=0.1, waves=3)

    assert steady[0] == steady[1] == steady[2] == drawn[0]
    assert drawn[2] <= drawn[1] < drawn[0] / 3
