"""Login sessions in DynamoDB."""

from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING

from heirloom.adapters.attributes import binary, number, string
from heirloom.adapters.aws import ConditionFailed, translated_faults
from heirloom.adapters.families import Item
from heirloom.domain import encoding, lifetimes
from heirloom.domain.session import Session, SessionKey

if TYPE_CHECKING:
    from mypy_boto3_dynamodb.client import DynamoDBClient


@dataclass(frozen=True, slots=True)
class DynamoDBSessions:
    """The port `Sessions` on a table."""

    client: "DynamoDBClient"
    table: str

    def put(self, session: Session) -> None:
        """Store a new session."""
        with translated_faults("put session"):
            self.client.put_item(TableName=self.table, Item=_item_of(session))

    def find(self, key: SessionKey) -> Session | None:
        """Return a session, strongly consistent."""
        with translated_faults("find session"):
            answer = self.client.get_item(TableName=self.table, Key=_item_key(key), ConsistentRead=True)
        return _session_of(answer["Item"]) if "Item" in answer else None

    def renew(self, key: SessionKey, *, used_at: int, idle_expires_at: int) -> None:
        """Note that a session was used; nothing happens to one that ended meanwhile."""
        with suppress(ConditionFailed), translated_faults("renew session"):
            self.client.update_item(
                TableName=self.table,
                Key=_item_key(key),
                UpdateExpression="SET used_at = :now, idle_expires_at = :idle",
                ConditionExpression="attribute_exists(session_id)",
                ExpressionAttributeValues={":now": number(used_at), ":idle": number(idle_expires_at)},
            )

    def end(self, key: SessionKey) -> None:
        """End a session."""
        with translated_faults("end session"):
            self.client.delete_item(TableName=self.table, Key=_item_key(key))


def _item_key(key: SessionKey) -> Item:
    return {"user_key": string(encoding.encode(key.user_key)), "session_id": string(key.session_id)}


def _item_of(session: Session) -> Item:
    return {
        **_item_key(session.key),
        "user_id": string(session.user_id),
        "secret_digest": binary(session.secret_digest),
        "auth_time": number(session.auth_time),
        "epoch": number(session.epoch),
        "used_at": number(session.used_at),
        "idle_expires_at": number(session.idle_expires_at),
        "absolute_expires_at": number(session.absolute_expires_at),
        # The absolute end: renewals need not move it, and every read checks both ends.
        "expires_at": number(session.absolute_expires_at + lifetimes.EVIDENCE),
    }


def _session_of(item: Item) -> Session:
    return Session(
        key=SessionKey(encoding.decode(item["user_key"]["S"]), item["session_id"]["S"]),
        user_id=item["user_id"]["S"],
        secret_digest=item["secret_digest"]["B"],
        auth_time=int(item["auth_time"]["N"]),
        epoch=int(item["epoch"]["N"]),
        used_at=int(item["used_at"]["N"]),
        idle_expires_at=int(item["idle_expires_at"]["N"]),
        absolute_expires_at=int(item["absolute_expires_at"]["N"]),
    )
