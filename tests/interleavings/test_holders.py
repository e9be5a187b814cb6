"""Who holds a family: an honest client whatever fails, two tabs, and a thief beside the user."""

import logging
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import replace
from math import inf

import pytest

from heirloom.domain import lifetimes
from tests.interleavings import scenes
from tests.interleavings.actors import Actor, Hands
from tests.interleavings.scheduler import Exploration, Scenario, Stage
from tests.invariants import History, Kind
from tests.service import tokens

LOGGER = logging.getLogger(__name__)

EXCHANGES, TRIES = 2, 3


def follow_the_protocol(hands: Hands) -> None:
    """Present what was answered last, and again at once when there was no answer, or 503."""
    token = hands.scene.tokens[-1]
    for _ in range(EXCHANGES):
        for _ in range(TRIES):
            answer = hands.refresh(token)
            if answer is not None and answer.status == 200:
                token = tokens(answer)["refresh_token"]
                break
            if answer is not None and answer.status != 503:
                return


TAB = Actor("a tab", follow_the_protocol)
OTHER_TAB = Actor("another tab", follow_the_protocol)


def ends_well(*actors: Actor) -> Callable[[History], Iterator[str]]:
    """Say who of *actors* has no tokens in the end."""

    def those_without(history: History) -> Iterator[str]:
        for actor in actors:
            last = [request for request in history.requests if request.by == actor.name][-1]
            if not last.succeeded:
                yield f"{actor.name} is left without tokens"

    return those_without


@pytest.mark.parametrize("leeway", [lifetimes.LEEWAY, 1])
def test_an_honest_client_is_never_logged_out_whatever_fails(leeway: int) -> None:
    """Two faults at any two calls: deaths, timeouts, lost answers, copies that come late."""
    stage = Stage(scenes.scene(leeway=leeway))

    found = Exploration(stage, Scenario((TAB,), faults=2), ends_well(TAB)).explore()

    LOGGER.info("an honest client, two faults: %s", found)


@pytest.mark.parametrize(
    ("ring", "other"),
    [
        (scenes.TAKEN_OVER, OTHER_TAB),
        (scenes.UNHEARD_OF, OTHER_TAB),
        (scenes.TAKEN_OVER, replace(OTHER_TAB, policy={"rotating": False})),
    ],
    ids=["a token key takes over", "a token key that nobody has heard of", "one of them does not rotate"],
)
def test_two_tabs_with_one_token_are_never_logged_out(ring: int, other: Actor) -> None:
    stage = Stage(scenes.scene(ring=ring))

    found = Exploration(stage, Scenario((TAB, other, scenes.KEYS_TURN), faults=1), ends_well(TAB, other)).explore()

    LOGGER.info("two tabs, one fault: %s", found)


# ---- Two holders


def hold(hands: Hands) -> None:
    """Present what one has, as long as that brings something."""
    token = hands.scene.tokens[-1]
    for _ in range(EXCHANGES):
        answer = hands.refresh(token)
        if answer is None or answer.status != 200:
            return
        token = tokens(answer)["refresh_token"]


def pass_minutes(hands: Hands) -> None:
    """Let time pass twice, each time for longer than leeway."""
    for _ in range(2):
        hands.wait(lifetimes.LEEWAY + lifetimes.CLOCK_SKEW + 1)


USER, THIEF = Actor("the user", hold), Actor("the thief", hold)
TIME = Actor("time", pass_minutes, waits=True)


def presented_as(history: History) -> tuple[str, ...]:
    """How each token was presented, as the service could know then."""
    found = []
    for presentation in history.presentations:
        request = presentation.request
        by_when = inf if request.answered is None else request.answered
        spent = history.spent(presentation.token, until=by_when)
        if spent is None or (spent.by is not None and history.requests[spent.by] is request):
            found.append("live")
        else:
            found.append("late" if presentation.late(history, by_when=by_when, tolerance=1) else "within leeway")
    return tuple(found)


@pytest.mark.parametrize("faults", [0, pytest.param(1, marks=pytest.mark.soak)])
def test_two_holders_escape_only_while_nobody_is_late(faults: int) -> None:
    """Without a fault: both are out if, and only if, one came more than leeway after their token had been spent.

    With one: also while whoever was late had no answer or a 503, and has not come again.
    """
    escapes: Counter[tuple[str, ...]] = Counter()
    caught: Counter[tuple[str, ...]] = Counter()

    def judge(history: History) -> Iterator[str]:
        family = history.before(stage.scene.family, inf)
        assert family is not None
        how = presented_as(history)
        (caught if family.revoked_at is not None else escapes)[how] += 1
        unheard = any(it.kind is Kind.REFRESH and not it.succeeded and not it.refused for it in history.requests)
        if family.revoked_at is None and "late" in how and not unheard:
            yield f"nobody was out after {how}"
        if family.revoked_at is not None and "late" not in how:
            yield f"both were out after {how}"

    stage = Stage(scenes.scene())
    found = Exploration(stage, Scenario((USER, THIEF, TIME), faults), judge).explore()

    assert {"live", "within leeway"} == {how for escape in escapes for how in escape if faults == 0 or how != "late"}
    assert caught
    LOGGER.info(
        "a user and a thief, %d faults: %s; %d histories ended in both being out, %d did not",
        faults,
        found,
        caught.total(),
        escapes.total(),
    )
