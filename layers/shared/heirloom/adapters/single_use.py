"""What may be presented once, in DynamoDB: an item for each, written by whoever comes first."""

import hashlib
import secrets
from dataclasses import dataclass
from typing import TYPE_CHECKING

from heirloom.adapters.attributes import number, string
from heirloom.adapters.aws import ConditionFailed, translated_faults
from heirloom.domain import encoding, lifetimes

if TYPE_CHECKING:
    from mypy_boto3_dynamodb.client import DynamoDBClient


@dataclass(frozen=True, slots=True)
class DynamoDBSingleUse:
    """The port `SingleUse` on a table."""

    client: "DynamoDBClient"
    table: str

    def claim(self, identifier: str, *, expires_at: int) -> bool:
        """Take *identifier* by a conditional write; only its digest is stored, so it may be of any length."""
        digest = hashlib.sha256(identifier.encode("utf-8", "surrogatepass")).digest()
        attempt = encoding.encode(secrets.token_bytes(16))
        try:
            with translated_faults("claim single use"):
                self.client.put_item(
                    TableName=self.table,
                    Item={
                        "digest": string(encoding.encode(digest)),
                        "attempt": string(attempt),
                        "expires_at": number(expires_at + lifetimes.CLOCK_SKEW),
                    },
                    ConditionExpression="attribute_not_exists(digest)",
                    ReturnValuesOnConditionCheckFailure="ALL_OLD",
                )
        except ConditionFailed as failed:
            # The SDK repeats a write whose answer was lost: that one finds its own.
            return failed.item is not None and failed.item["attempt"] == string(attempt)
        return True
