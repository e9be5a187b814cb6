"""Counters of login attempts in DynamoDB."""

import secrets
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING

from heirloom.adapters.attributes import number, string
from heirloom.adapters.aws import ConditionFailed, translated_faults
from heirloom.adapters.families import Item
from heirloom.domain import encoding, guessing, lifetimes
from heirloom.domain.errors import StoreUnavailable
from heirloom.domain.guessing import Attempts

if TYPE_CHECKING:
    from mypy_boto3_dynamodb.client import DynamoDBClient


@dataclass(frozen=True, slots=True)
class DynamoDBLoginAttempts:
    """The port `LoginAttempts` on a table."""

    client: "DynamoDBClient"
    table: str

    def find(self, buckets: tuple[str, ...]) -> dict[str, Attempts]:
        """Return the attempts of *buckets*, strongly consistent; an empty one is missing."""
        with translated_faults("find login attempts"):
            answer = self.client.batch_get_item(
                RequestItems={self.table: {"Keys": [_item_key(bucket) for bucket in buckets], "ConsistentRead": True}}
            )
        if answer.get("UnprocessedKeys"):
            # A brake that cannot be read must not be taken for a brake that is off.
            raise StoreUnavailable("find login attempts: throttled")
        items = answer["Responses"].get(self.table, [])
        return {
            item["bucket"]["S"]: Attempts(count=int(item["attempts"]["N"]), last_at=int(item["last_at"]["N"]))
            for item in items
        }

    def add(self, bucket: str, *, at_most: int, now: int) -> bool:
        """Count an attempt if the bucket holds *at_most* so many by now; return whether it did."""
        attempt = string(encoding.encode(secrets.token_bytes(16)))
        try:
            with translated_faults("add login attempt"):
                self.client.update_item(
                    TableName=self.table,
                    Key=_item_key(bucket),
                    UpdateExpression="SET last_at = :now, expires_at = :gone, attempt = :attempt ADD attempts :one",
                    ConditionExpression="(attribute_not_exists(attempts) OR attempts <= :most)"
                    " AND (attribute_not_exists(attempt) OR attempt <> :attempt)",
                    ExpressionAttributeValues={
                        ":one": number(1),
                        ":now": number(now),
                        ":gone": number(now + guessing.FORGETTING),
                        ":most": number(at_most),
                        ":attempt": attempt,
                    },
                    ReturnValuesOnConditionCheckFailure="ALL_OLD",
                )
        except ConditionFailed as failed:
            # The SDK repeats a write whose answer was lost: that attempt is counted, and once.
            return failed.item is not None and failed.item.get("attempt") == attempt
        return True

    def take_back(self, bucket: str) -> None:
        """Count one attempt less: it was the owner's."""
        with suppress(ConditionFailed), translated_faults("take back login attempt"):
            self.client.update_item(
                TableName=self.table,
                Key=_item_key(bucket),
                UpdateExpression="ADD attempts :less",
                ConditionExpression="attempts > :none",
                ExpressionAttributeValues={":less": number(-1), ":none": number(0)},
            )

    def clear(self, bucket: str) -> None:
        """Empty a bucket."""
        with translated_faults("clear login attempts"):
            self.client.delete_item(TableName=self.table, Key=_item_key(bucket))

    def forget(self, bucket: str, *, last_at: int) -> None:
        """Empty a bucket to which nothing was added after *last_at*: no attempt may undo one that came beside it."""
        with suppress(ConditionFailed), translated_faults("forget login attempts"):
            self.client.delete_item(
                TableName=self.table,
                Key=_item_key(bucket),
                ConditionExpression="last_at <= :last",
                ExpressionAttributeValues={":last": number(last_at)},
            )

    def remember(self, bucket: str, *, now: int) -> None:
        """Note a success under *bucket*."""
        with translated_faults("remember login"):
            self.client.put_item(
                TableName=self.table,
                Item={
                    **_item_key(bucket),
                    "attempts": number(0),
                    "last_at": number(now),
                    "expires_at": number(now + lifetimes.REMEMBERED_ADDRESS),
                },
            )


def _item_key(bucket: str) -> Item:
    return {"bucket": string(bucket)}
