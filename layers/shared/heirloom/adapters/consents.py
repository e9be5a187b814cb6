"""What people agreed to, in DynamoDB: Auth0's "grants"."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from heirloom.adapters.attributes import number, string
from heirloom.adapters.aws import translated_faults
from heirloom.adapters.families import Item
from heirloom.adapters.paging import items_of
from heirloom.domain import encoding
from heirloom.domain.consent import Consent

if TYPE_CHECKING:
    from mypy_boto3_dynamodb.client import DynamoDBClient


@dataclass(frozen=True, slots=True)
class DynamoDBConsents:
    """The port `Consents` on a table."""

    client: "DynamoDBClient"
    table: str

    def granted(self, *, user_key: bytes, client_id: str, audience: str) -> frozenset[str] | None:
        """Return the scope that was agreed to; `None` if the person was never asked."""
        with translated_faults("find consent"):
            answer = self.client.get_item(
                TableName=self.table, Key=_item_key(user_key, client_id, audience), ConsistentRead=True
            )
        if "Item" not in answer:
            return None
        return frozenset(answer["Item"].get("scope", {}).get("SS", ()))

    def grant(self, *, user_key: bytes, client_id: str, audience: str, scope: frozenset[str], now: int) -> None:
        """Remember that *scope* was agreed to, besides what was before."""
        update = "SET client_id = :client, audience = :audience, granted_at = :now"
        values: dict[str, Any] = {
            ":client": string(client_id),
            ":audience": string(audience),
            ":now": number(now),
        }
        names: dict[str, Any] = {}
        if scope:  # DynamoDB has no empty sets
            update += " ADD #scope :scope"
            values[":scope"] = {"SS": sorted(scope)}
            names["ExpressionAttributeNames"] = {"#scope": "scope"}
        with translated_faults("grant consent"):
            self.client.update_item(
                TableName=self.table,
                Key=_item_key(user_key, client_id, audience),
                UpdateExpression=update,
                ExpressionAttributeValues=values,
                **names,
            )

    def withdraw(self, *, user_key: bytes, client_id: str, audience: str) -> None:
        """Forget what was agreed to."""
        with translated_faults("withdraw consent"):
            self.client.delete_item(TableName=self.table, Key=_item_key(user_key, client_id, audience))

    def withdraw_all(self, user_key: bytes) -> None:
        """Forget all that a person ever agreed to."""
        with translated_faults("withdraw consents"):
            for item in self._items(user_key):
                key = {name: item[name] for name in ("user_key", "grant_id")}
                self.client.delete_item(TableName=self.table, Key=key)

    def of_user(self, user_key: bytes) -> list[Consent]:
        """Return all that a person agreed to, strongly consistent."""
        with translated_faults("list consents"):
            return [_consent_of(item) for item in self._items(user_key)]

    def _items(self, user_key: bytes) -> Iterator[Item]:
        return items_of(
            self.client.query,
            TableName=self.table,
            KeyConditionExpression="user_key = :user_key",
            ExpressionAttributeValues={":user_key": string(encoding.encode(user_key))},
            ConsistentRead=True,
        )


def _consent_of(item: Item) -> Consent:
    return Consent(
        client_id=item["client_id"]["S"],
        audience=item["audience"]["S"],
        scope=frozenset(item.get("scope", {}).get("SS", ())),
        granted_at=int(item["granted_at"]["N"]),
    )


def _item_key(user_key: bytes, client_id: str, audience: str) -> Item:
    # A client id has no space, so no two pairs share a key.
    return {"user_key": string(encoding.encode(user_key)), "grant_id": string(f"{client_id} {audience}")}
