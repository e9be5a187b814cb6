"""A refresh costs what the first one did, however often its family rotated and however many families there are."""

import logging
import secrets
import time
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from itertools import batched, islice
from statistics import median
from typing import Any

import pytest

from heirloom.adapters.attributes import string
from heirloom.adapters.families import item_key
from heirloom.domain import encoding
from heirloom.domain.family import LARGEST_ITEM, SLOTS
from local import processes
from tests import soaking
from tests.item_size import size_of
from tests.scale.conftest import Bench, bench_on
from tests.service import Service, family_key_of

ROTATIONS = 300
FAMILIES = 2_000
SOAKED_ROTATIONS = 100_000
SOAKED_FAMILIES = 1_000_000
"""In a soak of an hour."""
NUMBERS_GROW = 4
"""Bytes: the generation and the times take more digits as they grow."""
TIMED = 200
SLOWER = 3
"""Times that a median may be larger by chance alone."""
BATCH = 25
"""Items of one BatchWriteItem."""

_log = logging.getLogger(__name__)


def log_in(service: Service) -> str:
    """A family that ends by nothing but its revocation."""
    service.set_policy(idle_lifetime=None, absolute_lifetime=None)
    return str(service.login_tokens(scope="offline_access read:notes")["refresh_token"])


def rotated(service: Service, token: str, times: int) -> str:
    """The live token after so many rotations, a second apart."""
    for _ in range(times):
        service.wait(1)
        token = service.refreshed(token)
        service.transcript.clear()
        service.events.clear()
    return token


def item_of(service: Service, token: str) -> dict[str, Any]:
    """The family's item."""
    key = item_key(family_key_of(token))
    answer = service.client.get_item(TableName=service.tables["FamiliesTable"], Key=key, ConsistentRead=True)
    return dict(answer["Item"])


def one_more(bench: Bench, token: str) -> str:
    """Refresh once more, and see that it is one call and one write unit."""
    bench.metered.now_ms = bench.service.now_ms
    with bench.meter.counting() as meter:
        token = rotated(bench.metered, token, 1)
    bench.service.now_ms = bench.metered.now_ms
    assert meter.calls == {"UpdateItem": 1}
    assert (meter.write_units, meter.read_units) == (1, 0)
    return token


def milliseconds(*families: tuple[Service, str]) -> list[float]:
    """The median time of a refresh of each family, taken in turns: whatever else the machine does slows all down."""
    took: list[list[float]] = [[] for _ in families]
    live = [token for _, token in families]
    for _ in range(TIMED):
        for index, (service, _) in enumerate(families):
            begun = time.perf_counter()
            live[index] = rotated(service, live[index], 1)
            took[index].append((time.perf_counter() - begun) * 1000)
    return [median(it) for it in took]


def others(item: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    """Families of other people, of one size with *item*, without end."""
    while True:
        user_key, family_id = encoding.encode(secrets.token_bytes(8)), encoding.encode(secrets.token_bytes(16))
        own = {"user_key": string(user_key), "family_id": string(family_id), "user_id": string(f"auth0|{user_key}")}
        yield {**item, **own}


def put(service: Service, families: Iterator[dict[str, Any]], number: int) -> None:
    """Fill the table, as fast as it goes."""
    table = service.tables["FamiliesTable"]

    def write(items: tuple[dict[str, Any], ...]) -> None:
        requests: Any = [{"PutRequest": {"Item": item}} for item in items]
        left = service.client.batch_write_item(RequestItems={table: requests})["UnprocessedItems"]
        assert not left

    with ThreadPoolExecutor(4) as pool:
        for window in batched(batched(islice(families, number), BATCH, strict=False), 400, strict=False):
            list(pool.map(write, window))


def count(service: Service) -> int:
    """How many items the families table has, by DescribeTable, which DynamoDB Local keeps up to date."""
    answer = service.client.describe_table(TableName=service.tables["FamiliesTable"])
    return int(answer["Table"]["ItemCount"])


def test_a_refresh_costs_one_write_at_every_generation(bench: Bench) -> None:
    token = one_more(bench, log_in(bench.service))
    token = rotated(bench.service, token, SLOTS)
    first = size_of(item_of(bench.service, token))
    for _ in range(3):  # each time another slot, and a generation with more digits
        token = rotated(bench.service, token, ROTATIONS // 3)
        token = one_more(bench, token)

    last = item_of(bench.service, token)
    assert int(last["generation"]["N"]) == 1 + SLOTS + ROTATIONS + 3
    assert len(last["superseded_at"]["M"]) == SLOTS
    assert first <= size_of(last) <= first + NUMBERS_GROW
    assert size_of(last) <= LARGEST_ITEM


def test_a_refresh_costs_one_write_however_many_families_there_are(bench: Bench) -> None:
    token = one_more(bench, rotated(bench.service, log_in(bench.service), SLOTS))
    item = item_of(bench.service, token)
    put(bench.service, others(item), FAMILIES)
    assert count(bench.service) >= FAMILIES

    token = one_more(bench, token)

    assert size_of(item_of(bench.service, token)) == size_of(item)


@pytest.mark.soak
def test_a_soak_of_rotations_leaves_size_calls_and_time_as_they_were(bench: Bench) -> None:
    """Case 15, Logto #9545: 165,000 used tokens of one grant, and a revocation that ran into a time limit."""
    rotations = max(1000, round(SOAKED_ROTATIONS * soaking.MINUTES / 60))
    first = log_in(bench.service)
    token = rotated(bench.service, first, SLOTS)
    before = size_of(item_of(bench.service, token))
    begun = time.monotonic()

    token = one_more(bench, rotated(bench.service, token, rotations))

    seconds = time.monotonic() - begun
    after = size_of(item_of(bench.service, token))
    bench.service.cookies.clear()
    young, old = milliseconds((bench.service, log_in(bench.service)), (bench.service, token))
    _log.info(
        "%d rotations in %.0f s: item %d then %d bytes; beside a new family's %.1f ms its refresh takes %.1f",
        *(rotations, seconds, before, after, young, old),
    )
    assert before <= after <= min(LARGEST_ITEM, before + NUMBERS_GROW)
    assert old < young * SLOWER
    bench.metered.now_ms = bench.service.now_ms
    with bench.meter.counting() as meter:
        assert bench.metered.revoke(first).status == 200
    assert meter.calls == {"UpdateItem": 1}
    assert (meter.write_units, meter.read_units) == (1, 0)


@pytest.mark.soak
def test_a_soak_of_families_leaves_size_calls_and_time_as_they_were() -> None:
    families = max(10_000, round(SOAKED_FAMILIES * soaking.MINUTES / 60))
    with (
        processes.dynamodb_local() as endpoint,  # one of its own: its memory is given back at once
        bench_on(endpoint) as full,
        bench_on(endpoint, prefix="empty-") as empty,
    ):
        token = one_more(full, rotated(full.service, log_in(full.service), SLOTS))
        item = item_of(full.service, token)
        begun = time.monotonic()

        put(full.service, others(item), families)

        seconds = time.monotonic() - begun
        assert count(full.service) >= families
        token = one_more(full, token)
        assert size_of(item_of(full.service, token)) == size_of(item)
        lonely = rotated(empty.service, log_in(empty.service), SLOTS)
        alone, among_others = milliseconds((empty.service, lonely), (full.service, token))
        _log.info(
            "%d families in %.0f s: item of %d bytes; beside %.1f ms in an empty table a refresh takes %.1f",
            *(families, seconds, size_of(item), alone, among_others),
        )
        assert among_others < alone * SLOWER
