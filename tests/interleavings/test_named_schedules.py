"""Single schedules that are worth a name: what a search came upon once stays found."""

from math import inf

from tests.interleavings import scenes
from tests.interleavings.actors import Actor
from tests.interleavings.scheduler import REPEATED, Exploration, Scenario, Stage
from tests.invariants import History, broken

UPDATE = "UpdateItem"


def follow(*schedule: str, actors: tuple[Actor, ...]) -> History:
    """Return what a schedule leads to; no invariant is broken."""
    history = Exploration(Stage(scenes.scene()), Scenario(actors, faults=1)).follow(schedule)
    assert broken(history) == []
    return history


def statuses(history: History) -> list[int | None]:
    return [request.response.status if request.response else None for request in history.requests]


def test_a_revocation_between_a_lost_answer_and_its_repetition_wins() -> None:
    """The rotation was done and nobody heard of it: its repetition must not revive what was revoked meanwhile."""
    history = follow(
        f"refresh: {UPDATE}, {REPEATED.name}",
        f"revoke: {UPDATE}",
        f"refresh: {UPDATE}",
        actors=(scenes.REFRESH, scenes.REVOKE),
    )

    assert statuses(history) == [400, 200]


def test_a_code_that_was_exchanged_unheard_is_no_good_later_and_leaves_nothing() -> None:
    """Its exchange was answered 503. Whoever repeats it too late is refused, and the family that nobody holds ends."""
    history = follow(
        "code exchange: begins",
        "code exchange: GetItem",
        "code exchange: TransactWriteItems, done, and timed out for good",
        "late code exchange: waits 11 s",
        actors=(scenes.EXCHANGE, scenes.EXCHANGE_LATE),
    )

    (made,) = {sighting.family.key for sighting in history.sightings if sighting.by == 0}
    family = history.before(made, inf)
    assert statuses(history) == [503, 400]
    assert family is not None
    assert family.revoked_because == "code_reuse"


def test_a_kill_that_was_not_durable_is_not_reported_and_made_up_for_by_the_next_late_copy() -> None:
    """The function died between its judgement and the revocation: nobody heard `invalid_grant`."""
    history = follow(
        f"reuse: {UPDATE}",
        f"reuse: {UPDATE}, died before",
        f"refresh: {UPDATE}",
        f"reuse (2): {UPDATE}",
        f"reuse (2): {UPDATE}",
        actors=(scenes.REUSE, scenes.REFRESH, scenes.REUSE),
    )

    family = history.before(scenes.scene().family, inf)
    assert statuses(history) == [None, 200, 400]
    assert family is not None
    assert family.revoked_because == "reuse"
