"""Families in DynamoDB: one item each, handed on by one conditional write."""

import json
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from heirloom.adapters.attributes import binary, number, string
from heirloom.adapters.aws import ConditionFailed, translated_faults
from heirloom.adapters.paging import items_of
from heirloom.domain import encoding, lifetimes, refresh_token
from heirloom.domain.device import UNKNOWN_DEVICE, Device
from heirloom.domain.family import SLOTS, Family, Grant, Rotation, Supersession, profile_text
from heirloom.domain.migration import Migration
from heirloom.domain.ports import RotationRefused
from heirloom.domain.refresh_token import FamilyKey

if TYPE_CHECKING:
    from mypy_boto3_dynamodb.client import DynamoDBClient

type Item = Mapping[str, Any]
"""An item as the low-level client has it: every value under its type."""

EPOCH = "epoch"
"""The sort key of the user's marker: no family id is that short."""

# The whole happy path. `judge` says the same in words, for when it does not hold.
_MAY_ROTATE = (
    "live_digest = :presented AND client_id = :client AND attribute_not_exists(revoked_at)"
    " AND idle_expires_at > :now AND absolute_expires_at > :now AND exchanged_at > :idle_since"
    " AND created_at >= :not_before"
)
_UNBOUND = " AND attribute_not_exists(cnf_jkt)"
_BOUND_TO_THIS_KEY = " AND (attribute_not_exists(cnf_jkt) OR cnf_jkt = :jkt)"

# A family whose item is as large as it may become notes its last device as what `no_room` is: nothing.
_RENEW = (
    "SET exchanged_at = :now, idle_expires_at = :idle, attempt = :attempt,"
    " last_device = if_not_exists(no_room, :device), expires_at = "
)
_HAND_OVER = ", generation = :next, live_digest = :successor, superseded_at.#slot = :spent"
_KEEP = ", non_rotating = :true"
_TRUE = {"BOOL": True}
_FALSE = {"BOOL": False}
_REVOKE = "SET revoked_at = if_not_exists(revoked_at, :now), revoked_because = if_not_exists(revoked_because, :because)"


@dataclass(frozen=True, slots=True)
class DynamoDBFamilies:
    """The port `Families` on a table."""

    client: "DynamoDBClient"
    table: str

    def rotate(self, rotation: Rotation) -> Family:
        """Exchange the presented token by one conditional write; raise `RotationRefused` with the item as it stood."""
        try:
            with translated_faults("rotate"):
                answer = self.client.update_item(
                    TableName=self.table,
                    Key=item_key(rotation.presented.family),
                    UpdateExpression=_update(rotation),
                    ConditionExpression=_condition(rotation),
                    **_names(rotation),
                    ExpressionAttributeValues=_values(rotation),
                    ReturnValues="ALL_NEW",
                    ReturnValuesOnConditionCheckFailure="ALL_OLD",
                )
        except ConditionFailed as failed:
            raise RotationRefused(family_of(failed.item) if failed.item else None) from None
        return family_of(answer["Attributes"])

    def revoke(self, key: FamilyKey, *, client_id: str, because: str, now: int) -> Family | None:
        """Revoke a family of this client durably and return it; `None` when it is unknown or another client's."""
        try:
            with translated_faults("revoke"):
                answer = self.client.update_item(
                    TableName=self.table,
                    Key=item_key(key),
                    UpdateExpression=_REVOKE,
                    ConditionExpression="attribute_exists(family_id) AND client_id = :client",
                    ExpressionAttributeValues={
                        ":now": number(now),
                        ":because": string(because),
                        ":client": string(client_id),
                    },
                    ReturnValues="ALL_NEW",
                )
        except ConditionFailed:
            return None
        return family_of(answer["Attributes"])

    def migrate(self, family: Family, migration: Migration) -> None:
        """Bring a family in line with its application's settings; nothing happens to one that has been meanwhile."""
        condition, updates = "attribute_exists(family_id)", []
        values: dict[str, Any] = {}
        if migration.absolute_expires_at is not None:
            condition += " AND absolute_expires_at = :never"
            updates.append("absolute_expires_at = :absolute, expires_at = :gone")
            gone = _gone(family.idle_expires_at, migration.absolute_expires_at)
            values = {
                ":never": number(lifetimes.NEVER),
                ":absolute": number(migration.absolute_expires_at),
                ":gone": number(gone),
            }
        if migration.begins_to_rotate:
            updates.append("non_rotating = :false")
            values[":false"] = _FALSE
        with suppress(ConditionFailed), translated_faults("migrate"):
            self.client.update_item(
                TableName=self.table,
                Key=item_key(family.key),
                UpdateExpression="SET " + ", ".join(updates),
                ConditionExpression=condition,
                ExpressionAttributeValues=values,
            )

    def settle(self, family: Family) -> None:
        """Note that a family which began to rotate is like any other; nothing happens to one that has stopped again."""
        with suppress(ConditionFailed), translated_faults("settle"):
            self.client.update_item(
                TableName=self.table,
                Key=item_key(family.key),
                UpdateExpression="REMOVE non_rotating",
                ConditionExpression="non_rotating = :false",
                ExpressionAttributeValues={":false": _FALSE},
            )

    def find(self, key: FamilyKey) -> Family | None:
        """Return a family, strongly consistent."""
        with translated_faults("find family"):
            answer = self.client.get_item(TableName=self.table, Key=item_key(key), ConsistentRead=True)
        return family_of(answer["Item"]) if "Item" in answer else None

    def of_user(self, user_id: str) -> list[Family]:
        """Return all families of a user, dead ones too, strongly consistent: they are one partition."""
        with translated_faults("list families"):
            items = items_of(
                self.client.query,
                TableName=self.table,
                KeyConditionExpression="user_key = :user_key",
                # Two users may share a key, and the marker is no family.
                FilterExpression="user_id = :user_id",
                ExpressionAttributeValues={
                    ":user_key": epoch_key(refresh_token.user_key(user_id))["user_key"],
                    ":user_id": string(user_id),
                },
                ConsistentRead=True,
            )
            return [family_of(item) for item in items]

    def end_logins(
        self,
        user_id: str,
        *,
        because: str,
        now: int,
        client_id: str | None = None,
        audience: str | None = None,
        last: FamilyKey | None = None,
        tell: Callable[[Family], None] | None = None,
    ) -> list[Family]:
        """End the logins of a user, all or those at one application, and return the families that were alive.

        The epoch goes first: no session and no code from before it becomes a family after it, so the families that are
        listed then are all there are.
        """
        with translated_faults("end logins"):
            self.client.update_item(
                TableName=self.table,
                Key=epoch_key(refresh_token.user_key(user_id)),
                UpdateExpression="ADD #epoch :one",
                ExpressionAttributeNames={"#epoch": epoch_attribute(client_id)},
                ExpressionAttributeValues={":one": number(1)},
            )
        alive = [
            family
            for family in self.of_user(user_id)
            if family.revoked_at is None
            and client_id in {None, family.grant.client_id}
            and audience in {None, family.grant.audience}
        ]
        alive.sort(key=lambda family: family.key == last)
        for family in alive:
            self.revoke(family.key, client_id=family.grant.client_id, because=because, now=now)
            if tell is not None:
                tell(family)
        return alive

    def epoch(self, user_key: bytes, client_id: str | None = None) -> int:
        """Return the epoch of the user, or of the user at one application, strongly consistent."""
        with translated_faults("find epoch"):
            answer = self.client.get_item(TableName=self.table, Key=epoch_key(user_key), ConsistentRead=True)
        epoch = answer.get("Item", {}).get(epoch_attribute(client_id))
        return int(epoch["N"]) if epoch else 0


def item_key(key: FamilyKey) -> Item:
    """Return the primary key of a family's item."""
    return {"user_key": string(encoding.encode(key.user_key)), "family_id": string(encoding.encode(key.family_id))}


def epoch_key(user_key: bytes) -> Item:
    """Return the primary key of a user's marker item."""
    return {"user_key": string(encoding.encode(user_key)), "family_id": string(EPOCH)}


def epoch_attribute(client_id: str | None) -> str:
    """Return the attribute of a user's marker that counts their logins' ends: everywhere, or at one application."""
    return EPOCH if client_id is None else f"{EPOCH}:{client_id}"


def item_of(family: Family) -> Item:
    """Return the item of a family at its login."""
    grant = family.grant
    item = {
        **item_key(family.key),
        "generation": number(family.generation),
        "live_digest": binary(family.live_digest),
        # Present from the start: an update of a path into a missing map is refused.
        "superseded_at": {"M": {str(slot): _supersession(spent) for slot, spent in family.superseded.items()}},
        "attempt": string(family.attempt),
        **grant_item(grant),
        "created_at": number(family.created_at),
        "absolute_expires_at": number(family.absolute_expires_at),
        "exchanged_at": number(family.exchanged_at),
        "idle_expires_at": number(family.idle_expires_at),
        "expires_at": number(_gone(family.idle_expires_at, family.absolute_expires_at)),
    }
    item |= device_item("initial_device", family.initial_device)
    item |= device_item("last_device", family.last_device) or {"no_room": binary(b"")}
    if family.key_thumbprint is not None:
        item["cnf_jkt"] = string(family.key_thumbprint)
    if family.non_rotating is not None:
        item["non_rotating"] = {"BOOL": family.non_rotating}
    return item


@dataclass(frozen=True, slots=True, eq=False)
class _Superseded(Mapping[int, Supersession]):
    """The spent generations of an item, read where somebody looks: a refresh that succeeds does not."""

    slots: Item

    def __getitem__(self, slot: int) -> Supersession:
        at_ms, key_id = self.slots[str(slot)]["L"]
        return Supersession(at_ms=int(at_ms["N"]), key_id=int(key_id["N"]))

    def __iter__(self) -> Iterator[int]:
        return map(int, self.slots)

    def __len__(self) -> int:
        return len(self.slots)


def family_of(item: Item) -> Family:
    """Return the family that an item holds."""
    return Family(
        key=FamilyKey(encoding.decode(item["user_key"]["S"]), encoding.decode(item["family_id"]["S"])),
        grant=grant_of(item),
        generation=int(item["generation"]["N"]),
        live_digest=item["live_digest"]["B"],
        superseded=_Superseded(item["superseded_at"]["M"]),
        attempt=item["attempt"]["S"],
        created_at=int(item["created_at"]["N"]),
        absolute_expires_at=int(item["absolute_expires_at"]["N"]),
        exchanged_at=int(item["exchanged_at"]["N"]),
        idle_expires_at=int(item["idle_expires_at"]["N"]),
        revoked_at=int(item["revoked_at"]["N"]) if "revoked_at" in item else None,
        revoked_because=item["revoked_because"]["S"] if "revoked_because" in item else None,
        initial_device=device_of(item, "initial_device"),
        last_device=device_of(item, "last_device"),
        key_thumbprint=item["cnf_jkt"]["S"] if "cnf_jkt" in item else None,
        non_rotating=item["non_rotating"]["BOOL"] if "non_rotating" in item else None,
    )


def grant_item(grant: Grant) -> Item:
    """Return the attributes of a grant, in a family's item and in a code's."""
    return {
        "client_id": string(grant.client_id),
        "user_id": string(grant.user_id),
        "session_id": string(grant.session_id),
        "audience": string(grant.audience),
        **_string_set("scope", grant.scope),
        "auth_time": number(grant.auth_time),
        **_profile_item(grant.profile),
        **_string_set("userinfo_claims", grant.userinfo_claims),
    }


def grant_of(item: Item) -> Grant:
    """Return the grant whose attributes *item* has."""
    return Grant(
        client_id=item["client_id"]["S"],
        user_id=item["user_id"]["S"],
        session_id=item["session_id"]["S"],
        audience=item["audience"]["S"],
        scope=_set_of(item, "scope"),
        auth_time=int(item["auth_time"]["N"]),
        profile=json.loads(item["profile"]["S"]) if "profile" in item else {},
        userinfo_claims=_set_of(item, "userinfo_claims"),
    )


def device_item(name: str, device: Device) -> Item:
    """Return the attribute of a device, if anything is known of it."""
    return {name: binary(device.packed)} if device else {}


def device_of(item: Item, name: str) -> Device:
    """Return the device that *item* has under *name*; items from before there were any have none."""
    return Device(item[name]["B"]) if name in item else UNKNOWN_DEVICE


def _profile_item(profile: Mapping[str, object]) -> Item:
    return {"profile": string(profile_text(profile))} if profile else {}


def _string_set(name: str, values: frozenset[str]) -> Item:
    return {name: {"SS": sorted(values)}} if values else {}  # DynamoDB has no empty sets


def _set_of(item: Item, name: str) -> frozenset[str]:
    return frozenset(item[name]["SS"]) if name in item else frozenset()


def _update(rotation: Rotation) -> str:
    gone = ":gone" if rotation.idle_lifetime is not None else "absolute_expires_at + :gone"
    return _RENEW + gone + (_HAND_OVER if rotation.rotates else _KEEP)


def _condition(rotation: Rotation) -> str:
    bound = _UNBOUND if rotation.key_thumbprint is None else _BOUND_TO_THIS_KEY
    # A request for what was not granted must fail before the token is spent.
    wanted = " OR ".join(f"contains(#scope, :scope{index})" for index in range(len(rotation.requested_scope)))
    granted_there = " AND audience = :audience" if rotation.audience is not None else ""
    return _MAY_ROTATE + bound + granted_there + (f" AND ({wanted})" if wanted else "")


def _names(rotation: Rotation) -> dict[str, Any]:
    names = {}
    if rotation.rotates:
        names["#slot"] = str(rotation.presented.generation % SLOTS)
    if rotation.requested_scope:
        names["#scope"] = "scope"
    return {"ExpressionAttributeNames": names} if names else {}  # DynamoDB refuses an empty map


def _values(rotation: Rotation) -> Item:
    values: dict[str, Any] = {
        ":presented": binary(rotation.presented.digest()),
        ":client": string(rotation.client_id),
        ":now": number(rotation.now),
        ":idle_since": number(rotation.idle_since),
        ":not_before": number(rotation.not_before),
        ":idle": number(rotation.idle_expires_at),
        ":attempt": string(rotation.attempt),
        ":device": binary(rotation.device.packed),
        ":gone": number(
            lifetimes.EVIDENCE if rotation.idle_lifetime is None else rotation.idle_expires_at + lifetimes.EVIDENCE
        ),
    }
    if rotation.rotates:
        values[":next"] = number(rotation.successor.generation)
        values[":successor"] = binary(rotation.successor.digest())
        values[":spent"] = _supersession(Supersession(rotation.now_ms, rotation.successor.key_id))
    else:
        values[":true"] = _TRUE
    if rotation.key_thumbprint is not None:
        values[":jkt"] = string(rotation.key_thumbprint)
    if rotation.audience is not None:
        values[":audience"] = string(rotation.audience)
    return values | {f":scope{index}": string(value) for index, value in enumerate(sorted(rotation.requested_scope))}


def _supersession(spent: Supersession) -> Item:
    return {"L": [number(spent.at_ms), number(spent.key_id)]}


def _gone(idle_expires_at: int, absolute_expires_at: int) -> int:
    """Return when the item may be deleted (its TTL), epoch seconds: never while it can be used or harmed."""
    end = absolute_expires_at if idle_expires_at == lifetimes.NEVER else idle_expires_at
    return end + lifetimes.EVIDENCE
