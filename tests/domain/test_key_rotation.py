"""When keys move, and that they never do before their time, whoever asks and however often."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from itertools import product
from typing import Any

import pytest

from heirloom.domain import key_rotation, key_schedule, lifetimes
from heirloom.domain.key_rotation import (
    DERIVATIONS_WALKED,
    SEEN_BY_INSTANCES,
    SEEN_BY_VERIFIERS,
    SIGNATURES_CHECKED,
    Key,
    SigningKeys,
    TokenKeys,
    free_token_key_id,
    signing_keys_at,
    token_keys_at,
)
from heirloom.domain.key_schedule import Move
from heirloom.domain.lifetimes import DAY, HOUR, MINUTE
from heirloom.domain.token_keys import KeyState

NOW = 1_800_000_000
PERIOD = 90 * DAY
LONGEST_FAMILY = 30 * DAY


def key[Id: int | str](key_id: Id, state: KeyState, **changes: Any) -> Key[Id]:
    """A key that everybody knows, with the times that its state brings."""
    long_ago = NOW - PERIOD - 400 * DAY
    times: dict[str, Any] = {"created_at": long_ago}
    if isinstance(key_id, str):
        times["published_at"] = long_ago
    if state is KeyState.CURRENT:
        times["current_since"] = NOW
    if state in {KeyState.RETIRED, KeyState.MAC_ONLY}:
        times["retired_at"] = NOW
    return Key(key_id=key_id, state=state, **{**times, **changes})


CURRENT, NEXT, RETIRED = (key(state.value, state) for state in (KeyState.CURRENT, KeyState.NEXT, KeyState.RETIRED))
ONE, TWO = key(1, KeyState.CURRENT), key(2, KeyState.NEXT)


def signing(keys: SigningKeys, now: int, *, ahead: bool = False, published: set[str] | None = None) -> SigningKeys:
    seen = {key.key_id for key in keys} if published is None else published
    return signing_keys_at(keys, published=seen, now=now, period=PERIOD, ahead=ahead)


def token(keys: TokenKeys, now: int, *, ahead: bool = False, longest_family: int | None = LONGEST_FAMILY) -> TokenKeys:
    return token_keys_at(keys, now=now, period=PERIOD, longest_family=longest_family, ahead=ahead)


def states[Id: int | str](keys: key_rotation.Keys[Id]) -> dict[Id, KeyState]:
    return {key.key_id: key.state for key in keys}


# ---- The times


def test_every_time_is_longer_than_what_it_waits_for() -> None:
    """Whoever makes a cache longer makes these longer; who shortens one of these breaks this."""
    assert max(lifetimes.CACHED_KEYS, lifetimes.CACHED_KEYS_IN_NEED) + MINUTE < SEEN_BY_INSTANCES
    assert SEEN_BY_VERIFIERS > lifetimes.CACHED_CONFIGURATION + lifetimes.CACHED_JWKS + 12 * HOUR
    assert SIGNATURES_CHECKED > lifetimes.CACHED_KEYS_IN_NEED + lifetimes.LONGEST_ACCESS_TOKEN + MINUTE
    assert DERIVATIONS_WALKED > lifetimes.CACHED_KEYS_IN_NEED + lifetimes.LONGEST_LEEWAY + lifetimes.CLOCK_SKEW
    assert lifetimes.LONGEST_LEEWAY + HOUR < DERIVATIONS_WALKED < 4 * HOUR, "nor much longer"


def test_no_token_lives_longer_than_a_retired_key_is_published() -> None:
    assert max(lifetimes.ID_TOKEN, lifetimes.USERINFO_TOKEN, lifetimes.LOGOUT_TOKEN) <= lifetimes.LONGEST_ACCESS_TOKEN


# ---- Signing keys


@pytest.mark.parametrize(("age", "takes_over"), [(PERIOD - 1, False), (PERIOD, True), (10 * PERIOD, True)])
def test_the_next_signing_key_takes_over_after_the_period(age: int, *, takes_over: bool) -> None:
    after = signing((CURRENT, NEXT), NOW + age)

    if takes_over:
        assert states(after) == {"current": KeyState.RETIRED, "next": KeyState.CURRENT}
        assert [one.retired_at or one.current_since for one in after] == [NOW + age] * 2, "as of when it happened"
    else:
        assert after == (CURRENT, NEXT)


@pytest.mark.parametrize("ahead", [False, True])
def test_no_signing_key_signs_before_all_verifiers_can_know_it(*, ahead: bool) -> None:
    """Nor if the operator asks for it, or the schedule comes weeks late."""
    late = NOW + 2 * PERIOD
    young = replace(NEXT, published_at=late - SEEN_BY_VERIFIERS + 1)

    assert signing((CURRENT, young), late, ahead=ahead) == (CURRENT, young)
    assert states(signing((CURRENT, young), late + 1, ahead=ahead))["next"] is KeyState.CURRENT


def test_a_key_that_nobody_saw_published_never_takes_over() -> None:
    unseen = replace(NEXT, published_at=None)

    assert signing((CURRENT, unseen), NOW + 10 * PERIOD, ahead=True, published={"current"}) == (CURRENT, unseen)


def test_the_time_of_publication_is_when_it_was_seen_and_begins_anew_if_it_was_taken_away() -> None:
    unseen = replace(NEXT, published_at=None)

    (_, seen) = signing((CURRENT, unseen), NOW + 5)
    assert seen.published_at == NOW + 5
    (_, hidden) = signing((CURRENT, seen), NOW + 6, published={"current"})
    assert hidden.published_at is None


def test_a_key_that_signed_keeps_the_time_of_its_publication() -> None:
    kept = signing((CURRENT, RETIRED), NOW, published=set())

    assert [one.published_at for one in kept] == [CURRENT.published_at, RETIRED.published_at] != [None, None]


def test_ahead_of_its_time_the_next_one_takes_over_once() -> None:
    first = signing((CURRENT, NEXT), NOW + 1, ahead=True)
    assert states(first) == {"current": KeyState.RETIRED, "next": KeyState.CURRENT}

    again = key_rotation.with_new(first, "new", NOW + 1)
    assert states(signing(again, NOW + 2, ahead=True)) == states(again)


@pytest.mark.parametrize(("passed", "left"), [(SIGNATURES_CHECKED - 1, True), (SIGNATURES_CHECKED, False)])
def test_a_retired_signing_key_leaves_when_nothing_that_it_signed_can_be_valid(passed: int, *, left: bool) -> None:
    current = replace(CURRENT, current_since=NOW + passed)

    assert (RETIRED in signing((RETIRED, current, NEXT), NOW + passed)) is left


@pytest.mark.parametrize("published_at", [NOW, NOW - 10 * PERIOD])
def test_a_compromised_signing_key_gives_way_to_any_published_one_and_is_gone(published_at: int) -> None:
    keys = key_rotation.compromised((CURRENT, replace(NEXT, published_at=published_at)), ["current"])

    assert states(signing(keys, NOW)) == {"next": KeyState.CURRENT}


def test_a_compromised_signing_key_signs_until_another_one_is_published() -> None:
    """An unpublished key would sign what nobody can check."""
    keys = key_rotation.compromised((CURRENT, replace(NEXT, published_at=None)), ["current"])

    assert states(signing(keys, NOW, published={"current"})) == {"current": KeyState.CURRENT, "next": KeyState.NEXT}


def test_of_two_compromised_signing_keys_neither_takes_over() -> None:
    keys = key_rotation.compromised((RETIRED, CURRENT, NEXT), ["current", "next", "retired"])

    assert states(signing(keys, NOW)) == {"current": KeyState.CURRENT}


# ---- Token keys


@pytest.mark.parametrize("ahead", [False, True])
def test_no_token_key_mints_before_every_instance_knows_it(*, ahead: bool) -> None:
    late = NOW + 2 * PERIOD
    young = replace(TWO, created_at=late - SEEN_BY_INSTANCES + 1)

    assert token((ONE, young), late, ahead=ahead) == (ONE, young)
    assert states(token((ONE, young), late + 1, ahead=ahead)) == {1: KeyState.RETIRED, 2: KeyState.CURRENT}


def test_a_token_key_loses_one_half_then_the_other_and_then_its_id() -> None:
    retired = key(1, KeyState.RETIRED)
    keys: TokenKeys = (retired, key(2, KeyState.CURRENT, current_since=NOW + 400 * DAY), key(3, KeyState.NEXT))
    mac = SEEN_BY_INSTANCES + LONGEST_FAMILY

    seen = []
    for passed in (DERIVATIONS_WALKED - 1, DERIVATIONS_WALKED, mac - 1, mac, mac + SEEN_BY_INSTANCES - 1):
        keys = token(keys, NOW + passed)
        seen.append(states(keys)[1])
    keys = token(keys, NOW + mac + SEEN_BY_INSTANCES)

    assert seen == [KeyState.RETIRED, KeyState.MAC_ONLY, KeyState.MAC_ONLY, KeyState.GONE, KeyState.GONE]
    assert 1 not in states(keys)


def test_a_run_that_is_late_by_years_erases_at_once_and_still_holds_the_id_back() -> None:
    keys = (key(1, KeyState.RETIRED), key(2, KeyState.CURRENT), key(3, KeyState.NEXT))

    (gone, *_) = token(keys, NOW + 1000 * DAY)

    assert (gone.state, gone.gone_at) == (KeyState.GONE, NOW + 1000 * DAY)


def test_where_a_family_may_live_for_good_its_mac_half_does_too() -> None:
    keys = (key(1, KeyState.RETIRED), key(2, KeyState.CURRENT), key(3, KeyState.NEXT))

    assert states(token(keys, NOW + 100_000 * DAY, longest_family=None))[1] is KeyState.MAC_ONLY


def test_families_that_live_for_a_minute_take_no_half_before_its_time() -> None:
    keys = (key(1, KeyState.RETIRED), key(2, KeyState.CURRENT), key(3, KeyState.NEXT))

    assert states(token(keys, NOW + DERIVATIONS_WALKED - 1, longest_family=60))[1] is KeyState.RETIRED


@pytest.mark.parametrize("created_at", [NOW, NOW - 10 * PERIOD])
def test_a_compromised_token_key_mints_no_more_and_stays_for_its_families(created_at: int) -> None:
    keys = key_rotation.compromised((ONE, replace(TWO, created_at=created_at)), [1])

    (former, _) = after = token(keys, NOW)

    assert states(after) == {1: KeyState.RETIRED, 2: KeyState.CURRENT}
    assert (former.compromised, former.retired_at) == (True, NOW)
    assert states(token(after, NOW + DERIVATIONS_WALKED - 1))[1] is KeyState.RETIRED, "replays still walk with it"


def test_a_compromised_next_token_key_never_mints() -> None:
    after = token(key_rotation.compromised((ONE, TWO), [1, 2]), NOW)

    assert states(after) == {1: KeyState.CURRENT, 2: KeyState.GONE}
    replaced = token(key_rotation.with_new(after, 3, NOW), NOW)
    assert states(replaced) == {1: KeyState.RETIRED, 2: KeyState.GONE, 3: KeyState.CURRENT}


def test_ids_go_round_and_none_is_taken_twice() -> None:
    assert free_token_key_id(()) == 1
    assert free_token_key_id((ONE, TWO)) == 3
    assert free_token_key_id((ONE, key(255, KeyState.NEXT, created_at=NOW))) == 2
    assert free_token_key_id((key(254, KeyState.CURRENT, created_at=NOW), ONE)) == 255


def test_when_all_ids_are_taken_there_is_none() -> None:
    """Also by keys that are gone, whose id some instance may still take for theirs."""
    mac_only = tuple(key(key_id, KeyState.MAC_ONLY) for key_id in range(1, 254))
    keys = (*mac_only, key(254, KeyState.GONE, gone_at=NOW), key(255, KeyState.CURRENT))

    assert free_token_key_id(keys) is None
    assert free_token_key_id(token(keys, NOW + SEEN_BY_INSTANCES)) == 254


def test_the_first_key_is_current_at_once_and_any_other_waits() -> None:
    first = key_rotation.with_new((), "a", NOW)

    assert first == (Key(key_id="a", state=KeyState.CURRENT, created_at=NOW, current_since=NOW),)
    assert key_rotation.with_new(first, "b", NOW + 1) == (
        *first,
        Key(key_id="b", state=KeyState.NEXT, created_at=NOW + 1),
    )


# ---- Taken over from an earlier release


def test_keys_that_know_only_when_they_were_made_are_taken_over() -> None:
    made = NOW - PERIOD
    keys = (
        Key(key_id="a", state=KeyState.CURRENT, created_at=made),
        Key(key_id="b", state=KeyState.NEXT, created_at=made),
    )

    taken = signing(keys, NOW)
    assert [one.current_since for one in taken] == [made, None]
    assert [one.published_at for one in taken] == [NOW, NOW], "nobody noted it before"
    assert states(taken) == {"a": KeyState.CURRENT, "b": KeyState.NEXT}, "due, and not ready"
    assert states(signing(taken, NOW + SEEN_BY_VERIFIERS))["b"] is KeyState.CURRENT


def test_a_retired_key_without_a_time_is_kept_as_if_it_retired_now() -> None:
    keys = (Key(key_id=1, state=KeyState.RETIRED, created_at=0), TWO, replace(ONE, key_id=3))

    assert states(token(keys, NOW + DERIVATIONS_WALKED))[1] is KeyState.RETIRED
    mac_only = replace(keys[0], state=KeyState.MAC_ONLY)
    assert [one.retired_at for one in key_rotation.taken_over((*keys, mac_only), NOW)] == [NOW, None, None, NOW]


# ---- Every order of events, as far as a search can go

STEPS = (0, SEEN_BY_INSTANCES, DERIVATIONS_WALKED, SEEN_BY_VERIFIERS, SIGNATURES_CHECKED, PERIOD)
WHO = ("schedule", "operator", "thief of the current key", "thief of the next key")
DEPTH = 3


def runs[Id: int | str](
    keys: key_rotation.Keys[Id],
    rules: Callable[..., key_rotation.Keys[Id]],
    new_id: Callable[[key_rotation.Keys[Id]], Id],
    now: int = NOW,
    depth: int = DEPTH,
) -> Iterator[tuple[key_rotation.Keys[Id], key_rotation.Keys[Id], int]]:
    """The keys before and after each run of every sequence of so many, with the time of the run."""
    for step, who in product(STEPS, WHO) if depth else ():
        then, before = now + step, keys
        if who.startswith("thief"):
            state = KeyState.CURRENT if "current" in who else KeyState.NEXT
            before = key_rotation.compromised(before, [one.key_id for one in before if one.state is state])
        after = rules(before, now=then, ahead=who == "operator")
        yield before, after, then
        if key_rotation.lacks_next(after):
            after = key_rotation.with_new(after, new_id(after), then)
        yield from runs(after, rules, new_id, then, depth - 1)


def check_both[Id: int | str](before: key_rotation.Keys[Id], after: key_rotation.Keys[Id], now: int) -> None:
    former = {one.key_id: one for one in before}
    assert len({one.key_id for one in after}) == len(after)
    in_use = key_rotation.current(after)
    assert former[in_use.key_id].state in {KeyState.CURRENT, KeyState.NEXT}
    for one in after:
        order = list(KeyState)
        assert order.index(one.state) >= order.index(former[one.key_id].state), "nothing comes back"
        if one.state is not former[one.key_id].state:
            moved_at = {KeyState.CURRENT: one.current_since, KeyState.RETIRED: one.retired_at}
            assert moved_at.get(one.state, now) == now


def test_no_sequence_of_runs_moves_a_signing_key_too_early_or_leaves_none() -> None:
    count = 0
    for before, after, now in runs((CURRENT, NEXT), signing, lambda keys: f"{len(keys)}-{keys[-1].key_id}"):
        count += 1
        check_both(before, after, now)
        emergency = key_rotation.current(before).compromised
        for one in before:
            if one.state is KeyState.NEXT and key_rotation.current(after).key_id == one.key_id:
                assert not one.compromised
                assert emergency or now >= (one.published_at or now) + SEEN_BY_VERIFIERS
            if one.key_id not in states(after):
                assert one.compromised or now >= (one.retired_at or now) + SIGNATURES_CHECKED
            if one.compromised:
                assert one.key_id not in states(after) or key_rotation.current(after).key_id == one.key_id
    assert count == sum((len(STEPS) * len(WHO)) ** depth for depth in range(1, DEPTH + 1))


def test_no_sequence_of_runs_moves_a_token_key_too_early_or_leaves_none() -> None:
    def new_id(keys: TokenKeys) -> int:
        key_id = free_token_key_id(keys)
        assert key_id is not None
        return key_id

    for before, after, now in runs((ONE, TWO), token, new_id):
        check_both(before, after, now)
        emergency = key_rotation.current(before).compromised
        for one in before:
            if one.state is KeyState.NEXT and key_rotation.current(after).key_id == one.key_id:
                assert not one.compromised
                assert emergency or now >= one.created_at + SEEN_BY_INSTANCES
            then = states(after).get(one.key_id)
            if one.state is KeyState.RETIRED:
                assert (then is KeyState.RETIRED) is (now < (one.retired_at or 0) + DERIVATIONS_WALKED)
            if one.retired_at is not None and then in {None, KeyState.GONE}:
                assert now >= one.retired_at + SEEN_BY_INSTANCES + LONGEST_FAMILY
            assert then is not None or now >= (one.gone_at or now) + SEEN_BY_INSTANCES


def test_a_next_key_is_lacking_until_there_is_one() -> None:
    assert key_rotation.lacks_next((CURRENT, RETIRED))
    assert not key_rotation.lacks_next((CURRENT, NEXT))


def test_no_keys_stay_no_keys() -> None:
    assert signing((), NOW) == ()
    assert token((), NOW) == ()


def test_of_two_keys_that_wait_the_one_that_is_ready_first_takes_over() -> None:
    early, late = key(5, KeyState.NEXT, created_at=NOW - 2 * DAY), key(4, KeyState.NEXT, created_at=NOW - DAY)

    for keys in ((ONE, early, late), (ONE, late, early)):
        assert states(token(keys, NOW, ahead=True)) == {1: KeyState.RETIRED, 5: KeyState.CURRENT, 4: KeyState.NEXT}
    unready = replace(late, created_at=NOW + DAY)
    assert states(token((ONE, early, unready), NOW, ahead=True))[5] is KeyState.CURRENT


def test_a_key_in_use_has_no_time_at_which_it_loses_a_half() -> None:
    assert key_rotation.mac_erased_at(ONE, LONGEST_FAMILY) == lifetimes.NEVER
    assert key_rotation.derivation_erased_at(ONE) == lifetimes.NEVER


# ---- What is going to happen


def test_the_schedule_expects_nothing_of_a_compromised_next_key() -> None:
    keys = (ONE, replace(TWO, compromised=True))

    assert key_schedule.of_token_key(ONE, keys, period=PERIOD, longest_family=None) == Move(KeyState.RETIRED, None)


def test_the_schedule_tells_what_the_rules_do() -> None:
    """Each announced move happens at that second and not before it."""
    for keys in ((RETIRED, CURRENT, NEXT), (CURRENT, replace(NEXT, published_at=NOW + PERIOD))):
        for one in keys:
            move = key_schedule.of_signing_key(one, keys, period=PERIOD)
            assert move.at is not None
            assert states(signing(keys, move.at - 1)).get(one.key_id) is one.state
            assert states(signing(keys, move.at)).get(one.key_id, KeyState.GONE) is move.to
    tokens = (key(3, KeyState.RETIRED), key(4, KeyState.MAC_ONLY), ONE, TWO)
    for kept in tokens:
        token_move = key_schedule.of_token_key(kept, tokens, period=PERIOD, longest_family=LONGEST_FAMILY)
        assert token_move is not None
        assert token_move.at is not None
        assert states(token(tokens, token_move.at - 1))[kept.key_id] is kept.state
        assert states(token(tokens, token_move.at))[kept.key_id] is token_move.to


def test_the_schedule_goes_by_the_key_that_is_ready_first() -> None:
    early, late = replace(NEXT, published_at=NOW + PERIOD), replace(NEXT, key_id="late", published_at=NOW + 2 * PERIOD)
    change = NOW + PERIOD + SEEN_BY_VERIFIERS

    for keys in ((CURRENT, early, late), (CURRENT, late, early)):
        assert key_schedule.of_signing_key(CURRENT, keys, period=PERIOD) == Move(KeyState.RETIRED, change)


def test_the_schedule_knows_a_key_of_an_earlier_release_by_when_it_was_made() -> None:
    earlier = replace(CURRENT, current_since=None, created_at=NOW - 1)

    assert key_schedule.of_signing_key(earlier, (earlier, NEXT), period=PERIOD) == Move(
        KeyState.RETIRED, NOW - 1 + PERIOD
    )


def test_what_never_happens_has_no_time() -> None:
    unseen = (CURRENT, replace(NEXT, published_at=None))
    assert key_schedule.of_signing_key(unseen[1], unseen, period=PERIOD) == Move(KeyState.CURRENT, None)
    kept = key(4, KeyState.MAC_ONLY)
    assert key_schedule.of_token_key(kept, (kept, ONE), period=PERIOD, longest_family=None) == Move(KeyState.GONE, None)
    assert key_schedule.of_token_key(ONE, (kept, ONE), period=PERIOD, longest_family=None) == Move(
        KeyState.RETIRED, None
    )
    gone = key(5, KeyState.GONE, gone_at=NOW)
    assert key_schedule.of_token_key(gone, (gone, ONE), period=PERIOD, longest_family=None) is None
