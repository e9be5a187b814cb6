"""Every outcome of the judgement, and the order in which it asks."""

import dataclasses
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from heirloom.domain.application import RefreshTokenPolicy
from heirloom.domain.device import UNKNOWN_DEVICE, Device
from heirloom.domain.events import Caller
from heirloom.domain.family import (
    ATTEMPT_BYTES,
    LARGEST_ITEM,
    LARGEST_LAST_DEVICE,
    LARGEST_SCOPE_AND_AUDIENCE,
    LONGEST_CLIENT_ID,
    LONGEST_USER_ID,
    MOST_FAMILIES,
    SLOTS,
    Family,
    Grant,
    NothingGranted,
    Refusal,
    Refused,
    Replayed,
    Reused,
    Rotation,
    Underivable,
    Unexplained,
    WrongAudience,
    devices_within,
    ended_because,
    judge,
    profile_text,
    proven,
    room_for_profile,
    surplus,
    usable,
)
from heirloom.domain.refresh_token import FamilyKey, RefreshToken
from heirloom.domain.token_keys import KeyState, TokenKeyring
from tests.domain.lines import CURRENT_KEY, GRANT, KEYRING, NOW, OLD_KEY, line, rotation

REVOKED: dict[str, Any] = {"revoked_at": NOW - 1, "revoked_because": "reuse"}
EXPIRED: dict[str, Any] = {"idle_expires_at": NOW}
BOUND: dict[str, Any] = {"key_thumbprint": "thumbprint"}


def forged_secret(token: RefreshToken) -> RefreshToken:
    """A token with a valid MAC that is of no line of ours: only a stolen MAC key makes one."""
    return dataclasses.replace(token, secret=b"x" * 32)


def test_an_unknown_family_is_refused() -> None:
    assert judge(rotation(line(0).tokens[0]), None, KEYRING) == Refused(Refusal.UNKNOWN)


@given(st.integers(0, 12), st.floats(0, 10_000))
def test_a_foreign_client_is_refused_whatever_it_presents(generations: int, ago: float) -> None:
    """Nobody but the family's own client reaches the questions whose answers may revoke it."""
    it = line(generations, spent_ago=(ago,) * generations)

    for token in it.tokens:
        assert judge(rotation(token, client_id="thief"), it.family, KEYRING) == Refused(Refusal.FOREIGN_CLIENT)


@given(st.integers(0, 12), st.floats(0, 10_000))
def test_a_revoked_family_refuses_every_token(generations: int, ago: float) -> None:
    """Also inside leeway."""
    it = line(generations, spent_ago=(ago,) * generations)
    revoked = dataclasses.replace(it.family, **REVOKED)

    for token in it.tokens:
        assert judge(rotation(token), revoked, KEYRING) == Refused(Refusal.REVOKED)


def test_a_family_from_before_the_mark_of_mass_revocation_is_revoked() -> None:
    it = line(1)

    assert judge(rotation(it.tokens[0], not_before=NOW - 999), it.family, KEYRING) == Refused(Refusal.REVOKED)
    assert judge(rotation(it.tokens[0], not_before=NOW - 1000), it.family, KEYRING) == Replayed(it.tokens[1])


@pytest.mark.parametrize(
    ("changes", "idle_lifetime"),
    [
        ({"idle_expires_at": NOW}, 600),
        ({"absolute_expires_at": NOW}, 600),
        ({"exchanged_at": NOW - 50}, 50),
    ],
    ids=["idle", "absolute", "idle lifetime shortened since"],
)
def test_an_expired_family_refuses_every_token(changes: dict[str, Any], idle_lifetime: int) -> None:
    it = line(2)
    expired = dataclasses.replace(it.family, **changes)

    for token in it.tokens:
        judgement = judge(rotation(token, idle_lifetime=idle_lifetime), expired, KEYRING)
        assert judgement == Refused(Refusal.EXPIRED)


def test_lengthening_the_idle_lifetime_revives_nothing() -> None:
    it = line(0)
    expired = dataclasses.replace(it.family, idle_expires_at=NOW - 1)

    assert judge(rotation(it.tokens[0], idle_lifetime=None), expired, KEYRING) == Refused(Refusal.EXPIRED)


@pytest.mark.parametrize("thumbprint", [None, "another"])
def test_a_bound_family_wants_its_key(thumbprint: str | None) -> None:
    it = line(1)
    bound = dataclasses.replace(it.family, key_thumbprint="thumbprint")

    judgement = judge(rotation(it.tokens[0], key_thumbprint=thumbprint), bound, KEYRING)
    assert judgement == Refused(Refusal.KEY_PROOF)
    assert judge(rotation(it.tokens[0], key_thumbprint="thumbprint"), bound, KEYRING) == Replayed(it.tokens[1])


@given(st.integers(0, 12))
def test_nothing_is_wrong_with_the_live_token(generations: int) -> None:
    it = line(generations)

    assert judge(rotation(it.tokens[-1]), it.family, KEYRING) == Unexplained()


def test_the_live_token_is_not_spent_on_scopes_that_were_not_granted() -> None:
    it = line(1)

    wanted = frozenset({"write", "admin"})
    assert judge(rotation(it.tokens[1], requested_scope=wanted), it.family, KEYRING) == NothingGranted()
    assert judge(rotation(it.tokens[1], requested_scope=wanted | {"read"}), it.family, KEYRING) == Unexplained()


@given(st.integers(0, 12), st.integers(0, 20))
def test_a_token_that_was_never_handed_out_is_forged(generations: int, beyond: int) -> None:
    """At or beyond the live generation there is only one genuine token."""
    it = line(generations)
    token = dataclasses.replace(it.tokens[-1], generation=generations + beyond, secret=b"x" * 32)

    assert judge(rotation(token), it.family, KEYRING) == Refused(Refusal.FORGED)


@given(st.integers(1, 12), st.data())
def test_a_spent_token_with_another_secret_is_forged(generations: int, data: st.DataObject) -> None:
    """Within memory the walk proves the secret: a stolen MAC key alone can neither learn nor revoke anything."""
    it = line(generations, spent_ago=(1000,) * generations)
    token = it.tokens[data.draw(st.integers(max(0, generations - SLOTS), generations - 1))]

    assert judge(rotation(forged_secret(token)), it.family, KEYRING) == Refused(Refusal.FORGED)


@given(st.integers(1, 12), st.integers(1, 3600), st.data())
def test_a_copy_within_leeway_leads_to_the_live_token(generations: int, leeway: int, data: st.DataObject) -> None:
    """Every remembered ancestor, each with a window of its own that starts when it was spent."""
    spent_ago = tuple(data.draw(st.floats(-5, leeway + 1)) for _ in range(generations))
    it = line(generations, spent_ago=spent_ago)

    for token in it.tokens[max(0, generations - SLOTS) : -1]:
        assert judge(rotation(token, leeway=leeway), it.family, KEYRING) == Replayed(it.tokens[-1])


@given(st.integers(1, 12), st.integers(0, 3600), st.data())
def test_a_copy_after_its_leeway_is_reuse(generations: int, leeway: int, data: st.DataObject) -> None:
    """However lately its successors were spent: a window never slides."""
    it = line(generations, spent_ago=tuple(leeway + 1.001 + generations - it for it in range(generations)))
    token = it.tokens[data.draw(st.integers(0, generations - 1))]

    assert isinstance(judge(rotation(token, leeway=leeway), it.family, KEYRING), Reused)


def test_the_edge_of_leeway_is_exact() -> None:
    """One second beyond the setting, for the clocks of two functions; one millisecond more is reuse."""
    inside, outside = line(1, spent_ago=(61,)), line(1, spent_ago=(61.001,))

    assert judge(rotation(inside.tokens[0]), inside.family, KEYRING) == Replayed(inside.tokens[1])
    assert judge(rotation(outside.tokens[0]), outside.family, KEYRING) == Reused(spent_ms_ago=61_001)


def test_a_clock_that_is_behind_sees_a_fresh_copy() -> None:
    it = line(1, spent_ago=(-5,))

    assert judge(rotation(it.tokens[0]), it.family, KEYRING) == Replayed(it.tokens[1])


def test_without_leeway_every_spent_token_is_reuse() -> None:
    it = line(1)

    assert judge(rotation(it.tokens[0], leeway=0), it.family, KEYRING) == Reused(spent_ms_ago=0)


def test_a_request_recognises_its_own_write_even_without_leeway() -> None:
    """The first try was committed and its answer lost: the retry inside the function is no thief."""
    it = line(3, spent_ago=(90, 90, 90))
    written = dataclasses.replace(it.family, attempt="this one")

    assert judge(rotation(it.tokens[2], leeway=0), written, KEYRING) == Replayed(it.tokens[3])
    assert isinstance(judge(rotation(it.tokens[1], leeway=0), written, KEYRING), Reused)


@pytest.mark.parametrize("leeway", [0, 60, 3600])
def test_beyond_memory_every_genuine_token_is_reuse(leeway: int) -> None:
    """Else a thief who rotates fast would outlive the user."""
    it = line(SLOTS + 1)

    assert judge(rotation(it.tokens[0], leeway=leeway), it.family, KEYRING) == Reused(spent_ms_ago=None)
    assert (leeway > 0) is (judge(rotation(it.tokens[1], leeway=leeway), it.family, KEYRING) == Replayed(it.tokens[-1]))


@pytest.mark.parametrize("erased", [OLD_KEY, CURRENT_KEY], ids=["retired", "current"])
def test_a_copy_whose_way_is_erased_is_neither_answered_nor_revoked(erased: object) -> None:
    it = line(2)
    blind = keyring_without_derivation_of(erased)

    assert judge(rotation(it.tokens[0]), it.family, blind) == Underivable()


def test_reuse_is_known_without_the_way_by_a_genuine_mac() -> None:
    it = line(2, spent_ago=(100, 100))
    blind = keyring_without_derivation_of(OLD_KEY)

    assert judge(rotation(it.tokens[0]), it.family, blind) == Reused(spent_ms_ago=100_000)


def test_a_compromised_mac_key_revokes_nothing_by_itself() -> None:
    """The live digest or a walk must prove the secret."""
    compromised = dataclasses.replace(OLD_KEY, compromised=True)
    seeing = TokenKeyring.of(compromised, CURRENT_KEY)
    blind = TokenKeyring.of(dataclasses.replace(compromised, state=KeyState.MAC_ONLY, derivation=None), CURRENT_KEY)
    old, ancient = line(2, spent_ago=(100, 100)), line(SLOTS + 2)

    assert judge(rotation(old.tokens[0]), old.family, blind) == Refused(Refusal.UNPROVEN)
    assert judge(rotation(ancient.tokens[0]), ancient.family, seeing) == Refused(Refusal.UNPROVEN)
    assert judge(rotation(old.tokens[0]), old.family, seeing) == Reused(spent_ms_ago=100_000)
    assert judge(rotation(forged_secret(old.tokens[0])), old.family, seeing) == Refused(Refusal.FORGED)


QUESTIONS: list[tuple[Refusal, dict[str, Any], dict[str, Any]]] = [
    (Refusal.FOREIGN_CLIENT, {}, {"client_id": "thief"}),
    (Refusal.REVOKED, dict(REVOKED), {}),
    (Refusal.EXPIRED, dict(EXPIRED), {}),
    (Refusal.KEY_PROOF, dict(BOUND), {}),
]


@pytest.mark.parametrize("first", range(len(QUESTIONS)))
def test_the_questions_come_in_this_order(first: int) -> None:
    """Whatever else is wrong, the earliest question decides: the order is a security property."""
    it = line(2, spent_ago=(1000, 1000))
    of_family: dict[str, Any] = {}
    of_rotation: dict[str, Any] = {}
    for _, family_changes, rotation_changes in QUESTIONS[first:]:
        of_family |= family_changes
        of_rotation |= rotation_changes
    family = dataclasses.replace(it.family, **of_family)

    for token in (*it.tokens, forged_secret(it.tokens[0]), forged_secret(it.tokens[2])):
        assert judge(rotation(token, **of_rotation), family, KEYRING) == Refused(QUESTIONS[first][0])


@given(st.text(min_size=1, max_size=64), st.text(max_size=64), st.sets(st.text(min_size=1, max_size=20), max_size=10))
def test_the_room_for_profile_claims_is_never_negative(client_id: str, audience: str, scope: set[str]) -> None:
    grant = Grant(client_id, "user", "session", audience, frozenset(scope), NOW)

    assert room_for_profile(grant) >= 0


SMALL = Grant("a", "bb", "ccc", "d", frozenset({"e"}), NOW)
"""Takes 13 bytes of its item, with what separates them."""


@pytest.mark.parametrize(
    ("changes", "room"),
    [
        ({}, 1024 - 530 - 13),
        ({"user_id": "zoë"}, 1024 - 530 - 15),
        ({"userinfo_claims": frozenset({"name", "email"})}, 1024 - 530 - 13 - len("userinfo_claims...name.email.")),
        ({"audience": "d" * (1024 - 530 - 12)}, 0),
        ({"audience": "d" * 1024}, 0),
    ],
)
def test_the_room_for_profile_claims_is_what_the_rest_of_the_item_leaves(changes: dict[str, Any], room: int) -> None:
    assert room_for_profile(dataclasses.replace(SMALL, **changes)) == room


def test_profile_claims_take_no_byte_that_says_nothing() -> None:
    assert profile_text({"name": "Zoë", "email_verified": True}) == '{"name":"Zoë","email_verified":true}'


def with_profile_that_leaves(room: int) -> Grant:
    """SMALL with profile claims after which its item has this room for devices."""
    return SMALL.with_profile({"p": "x" * (1024 - 530 - 13 - len('{"p":""}') - len("initial_device") - room)})


def test_the_device_of_the_last_use_has_room_first_and_that_of_the_login_what_is_left() -> None:
    device = Device.of(
        Caller("192.0.2.1", "An agent that nobody ever heard of, with a long and winding name", "request")
    )
    size = len(device.packed)
    assert size > 41

    assert devices_within(with_profile_that_leaves(size + 41), device) == (device, device.within(41))
    assert devices_within(with_profile_that_leaves(size + 40), device) == (device.within(size - 1), device.within(41))


def test_without_room_for_two_devices_there_is_one() -> None:
    device = Device.of(Caller("192.0.2.1", "", "request"))

    assert devices_within(with_profile_that_leaves(46), device) == (device, device)
    assert devices_within(with_profile_that_leaves(45), device) == (device, UNKNOWN_DEVICE)
    assert devices_within(with_profile_that_leaves(4), device) == (UNKNOWN_DEVICE, UNKNOWN_DEVICE)


POLICY = RefreshTokenPolicy(idle_lifetime=600)


def family(number: int = 0, **changes: Any) -> Family:
    """A live family of GRANT, one of many."""
    return dataclasses.replace(line(0, family_id=number.to_bytes(16)).family, **changes)


def gives_way(rivals: list[Family], newest: Family) -> list[Family]:
    return surplus(rivals, newest=newest, policy=POLICY, not_before=0)


def test_the_least_recently_used_families_give_way_to_the_newest() -> None:
    newest = family(999, created_at=NOW)
    rivals = [family(number, exchanged_at=NOW - number) for number in range(MOST_FAMILIES + 1)]

    assert MOST_FAMILIES == 200
    assert gives_way(rivals[:100], newest) == []
    assert gives_way(rivals[:199], newest) == []
    assert gives_way([*rivals[:200], newest], newest) == [rivals[199]]
    assert gives_way(rivals, newest) == [rivals[200], rivals[199]]


def test_of_two_that_were_used_at_the_same_time_the_older_gives_way() -> None:
    rivals = [family(number, created_at=NOW - number) for number in range(MOST_FAMILIES)]

    assert gives_way(rivals, family(999, created_at=NOW)) == [rivals[-1]]


@pytest.mark.parametrize(
    "changes",
    [
        REVOKED,
        EXPIRED,
        {"exchanged_at": NOW - 600},
        {"created_at": -1},
        {"grant": dataclasses.replace(GRANT, client_id="other")},
    ],
)
def test_what_cannot_be_exchanged_and_what_is_of_others_takes_nobodys_place(changes: dict[str, Any]) -> None:
    rivals = [family(number) for number in range(MOST_FAMILIES)]
    rivals[7] = dataclasses.replace(rivals[7], **changes)

    assert gives_way(rivals, family(999, created_at=NOW)) == []


@pytest.mark.parametrize(
    ("changes", "because"),
    [
        ({}, None),
        ({**REVOKED, "created_at": NOW - 2000}, "reuse"),
        ({"created_at": NOW - 1001, "absolute_expires_at": NOW}, "not_before"),
        ({"absolute_expires_at": NOW, "idle_expires_at": NOW}, "absolute_lifetime"),
        ({"absolute_expires_at": NOW + 1}, None),
        ({"idle_expires_at": NOW}, "idle_lifetime"),
        ({"idle_expires_at": NOW + 1}, None),
        ({"exchanged_at": NOW - 600}, "idle_lifetime"),
        ({"exchanged_at": NOW - 599}, None),
    ],
)
def test_a_family_says_what_ended_it_and_is_usable_until_then(changes: dict[str, Any], because: str | None) -> None:
    it = family(**changes)

    assert ended_because(it, now=NOW, idle_lifetime=600, not_before=NOW - 1000) == because
    assert usable(it, policy=POLICY, not_before=NOW - 1000, now=NOW) is (because is None)


def test_without_an_idle_lifetime_a_family_ends_at_the_time_that_it_was_given() -> None:
    it = family(exchanged_at=0)

    assert ended_because(it, now=NOW, idle_lifetime=None, not_before=0) is None


def test_a_token_is_proven_by_its_secret_while_the_family_remembers_its_generation() -> None:
    it = line(2 * (SLOTS + 1))

    assert [proven(token, it.family, KEYRING) for token in it.tokens] == [False] * (SLOTS + 2) + [True] * (SLOTS + 1)
    assert not any(proven(forged_secret(token), it.family, KEYRING) for token in it.tokens)
    assert not proven(it.tokens[-1].successor(CURRENT_KEY), it.family, KEYRING)


@pytest.mark.parametrize("erased", [OLD_KEY, CURRENT_KEY])
def test_a_token_whose_way_is_erased_is_not_proven(erased: object) -> None:
    it = line(4)

    assert not proven(it.tokens[0], it.family, keyring_without_derivation_of(erased))
    assert not proven(it.tokens[0], it.family, TokenKeyring.of(dataclasses.replace(CURRENT_KEY, key_id=9)))


def test_the_live_token_is_not_spent_on_an_api_that_was_not_granted() -> None:
    it = line(1)

    assert judge(rotation(it.tokens[-1], audience="https://other.example/"), it.family, KEYRING) == WrongAudience()
    assert judge(rotation(it.tokens[-1], audience=GRANT.audience), it.family, KEYRING) == Unexplained()


def test_a_family_of_no_key_takes_a_request_with_a_proof() -> None:
    it = line(1)

    assert judge(rotation(it.tokens[-1], key_thumbprint="thumbprint"), it.family, KEYRING) == Unexplained()


def test_each_generation_was_spent_at_its_own_time() -> None:
    it = line(SLOTS + 4, spent_ago=(800, 700, 600, 500, 400, 300, 200, 100))

    for ago, token in zip((800, 700, 600, 500, 400, 300, 200, 100), it.tokens[4:-1], strict=True):
        assert judge(rotation(token), it.family, KEYRING) == Reused(ago * 1000)


def test_a_token_that_was_spent_in_the_future_was_spent_just_now() -> None:
    it = line(1, spent_ago=(-5,))

    assert judge(rotation(it.tokens[0], leeway=0), it.family, KEYRING) == Reused(0)


def test_a_key_that_a_reload_took_away_neither_proves_nor_derives() -> None:
    spare = TokenKeyring.of(dataclasses.replace(CURRENT_KEY, key_id=9))
    fresh, old = line(1), line(SLOTS + 1)

    assert judge(rotation(fresh.tokens[0]), fresh.family, spare) == Underivable()
    assert judge(rotation(fresh.tokens[0], leeway=0), fresh.family, spare) == Refused(Refusal.UNPROVEN)
    assert judge(rotation(old.tokens[0]), old.family, spare) == Refused(Refusal.UNPROVEN)


def test_a_rotation_knows_whether_its_token_changes_hands_and_since_when_the_family_may_have_been_idle() -> None:
    token = line(0).tokens[0]

    assert rotation(token).rotates
    assert not rotation(token, successor=token).rotates
    assert rotation(token, idle_lifetime=600).idle_since == NOW - 600


def test_a_rotation_knows_its_seconds() -> None:
    it: Rotation = rotation(line(0).tokens[0], now_ms=NOW * 1000 + 999, idle_lifetime=None)

    assert (it.now, it.idle_since, it.idle_expires_at) == (NOW, -1, 253402300799)


def keyring_without_derivation_of(erased: object) -> TokenKeyring:
    """A keyring in which one of the two keys is MAC only; another key is current then."""
    spare = dataclasses.replace(CURRENT_KEY, key_id=9)
    keys = [
        dataclasses.replace(key, state=KeyState.MAC_ONLY, derivation=None)
        if key is erased
        else dataclasses.replace(key, state=KeyState.RETIRED)
        for key in (OLD_KEY, CURRENT_KEY)
    ]
    return TokenKeyring.of(*keys, spare)


def test_a_family_is_a_value() -> None:
    family: Family = line(0).family

    with pytest.raises(dataclasses.FrozenInstanceError):
        family.generation = 1  # type: ignore[misc]
    assert family.key == FamilyKey(family.key.user_key, b"f" * 16)
    assert family.grant == GRANT


def test_what_is_stored_is_read_by_these_numbers_and_its_size_was_measured_with_them() -> None:
    """A slot is a generation modulo `SLOTS`: with another one, every family of today would be judged wrongly."""
    assert (SLOTS, ATTEMPT_BYTES) == (8, 8)
    assert (LARGEST_ITEM, LARGEST_LAST_DEVICE) == (1024, 41)
    assert (LONGEST_CLIENT_ID, LONGEST_USER_ID, LARGEST_SCOPE_AND_AUDIENCE) == (32, 48, 400)
