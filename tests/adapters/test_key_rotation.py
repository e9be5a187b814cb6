"""What the rotation stores and publishes, whatever happens between two of its calls."""

import dataclasses
import json
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier
from typing import Any

import pytest

from heirloom.adapters import key_documents, key_requests
from heirloom.adapters.key_rotation import Ring, Unsettled
from heirloom.adapters.token_keys import token_keyring
from heirloom.adapters.versioned_secret import Version
from heirloom.domain.key_rotation import DERIVATIONS_WALKED, SEEN_BY_INSTANCES, SEEN_BY_VERIFIERS, NoSuchKey
from heirloom.domain.lifetimes import DAY
from heirloom.domain.token_keys import KeyState
from tests.faults import AFTER, BEFORE, Killed
from tests.keys import PERIOD, SIGNING, TOKEN, Keys

pytestmark = pytest.mark.usefixtures("quick_keys")

NOW = 1_800_000_000
DUE = NOW + PERIOD


@pytest.fixture
def keys() -> Keys:
    """A stack that has just been made."""
    keys = Keys()
    keys.rotation.rotate(NOW)
    return keys


def order(keys: Keys, secret: str) -> list[str]:
    return list(keys.states(secret).values())


# ---- The first keys


def test_a_fresh_stack_gets_a_current_and_a_next_key_of_both_kinds(keys: Keys) -> None:
    (current, following) = keys.of(SIGNING)
    assert (current["state"], following["state"]) == ("current", "next")
    assert keys.table.published == [current["kid"], following["kid"]]
    assert following["published_at"] == NOW
    keyring = token_keyring(keys.secrets_manager.document(TOKEN) or {})
    assert {number: key.state for number, key in keyring.keys.items()} == {1: KeyState.CURRENT, 2: KeyState.NEXT}


def test_no_two_halves_are_alike(keys: Keys) -> None:
    halves = [key[half] for key in keys.of(TOKEN) for half in ("mac", "derivation")]

    assert len(set(halves)) == 4


def test_a_second_run_writes_nothing(keys: Keys) -> None:
    writes, document = keys.writes, keys.secrets_manager.document(SIGNING)

    for now in (NOW, NOW + 1, DUE - 1):
        keys.rotation.rotate(now)

    assert (keys.writes, keys.secrets_manager.document(SIGNING)) == (writes, document)


def test_of_two_runs_on_an_empty_stack_one_brings_its_keys_in() -> None:
    """Both see it empty and make keys; the second's would replace some that may already have signed."""
    keys = Keys()
    meeting = Barrier(2)
    seen: list[list[str]] = []
    keys.steps.interpose(BEFORE, lambda: meeting.wait(10), calls=range(2, 4))  # after the reads, before the writes

    def run() -> None:
        keys.rotation.rotate(NOW)
        seen.append([key["kid"] for key in keys.of(SIGNING)])

    with ThreadPoolExecutor(2) as both:
        for running in [both.submit(run) for _ in range(2)]:
            running.result()

    assert seen[0] == seen[1] == keys.table.published
    assert order(keys, SIGNING) == order(keys, TOKEN) == ["current", "next"]


def test_a_stack_whose_past_nobody_noted_keeps_its_mac_halves_for_good() -> None:
    """Its keys were made by an earlier release, and some application may have had families without an end."""
    keys = Keys()
    document = {"keys": [_earlier(1, "current"), _earlier(2, "next")]}
    assert keys.rotation.token_secret.replace(Version(None, None), document)

    for now in (DUE, DUE + DERIVATIONS_WALKED, DUE + 10_000 * DAY):
        keys.rotation.rotate(now)

    assert keys.rotation.longest_family() is None
    assert keys.states(TOKEN)[1] == "mac_only"
    assert keys.of(TOKEN)[0]["mac"] == document["keys"][0]["mac"]


def _earlier(key_id: int, state: str) -> dict[str, Any]:
    """A token key as the first release wrote it."""
    return key_documents.new_token_key(key_id) | {"state": state, "created_at": NOW, "compromised": False}


# ---- A rotation


def test_when_its_time_has_come_a_key_takes_over_and_the_next_is_made(keys: Keys) -> None:
    (current, following) = keys.of(SIGNING)
    one, two = keys.of(TOKEN)

    keys.rotation.rotate(DUE)

    (retired, promoted, made) = keys.of(SIGNING)
    assert order(keys, SIGNING) == order(keys, TOKEN) == ["retired", "current", "next"]
    assert (retired["kid"], promoted["kid"]) == (current["kid"], following["kid"])
    assert keys.table.published == [retired["kid"], promoted["kid"], made["kid"]]
    assert [key["mac"] for key in keys.of(TOKEN)[:2]] == [one["mac"], two["mac"]]


def test_a_retired_signing_key_loses_its_private_half_and_the_world_keeps_the_other(keys: Keys) -> None:
    (current, _) = keys.of(SIGNING)

    keys.rotation.rotate(DUE)

    (retired, *_) = keys.of(SIGNING)
    assert "private_key" in current
    assert "private_key" not in retired
    assert retired["jwk"] == current["jwk"]


def test_halves_are_erased_in_time_and_no_version_that_holds_them_keeps_a_label(keys: Keys) -> None:
    """Secrets Manager deletes only what has no label."""
    keys.allow_families(DAY)
    (one, _) = keys.of(TOKEN)
    keys.rotation.rotate(DUE)

    keys.rotation.rotate(DUE + DERIVATIONS_WALKED)

    (mac_only, *_) = keys.of(TOKEN)
    assert "derivation" not in mac_only
    assert mac_only["mac"] == one["mac"]
    for labels in (keys.secrets_manager.stages(secret).values() for secret in (SIGNING, TOKEN)):
        assert len(labels) == 1
    keys.rotation.rotate(DUE + SEEN_BY_INSTANCES + DAY)
    (gone, *_) = keys.of(TOKEN)
    assert set(gone) == {"id", "state", "created_at", "current_since", "retired_at", "gone_at", "compromised"}
    keyring = token_keyring(keys.secrets_manager.document(TOKEN) or {})
    assert set(keyring.keys) == {2, 3}


def test_ahead_of_its_time_one_ring_moves_and_the_other_does_not(keys: Keys) -> None:
    keys.rotation.rotate(NOW + SEEN_BY_VERIFIERS, ahead=[Ring.SIGNING])

    assert order(keys, SIGNING) == ["retired", "current", "next"]
    assert order(keys, TOKEN) == ["current", "next"]


def test_with_all_ids_taken_the_current_token_key_stays(keys: Keys) -> None:
    keys.allow_families(10_000 * DAY)
    document = keys.secrets_manager.document(TOKEN) or {}
    old = [_earlier(number, "mac_only") | {"retired_at": NOW} for number in range(3, 256)]
    version = keys.rotation.token_secret.read()
    assert keys.rotation.token_secret.replace(version, document | {"keys": [*document["keys"], *old]})
    keys.rotation.rotate(DUE)

    answer = key_requests.answer({"action": "rotate", "ahead": ["token"]}, keys.rotation, DUE + PERIOD)

    assert answer["token_key_ids_exhausted"]
    assert keys.states(TOKEN)[2] == "current"
    assert len(keys.of(TOKEN)) == 255


# ---- A compromise


def test_a_compromised_signing_key_is_out_of_secret_and_sight_at_once(keys: Keys) -> None:
    (compromised, following) = keys.of(SIGNING)

    keys.rotation.revoke_signing_keys([compromised["kid"]], NOW + 1)

    assert order(keys, SIGNING) == ["current", "next"]
    assert keys.of(SIGNING)[0]["kid"] == following["kid"], "the world knows it already"
    assert keys.table.published == [key["kid"] for key in keys.of(SIGNING)]
    assert compromised["private_key"] not in json.dumps(keys.secrets_manager.document(SIGNING))


@pytest.mark.parametrize("named", ["all", None])
def test_if_the_secret_was_read_both_signing_keys_are_replaced_at_once(keys: Keys, named: str | None) -> None:
    former = [key["kid"] for key in keys.of(SIGNING)]

    keys.rotation.revoke_signing_keys(None if named is None else former, NOW + 1)

    assert order(keys, SIGNING) == ["current", "next"]
    assert not set(former) & set(keys.states(SIGNING))
    assert keys.table.published == [key["kid"] for key in keys.of(SIGNING)]


def test_a_new_signing_key_is_published_before_it_signs(keys: Keys) -> None:
    """Also in a compromise, and after every step of it."""
    former = {key["kid"] for key in keys.of(SIGNING)}

    def look() -> None:
        (current,) = (key for key in keys.of(SIGNING) if key["state"] == "current")
        assert current["kid"] in keys.table.published

    keys.steps.interpose(AFTER, look, calls=range(100))
    keys.rotation.revoke_signing_keys(None, NOW + 1)

    assert not former & set(keys.states(SIGNING))


def test_a_compromised_token_key_makes_no_token_and_is_believed_no_more(keys: Keys) -> None:
    keys.rotation.revoke_token_keys([1], NOW + 1)

    keyring = token_keyring(keys.secrets_manager.document(TOKEN) or {})
    assert keyring.current.key_id == 2
    assert keyring.key(1).compromised
    assert keyring.key(1).derivation is not None, "replays within leeway still walk with it"
    keys.rotation.rotate(NOW + 1 + DERIVATIONS_WALKED)
    assert "derivation" not in keys.of(TOKEN)[0]


def test_if_the_secret_was_read_both_token_keys_are_replaced(keys: Keys) -> None:
    keys.rotation.revoke_token_keys(None, NOW + 1)

    assert keys.states(TOKEN) == {1: "retired", 2: "gone", 3: "current", 4: "next"}
    assert [key["compromised"] for key in keys.of(TOKEN)] == [True, True, False, False]


def test_a_key_that_there_is_not_is_refused_before_anything_is_written(keys: Keys) -> None:
    writes = keys.writes

    with pytest.raises(NoSuchKey):
        keys.rotation.revoke_signing_keys([keys.of(SIGNING)[0]["kid"], "unknown"], NOW)
    with pytest.raises(NoSuchKey):
        keys.rotation.revoke_token_keys([1, 200], NOW)

    assert keys.writes == writes


# ---- Cut off, or two at once, at each call


def first(keys: Keys) -> None:
    keys.rotation.rotate(NOW)


def rotate(keys: Keys) -> None:
    keys.rotation.rotate(DUE)


def erase(keys: Keys) -> None:
    keys.rotation.rotate(DUE + DERIVATIONS_WALKED)


def revoke_current(keys: Keys) -> None:
    for secret, revoke in ((SIGNING, keys.rotation.revoke_signing_keys), (TOKEN, keys.rotation.revoke_token_keys)):
        current = [key_id for key_id, state in keys.states(secret).items() if state == "current"]
        revoke(current, DUE)


def revoke_all(keys: Keys) -> None:
    keys.rotation.revoke_signing_keys(None, DUE)
    keys.rotation.revoke_token_keys(None, DUE)


RUNS: list[Callable[[Keys], None]] = [first, rotate, erase, revoke_current, revoke_all]


def prepared(run: Callable[[Keys], None]) -> Keys:
    """A stack on which *run* has something to do."""
    keys = Keys()
    earlier = [] if run is first else [first, rotate] if run is erase else [first]
    for one in earlier:
        one(keys)
    keys.steps.made = 0
    return keys


def calls_of(run: Callable[[Keys], None]) -> int:
    keys = prepared(run)
    run(keys)
    return keys.steps.made


@pytest.mark.parametrize("when", [BEFORE, AFTER])
@pytest.mark.parametrize("run", RUNS)
def test_a_run_that_dies_anywhere_leaves_everything_usable_and_the_next_goes_on(
    run: Callable[[Keys], None], when: str
) -> None:
    undisturbed = prepared(run)
    run(undisturbed)
    calls = calls_of(run)
    assert calls >= 8

    for call in range(calls):
        keys = prepared(run)
        before = set(keys.states(SIGNING))
        keys.steps.fail(when, Killed(), calls=range(call, call + 1))
        with pytest.raises(Killed):
            run(keys)
        keys.steps.actions = {}

        if keys.of(SIGNING) and before:
            (signs,) = (key["kid"] for key in keys.of(SIGNING) if key["state"] == "current")
            assert signs in keys.table.published
            token_keyring(keys.secrets_manager.document(TOKEN) or {})
        erase(keys) if run is erase else rotate(keys)  # the schedule, which comes in any case
        if run is not first:
            assert sorted(order(keys, SIGNING)).count("current") == 1
        assert keys.table.published == [key["kid"] for key in keys.of(SIGNING)]
        for secret in (SIGNING, TOKEN):
            assert len(keys.secrets_manager.stages(secret)) == 1
        if run in {rotate, erase}:
            assert order(keys, SIGNING) == order(undisturbed, SIGNING)
            assert keys.states(TOKEN) == undisturbed.states(TOKEN)


@pytest.mark.parametrize("second", [rotate, revoke_current, revoke_all])
@pytest.mark.parametrize("run", RUNS)
def test_a_run_between_two_calls_of_another_loses_nothing(
    run: Callable[[Keys], None], second: Callable[[Keys], None]
) -> None:
    for call in range(calls_of(run)):
        keys = prepared(run)
        macs: dict[int, set[str]] = {}
        named = {"current"} if run is revoke_current else {"current", "next"} if run is revoke_all else set()
        revoked = {kid for kid, state in keys.states(SIGNING).items() if state in named}

        def note(keys: Keys = keys, macs: dict[int, set[str]] = macs) -> None:
            for key in keys.of(TOKEN):
                macs.setdefault(key["id"], set()).add(key.get("mac", ""))

        def between(keys: Keys = keys, revoked: set[str] = revoked, note: Callable[[], None] = note) -> None:
            keys.steps.actions = {}
            note()
            if not keys.of(SIGNING):
                first(keys)
            if second is not rotate:
                chosen = {"current"} if second is revoke_current else {"current", "next", "retired"}
                revoked |= {kid for kid, state in keys.states(SIGNING).items() if state in chosen}
            second(keys)
            note()

        keys.steps.interpose(BEFORE, between, calls=range(call, call + 1))
        try:
            run(keys)
        except NoSuchKey:
            assert run is revoke_current, "the other one took it out"
        note()

        assert not revoked & set(keys.states(SIGNING))
        assert not revoked & set(keys.table.published)
        assert keys.table.published == [key["kid"] for key in keys.of(SIGNING)]
        assert order(keys, SIGNING).count("current") == 1
        token_keyring(keys.secrets_manager.document(TOKEN) or {})
        assert all(len(different - {""}) <= 1 for different in macs.values()), "one id, one key"


@pytest.mark.parametrize("restored", [False, True])
def test_a_run_that_was_held_up_takes_no_key_out_of_sight(keys: Keys, *, restored: bool) -> None:
    """It knows of fewer keys than are published; but what somebody brought back by hand counts again."""
    before = keys.rotation.signing_secret.read()
    keys.rotation.rotate(DUE)
    later = keys.table.published

    if restored:
        assert keys.rotation.signing_secret.replace(keys.rotation.signing_secret.read(), before.document or {})
        keys.rotation.rotate(NOW + 2)
        assert keys.table.published == [key["kid"] for key in keys.of(SIGNING)] != later
    else:
        keys.rotation._publish(before.document or {})  # noqa: SLF001 - what a run does that was held up before it
        assert keys.table.published == later


def test_a_run_gives_up_on_keys_that_keep_changing(keys: Keys) -> None:
    def change() -> None:
        actions, keys.steps.actions = keys.steps.actions, {}
        version = keys.rotation.signing_secret.read()
        document = version.document or {}
        assert keys.rotation.signing_secret.replace(version, document | {"generation": document["generation"] + 1})
        keys.steps.actions = actions

    keys.steps.interpose(BEFORE, change, calls=range(1000))

    with pytest.raises(Unsettled):
        keys.rotation.rotate(DUE)


def test_the_token_keys_age_even_if_the_signing_keys_cannot(keys: Keys) -> None:
    keys.rotation.rotate(DUE)
    broken = dataclasses.replace(
        keys.rotation, signing_secret=dataclasses.replace(keys.rotation.signing_secret, secret_id="nowhere")
    )

    with pytest.raises(KeyError):
        broken.rotate(DUE + DERIVATIONS_WALKED)

    assert "derivation" not in keys.of(TOKEN)[0]
