"""Authorization codes in DynamoDB, under their digests."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from botocore.exceptions import ClientError

from heirloom.adapters.attributes import number, string
from heirloom.adapters.aws import error_code, translated_faults
from heirloom.adapters.families import Item, epoch_attribute, epoch_key, grant_item, grant_of, item_of
from heirloom.adapters.sessions import has_not_ended
from heirloom.domain import encoding, lifetimes, refresh_token
from heirloom.domain.authorization_code import AuthorizationCode
from heirloom.domain.errors import StoreUnavailable
from heirloom.domain.family import Family
from heirloom.domain.ports import ExchangeRefused
from heirloom.domain.refresh_token import FamilyKey
from heirloom.domain.session import SessionKey

if TYPE_CHECKING:
    from mypy_boto3_dynamodb.client import DynamoDBClient

_TRIES = 4
_PAUSE = 0.05
"""Seconds before a transaction that met another one is tried again, times the try."""


@dataclass(frozen=True, slots=True)
class DynamoDBCodes:
    """The port `Codes` on a table, on the families' for what codes become, and on the sessions' they come from."""

    client: "DynamoDBClient"
    table: str
    families_table: str
    sessions_table: str
    sleep: Callable[[float], None] = time.sleep

    def put(self, code: AuthorizationCode) -> None:
        """Store a new code."""
        with translated_faults("put code"):
            self.client.put_item(
                TableName=self.table,
                Item=_item_of(code),
                ConditionExpression="attribute_not_exists(code_digest)",
            )

    def find(self, digest: str) -> AuthorizationCode | None:
        """Return a code, strongly consistent."""
        with translated_faults("find code"):
            answer = self.client.get_item(
                TableName=self.table, Key={"code_digest": string(digest)}, ConsistentRead=True
            )
        return _code_of(answer["Item"]) if "Item" in answer else None

    def exchange(self, code: AuthorizationCode, family: Family | None, *, attempt: str, now: int) -> None:
        """Mark the code used and store the family, while its login stands, all or nothing; raise `ExchangeRefused`."""
        transaction = [
            {"Update": self._mark_used(code, family, now)},
            {"ConditionCheck": self._epochs_are_still(code)},
            {"ConditionCheck": self._session_goes_on(code)},
        ]
        if family is not None:
            put = {"TableName": self.families_table, "Item": item_of(family)}
            transaction.append({"Put": {**put, "ConditionExpression": "attribute_not_exists(family_id)"}})
        for tried in range(1, _TRIES + 1):
            try:
                with translated_faults("exchange code"):
                    self._transact(transaction, attempt)
            except _Contention:
                self.sleep(_PAUSE * tried)
            else:
                return
        raise StoreUnavailable("exchange code: contention")

    def _transact(self, transaction: list[Any], attempt: str) -> None:
        try:
            # The token makes a repetition of this very call, by the SDK's retries, find its own work done.
            self.client.transact_write_items(TransactItems=transaction, ClientRequestToken=attempt)
        except ClientError as error:
            if error_code(error) != "TransactionCanceledException":
                raise
            used, *others = error.response["CancellationReasons"]
            if used.get("Code") == "ConditionalCheckFailed":
                item = used.get("Item")
                raise ExchangeRefused(_code_of(item) if item else None) from None
            if any(login.get("Code") == "ConditionalCheckFailed" for login in others[:2]):
                raise ExchangeRefused(None) from None
            codes = {reason.get("Code") for reason in error.response["CancellationReasons"]}
            if "TransactionConflict" in codes:
                raise _Contention from None
            raise StoreUnavailable(f"exchange code: {sorted(filter(None, codes))}") from error

    def _mark_used(self, code: AuthorizationCode, family: Family | None, now: int) -> dict[str, Any]:
        values = {":now": number(now)}
        update = "SET used_at = :now"
        if family is not None:
            update += ", family_id = :family"
            values[":family"] = string(encoding.encode(family.key.family_id))
        return {
            "TableName": self.table,
            "Key": {"code_digest": string(code.digest)},
            "UpdateExpression": update,
            "ConditionExpression": "attribute_exists(code_digest) AND attribute_not_exists(used_at)",
            "ExpressionAttributeValues": values,
            "ReturnValuesOnConditionCheckFailure": "ALL_OLD",
        }

    def _epochs_are_still(self, code: AuthorizationCode) -> dict[str, Any]:
        epochs = {None: code.epoch, code.grant.client_id: code.application_epoch}
        conditions, names, values = [], {}, {}
        for index, (client_id, epoch) in enumerate(epochs.items()):
            names[f"#epoch{index}"] = epoch_attribute(client_id)
            conditions.append(f"#epoch{index} = :epoch{index}" if epoch else f"attribute_not_exists(#epoch{index})")
            if epoch:
                values[f":epoch{index}"] = number(epoch)
        return {
            "TableName": self.families_table,
            "Key": epoch_key(refresh_token.user_key(code.grant.user_id)),
            "ConditionExpression": " AND ".join(conditions),
            "ExpressionAttributeNames": names,
            **({"ExpressionAttributeValues": values} if values else {}),  # DynamoDB refuses an empty map
        }

    def _session_goes_on(self, code: AuthorizationCode) -> dict[str, Any]:
        """Return the check that nobody logged out since. A session's item outlives its codes, expired or not."""
        key = SessionKey(refresh_token.user_key(code.grant.user_id), code.grant.session_id)
        return has_not_ended(self.sessions_table, key)


class _Contention(Exception):
    """Another transaction on the same items was under way."""


def _item_of(code: AuthorizationCode) -> Item:
    item: dict[str, Any] = {
        "code_digest": string(code.digest),
        **grant_item(code.grant),
        "redirect_uri": string(code.redirect_uri),
        "epoch": number(code.epoch),
        "application_epoch": number(code.application_epoch),
        "valid_until": number(code.expires_at),
        "expires_at": number(code.expires_at + lifetimes.EVIDENCE),
    }
    if code.challenge is not None:
        item["challenge"] = string(code.challenge)
    if code.nonce is not None:
        item["nonce"] = string(code.nonce)
    if code.key_thumbprint is not None:
        item["dpop_jkt"] = string(code.key_thumbprint)
    return item


def _code_of(item: Item) -> AuthorizationCode:
    grant = grant_of(item)
    family = None
    if "family_id" in item:
        family = FamilyKey(refresh_token.user_key(grant.user_id), encoding.decode(item["family_id"]["S"]))
    return AuthorizationCode(
        digest=item["code_digest"]["S"],
        grant=grant,
        redirect_uri=item["redirect_uri"]["S"],
        challenge=item["challenge"]["S"] if "challenge" in item else None,
        nonce=item["nonce"]["S"] if "nonce" in item else None,
        epoch=int(item["epoch"]["N"]),
        application_epoch=int(item["application_epoch"]["N"]),
        expires_at=int(item["valid_until"]["N"]),
        used_at=int(item["used_at"]["N"]) if "used_at" in item else None,
        family=family,
        key_thumbprint=item["dpop_jkt"]["S"] if "dpop_jkt" in item else None,
    )
