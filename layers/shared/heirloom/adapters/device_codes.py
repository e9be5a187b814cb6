"""Device codes in DynamoDB: an item under a device code's digest, and one under its user code that points to it."""

import secrets
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from heirloom.adapters.attributes import number, string
from heirloom.adapters.aws import ConditionFailed, translated_faults
from heirloom.adapters.families import Item, grant_item, grant_of
from heirloom.adapters.login_transaction import LoginEnded, LoginTransaction
from heirloom.domain import encoding, lifetimes, user_code
from heirloom.domain.device_authorization import FIRST_INTERVAL, SLOWER_BY, Confirmation, DeviceAuthorization
from heirloom.domain.family import Family
from heirloom.domain.ports import DeviceExchangeRefused, PollRefused

if TYPE_CHECKING:
    from mypy_boto3_dynamodb.client import DynamoDBClient

POINTER: Final = "user_code:"
"""The prefix of pointers' keys; no digest has it."""

_SLACK: Final = lifetimes.CLOCK_SKEW * 1000
"""Milliseconds by which a poll may come early: networks and clocks are not to blame the device for."""

_DUE: Final = (
    "client_id = :client AND attribute_not_exists(decision) AND valid_until > :seconds"
    # Or it is this very poll, whose answer got lost on the way to us.
    " AND (attribute_not_exists(next_poll_at) OR next_poll_at <= :now OR polled_at = :now)"
)


@dataclass(frozen=True, slots=True)
class DynamoDBDeviceCodes:
    """The port `DeviceCodes` on a table, and on the families' and sessions' tables for what they become.

    Milliseconds in `poll_interval`, `polled_at` and `next_poll_at`, seconds elsewhere.
    """

    client: "DynamoDBClient"
    table: str
    families_table: str
    sessions_table: str

    def put(self, authorization: DeviceAuthorization, *, now: int) -> bool:
        """Take the user code first: a pointer that leads nowhere harms nobody, should the second write fail."""
        ends = {
            "valid_until": number(authorization.expires_at),
            "expires_at": number(authorization.expires_at + lifetimes.EVIDENCE),
        }
        pointer = _pointer_key(user_code.bare(authorization.user_code))
        try:
            with translated_faults("put user code"):
                self.client.put_item(
                    TableName=self.table,
                    Item={**pointer, "target": string(authorization.digest), **ends},
                    # Items outlive their codes, and user codes are too few to wait for DynamoDB to delete them.
                    ConditionExpression="attribute_not_exists(code) OR valid_until <= :now OR target = :target",
                    ExpressionAttributeValues={":now": number(now), ":target": string(authorization.digest)},
                )
        except ConditionFailed:
            return False
        with translated_faults("put device code"):
            self.client.put_item(
                TableName=self.table,
                Item={
                    **_item_key(authorization.digest),
                    "user_code": string(authorization.user_code),
                    "client_id": string(authorization.client_id),
                    "audience": string(authorization.audience),
                    **({"scope": {"SS": sorted(authorization.scope)}} if authorization.scope else {}),
                    "poll_interval": number(FIRST_INTERVAL * 1000),
                    **ends,
                },
            )
        return True

    def find(self, digest: str) -> DeviceAuthorization | None:
        """Return an authorization by its device code's digest, strongly consistent."""
        item = self._read(_item_key(digest))
        return _authorization_of(item) if item else None

    def with_user_code(self, user_code: str) -> DeviceAuthorization | None:
        """Return an authorization by the letters and digits of its user code, strongly consistent."""
        pointer = self._read(_pointer_key(user_code))
        return self.find(pointer["target"]["S"]) if pointer else None

    def decide(self, digest: str, confirmation: Confirmation | None, *, now: int) -> bool:
        """Note a decision, the first one alone and in time."""
        attempt = string(encoding.encode(secrets.token_bytes(16)))
        attributes: Item = {"decision": string("denied")}
        if confirmation is not None:
            attributes = {
                "decision": string("confirmed"),
                "epoch": number(confirmation.epoch),
                "application_epoch": number(confirmation.application_epoch),
                **grant_item(confirmation.grant),
            }
        try:
            with translated_faults("decide about device"):
                self.client.update_item(
                    TableName=self.table,
                    Key=_item_key(digest),
                    UpdateExpression="SET attempt = :attempt, "
                    + ", ".join(f"#{name} = :{name}" for name in attributes),
                    ConditionExpression="valid_until > :now AND attribute_not_exists(decision)",
                    ExpressionAttributeNames={f"#{name}": name for name in attributes},
                    ExpressionAttributeValues={
                        ":now": number(now),
                        ":attempt": attempt,
                        **{f":{name}": value for name, value in attributes.items()},
                    },
                    ReturnValuesOnConditionCheckFailure="ALL_OLD",
                )
        except ConditionFailed as failed:
            # The SDK repeats a write whose answer was lost: that one finds its own decision.
            return failed.item is not None and failed.item.get("attempt") == attempt
        return True

    def poll(self, digest: str, *, client_id: str, now_ms: int) -> None:
        """Note a poll by one conditional write: most polls are neither late nor early, and that is all they cost."""
        try:
            with translated_faults("poll"):
                self.client.update_item(
                    TableName=self.table,
                    Key=_item_key(digest),
                    UpdateExpression="SET polled_at = :now, next_poll_at = poll_interval + :from",
                    ConditionExpression=_DUE,
                    ExpressionAttributeValues={
                        ":client": string(client_id),
                        ":seconds": number(now_ms // 1000),
                        ":now": number(now_ms),
                        ":from": number(now_ms - _SLACK),
                    },
                    ReturnValuesOnConditionCheckFailure="ALL_OLD",
                )
        except ConditionFailed as failed:
            raise PollRefused(_authorization_of(failed.item) if failed.item else None) from None

    def slow_down(self, digest: str, *, now_ms: int) -> None:
        """Lengthen the interval (RFC 8628 §3.5), once for each poll."""
        with suppress(ConditionFailed), translated_faults("slow down"):
            self.client.update_item(
                TableName=self.table,
                Key=_item_key(digest),
                UpdateExpression="SET polled_at = :now, next_poll_at = poll_interval + :from,"
                " poll_interval = poll_interval + :more",
                ConditionExpression="attribute_exists(code) AND polled_at <> :now",
                ExpressionAttributeValues={
                    ":now": number(now_ms),
                    ":from": number(now_ms - _SLACK + SLOWER_BY * 1000),
                    ":more": number(SLOWER_BY * 1000),
                },
            )

    def exchange(
        self, digest: str, confirmation: Confirmation, family: Family | None, *, attempt: str, now: int
    ) -> None:
        """Mark the code used and store the family, while its login stands; raise `DeviceExchangeRefused`."""
        transaction = LoginTransaction(self.client, self.families_table, self.sessions_table)
        try:
            transaction.commit(
                "exchange device code",
                self._mark_used(digest, family, now),
                grant=confirmation.grant,
                epoch=confirmation.epoch,
                application_epoch=confirmation.application_epoch,
                family=family,
                attempt=attempt,
            )
        except ConditionFailed as failed:
            raise DeviceExchangeRefused(_authorization_of(failed.item) if failed.item else None) from None
        except LoginEnded:
            raise DeviceExchangeRefused(None) from None

    def _mark_used(self, digest: str, family: Family | None, now: int) -> dict[str, Any]:
        values: dict[str, Any] = {":now": number(now), ":confirmed": string("confirmed")}
        update = "SET used_at = :now"
        if family is not None:
            update += ", family_id = :family"
            values[":family"] = string(encoding.encode(family.key.family_id))
        return {
            "TableName": self.table,
            "Key": _item_key(digest),
            "UpdateExpression": update,
            "ConditionExpression": "decision = :confirmed AND attribute_not_exists(used_at)",
            "ExpressionAttributeValues": values,
            "ReturnValuesOnConditionCheckFailure": "ALL_OLD",
        }

    def _read(self, key: Item) -> Item | None:
        with translated_faults("find device code"):
            answer = self.client.get_item(TableName=self.table, Key=key, ConsistentRead=True)
        return answer.get("Item")


def _item_key(digest: str) -> Item:
    return {"code": string(digest)}


def _pointer_key(bare_user_code: str) -> Item:
    return {"code": string(POINTER + bare_user_code)}


def _confirmation_of(item: Item) -> Confirmation:
    return Confirmation(
        grant_of(item), epoch=int(item["epoch"]["N"]), application_epoch=int(item["application_epoch"]["N"])
    )


def _authorization_of(item: Item) -> DeviceAuthorization:
    decision = item["decision"]["S"] if "decision" in item else None
    return DeviceAuthorization(
        digest=item["code"]["S"],
        user_code=item["user_code"]["S"],
        client_id=item["client_id"]["S"],
        audience=item["audience"]["S"],
        scope=frozenset(item["scope"]["SS"]) if "scope" in item else frozenset(),
        expires_at=int(item["valid_until"]["N"]),
        confirmation=_confirmation_of(item) if decision == "confirmed" else None,
        denied=decision == "denied",
        used_at=int(item["used_at"]["N"]) if "used_at" in item else None,
    )
