"""Replays in DynamoDB: beside a family's item one more, of constant size, which only a replay writes."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

from botocore.exceptions import ClientError

from heirloom.adapters.attributes import number, string
from heirloom.adapters.aws import error_code, translated_faults
from heirloom.adapters.families import item_key
from heirloom.domain import replays
from heirloom.domain.errors import StoreUnavailable
from heirloom.domain.family import SLOTS
from heirloom.domain.refresh_token import FamilyKey

if TYPE_CHECKING:
    from mypy_boto3_dynamodb.client import DynamoDBClient

_SLOTS = frozenset(map(str, range(SLOTS)))


@dataclass(frozen=True, slots=True)
class DynamoDBReplays:
    """The port `Replays` on the families' table.

    The item has no `user_id`, so what lists a user's families passes over it. It goes by its TTL; nobody deletes it.
    """

    client: "DynamoDBClient"
    table: str

    def note(self, key: FamilyKey, generation: int, *, now: int) -> frozenset[int]:
        """Note a replay by one write, in the slot that the family has for this generation."""
        family = item_key(key)
        try:
            with translated_faults("note replay"):
                answer = self.client.update_item(
                    TableName=self.table,
                    Key={**family, "family_id": string(f"replays:{family['family_id']['S']}")},
                    UpdateExpression="SET #slot = :generation, expires_at = :gone",
                    ExpressionAttributeNames={"#slot": str(generation % SLOTS)},
                    ExpressionAttributeValues={
                        ":generation": number(generation),
                        ":gone": number(now + replays.MEMORY),
                    },
                    ReturnValues="ALL_OLD",
                )
        except ClientError as error:
            # Whatever it is: the exchange stands already, and is not to fail over this.
            raise StoreUnavailable(f"note replay: {error_code(error)}") from error
        before = answer.get("Attributes", {})
        return frozenset(int(before[slot]["N"]) for slot in _SLOTS & before.keys())
