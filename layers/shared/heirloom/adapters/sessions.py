"""Login sessions in DynamoDB."""

import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from heirloom.adapters.attributes import binary, number, string
from heirloom.adapters.aws import ConditionFailed, Contention, translated_faults
from heirloom.adapters.families import Item, device_item, device_of
from heirloom.adapters.paging import items_of
from heirloom.domain import encoding, lifetimes, refresh_token
from heirloom.domain.device import Device
from heirloom.domain.session import Session, SessionKey

if TYPE_CHECKING:
    from mypy_boto3_dynamodb.client import DynamoDBClient

_GOES_ON = "attribute_exists(session_id) AND attribute_not_exists(ended_at)"
_TRIES = 4
_PAUSE = 0.05
"""Seconds before a write that met a code's exchange is tried again, times the try."""


def has_not_ended(table: str, key: SessionKey) -> dict[str, Any]:
    """Return the condition check of a transaction that is void once the session has ended."""
    return {"TableName": table, "Key": _item_key(key), "ConditionExpression": _GOES_ON}


@dataclass(frozen=True, slots=True)
class DynamoDBSessions:
    """The port `Sessions` on a table."""

    client: "DynamoDBClient"
    table: str
    sleep: Callable[[float], None] = time.sleep

    def put(self, session: Session) -> None:
        """Store a new session."""
        with translated_faults("put session"):
            self.client.put_item(TableName=self.table, Item=_item_of(session))

    def find(self, key: SessionKey) -> Session | None:
        """Return a session, strongly consistent."""
        with translated_faults("find session"):
            answer = self.client.get_item(TableName=self.table, Key=_item_key(key), ConsistentRead=True)
        return _session_of(answer["Item"]) if "Item" in answer else None

    def of_user(self, user_id: str) -> list[Session]:
        """Return all sessions of a user, ended and expired ones too, strongly consistent: they are one partition."""
        with translated_faults("list sessions"):
            items = items_of(
                self.client.query,
                TableName=self.table,
                KeyConditionExpression="user_key = :user_key",
                FilterExpression="user_id = :user_id",  # two users may share a key
                ExpressionAttributeValues={
                    ":user_key": string(encoding.encode(refresh_token.user_key(user_id))),
                    ":user_id": string(user_id),
                },
                ConsistentRead=True,
            )
            return [_session_of(item) for item in items]

    def renew(self, key: SessionKey, *, used_at: int, idle_expires_at: int, device: Device) -> None:
        """Note that a session was used; nothing happens to one that ended meanwhile."""
        with suppress(ConditionFailed):
            self._update(
                "renew session",
                key,
                UpdateExpression="SET used_at = :now, idle_expires_at = :idle, last_device = :device",
                ConditionExpression="attribute_exists(session_id)",
                ExpressionAttributeValues={
                    ":now": number(used_at),
                    ":idle": number(idle_expires_at),
                    ":device": binary(device.packed),
                },
            )

    def replace(self, session: Session) -> bool:
        """Put a new login of the same person in the place of the one before; return whether that had not ended."""
        key = _item_key(session.key)
        login = {name: value for name, value in _item_of(session).items() if name not in key}
        try:
            self._update(
                "replace session",
                session.key,
                UpdateExpression="SET " + ", ".join(f"{name} = :{name}" for name in login),
                ConditionExpression=f"{_GOES_ON} AND user_id = :user_id",
                ExpressionAttributeValues={f":{name}": value for name, value in login.items()},
            )
        except ConditionFailed:
            return False
        return True

    def take_part(self, key: SessionKey, *, client_id: str, at_most: int) -> bool:
        """Note an application that takes part in a session; return whether it is noted."""
        try:
            self._update(
                "take part in session",
                key,
                UpdateExpression="ADD client_ids :client_ids",
                ConditionExpression=f"{_GOES_ON} AND (attribute_not_exists(client_ids) OR size(client_ids) < :most"
                " OR contains(client_ids, :client_id))",
                ExpressionAttributeValues={
                    ":client_ids": {"SS": [client_id]},
                    ":client_id": string(client_id),
                    ":most": number(at_most),
                },
            )
        except ConditionFailed:
            return False
        return True

    def end(self, key: SessionKey, *, now: int) -> Session | None:
        """End a session durably and return it as it stands; `None` when there is none (any more)."""
        try:
            answer = self._update(
                "end session",
                key,
                UpdateExpression="SET ended_at = if_not_exists(ended_at, :now)",
                ConditionExpression="attribute_exists(session_id)",
                ExpressionAttributeValues={":now": number(now)},
                ReturnValues="ALL_NEW",
            )
        except ConditionFailed:
            return None
        return _session_of(answer["Attributes"])

    def forget(self, key: SessionKey) -> None:
        """Delete an ended session."""
        self._patiently("forget session", lambda: self.client.delete_item(TableName=self.table, Key=_item_key(key)))

    def _update(self, operation: str, key: SessionKey, **arguments: Any) -> Any:  # noqa: ANN401 - as boto3 has them
        return self._patiently(
            operation, lambda: self.client.update_item(TableName=self.table, Key=_item_key(key), **arguments)
        )

    def _patiently[T](self, operation: str, act: Callable[[], T]) -> T:
        """Return what *act* returns. The exchange of a code holds the session's item for a moment."""
        for tried in range(1, _TRIES):
            try:
                with translated_faults(operation):
                    return act()
            except Contention:
                self.sleep(_PAUSE * tried)
        with translated_faults(operation):
            return act()


def _item_key(key: SessionKey) -> Item:
    return {"user_key": string(encoding.encode(key.user_key)), "session_id": string(key.session_id)}


def _item_of(session: Session) -> Item:
    """Return the item of a session that has just begun."""
    return {
        **_item_key(session.key),
        "user_id": string(session.user_id),
        "secret_digest": binary(session.secret_digest),
        "created_at": number(session.created_at),
        "auth_time": number(session.auth_time),
        "epoch": number(session.epoch),
        "used_at": number(session.used_at),
        "idle_expires_at": number(session.idle_expires_at),
        "absolute_expires_at": number(session.absolute_expires_at),
        # The absolute end: renewals need not move it, and every read checks both ends.
        "expires_at": number(session.absolute_expires_at + lifetimes.EVIDENCE),
        **device_item("initial_device", session.initial_device),
        **device_item("last_device", session.last_device),
    }


def _session_of(item: Item) -> Session:
    return Session(
        key=SessionKey(encoding.decode(item["user_key"]["S"]), item["session_id"]["S"]),
        user_id=item["user_id"]["S"],
        secret_digest=item["secret_digest"]["B"],
        created_at=int(item.get("created_at", item["auth_time"])["N"]),
        auth_time=int(item["auth_time"]["N"]),
        epoch=int(item["epoch"]["N"]),
        used_at=int(item["used_at"]["N"]),
        idle_expires_at=int(item["idle_expires_at"]["N"]),
        absolute_expires_at=int(item["absolute_expires_at"]["N"]),
        client_ids=frozenset(item["client_ids"]["SS"]) if "client_ids" in item else frozenset(),
        initial_device=device_of(item, "initial_device"),
        last_device=device_of(item, "last_device"),
        ended_at=int(item["ended_at"]["N"]) if "ended_at" in item else None,
    )
