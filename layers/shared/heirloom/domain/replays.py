"""What replays within leeway give away: two parties who follow each other closely are never late enough to be reuse.

One lost answer replays one generation. Three in a row are two parties, or an application that always refreshes twice.
"""

from collections.abc import Set as AbstractSet
from typing import Final

from heirloom.domain import lifetimes

IN_A_ROW: Final = 3
"""So many consecutive generations, each presented twice, are a sign; with one answer in twenty lost, one in 8,000."""

MEMORY: Final = lifetimes.REFRESH_TOKEN
"""Seconds for which the replays of a family are remembered, from its last one on."""


def in_consecutive_generations(generation: int, before: AbstractSet[int]) -> bool:
    """Tell whether the replay of *generation* completes a row, given the generations that were replayed *before*.

    A generation that is replayed once more completes nothing.
    """
    if generation in before:
        return False
    replayed = {generation, *before}
    starts = range(generation - IN_A_ROW + 1, generation + 1)
    return any(replayed.issuperset(range(start, start + IN_A_ROW)) for start in starts)
