"""Two and three requests at once, in every order of their calls to the store, with what can go wrong at each."""

import logging
import time
from collections.abc import Iterable, Iterator, Sequence
from itertools import combinations, combinations_with_replacement
from random import Random

import pytest

from tests import soaking
from tests.interleavings import scenes
from tests.interleavings.actors import Actor, Scene
from tests.interleavings.scenes import EVERYBODY, LAST_WORD, WHERE_KEYS_TURN, WHERE_ROTATION_IS_OFF
from tests.interleavings.scheduler import Exploration, Explored, Scenario, Stage, explored

LOGGER = logging.getLogger(__name__)

WORLDS: dict[str, tuple[Scene, Sequence[Actor]]] = {
    "as usual": (scenes.scene(), EVERYBODY),
    "a token key takes over": (scenes.scene(ring=scenes.TAKEN_OVER), WHERE_KEYS_TURN),
    "a token key loses its derivation half": (scenes.scene(ring=scenes.ERASED), WHERE_KEYS_TURN),
    "a token key takes over that some have not heard of": (scenes.scene(ring=scenes.UNHEARD_OF), WHERE_KEYS_TURN),
    "the application does not rotate": (scenes.scene(rotating=False), WHERE_ROTATION_IS_OFF),
    "no leeway": (scenes.scene(leeway=0), EVERYBODY),
}

VARIANTS = ("the application does not rotate", "no leeway")
"""With faults in the soak only."""

QUICK = (scenes.REFRESH, scenes.REPLAY, scenes.REUSE, scenes.REVOKE, scenes.NOT_ROTATING, scenes.EXCHANGE)
LONG = (scenes.LOGOUT, scenes.END_LOGINS)
"""Whose requests make many calls: one of them in a triple, or the test takes minutes."""


def together(cast: Iterable[Actor], number: int, *, faults: int) -> Iterator[Scenario]:
    """Every so many of a cast at once, the same one more than once too; the last word has who is left."""
    for actors in combinations_with_replacement(cast, number):
        yield Scenario((*actors, LAST_WORD), faults)


@pytest.mark.parametrize("world", [world for world in WORLDS if world not in VARIANTS])
def test_two_requests_in_every_order_with_a_fault_at_every_call(world: str) -> None:
    scene, cast = WORLDS[world]

    LOGGER.info("%s: pairs with one fault: %s", world, explored(Stage(scene), together(cast, 2, faults=1)))


def test_three_requests_in_every_order() -> None:
    stage = Stage(scenes.scene())
    found = explored(stage, together(QUICK, 3, faults=0))
    for ending in LONG:
        found += explored(stage, (Scenario((*pair, ending, LAST_WORD)) for pair in combinations(QUICK, 2)))

    LOGGER.info("triples without faults: %s", found)


@pytest.mark.parametrize("world", VARIANTS)
def test_two_requests_in_every_order_where_the_settings_are_others(world: str) -> None:
    scene, cast = WORLDS[world]

    LOGGER.info("%s: pairs without faults: %s", world, explored(Stage(scene), together(cast, 2, faults=0)))


@pytest.mark.soak
def test_soak_every_world_with_more_requests_and_more_faults() -> None:
    """Each round has its share of the time that is left; what does not fit in is chosen by a shuffle."""
    ends = time.monotonic() + soaking.seconds(10)
    rounds = [
        (f"{world}: {number} requests, {faults} faults", Stage(scene), list(together(cast, number, faults=faults)))
        for number, faults in ((2, 1), (3, 0), (2, 2), (3, 1), (3, 2))
        for world, (scene, cast) in WORLDS.items()
    ]
    total = Explored()
    for index, (name, stage, scenarios) in enumerate(rounds):
        round_ends = time.monotonic() + (ends - time.monotonic()) / (len(rounds) - index)
        Random(0).shuffle(scenarios)  # noqa: S311 - no secret: which of many come before time is up
        found, done = Explored(), 0
        for scenario in scenarios:
            if time.monotonic() > round_ends:
                break
            found += Exploration(stage, scenario).explore()
            done += 1
        total += found
        LOGGER.info("%s: %d of %d scenarios: %s", name, done, len(scenarios), found)
    LOGGER.info("every interleaving, soaked: %s", total)
