"""The product, broken in one place: the schedules find it, and the invariant that is broken says so by its name."""

import dataclasses
import secrets
from collections.abc import Callable
from typing import Any

import pytest

from heirloom.adapters import families, login_transaction, sessions
from heirloom.adapters.codes import DynamoDBCodes
from heirloom.adapters.families import DynamoDBFamilies
from heirloom.domain import family as rules
from heirloom.domain.family import Family, Replayed, Rotation
from heirloom.domain.refresh_token import RefreshToken
from heirloom.domain.token_keys import TokenKeyring
from heirloom.endpoints import refresh
from tests import invariants
from tests.interleavings import scenes
from tests.interleavings.actors import Actor, Scene
from tests.interleavings.scenes import LAST_WORD
from tests.interleavings.scheduler import Counterexample, Exploration, Scenario, Stage
from tests.service import SPA

type Break = Callable[[pytest.MonkeyPatch], None]


def without(module: Any, name: str, part: str, instead: str = "") -> Break:
    """Take a part out of an expression."""
    text = getattr(module, name)
    assert part in text
    return lambda patch: patch.setattr(module, name, text.replace(part, instead))


def judged_as(change: Callable[[Rotation, Family, TokenKeyring], Any]) -> Break:
    """Judge otherwise."""
    return lambda patch: patch.setattr(refresh, "judge", change)


def successors_drawn(patch: pytest.MonkeyPatch) -> None:
    def successor(self: RefreshToken, key: object) -> RefreshToken:
        del key
        return dataclasses.replace(self, generation=self.generation + 1, secret=secrets.token_bytes(32))

    patch.setattr(RefreshToken, "successor", successor)


def walks_by_todays_key(patch: pytest.MonkeyPatch) -> None:
    def walk(presented: RefreshToken, family: Family, keyring: TokenKeyring) -> RefreshToken:
        token = presented
        while token.generation < family.generation:
            token = token.successor(keyring.current)
        return token

    patch.setattr(rules, "_walk", walk)


def named_by_todays_key(patch: pytest.MonkeyPatch) -> None:
    text = RefreshToken.text
    patch.setattr(
        RefreshToken,
        "text",
        lambda self, keyring: text(dataclasses.replace(self, key_id=keyring.current.key_id), keyring),
    )


def never_revokes(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(DynamoDBFamilies, "revoke", lambda *_, **__: None)


def revokes_for_anybody(patch: pytest.MonkeyPatch) -> None:
    revoke = DynamoDBFamilies.revoke

    def of_the_owner(*given: Any, **facts: Any) -> Family | None:
        return revoke(*given, **facts | {"client_id": SPA.client_id})

    patch.setattr(DynamoDBFamilies, "revoke", of_the_owner)


def codes_are_good_twice(patch: pytest.MonkeyPatch) -> None:
    mark = DynamoDBCodes._mark_used  # noqa: SLF001 - to break it
    patch.setattr(
        DynamoDBCodes,
        "_mark_used",
        lambda *given: mark(*given) | {"ConditionExpression": "attribute_exists(code_digest)"},
    )


def epochs_do_not_count(patch: pytest.MonkeyPatch) -> None:
    check = login_transaction.LoginTransaction._epochs_are_still  # noqa: SLF001 - to break it

    def any_epoch(*given: Any) -> dict[str, Any]:
        checked = check(*given)
        where = {name: checked[name] for name in ("TableName", "Key")}
        return where | {"ConditionExpression": "attribute_not_exists(nothing)"}

    patch.setattr(login_transaction.LoginTransaction, "_epochs_are_still", any_epoch)


def judged_without_leeway(rotation: Rotation, family: Family, keyring: TokenKeyring) -> Any:
    return rules.judge(dataclasses.replace(rotation, leeway=0), family, keyring)


def judged_with_endless_leeway(rotation: Rotation, family: Family, keyring: TokenKeyring) -> Any:
    return rules.judge(dataclasses.replace(rotation, leeway=10**6), family, keyring)


def judged_without_own_attempt(rotation: Rotation, family: Family, keyring: TokenKeyring) -> Any:
    return rules.judge(dataclasses.replace(rotation, attempt="nobody's"), family, keyring)


def answers_the_next_one(rotation: Rotation, family: Family, keyring: TokenKeyring) -> Any:
    judgement = rules.judge(rotation, family, keyring)
    return Replayed(rotation.successor) if isinstance(judgement, Replayed) else judgement


def answers_the_same(rotation: Rotation, family: Family, keyring: TokenKeyring) -> Any:
    judgement = rules.judge(rotation, family, keyring)
    return Replayed(rotation.presented) if isinstance(judgement, Replayed) else judgement


def raises_what_is_no_fault(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(families, "translated_faults", lambda _: pytest.MonkeyPatch.context())


REVOKED = " AND attribute_not_exists(revoked_at)"
LIVE = "live_digest = :presented AND "

usual, no_leeway = scenes.scene(), scenes.scene(leeway=0)
refreshes = (scenes.REFRESH, scenes.REFRESH)

BROKEN: dict[str, tuple[Break, Scene, tuple[Actor, ...], int, Callable[..., object]]] = {
    "rotates whatever is presented": (
        without(families, "_MAY_ROTATE", LIVE),
        usual,
        refreshes,
        0,
        invariants.every_answer_carries_the_live_token,
    ),
    "does not count generations": (
        without(families, "_HAND_OVER", ", generation = :next"),
        usual,
        (scenes.REFRESH,),
        0,
        invariants.a_family_has_one_live_generation,
    ),
    "rotates what was revoked": (
        without(families, "_MAY_ROTATE", REVOKED),
        usual,
        (scenes.REFRESH, scenes.REVOKE),
        0,
        invariants.nothing_works_after_a_revocation,
    ),
    "rotates what was revoked, as evidence": (
        without(families, "_MAY_ROTATE", REVOKED),
        usual,
        (scenes.REFRESH, scenes.REVOKE),
        0,
        invariants.a_revoked_family_stays_revoked,
    ),
    "rotates what has expired": (
        without(families, "_MAY_ROTATE", " AND idle_expires_at > :now AND absolute_expires_at > :now", ""),
        dataclasses.replace(usual, policy={**usual.policy, "idle_lifetime": None}),
        (scenes.REFRESH, scenes.MONTH),
        0,
        invariants.nobody_lives_on_after_expiry,
    ),
    "revokes once more": (
        without(families, "_REVOKE", "if_not_exists(revoked_because, :because)", ":because"),
        usual,
        (scenes.REVOKE, scenes.LOGOUT),
        0,
        invariants.a_revoked_family_stays_revoked,
    ),
    "draws successors": (successors_drawn, usual, refreshes, 0, invariants.nobody_is_logged_out_without_a_cause),
    "walks by the current key alone": (
        walks_by_todays_key,
        scenes.scene(ring=scenes.TAKEN_OVER),
        (scenes.REFRESH, scenes.KEYS_TURN, scenes.WHERE_KEYS_TURN[6]),
        0,
        invariants.nobody_is_logged_out_without_a_cause,
    ),
    "names tokens by the current key": (
        named_by_todays_key,
        scenes.scene(ring=scenes.TAKEN_OVER),
        (scenes.REFRESH, scenes.KEYS_TURN, scenes.WHERE_KEYS_TURN[6]),
        0,
        invariants.answers_never_fork,
    ),
    "has no leeway": (
        judged_as(judged_without_leeway),
        usual,
        refreshes,
        0,
        invariants.a_family_is_revoked_only_for_a_cause,
    ),
    "has endless leeway": (
        judged_as(judged_with_endless_leeway),
        usual,
        (scenes.REUSE,),
        0,
        invariants.both_holders_are_out_once_one_is_late,
    ),
    "refuses reuse, and revokes nothing": (
        never_revokes,
        usual,
        (scenes.REUSE,),
        0,
        invariants.both_holders_are_out_once_one_is_late,
    ),
    "does not know its own attempt": (
        judged_as(judged_without_own_attempt),
        no_leeway,
        (scenes.REFRESH,),
        1,
        invariants.nobody_is_logged_out_without_a_cause,
    ),
    "replays the next one, not the live one": (
        judged_as(answers_the_next_one),
        usual,
        (scenes.REFRESH, scenes.REPLAY),
        0,
        invariants.every_answer_carries_the_live_token,
    ),
    "replays what was presented": (
        judged_as(answers_the_same),
        usual,
        (scenes.REPLAY,),
        0,
        invariants.an_answer_leads_onwards,
    ),
    "revokes for any client": (
        revokes_for_anybody,
        usual,
        (scenes.FOREIGN_REVOKE,),
        0,
        invariants.a_foreign_client_or_forger_changes_nothing,
    ),
    "exchanges a code twice": (
        codes_are_good_twice,
        usual,
        (scenes.EXCHANGE, scenes.EXCHANGE),
        0,
        invariants.a_code_becomes_one_family,
    ),
    "lets a login slip through the end of all": (
        epochs_do_not_count,
        usual,
        (scenes.EXCHANGE, scenes.END_LOGINS),
        0,
        invariants.nothing_works_after_a_revocation,
    ),
    "lets a login slip through a logout": (
        without(sessions, "_GOES_ON", "attribute_exists(session_id) AND attribute_not_exists(ended_at)", REVOKED[5:]),
        usual,
        (scenes.EXCHANGE, scenes.LOGOUT),
        0,
        invariants.nothing_works_after_a_revocation,
    ),
    "raises what is no fault": (
        raises_what_is_no_fault,
        usual,
        (scenes.REVOKE,),
        1,
        invariants.every_answer_is_as_specified,
    ),
}


@pytest.mark.parametrize("how", BROKEN)
def test_a_broken_product_is_found_out(how: str, monkeypatch: pytest.MonkeyPatch) -> None:
    break_it, scene, actors, faults, invariant = BROKEN[how]
    break_it(monkeypatch)

    with pytest.raises(Counterexample) as found:
        Exploration(Stage(scene), Scenario((*actors, LAST_WORD), faults)).explore()

    assert invariant.__name__ in {breach.partition(":")[0] for breach in found.value.breaches}, found.value


@pytest.mark.parametrize("how", BROKEN)
def test_what_is_not_broken_is_not_found(how: str) -> None:
    _, scene, actors, faults, _ = BROKEN[how]

    Exploration(Stage(scene), Scenario((*actors, LAST_WORD), faults)).explore()


def test_every_invariant_is_broken_by_something() -> None:
    broken = {invariant for *_, invariant in BROKEN.values()}

    assert set(invariants.INVARIANTS) == broken
