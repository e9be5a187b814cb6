"""The condition in the store and the judgement in the code are one rule, on the real DynamoDB."""

import dataclasses
import json
import secrets
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import boto3
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from heirloom.adapters.attributes import number, string
from heirloom.adapters.families import DynamoDBFamilies, grant_item, grant_of, item_key, item_of
from heirloom.domain import encoding, lifetimes, scope
from heirloom.domain.claims import fitting
from heirloom.domain.device import UNKNOWN_DEVICE, Device
from heirloom.domain.errors import StoreUnavailable
from heirloom.domain.events import Caller
from heirloom.domain.family import (
    ATTEMPT_BYTES,
    LARGEST_ITEM,
    LARGEST_LAST_DEVICE,
    LARGEST_SCOPE_AND_AUDIENCE,
    LONGEST_CLIENT_ID,
    LONGEST_USER_ID,
    SLOTS,
    Family,
    Grant,
    Rotation,
    Unexplained,
    devices_within,
    judge,
    room_for_profile,
    userinfo_claims_size,
)
from heirloom.domain.ports import RotationRefused
from heirloom.domain.refresh_token import RefreshToken
from heirloom.domain.user import SCOPE_OF_CLAIM
from local import template
from tests.domain.lines import CURRENT_KEY, GRANT, KEYRING, NOW, Line, line, rotation
from tests.item_size import size_of

if TYPE_CHECKING:
    from mypy_boto3_dynamodb.client import DynamoDBClient

TABLE = "families-FamiliesTable"


@pytest.fixture(scope="module", name="families")
def _families(dynamodb_endpoint: str) -> Iterator[DynamoDBFamilies]:
    client: DynamoDBClient = boto3.client("dynamodb", endpoint_url=dynamodb_endpoint)
    (table,) = [it for it in template.tables(template.load(), "families-") if it["TableName"] == TABLE]
    client.create_table(**table)
    yield DynamoDBFamilies(client, TABLE)
    client.delete_table(TableName=TABLE)
    client.close()


def store(families: DynamoDBFamilies, family: Family) -> None:
    """Put a family as it is, a revoked one too."""
    item: dict[str, Any] = dict(item_of(family))
    if family.revoked_at is not None:
        item |= {"revoked_at": number(family.revoked_at), "revoked_because": string(family.revoked_because or "")}
    families.client.put_item(TableName=TABLE, Item=item)


PROFILE = {
    "name": "Alexandra von Hohenstein",
    "nickname": "alexandra",
    "picture": "https://cdn.example.com/avatars/0123456789abcdef.png",
    "email": "alexandra.von.hohenstein@example.com",
    "email_verified": True,
}
BROWSER = Device.of(Caller("192.0.2.1", "Mozilla/5.0 (X11; Linux x86_64; rv:143.0) Gecko/20100101 Firefox/143.0", ""))
PHONE = Device.of(Caller("2001:db8::1", "okhttp/4.12.0", ""))

near_now = st.integers(NOW - 2, NOW + 2)


@st.composite
def stored_families(draw: st.DrawFn) -> Line:
    """Lines of all ages, some revoked, expired or bound."""
    generations = draw(st.integers(0, 12))
    it = line(generations, spent_ago=tuple(draw(st.floats(-2, 70)) for _ in range(generations)))
    changes: dict[str, Any] = {}
    if draw(st.booleans()):
        changes |= {
            "idle_expires_at": draw(near_now | st.just(lifetimes.NEVER)),
            "absolute_expires_at": draw(near_now | st.just(lifetimes.NEVER)),
            "exchanged_at": draw(near_now),
            "created_at": draw(near_now),
        }
    if draw(st.integers(0, 4)) == 0:
        changes |= {"revoked_at": NOW - 1, "revoked_because": "reuse"}
    if draw(st.booleans()):
        changes |= {"initial_device": BROWSER, "last_device": BROWSER}
    if draw(st.booleans()):
        changes["key_thumbprint"] = draw(st.sampled_from(["mine", "another"]))
    return Line(dataclasses.replace(it.family, **changes), it.tokens)


@st.composite
def rotations(draw: st.DrawFn, it: Line) -> Rotation:
    """Exchanges of any token of a line, genuine or not, by honest and foreign clients."""
    presented: RefreshToken = draw(st.sampled_from(it.tokens) | st.just(it.tokens[-1]))
    if draw(st.integers(0, 5)) == 0:
        presented = dataclasses.replace(presented, secret=b"x" * 32)
    rotating = draw(st.booleans())
    return rotation(
        presented,
        successor=presented.successor(CURRENT_KEY) if rotating else presented,
        client_id=draw(st.sampled_from([GRANT.client_id, GRANT.client_id, "thief"])),
        attempt=draw(st.sampled_from(["this one", "earlier"])),
        leeway=draw(st.sampled_from([0, 10, 60])),
        idle_lifetime=draw(st.sampled_from([None, 1, 2, 600])),
        not_before=draw(st.sampled_from([0, NOW - 1, NOW])),
        requested_scope=draw(st.sampled_from([frozenset(), frozenset({"read", "x"}), frozenset({"x", "y"})])),
        audience=draw(st.sampled_from([None, None, GRANT.audience, "https://another.example/"])),
        key_thumbprint=draw(st.sampled_from([None, "mine"])),
        device=draw(st.sampled_from([BROWSER, PHONE])),
    )


@settings(max_examples=400, deadline=None)
@given(st.data())
def test_the_condition_and_the_judgement_agree(families: DynamoDBFamilies, data: st.DataObject) -> None:
    """The store rotates exactly the requests in which the judgement finds nothing wrong."""
    it = data.draw(stored_families())
    request = data.draw(rotations(it))
    store(families, it.family)

    judgement = judge(request, it.family, KEYRING)

    if isinstance(judgement, Unexplained):
        after = families.rotate(request)
        assert after == families.find(it.family.key)
        assert after == expected_after(request, it.family)
    else:
        with pytest.raises(RotationRefused) as refused:
            families.rotate(request)
        assert refused.value.family == it.family
        assert families.find(it.family.key) == it.family


def expected_after(request: Rotation, family: Family) -> Family:
    """The family as a rotation leaves it."""
    renewed = dataclasses.replace(
        family,
        attempt=request.attempt,
        exchanged_at=request.now,
        idle_expires_at=request.idle_expires_at,
        last_device=request.device if family.last_device else UNKNOWN_DEVICE,
    )
    if not request.rotates:
        return dataclasses.replace(renewed, non_rotating=True)
    slot = dataclasses.replace(
        next(iter(line(1).family.superseded.values())), at_ms=request.now_ms, key_id=request.successor.key_id
    )
    return dataclasses.replace(
        renewed,
        generation=family.generation + 1,
        live_digest=request.successor.digest(),
        superseded={**family.superseded, family.generation % SLOTS: slot},
    )


def test_an_unknown_family_is_never_created_by_a_rotation_or_a_revocation(families: DynamoDBFamilies) -> None:
    """An update of a missing item would make a ghost."""
    it = line(0, family_id=b"ghost family id!")

    with pytest.raises(RotationRefused) as refused:
        families.rotate(rotation(it.tokens[0]))
    assert refused.value.family is None
    assert families.revoke(it.family.key, client_id=GRANT.client_id, because="test", now=NOW) is None
    assert families.find(it.family.key) is None


def test_a_revocation_keeps_the_first_reason_and_touches_no_foreign_family(families: DynamoDBFamilies) -> None:
    it = line(3, family_id=b"revoked family 1")
    store(families, it.family)

    assert families.revoke(it.family.key, client_id="thief", because="theft", now=NOW) is None
    assert families.find(it.family.key) == it.family
    families.revoke(it.family.key, client_id=GRANT.client_id, because="reuse", now=NOW)
    again = families.revoke(it.family.key, client_id=GRANT.client_id, because="later", now=NOW + 5)

    assert again == dataclasses.replace(it.family, revoked_at=NOW, revoked_because="reuse")


@pytest.mark.parametrize(
    ("idle_lifetime", "gone"),
    [(600, NOW + 600 + lifetimes.EVIDENCE), (None, NOW + 1000 + lifetimes.EVIDENCE)],
    ids=["finite idle", "infinite idle"],
)
def test_evidence_outlives_the_family_by_a_day(
    families: DynamoDBFamilies, idle_lifetime: int | None, gone: int
) -> None:
    it = line(0, family_id=b"evidence family!")
    store(families, it.family)

    families.rotate(rotation(it.tokens[0], idle_lifetime=idle_lifetime))

    item = families.client.get_item(TableName=TABLE, Key=item_key(it.family.key))["Item"]
    assert int(item["expires_at"]["N"]) == gone


LARGEST_GRANT = Grant(
    client_id="c" * LONGEST_CLIENT_ID,
    user_id="u" * LONGEST_USER_ID,
    session_id="s" * 22,
    audience="https://api.example/" + "a" * 189,
    scope=frozenset({"offline_access", "openid"} | {f"scope:number-{it:03}" for it in range(10)}),
    auth_time=NOW,
)
"""Longest ids, 400 bytes of scope and audience."""

LONG_USER_AGENT = Device.of(Caller("2001:db8:ffff:ffff:ffff:ffff:ffff:ffff", secrets.token_urlsafe(120), ""))


def size_after_a_refresh(families: DynamoDBFamilies, grant: Grant, device: Device) -> int:
    """Bytes of a family of this grant with the largest numbers and all slots full, bound, after one more exchange."""
    it = line(3 * SLOTS, family_id=secrets.token_bytes(16))
    initial, last = devices_within(grant, device)
    family = dataclasses.replace(
        it.family,
        grant=grant,
        absolute_expires_at=lifetimes.NEVER,
        initial_device=initial,
        last_device=last,
        key_thumbprint="k" * 43,
        non_rotating=True,
    )
    store(families, family)
    families.rotate(
        rotation(
            it.tokens[-1],
            client_id=grant.client_id,
            key_thumbprint="k" * 43,
            attempt=encoding.encode(secrets.token_bytes(ATTEMPT_BYTES)),
            idle_lifetime=None,
            device=LONG_USER_AGENT.within(LARGEST_LAST_DEVICE),
        )
    )
    item = families.client.get_item(TableName=TABLE, Key=item_key(family.key))["Item"]
    generation = {"generation": number(2**32 - 1)}
    return size_of({**item, **generation})


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 12), st.integers(1, LONGEST_USER_ID), st.integers(0, 500), st.integers(0, 160))
def test_a_refresh_costs_one_write_unit_whatever_the_item_holds(
    families: DynamoDBFamilies, scopes: int, longest: int, claim: int, user_agent: int
) -> None:
    values = frozenset(sorted(LARGEST_GRANT.scope)[:scopes])
    grant = dataclasses.replace(LARGEST_GRANT, user_id="u" * longest, scope=values)
    profile = {"name": "\u00c4" * 30, "nickname": "n" * claim}
    grant = grant.with_profile(fitting(profile, room_for_profile(grant)))
    device = Device.of(Caller("2001:db8:ffff:ffff:ffff:ffff:ffff:ffff", secrets.token_urlsafe(120)[:user_agent], ""))

    assert size_after_a_refresh(families, grant, device) <= LARGEST_ITEM


def test_the_largest_family_costs_one_write_unit(families: DynamoDBFamilies) -> None:
    grant = LARGEST_GRANT.with_profile(fitting({"n": "n"}, room_for_profile(LARGEST_GRANT)))

    assert len(scope.render(grant.scope)) + len(grant.audience) == LARGEST_SCOPE_AND_AUDIENCE
    assert size_after_a_refresh(families, grant, LONG_USER_AGENT) <= LARGEST_ITEM


def test_where_there_is_room_a_family_knows_both_devices_and_an_ordinary_one_has_room() -> None:
    grant = dataclasses.replace(GRANT, client_id="c" * 32, user_id="auth0|5f7c8ec7c33c6c004bbafe82", profile=PROFILE)

    assert devices_within(grant, BROWSER) == (BROWSER, BROWSER)
    assert devices_within(LARGEST_GRANT, BROWSER) == (UNKNOWN_DEVICE, UNKNOWN_DEVICE)


def test_where_there_is_little_room_a_family_knows_where_it_began() -> None:
    profile = {"name": "n" * (room_for_profile(GRANT) - 60)}

    assert devices_within(GRANT.with_profile(profile), BROWSER) == (BROWSER, UNKNOWN_DEVICE)


def test_a_family_from_before_devices_were_noted_is_read_and_refreshed(families: DynamoDBFamilies) -> None:
    it = line(3, family_id=b"family of old!!!")
    item = {**item_of(it.family), "attempt": string("a" * 22), "profile": string("{}")}
    del item["no_room"]
    families.client.put_item(TableName=TABLE, Item=item)

    found = families.find(it.family.key)
    assert found is not None
    assert (found.initial_device, found.last_device) == (UNKNOWN_DEVICE, UNKNOWN_DEVICE)
    after = families.rotate(rotation(it.tokens[-1], device=PHONE))

    assert (after.generation, after.initial_device, after.last_device) == (4, UNKNOWN_DEVICE, PHONE)


def test_names_of_claims_count_with_scope_and_audience() -> None:
    """Their size is what DynamoDB counts, and what it takes is missing elsewhere."""
    names = frozenset(SCOPE_OF_CLAIM)
    grant = dataclasses.replace(GRANT, userinfo_claims=names)
    more = size_of(dict(grant_item(grant))) - size_of(dict(grant_item(GRANT)))

    assert userinfo_claims_size(names) == more == room_for_profile(GRANT) - room_for_profile(grant) > 0
    assert userinfo_claims_size(frozenset()) == 0
    assert grant_of(grant_item(grant)) == grant


def test_an_ordinary_profile_fits_whole() -> None:
    grant = dataclasses.replace(GRANT, client_id="c" * 32, user_id="auth0|5f7c8ec7c33c6c004bbafe82")

    assert fitting(PROFILE, room_for_profile(grant)) == PROFILE


def test_what_does_not_fit_is_passed_over_as_a_whole_claim() -> None:
    profile = {"name": "A", "picture": "https://example.com/" + "x" * 2000, "email": "a@example.com"}

    assert fitting(profile, room_for_profile(GRANT)) == {"name": "A", "email": "a@example.com"}
    assert json.dumps(fitting(profile, 0)) == "{}"


def test_a_store_that_does_not_answer_is_a_fault_and_no_refusal(families: DynamoDBFamilies) -> None:
    nowhere = dataclasses.replace(families, table="no-such-table")

    with pytest.raises(StoreUnavailable):
        nowhere.rotate(rotation(line(0).tokens[0]))
