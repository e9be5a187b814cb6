"""Pushed authorization requests in DynamoDB, under their references' digests."""

import secrets
from dataclasses import dataclass
from typing import TYPE_CHECKING

from heirloom.adapters.attributes import number, string
from heirloom.adapters.aws import ConditionFailed, translated_faults
from heirloom.domain import encoding
from heirloom.domain.pushed_request import PushedRequest

if TYPE_CHECKING:
    from mypy_boto3_dynamodb.client import DynamoDBClient


@dataclass(frozen=True, slots=True)
class DynamoDBPushedRequests:
    """The port `PushedRequests` on a table."""

    client: "DynamoDBClient"
    table: str

    def put(self, pushed: PushedRequest) -> None:
        """Store a new request."""
        with translated_faults("put pushed request"):
            self.client.put_item(
                TableName=self.table,
                Item={
                    "digest": string(pushed.digest),
                    "client_id": string(pushed.client_id),
                    "request": string(pushed.query),
                    "pushed_at": number(pushed.pushed_at),
                    "expires_at": number(pushed.expires_at),
                },
            )

    def find(self, digest: str) -> PushedRequest | None:
        """Return a request, strongly consistent."""
        with translated_faults("find pushed request"):
            answer = self.client.get_item(TableName=self.table, Key={"digest": string(digest)}, ConsistentRead=True)
        if "Item" not in answer:
            return None
        item = answer["Item"]
        return PushedRequest(
            digest=item["digest"]["S"],
            client_id=item["client_id"]["S"],
            query=item["request"]["S"],
            pushed_at=int(item["pushed_at"]["N"]),
            spent="spent_by" in item,
        )

    def spend(self, digest: str) -> bool:
        """Mark a request spent and return whether this call did; one that is gone counts as spent."""
        # The SDK repeats a write whose answer was lost: that one finds its own mark.
        attempt = string(encoding.encode(secrets.token_bytes(16)))
        try:
            with translated_faults("spend pushed request"):
                self.client.update_item(
                    TableName=self.table,
                    Key={"digest": string(digest)},
                    UpdateExpression="SET spent_by = :attempt",
                    ConditionExpression=(
                        "attribute_exists(digest) AND (attribute_not_exists(spent_by) OR spent_by = :attempt)"
                    ),
                    ExpressionAttributeValues={":attempt": attempt},
                )
        except ConditionFailed:
            return False
        return True
