"""What planning and applying need of the world, and that on DynamoDB."""

from collections.abc import Callable, Iterable
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from heirloom.adapters.attributes import number, string
from heirloom.adapters.aws import ConditionFailed, translated_faults
from heirloom.adapters.configuration import APPLICATION, LONGEST_FAMILY, decode_application
from heirloom.adapters.families import DynamoDBFamilies
from heirloom.adapters.paging import items_of
from heirloom.adapters.users import DynamoDBUsers
from heirloom.domain import lifetimes
from heirloom.domain.events import Caller
from heirloom.domain.ports import Events
from heirloom.domain.user import User
from heirloom.endpoints.revocations import Revocations

if TYPE_CHECKING:
    from mypy_boto3_dynamodb.client import DynamoDBClient

_OPERATOR = Caller(address="", user_agent="heirloom tenant", request_id="")


class Outdated(Exception):
    """Somebody else changed the object since it was read."""


class Store(Protocol):
    """The applied configuration, as documents by kind and id, and the users.

    Every verb may raise `StoreUnavailable`.
    """

    def documents(self, kind: str) -> dict[str, str]:
        """Return all documents of a kind by their ids, strongly consistent."""

    def put(self, kind: str, name: str, document: str, *, replacing: str | None) -> None:
        """Store a document in the place of the one that was read; raise `Outdated` if another one is there."""

    def delete(self, kind: str, name: str, *, former: str) -> None:
        """Delete the document that was read; raise `Outdated` if another one is there. One that is gone is gone."""

    def user(self, user_id: str) -> User | None:
        """Return a user, strongly consistent."""

    def put_user(self, user: User, *, replacing: User | None) -> None:
        """Store a user in the place of the one that was read; raise `UserConflict`."""

    def end_logins(self, user_id: str, *, because: str) -> None:
        """End every session of a user, and revoke every family."""


@dataclass(frozen=True, slots=True)
class DynamoDBStore:
    """The port `Store` on the tables of a stack. `clock` gives epoch seconds."""

    client: "DynamoDBClient"
    configuration_table: str
    users_table: str
    families_table: str
    clock: Callable[[], float]
    events: Events
    caller: Caller = _OPERATOR
    """In whose name logins end."""

    def documents(self, kind: str) -> dict[str, str]:
        """Return all documents of a kind by their ids, strongly consistent."""
        documents: dict[str, str] = {}
        with translated_faults(f"list {kind}"):
            for item in items_of(
                self.client.query,
                TableName=self.configuration_table,
                KeyConditionExpression="kind = :kind",
                ExpressionAttributeValues={":kind": string(kind)},
                ConsistentRead=True,
            ):
                documents[item["id"]["S"]] = item["document"]["S"]
        return documents

    def put(self, kind: str, name: str, document: str, *, replacing: str | None) -> None:
        """Store a document in the place of the one that was read; raise `Outdated` if another one is there."""
        item = {"kind": string(kind), "id": string(name), "document": string(document)}
        if kind == APPLICATION:
            self._allow_families(decode_application(document).refresh_token.absolute_lifetime)
        try:
            with translated_faults(f"put {kind}"):
                if replacing is None:
                    self.client.put_item(
                        TableName=self.configuration_table,
                        Item=item,
                        ConditionExpression="attribute_not_exists(id)",
                        ReturnValuesOnConditionCheckFailure="ALL_OLD",
                    )
                else:
                    self.client.put_item(
                        TableName=self.configuration_table,
                        Item=item,
                        ConditionExpression="document = :former",
                        ExpressionAttributeValues={":former": string(replacing)},
                        ReturnValuesOnConditionCheckFailure="ALL_OLD",
                    )
        except ConditionFailed as failed:
            if failed.item is not None and failed.item["document"] == item["document"]:
                return  # the SDK repeated a write whose answer was lost, or somebody else wrote the same
            raise Outdated(f"{kind} {name}") from None

    def delete(self, kind: str, name: str, *, former: str) -> None:
        """Delete the document that was read; raise `Outdated` if another one is there. One that is gone is gone."""
        try:
            with translated_faults(f"delete {kind}"):
                self.client.delete_item(
                    TableName=self.configuration_table,
                    Key={"kind": string(kind), "id": string(name)},
                    ConditionExpression="attribute_not_exists(id) OR document = :former",
                    ExpressionAttributeValues={":former": string(former)},
                )
        except ConditionFailed:
            raise Outdated(f"{kind} {name}") from None

    def user(self, user_id: str) -> User | None:
        """Return a user, strongly consistent."""
        return self._users.by_id(user_id)

    def all_users(self, user_ids: Iterable[str], emails: Iterable[str]) -> tuple[dict[str, User], dict[str, str]]:
        """Return users by their ids, and the ids of the owners of normalised addresses; a hundred at most."""
        return self._users.all_of(user_ids, emails)

    def put_user(self, user: User, *, replacing: User | None) -> None:
        """Store a user in the place of the one that was read; raise `UserConflict`."""
        self._users.put(user, replacing=replacing)

    def end_logins(self, user_id: str, *, because: str) -> None:
        """End every session of a user, and revoke every family."""
        revocations = Revocations(DynamoDBFamilies(self.client, self.families_table), self.events)
        revocations.end_logins(user_id, because=because, caller=self.caller, now=int(self.clock()))

    def _allow_families(self, lifetime: int | None) -> None:
        """Note that a family may live for so long from now on, before one can: token keys are kept for that long."""
        seconds = number(lifetimes.NEVER if lifetime is None else lifetime)
        with suppress(ConditionFailed), translated_faults(f"put {LONGEST_FAMILY}"):
            self.client.put_item(
                TableName=self.configuration_table,
                Item={"kind": string(LONGEST_FAMILY), "id": string(LONGEST_FAMILY), "seconds": seconds},
                # Never shorter again; and where there is no note, nobody knows what was allowed before.
                ConditionExpression="attribute_exists(id) AND seconds < :seconds",
                ExpressionAttributeValues={":seconds": seconds},
            )

    @property
    def _users(self) -> DynamoDBUsers:
        return DynamoDBUsers(self.client, self.users_table)
