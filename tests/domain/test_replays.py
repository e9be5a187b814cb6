"""When replays of one family are a sign of two parties."""

from itertools import count, permutations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from heirloom.domain.family import SLOTS
from heirloom.domain.replays import IN_A_ROW, in_consecutive_generations

GENERATIONS = st.integers(min_value=0, max_value=2**31)


@pytest.mark.parametrize("order", list(permutations([6, 7, 8])))
def test_three_generations_in_a_row_are_a_sign_in_whichever_order_they_are_replayed(order: tuple[int, ...]) -> None:
    signs = [in_consecutive_generations(generation, {*order[:at]}) for at, generation in enumerate(order)]

    assert signs == [False, False, True]


@given(GENERATIONS, st.sets(GENERATIONS, max_size=SLOTS))
def test_a_generation_that_is_replayed_again_is_no_new_sign(generation: int, before: set[int]) -> None:
    assert not in_consecutive_generations(generation, before | {generation})


@pytest.mark.parametrize("generation", [6, 7, 8])
def test_a_generation_of_a_complete_row_that_is_replayed_again_is_no_new_sign(generation: int) -> None:
    assert not in_consecutive_generations(generation, {6, 7, 8})


@pytest.mark.parametrize("generation", [4, 10])
def test_a_row_that_another_generation_completed_is_no_sign_of_this_one(generation: int) -> None:
    assert not in_consecutive_generations(generation, {6, 7, 8})


def test_three_in_a_row_are_what_is_called_a_row() -> None:
    assert IN_A_ROW == 3


@given(GENERATIONS, st.sets(st.integers(min_value=-SLOTS, max_value=SLOTS)))
def test_a_row_is_what_lies_side_by_side_with_this_generation(generation: int, offsets: set[int]) -> None:
    others = offsets - {0}
    below = next(steps for steps in count() if -steps - 1 not in others)
    above = next(steps for steps in count() if steps + 1 not in others)

    sign = in_consecutive_generations(generation, {generation + offset for offset in others})

    assert sign is (below + 1 + above >= IN_A_ROW)
