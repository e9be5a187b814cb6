"""A login becomes a family: what stood for it is spent, the family stored, while nothing ended it; all or nothing."""

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from botocore.exceptions import ClientError

from heirloom.adapters.attributes import number
from heirloom.adapters.aws import ConditionFailed, error_code, translated_faults
from heirloom.adapters.families import epoch_attribute, epoch_key, item_of
from heirloom.adapters.sessions import has_not_ended
from heirloom.domain import refresh_token
from heirloom.domain.errors import StoreUnavailable
from heirloom.domain.family import Family, Grant
from heirloom.domain.session import SessionKey

if TYPE_CHECKING:
    from mypy_boto3_dynamodb.client import DynamoDBClient

_TRIES = 4
_PAUSE = 0.05
"""Seconds before a transaction that met another one is tried again, times the try."""


class LoginEnded(Exception):
    """Somebody logged out, or something ended the user's logins, meanwhile."""


@dataclass(frozen=True, slots=True)
class LoginTransaction:
    """The one transaction of a login: on the table of whatever is spent, the families' and the sessions'."""

    client: "DynamoDBClient"
    families_table: str
    sessions_table: str
    sleep: Callable[[float], None] = time.sleep

    def commit(
        self,
        operation: str,
        spend: Mapping[str, Any],
        *,
        grant: Grant,
        epoch: int,
        application_epoch: int,
        family: Family | None,
        attempt: str,
    ) -> None:
        """Do the update *spend* and store *family*, while the epochs of the user are these and the session goes on.

        Raise `LoginEnded`, or `ConditionFailed` with what stood where *spend* would write.
        """
        epochs = {None: epoch, grant.client_id: application_epoch}
        session = SessionKey(refresh_token.user_key(grant.user_id), grant.session_id)
        transaction: list[Any] = [
            {"Update": spend},
            {"ConditionCheck": self._epochs_are_still(grant, epochs)},
            # A session's item outlives what came from it and is not exchanged yet, expired or not.
            {"ConditionCheck": has_not_ended(self.sessions_table, session)},
        ]
        if family is not None:
            put = {"TableName": self.families_table, "Item": item_of(family)}
            transaction.append({"Put": {**put, "ConditionExpression": "attribute_not_exists(family_id)"}})
        for tried in range(1, _TRIES + 1):
            try:
                with translated_faults(operation):
                    self._transact(operation, transaction, attempt)
            except _Contention:
                self.sleep(_PAUSE * tried)
            else:
                return
        raise StoreUnavailable(f"{operation}: contention")

    def _transact(self, operation: str, transaction: list[Any], attempt: str) -> None:
        try:
            # The token makes a repetition of this very call, by the SDK's retries, find its own work done.
            self.client.transact_write_items(TransactItems=transaction, ClientRequestToken=attempt)
        except ClientError as error:
            if error_code(error) != "TransactionCanceledException":
                raise
            spent, *others = error.response["CancellationReasons"]
            if spent.get("Code") == "ConditionalCheckFailed":
                raise ConditionFailed(spent.get("Item")) from None
            if any(login.get("Code") == "ConditionalCheckFailed" for login in others[:2]):
                raise LoginEnded from None
            codes = {reason.get("Code") for reason in error.response["CancellationReasons"]}
            if "TransactionConflict" in codes:
                raise _Contention from None
            raise StoreUnavailable(f"{operation}: {sorted(filter(None, codes))}") from error

    def _epochs_are_still(self, grant: Grant, epochs: Mapping[str | None, int]) -> dict[str, Any]:
        conditions, names, values = [], {}, {}
        for index, (client_id, epoch) in enumerate(epochs.items()):
            names[f"#epoch{index}"] = epoch_attribute(client_id)
            conditions.append(f"#epoch{index} = :epoch{index}" if epoch else f"attribute_not_exists(#epoch{index})")
            if epoch:
                values[f":epoch{index}"] = number(epoch)
        return {
            "TableName": self.families_table,
            "Key": epoch_key(refresh_token.user_key(grant.user_id)),
            "ConditionExpression": " AND ".join(conditions),
            "ExpressionAttributeNames": names,
            **({"ExpressionAttributeValues": values} if values else {}),  # DynamoDB refuses an empty map
        }


class _Contention(Exception):
    """Another transaction on the same items was under way."""
