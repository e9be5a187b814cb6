"""What the schedules are explored on answers as DynamoDB does: what it answered is asked of DynamoDB Local."""

import logging
import secrets
from collections import defaultdict
from collections.abc import Iterator, Mapping
from functools import cache
from itertools import combinations_with_replacement
from typing import TYPE_CHECKING, Any

import pytest
from botocore.exceptions import ClientError

from tests import service as harness
from tests.interleavings import scenes, store
from tests.interleavings.scenes import EVERYBODY, LAST_WORD, WHERE_ROTATION_IS_OFF
from tests.interleavings.scheduler import Scenario, Stage, explored
from tests.interleavings.store import Answer, Call, Failure, State

if TYPE_CHECKING:
    from mypy_boto3_dynamodb.client import DynamoDBClient

LOGGER = logging.getLogger(__name__)

OF_EACH_FORM = 3
"""How many of the calls with the same expressions and the same outcome are asked of DynamoDB Local."""

VERBS = {
    "GetItem": "get_item",
    "PutItem": "put_item",
    "UpdateItem": "update_item",
    "DeleteItem": "delete_item",
    "Query": "query",
    "TransactWriteItems": "transact_write_items",
}

type Tables = tuple["DynamoDBClient", Mapping[str, str]]
type Effect = tuple[State, Call, Answer, State]


@cache
def effects() -> tuple[Effect, ...]:
    """All calls of two requests in every order, with what the store made of them."""
    return tuple(_effects())


def _effects() -> Iterator[Effect]:
    for scene, cast in ((scenes.scene(), EVERYBODY), (scenes.scene(rotating=False), WHERE_ROTATION_IS_OFF)):
        stage = Stage(scene)
        explored(stage, (Scenario((*pair, LAST_WORD)) for pair in combinations_with_replacement(cast, 2)))
        for (state, call), (answer, after, _) in stage.effects.items():
            values = stage.states.values
            yield values[state], stage.calls.values[call], stage.answers.values[answer], values[after]


def form(effect: Effect) -> str:
    """What distinguishes calls: operation, expressions, and whether it was done."""
    _, call, answer, _ = effect
    ones: list[Any] = [one for it in call.parameters.get("TransactItems", ()) for one in it.values()]
    texts = [
        str(it[name])
        for it in (call.parameters, *ones)
        for name in sorted(it)
        if name.endswith("Expression") or name.startswith("ReturnValues")
    ]
    return " / ".join([call.operation, *texts, outcome(answer)])


def outcome(answer: Answer) -> str:
    if not isinstance(answer, Failure):
        return f"done {sorted(answer)}"
    codes = [reason["Code"] for reason in answer.more.get("CancellationReasons", ())]
    return f"{answer.code} {codes} {'Item' in answer.more}"


class Mirror:
    """DynamoDB Local, brought into any state."""

    def __init__(self, tables: Tables) -> None:
        self.client, self.names = tables
        self.state: dict[store.Key, store.Item] = {}

    def become(self, state: State) -> None:
        """Put and delete what differs."""
        for key in [key for key in self.state if key not in state]:
            self.client.delete_item(TableName=self.names[key[0]], Key=self._key(key))
            del self.state[key]
        for key, item in state.items():
            if key[0] and self.state.get(key) != item:
                self.client.put_item(TableName=self.names[key[0]], Item=item)
                self.state[key] = item

    def ask(self, call: Call, token: str = "") -> Answer:
        """Ask the same of DynamoDB Local, as a transaction of this token or a new one: it remembers them."""
        verb: Any = getattr(self.client, VERBS[call.operation])
        parameters: Any = self._named(call.parameters)
        if "ClientRequestToken" in parameters:
            parameters["ClientRequestToken"] = token or secrets.token_hex(16)
        try:
            answer: Any = verb(**parameters)
        except ClientError as error:
            response: Any = error.response
            more = {name: response[name] for name in ("Item", "CancellationReasons") if response.get(name)}
            return Failure(response["Error"]["Code"], more)
        return {name: answer[name] for name in ("Item", "Items", "Attributes") if name in answer}

    def look(self, after: State) -> None:
        """Compare what is stored with *after*, wherever that differs from before."""
        for key in {*self.state, *after} - {key for key in after if not key[0]}:
            if self.state.get(key) != after.get(key):
                found: Any = self.client.get_item(
                    TableName=self.names[key[0]], Key=self._key(key), ConsistentRead=True
                ).get("Item")
                assert plain(found) == plain(after.get(key))
                if found is None:
                    self.state.pop(key)
                else:
                    self.state[key] = found

    def _key(self, key: store.Key) -> Any:
        return {name: {"S": value} for name, value in zip(store.key_names()[key[0]], key[1:], strict=True)}

    def _named(self, value: Any) -> Any:
        """Return parameters with this store's names of the tables."""
        if isinstance(value, list):
            return [self._named(it) for it in value]
        if not isinstance(value, Mapping):
            return value
        return {name: self.names[it] if name == "TableName" else self._named(it) for name, it in value.items()}


def plain(value: Any) -> Any:
    """Return what compares: sets have no order, and messages are for people."""
    if isinstance(value, Failure):
        return value.code, plain(value.more)
    if isinstance(value, list):
        return [plain(it) for it in value]
    if isinstance(value, Mapping):
        return {name: sorted(it) if name == "SS" else plain(it) for name, it in value.items() if name != "Message"}
    return value


def compare(mirror: Mirror, chosen: list[Effect]) -> None:
    for before, call, answer, after in chosen:
        mirror.become(before)
        assert plain(mirror.ask(call)) == plain(answer), call
        mirror.look(after)


def first_time(effect: Effect) -> bool:
    """Tell whether it is no transaction that was committed before: DynamoDB knows those, and not from any state."""
    before, call, _, _ = effect
    return ("", call.parameters.get("ClientRequestToken", "none")) not in before


def test_every_form_of_a_call_is_answered_as_dynamodb_answers_it(tables: Tables) -> None:
    harness.empty(*tables)
    forms: dict[str, list[Effect]] = defaultdict(list)
    for effect in filter(first_time, effects()):
        forms[form(effect)].append(effect)

    chosen = [effect for alike in forms.values() for effect in alike[:OF_EACH_FORM]]
    compare(Mirror(tables), chosen)

    LOGGER.info("%d calls of %d forms: DynamoDB Local answers the same", len(chosen), len(forms))
    harness.empty(*tables)


def test_a_transaction_is_committed_once_however_often_it_is_asked_for(tables: Tables) -> None:
    """By its ClientRequestToken, as the SDK repeats it."""
    harness.empty(*tables)
    before, call, answer, after = next(
        it for it in effects() if it[1].operation == "TransactWriteItems" and not isinstance(it[2], Failure)
    )
    mirror, token = Mirror(tables), secrets.token_hex(16)
    mirror.become(before)

    assert [mirror.ask(call, token), mirror.ask(call, token)] == [answer, answer]
    assert store.apply(after, call) == (answer, after)
    mirror.look(after)
    harness.empty(*tables)


@pytest.mark.soak
def test_soak_every_call_is_answered_as_dynamodb_answers_it(tables: Tables) -> None:
    harness.empty(*tables)
    chosen = list(filter(first_time, effects()))

    compare(Mirror(tables), chosen)

    LOGGER.info("%d calls: DynamoDB Local answers the same", len(chosen))
    harness.empty(*tables)
