"""A refusal comes when it is due, whatever was computed before."""

import pytest

from heirloom.adapters.pace import REFUSAL, SteadyPace


@pytest.mark.parametrize(("took", "waits"), [(0.0, [REFUSAL]), (0.1, [REFUSAL - 0.1]), (REFUSAL, []), (9.0, [])])
def test_the_rest_of_the_time_is_waited_for(took: float, waits: list[float]) -> None:
    now, slept = [100.0], list[float]()
    pace = SteadyPace(clock=lambda: now[0], sleep=slept.append)

    begun = pace.begin()
    now[0] += took
    pace.keep(begun)

    assert slept == pytest.approx(waits)
