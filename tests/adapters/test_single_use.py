"""What is presented once is taken once, however many come at the same time."""

from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, Any

import pytest

from heirloom.adapters.single_use import DynamoDBSingleUse
from tests import service as harness
from tests.service import START

if TYPE_CHECKING:
    from mypy_boto3_dynamodb.client import DynamoDBClient

EXPIRES_AT = START + 300


@pytest.fixture
def single_use(tables: tuple["DynamoDBClient", Mapping[str, str]]) -> DynamoDBSingleUse:
    harness.empty(*tables)
    client, names = tables
    return DynamoDBSingleUse(client, names["SingleUseTable"])


def test_the_second_to_come_is_told_so(single_use: DynamoDBSingleUse) -> None:
    assert single_use.claim("one", expires_at=EXPIRES_AT)
    assert not single_use.claim("one", expires_at=EXPIRES_AT)
    assert single_use.claim("another", expires_at=EXPIRES_AT)


def test_of_many_at_once_one_is_first(single_use: DynamoDBSingleUse) -> None:
    with ThreadPoolExecutor(16) as pool:
        firsts = list(pool.map(lambda _: single_use.claim("one", expires_at=EXPIRES_AT), range(16)))

    assert firsts.count(True) == 1


def test_a_write_whose_answer_was_lost_recognises_its_own_work(single_use: DynamoDBSingleUse) -> None:
    tries: list[int] = []

    def lose_the_first_answer(attempts: int, **_: Any) -> float | None:
        tries.append(attempts)
        return 0.0 if attempts == 1 else None

    event = "needs-retry.dynamodb.PutItem"
    hooks: Any = single_use.client.meta.events
    hooks.register_first(event, lose_the_first_answer)
    try:
        assert single_use.claim("one", expires_at=EXPIRES_AT)
    finally:
        hooks.unregister(event, lose_the_first_answer)

    assert tries == [1, 2]
    assert not single_use.claim("one", expires_at=EXPIRES_AT)


def test_a_long_identifier_leaves_a_short_item_and_is_not_readable(
    single_use: DynamoDBSingleUse, tables: tuple["DynamoDBClient", Mapping[str, str]]
) -> None:
    assert single_use.claim("a secret " * 1000, expires_at=EXPIRES_AT)

    [item] = tables[0].scan(TableName=single_use.table)["Items"]
    assert "secret" not in str(item)
    assert int(item["expires_at"]["N"]) > EXPIRES_AT
