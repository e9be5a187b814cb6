"""Authorization codes in DynamoDB, under their digests."""

import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from heirloom.adapters.attributes import number, string
from heirloom.adapters.aws import ConditionFailed, translated_faults
from heirloom.adapters.families import Item, device_item, device_of, grant_item, grant_of
from heirloom.adapters.login_transaction import LoginEnded, LoginTransaction
from heirloom.domain import encoding, lifetimes, refresh_token
from heirloom.domain.authorization_code import AuthorizationCode
from heirloom.domain.family import Family
from heirloom.domain.ports import ExchangeRefused
from heirloom.domain.refresh_token import FamilyKey

if TYPE_CHECKING:
    from mypy_boto3_dynamodb.client import DynamoDBClient


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
        # Nobody draws the same one: what is there already is this one, of which the SDK repeated the write.
        with suppress(ConditionFailed), translated_faults("put code"):
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
        transaction = LoginTransaction(self.client, self.families_table, self.sessions_table, self.sleep)
        try:
            transaction.commit(
                "exchange code",
                self._mark_used(code, family, now),
                grant=code.grant,
                epoch=code.epoch,
                application_epoch=code.application_epoch,
                family=family,
                attempt=attempt,
            )
        except ConditionFailed as failed:
            raise ExchangeRefused(_code_of(failed.item) if failed.item else None) from None
        except LoginEnded:
            raise ExchangeRefused(None) from None

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


def _item_of(code: AuthorizationCode) -> Item:
    item: dict[str, Any] = {
        "code_digest": string(code.digest),
        **grant_item(code.grant),
        "redirect_uri": string(code.redirect_uri),
        "epoch": number(code.epoch),
        "application_epoch": number(code.application_epoch),
        "valid_until": number(code.expires_at),
        "expires_at": number(code.expires_at + lifetimes.EVIDENCE),
        **device_item("device", code.device),
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
        device=device_of(item, "device"),
        used_at=int(item["used_at"]["N"]) if "used_at" in item else None,
        family=family,
        key_thumbprint=item["dpop_jkt"]["S"] if "dpop_jkt" in item else None,
    )
