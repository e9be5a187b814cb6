"""A pushed request is spent once, however many come with it at the same time."""

from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

import pytest

from heirloom.adapters.pushed_requests import DynamoDBPushedRequests
from heirloom.domain.pushed_request import PushedRequest
from tests import service as harness
from tests.service import START

if TYPE_CHECKING:
    from mypy_boto3_dynamodb.client import DynamoDBClient

PUSHED = PushedRequest(digest="d" * 64, client_id="spa", query="client_id=spa&x=%C3%A4", pushed_at=START)


@pytest.fixture
def requests(tables: tuple["DynamoDBClient", Mapping[str, str]]) -> DynamoDBPushedRequests:
    harness.empty(*tables)
    client, names = tables
    adapter = DynamoDBPushedRequests(client, names["PushedRequestsTable"])
    adapter.put(PUSHED)
    return adapter


def test_what_was_put_is_found_until_it_is_spent_and_marked_then(requests: DynamoDBPushedRequests) -> None:
    assert requests.find("e" * 64) is None
    assert requests.find(PUSHED.digest) == PUSHED

    assert requests.spend(PUSHED.digest)

    found = requests.find(PUSHED.digest)
    assert found is not None
    assert found.spent


def test_the_second_to_spend_is_told_so(requests: DynamoDBPushedRequests) -> None:
    assert requests.spend(PUSHED.digest)
    assert not requests.spend(PUSHED.digest)


def test_what_is_gone_cannot_be_spent(requests: DynamoDBPushedRequests) -> None:
    """DynamoDB deleted it meanwhile: no new item may come of that."""
    assert not requests.spend("e" * 64)
    assert requests.find("e" * 64) is None


def test_of_many_at_once_one_spends(requests: DynamoDBPushedRequests) -> None:
    with ThreadPoolExecutor(16) as pool:
        spent = list(pool.map(lambda _: requests.spend(PUSHED.digest), range(16)))

    assert spent.count(True) == 1


def test_a_write_whose_answer_was_lost_recognises_its_own_work(requests: DynamoDBPushedRequests) -> None:
    tries: list[int] = []

    def lose_the_first_answer(attempts: int, **_: Any) -> float | None:
        tries.append(attempts)
        return 0.0 if attempts == 1 else None

    event = "needs-retry.dynamodb.UpdateItem"
    hooks: Any = requests.client.meta.events
    hooks.register_first(event, lose_the_first_answer)
    try:
        assert requests.spend(PUSHED.digest)
    finally:
        hooks.unregister(event, lose_the_first_answer)

    assert tries == [1, 2]
    assert not requests.spend(PUSHED.digest)


def test_it_is_deleted_when_nobody_can_use_it_any_more(
    requests: DynamoDBPushedRequests, tables: tuple["DynamoDBClient", Mapping[str, str]]
) -> None:
    client, names = tables
    (item,) = client.scan(TableName=names["PushedRequestsTable"], ConsistentRead=True)["Items"]

    assert requests.find(PUSHED.digest) is not None
    assert item["expires_at"] == {"N": str(PUSHED.expires_at)}
