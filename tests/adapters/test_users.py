"""A person has one item and one address, and an address has one person."""

import dataclasses
from collections.abc import Mapping
from typing import TYPE_CHECKING

import boto3
import pytest
from botocore.config import Config

from heirloom.adapters.attributes import string
from heirloom.adapters.users import DynamoDBUsers, UserConflict
from heirloom.domain.errors import StoreUnavailable
from heirloom.domain.user import User
from tests import service as harness

if TYPE_CHECKING:
    from mypy_boto3_dynamodb.client import DynamoDBClient

ADA = User(
    user_id="auth0|ada",
    email="Ada@Example.com",
    password_hash="$argon2id$ada",
    claims={"name": "Ada Łovelace", "email_verified": True, "updated_at": 7, "address": {"country": "UK"}},
)
BEA = User(user_id="auth0|bea", email="bea@example.com", password_hash="$argon2id$bea")


@pytest.fixture
def users(tables: tuple["DynamoDBClient", Mapping[str, str]]) -> DynamoDBUsers:
    harness.empty(*tables)
    client, names = tables
    return DynamoDBUsers(client, names["UsersTable"])


def test_a_stored_user_comes_back_as_they_were(users: DynamoDBUsers) -> None:
    users.put(ADA, replacing=None)
    assert users.by_id(ADA.user_id) == ADA


def test_a_user_is_found_by_the_normalised_address(users: DynamoDBUsers) -> None:
    users.put(ADA, replacing=None)
    assert users.id_of("ada@example.com") == ADA.user_id
    assert users.id_of("Ada@Example.com") is None  # callers normalise


def test_nobody_is_nobody(users: DynamoDBUsers) -> None:
    assert users.id_of("ada@example.com") is None
    assert users.by_id("auth0|ada") is None


def test_a_pointer_is_no_user(users: DynamoDBUsers) -> None:
    users.put(ADA, replacing=None)
    assert users.by_id("email:ada@example.com") is None


@pytest.mark.parametrize("key", ["", "x" * 2049, "\ud800"])
def test_a_key_that_dynamodb_would_refuse_is_nobody(users: DynamoDBUsers, key: str) -> None:
    assert users.by_id(key) is None


@pytest.mark.parametrize("email", ["x" * 2043, "\ud800"])
def test_an_address_that_dynamodb_would_refuse_is_nobodys(users: DynamoDBUsers, email: str) -> None:
    assert users.id_of(email) is None


def test_an_address_belongs_to_one_user(users: DynamoDBUsers) -> None:
    users.put(ADA, replacing=None)
    with pytest.raises(UserConflict):
        users.put(dataclasses.replace(BEA, email="ADA@example.com"), replacing=None)
    assert users.id_of("ada@example.com") == ADA.user_id
    assert users.by_id(BEA.user_id) is None


def test_a_new_user_does_not_replace_an_old_one(users: DynamoDBUsers) -> None:
    users.put(ADA, replacing=None)
    with pytest.raises(UserConflict):
        users.put(dataclasses.replace(ADA, password_hash="other"), replacing=None)
    assert users.by_id(ADA.user_id) == ADA


def test_the_old_address_is_free_after_a_change(users: DynamoDBUsers) -> None:
    users.put(ADA, replacing=None)
    moved = dataclasses.replace(ADA, email="ada@elsewhere.example")
    users.put(moved, replacing=ADA)
    assert users.by_id(ADA.user_id) == moved
    assert users.id_of("ada@elsewhere.example") == ADA.user_id
    assert users.id_of("ada@example.com") is None
    users.put(dataclasses.replace(BEA, email="ada@example.com"), replacing=None)
    assert users.id_of("ada@example.com") == BEA.user_id


def test_a_change_that_does_not_touch_the_address_leaves_the_pointer(users: DynamoDBUsers) -> None:
    users.put(ADA, replacing=None)
    users.put(dataclasses.replace(ADA, blocked=True), replacing=ADA)
    assert users.id_of("ada@example.com") == ADA.user_id


@pytest.mark.parametrize("change", [{"blocked": True}, {"password_hash": "newer"}, {"email": "new@example.com"}])
def test_a_change_of_a_user_who_changed_meanwhile_is_refused(users: DynamoDBUsers, change: dict[str, object]) -> None:
    """Else a slow hand would undo a block or a new password."""
    users.put(ADA, replacing=None)
    meanwhile = dataclasses.replace(ADA, **change)  # type: ignore[arg-type]
    users.put(meanwhile, replacing=ADA)
    with pytest.raises(UserConflict):
        users.put(dataclasses.replace(ADA, claims={}), replacing=ADA)
    assert users.by_id(ADA.user_id) == meanwhile


def test_a_change_of_somebody_who_is_gone_makes_no_ghost(users: DynamoDBUsers) -> None:
    with pytest.raises(UserConflict):
        users.put(ADA, replacing=ADA)
    assert users.by_id(ADA.user_id) is None
    assert users.id_of("ada@example.com") is None


def test_what_another_release_keeps_in_the_item_survives(users: DynamoDBUsers) -> None:
    users.put(ADA, replacing=None)
    key = {"user_id": string(ADA.user_id)}
    users.client.update_item(
        TableName=users.table,
        Key=key,
        UpdateExpression="SET shoe_size = :size",
        ExpressionAttributeValues={":size": string("46")},
    )
    users.put(dataclasses.replace(ADA, blocked=True), replacing=ADA)
    assert users.client.get_item(TableName=users.table, Key=key)["Item"]["shoe_size"] == string("46")


def test_no_secret_is_shown_with_a_user() -> None:
    assert ADA.password_hash not in repr(ADA)


def test_a_store_that_does_not_answer_is_a_fault_with_a_name() -> None:
    quick = Config(connect_timeout=0.1, retries={"total_max_attempts": 1})
    client: DynamoDBClient = boto3.client("dynamodb", endpoint_url="http://127.0.0.1:9", config=quick)
    users = DynamoDBUsers(client, "missing")
    with pytest.raises(StoreUnavailable, match=r"^find user: "):
        users.id_of("ada@example.com")
    with pytest.raises(StoreUnavailable, match=r"^store user: "):
        users.put(ADA, replacing=None)
