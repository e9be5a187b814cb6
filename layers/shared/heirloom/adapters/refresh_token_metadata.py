"""What somebody noted about families: an item beside each, so that a refresh writes no byte of it."""

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

from heirloom.adapters.attributes import number, string
from heirloom.adapters.aws import ConditionFailed, translated_faults
from heirloom.adapters.families import Item
from heirloom.adapters.paging import items_of
from heirloom.domain import encoding, lifetimes
from heirloom.domain.family import Family
from heirloom.domain.refresh_token import FamilyKey

if TYPE_CHECKING:
    from mypy_boto3_dynamodb.client import DynamoDBClient

_PREFIX: Final = "metadata:"
"""Begins the sort key; no family's id has a colon. Without a `user_id` the item is none of a user's families."""


@dataclass(frozen=True, slots=True)
class DynamoDBRefreshTokenMetadata:
    """The port `RefreshTokenMetadata` on the table of the families."""

    client: "DynamoDBClient"
    table: str

    def of_user(self, user_key: bytes) -> dict[bytes, dict[str, str]]:
        """Return what was noted about a user's families, by their ids, strongly consistent."""
        noted: dict[bytes, dict[str, str]] = {}
        with translated_faults("list metadata"):
            for item in items_of(
                self.client.query,
                TableName=self.table,
                KeyConditionExpression="user_key = :user_key AND begins_with(family_id, :prefix)",
                ExpressionAttributeValues={
                    ":user_key": string(encoding.encode(user_key)),
                    ":prefix": string(_PREFIX),
                },
                ConsistentRead=True,
            ):
                noted[encoding.decode(item["family_id"]["S"].removeprefix(_PREFIX))] = _metadata_of(item)
        return noted

    def find(self, key: FamilyKey) -> dict[str, str]:
        """Return what was noted about a family, strongly consistent."""
        with translated_faults("find metadata"):
            answer = self.client.get_item(TableName=self.table, Key=_item_key(key), ConsistentRead=True)
        return _metadata_of(answer["Item"]) if "Item" in answer else {}

    def put(self, family: Family, metadata: Mapping[str, str]) -> None:
        """Note *metadata* in the place of what was noted before; DynamoDB deletes it after the family's last end."""
        with translated_faults("put metadata"):
            self.client.update_item(
                TableName=self.table,
                Key=_item_key(family.key),
                UpdateExpression="SET metadata = :metadata, expires_at = :gone",
                ExpressionAttributeValues={
                    ":metadata": {"M": {name: string(value) for name, value in metadata.items()}},
                    ":gone": number(family.absolute_expires_at + lifetimes.EVIDENCE),
                },
            )

    def delete(self, key: FamilyKey, *, now: int) -> None:
        """Forget what was noted about a family. The empty item is DynamoDB's to delete: nobody may delete families."""
        with suppress(ConditionFailed), translated_faults("delete metadata"):
            self.client.update_item(
                TableName=self.table,
                Key=_item_key(key),
                UpdateExpression="SET expires_at = :now REMOVE metadata",
                ConditionExpression="attribute_exists(metadata)",
                ExpressionAttributeValues={":now": number(now)},
            )


def _item_key(key: FamilyKey) -> Item:
    family_id = _PREFIX + encoding.encode(key.family_id)
    return {"user_key": string(encoding.encode(key.user_key)), "family_id": string(family_id)}


def _metadata_of(item: Mapping[str, Any]) -> dict[str, str]:
    return {name: value["S"] for name, value in item.get("metadata", {"M": {}})["M"].items()}
