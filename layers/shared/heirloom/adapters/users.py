"""The built-in user store in DynamoDB.

A user is one item; another one points to it from the address, since addresses change and ids do not.
"""

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from itertools import islice
from typing import TYPE_CHECKING, Any, Final

from botocore.exceptions import ClientError

from heirloom.adapters.attributes import string
from heirloom.adapters.aws import ConditionFailed, error_code, translated_faults
from heirloom.adapters.paging import items_of
from heirloom.domain.user import User, normalised_email

if TYPE_CHECKING:
    from mypy_boto3_dynamodb.client import DynamoDBClient

POINTER: Final = "email:"
"""The prefix of pointers' keys; no user's id has it."""

_LONGEST_KEY: Final = 2048
"""Bytes of a partition key; DynamoDB refuses longer ones, and empty ones."""

type Item = Mapping[str, Any]


class UserConflict(Exception):
    """Another user has this address, or the user is not as it was read."""


@dataclass(frozen=True, slots=True)
class DynamoDBUsers:
    """The port `Users` on a table, and the verbs that write it."""

    client: "DynamoDBClient"
    table: str

    def id_of(self, email: str) -> str | None:
        """Return the id of the user with this normalised address, strongly consistent."""
        item = self._read(POINTER + email)
        return item["target"]["S"] if item else None

    def by_id(self, user_id: str) -> User | None:
        """Return a user, strongly consistent."""
        item = None if user_id.startswith(POINTER) else self._read(user_id)
        return _user_of(item) if item else None

    def all_of(self, user_ids: Iterable[str], emails: Iterable[str]) -> tuple[dict[str, User], dict[str, str]]:
        """Return users by their ids, and the ids of the owners of normalised addresses; strongly consistent.

        At most a hundred of both together: that is how many DynamoDB reads at once.
        """
        keys = [string(key) for key in {*user_ids, *(POINTER + email for email in emails)}]
        items: list[Item] = []
        waiting: Any = {self.table: {"Keys": [{"user_id": key} for key in keys], "ConsistentRead": True}}
        with translated_faults("find users"):
            while waiting:
                answer = self.client.batch_get_item(RequestItems=waiting)
                items += answer["Responses"].get(self.table, [])
                waiting = answer["UnprocessedKeys"]
        users = [_user_of(item) for item in items if "target" not in item]
        owners = {item["user_id"]["S"].removeprefix(POINTER): item["target"]["S"] for item in items if "target" in item}
        return {user.user_id: user for user in users}, owners

    def after(self, user_id: str | None, *, at_most: int) -> list[User]:
        """Return *at_most* so many users of those that come after one, `None` for the first, by a Scan."""
        start: Any = {} if user_id is None else {"ExclusiveStartKey": {"user_id": string(user_id)}}
        with translated_faults("list users"):
            items = items_of(
                self.client.scan,
                TableName=self.table,
                FilterExpression="attribute_exists(email)",  # the pointers have none
                Limit=2 * at_most + 1,  # for each user there is a pointer
                **start,
            )
            return [_user_of(item) for item in islice(items, at_most)]

    def put(self, user: User, *, replacing: User | None) -> None:
        """Store a new user, or the next state of the one that was read, and the pointer to them: all or nothing.

        Raise `UserConflict`.
        """
        address = normalised_email(user.email)
        writes: list[Any] = [
            {"Update": self._update(user, replacing)},
            {
                "Put": {
                    "TableName": self.table,
                    "Item": {"user_id": string(POINTER + address), "target": string(user.user_id)},
                    "ConditionExpression": "attribute_not_exists(user_id) OR target = :user",
                    "ExpressionAttributeValues": {":user": string(user.user_id)},
                }
            },
        ]
        if replacing is not None and (former := normalised_email(replacing.email)) != address:
            writes.append({"Delete": {"TableName": self.table, "Key": {"user_id": string(POINTER + former)}}})
        with translated_faults("store user"):
            self._transact(writes)

    def replace_hash(self, user: User, password_hash: str) -> bool:
        """Store another hash of the same password; return whether the user still had the one that was read."""
        try:
            with translated_faults("replace password hash"):
                self.client.update_item(
                    TableName=self.table,
                    Key={"user_id": string(user.user_id)},
                    UpdateExpression="SET password_hash = :hash",
                    ConditionExpression="password_hash = :former",
                    ExpressionAttributeValues={":hash": string(password_hash), ":former": string(user.password_hash)},
                )
        except ConditionFailed:
            return False
        return True

    def delete(self, user_id: str) -> bool:
        """Delete a user and the pointer to them, all or nothing; raise `UserConflict` if they change meanwhile."""
        user = self.by_id(user_id)
        if user is None:
            return False
        pointer = POINTER + normalised_email(user.email)
        writes: list[Any] = [
            {
                "Delete": {
                    "TableName": self.table,
                    "Key": {"user_id": string(user_id)},
                    "ConditionExpression": "email = :email",
                    "ExpressionAttributeValues": {":email": string(user.email)},
                }
            },
            {"Delete": {"TableName": self.table, "Key": {"user_id": string(pointer)}}},
        ]
        with translated_faults("delete user"):
            self._transact(writes)
        return True

    def _read(self, key: str) -> Item | None:
        if not _possible(key):
            return None
        with translated_faults("find user"):
            answer = self.client.get_item(TableName=self.table, Key={"user_id": string(key)}, ConsistentRead=True)
        return answer.get("Item")

    def _update(self, user: User, replacing: User | None) -> dict[str, Any]:
        """An update, not a put: it leaves alone what another release keeps in the item."""
        values = {
            ":email": string(user.email),
            ":hash": string(user.password_hash),
            ":blocked": {"BOOL": user.blocked},
            ":claims": string(json.dumps(dict(user.claims), ensure_ascii=False, sort_keys=True)),
        }
        condition = "attribute_not_exists(user_id)"
        if replacing is not None:
            condition = "email = :former_email AND password_hash = :former_hash AND blocked = :former_blocked"
            values |= {
                ":former_email": string(replacing.email),
                ":former_hash": string(replacing.password_hash),
                ":former_blocked": {"BOOL": replacing.blocked},
            }
        return {
            "TableName": self.table,
            "Key": {"user_id": string(user.user_id)},
            "UpdateExpression": "SET email = :email, password_hash = :hash, blocked = :blocked, claims = :claims",
            "ConditionExpression": condition,
            "ExpressionAttributeValues": values,
        }

    def _transact(self, writes: list[Any]) -> None:
        try:
            self.client.transact_write_items(TransactItems=writes)
        except ClientError as error:
            if error_code(error) != "TransactionCanceledException":
                raise
            if any(reason.get("Code") == "ConditionalCheckFailed" for reason in error.response["CancellationReasons"]):
                raise UserConflict("the address is another user's, or the user changed meanwhile") from None
            raise


def _user_of(item: Item) -> User:
    return User(
        user_id=item["user_id"]["S"],
        email=item["email"]["S"],
        password_hash=item["password_hash"]["S"],
        blocked=item["blocked"]["BOOL"],
        claims=json.loads(item["claims"]["S"]),
    )


def _possible(key: str) -> bool:
    try:
        return 0 < len(key.encode()) <= _LONGEST_KEY
    except UnicodeEncodeError:
        return False
