"""What a refresh takes beside the least that any refresh must do: a short form of `make bench`, in seconds."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import pytest

from benchmarks.performance import contender, stores
from benchmarks.performance.contender import Contender
from benchmarks.performance.metering import metered
from benchmarks.performance.stores import Stores
from benchmarks.performance.summary import ratio

AT_MOST = 1.7
"""Processor time of the handler ÷ the floor's: what it is today, and room for noise. `make bench` wants less."""

ROUNDS, EXCHANGES = 12, 25


@dataclass(frozen=True, slots=True)
class Logins:
    """A store, and families in it as logins leave them."""

    store: Stores
    family: dict[str, Any]
    tokens: list[str]


@pytest.fixture(name="logins", scope="module")
def _logins(dynamodb_endpoint: str) -> Iterator[Logins]:
    with stores.running("floor-", dynamodb=dynamodb_endpoint) as store:
        with contender.ours("functions", store.environment) as functions:
            tokens = functions.ask("log_in", times=2)["tokens"]
        yield Logins(store, store.family(), tokens)


@contextmanager
def both(logins: Logins, endpoint: str) -> Iterator[dict[str, Contender]]:
    """The floor and the handler, each with a family of its own."""
    environment = logins.store.through(endpoint)
    with contender.ours("floor", environment) as floor, contender.ours("handler", environment) as handler:
        floor.ask("begin", item=logins.family)
        handler.ask("begin", token=logins.tokens.pop())
        yield {"floor": floor, "handler": handler}


def test_a_warm_refresh_takes_little_more_than_the_floor(logins: Logins) -> None:
    """In turns, and as a ratio: what slows the machine down slows both."""
    cpu: dict[str, list[float]] = {"floor": [], "handler": []}
    with both(logins, logins.store.dynamodb) as contenders:
        for one in contenders.values():
            one.ask("refresh", times=EXCHANGES)
        for _ in range(ROUNDS):
            for name, one in contenders.items():
                cpu[name].append(one.ask("refresh", times=EXCHANGES)["cpu_ms"])

    seen = ratio(cpu["handler"], cpu["floor"])
    assert 1 < seen.median < AT_MOST, f"handler ÷ floor: {seen}"


def test_the_floor_asks_the_store_for_the_same_and_signs_as_much(logins: Logins) -> None:
    """Else it would be a floor of something else."""
    asked: dict[str, Any] = {}
    answers: dict[str, Any] = {}
    with metered(logins.store.dynamodb) as (endpoint, calls), both(logins, endpoint) as contenders:
        for name, one in contenders.items():
            one.ask("refresh", times=1)
            calls.clear()
            answers[name] = json.loads(one.ask("refresh", times=1)["body"])
            assert {(call.action, call.writes, call.units) for call in calls} == {("UpdateItem", True, 1)}
            asked[name] = calls[-1].document

    ours, floor = asked["handler"], asked["floor"]
    for expression in (
        "UpdateExpression",
        "ConditionExpression",
        "ExpressionAttributeNames",
        "ReturnValues",
        "ReturnValuesOnConditionCheckFailure",
    ):
        assert floor[expression] == ours[expression]
    assert kinds(floor["ExpressionAttributeValues"]) == kinds(ours["ExpressionAttributeValues"])
    assert answers["floor"].keys() == answers["handler"].keys()
    for token in ("access_token", "id_token"):
        assert abs(len(answers["floor"][token]) - len(answers["handler"][token])) < 8
    assert {*answers["floor"]["scope"].split()} == {*answers["handler"]["scope"].split()}


def kinds(values: dict[str, Any]) -> dict[str, str]:
    """The types of values by their names."""
    return {name: next(iter(value)) for name, value in values.items()}
