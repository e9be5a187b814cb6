"""DynamoDB as a pure function from a state and a call to an answer and the next state.

It evaluates the very expressions that the adapters send, as far as these go. tests/interleavings/test_store.py and
tests/mutation/test_in_process.py ask DynamoDB Local what it answered.
"""

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from typing import Any

from botocore.exceptions import ClientError

from local import template
from tests.faults import answered_with

type Item = Mapping[str, Any]
"""As the low-level client has it: every value under its type. Nobody changes one."""

type Key = tuple[str, ...]
"""The table's name, then the values of its key."""

type State = Mapping[Key, Item]

type Value = Mapping[str, Any] | None
type Expression = Callable[[Item, "Arguments"], Any]

READS = frozenset({"GetItem", "BatchGetItem", "Query", "Scan"})

_DONE = ""
"""In the place of a table's name: the tokens of the transactions that were committed."""


@dataclass(frozen=True)
class Call:
    """What a client asks of DynamoDB."""

    operation: str
    parameters: Mapping[str, Any]

    def __str__(self) -> str:
        """Return the operation, and what distinguishes it for people."""
        return self.operation


@dataclass(frozen=True)
class Failure:
    """An error that DynamoDB answers with."""

    code: str
    more: Mapping[str, Any] = field(default_factory=dict)

    def error(self) -> ClientError:
        """Return what botocore raises then."""
        return answered_with(self.code, **self.more)


type Answer = Mapping[str, Any] | Failure


class _ConditionFailed(Exception):
    """A condition did not hold; with the item of then, if there was one."""

    def __init__(self, item: Item | None) -> None:
        super().__init__()
        self.item = item


@dataclass(frozen=True)
class Arguments:
    """What the placeholders of an expression stand for."""

    names: Mapping[str, str]
    values: Mapping[str, Any]

    @classmethod
    def of(cls, parameters: Mapping[str, Any]) -> "Arguments":
        """Return those of a call."""
        names, values = "ExpressionAttributeNames", "ExpressionAttributeValues"
        return cls(parameters.get(names, {}), parameters.get(values, {}))


@cache
def key_names() -> Mapping[str, Sequence[str]]:
    """Return the names of each table's key attributes, by its logical id in template.yaml."""
    tables = template.tables(template.load(), prefix="")
    return {table["TableName"]: [key["AttributeName"] for key in table["KeySchema"]] for table in tables}


def apply(state: State, call: Call) -> tuple[Answer, State]:
    """Return the answer to *call* and the state after it. Tables are named by their logical ids."""
    parameters = call.parameters
    match call.operation:
        case "GetItem":
            item = state.get(_key(parameters["TableName"], parameters["Key"]))
            return ({"Item": item} if item is not None else {}), state
        case "BatchGetItem":
            return {"Responses": _several(state, parameters), "UnprocessedKeys": {}}, state
        case "Query" | "Scan":
            return {"Items": list(_listed(state, parameters))}, state
        case "TransactWriteItems":
            return _transact(state, parameters)
        case "UpdateItem" | "PutItem" | "DeleteItem":
            key, item = _target(parameters)
            before = state.get(key)
            try:
                after = _written(call.operation, before, item, parameters)
            except _ConditionFailed as failed:
                more = {"Item": failed.item} if failed.item and _tells_old(parameters) else {}
                return Failure("ConditionalCheckFailedException", more), state
            returned = {"ALL_NEW": after, "ALL_OLD": before}.get(parameters.get("ReturnValues", "NONE"))
            return ({"Attributes": returned} if returned else {}), _with(state, {key: after})
        case _:
            raise NotImplementedError(call.operation)


# ---- Calls


def _key(table: str, item: Item) -> Key:
    return (table, *(item[name]["S"] for name in key_names()[table]))


def _target(parameters: Mapping[str, Any]) -> tuple[Key, Item]:
    item = parameters.get("Item") or parameters["Key"]
    return _key(parameters["TableName"], item), item


def _with(state: State, changes: Mapping[Key, Item | None]) -> State:
    items = {**state, **{key: item for key, item in changes.items() if item is not None}}
    for key in [key for key, item in changes.items() if item is None]:
        items.pop(key, None)
    return items


def _tells_old(parameters: Mapping[str, Any]) -> bool:
    return parameters.get("ReturnValuesOnConditionCheckFailure") == "ALL_OLD"


def _written(operation: str, before: Item | None, item: Item, parameters: Mapping[str, Any]) -> Item | None:
    """Return what stands there after a write; raise `_ConditionFailed`."""
    arguments = Arguments.of(parameters)
    condition = parameters.get("ConditionExpression")
    if condition is not None and not _condition(condition)(before or {}, arguments):
        raise _ConditionFailed(before)
    match operation:
        case "UpdateItem" | "Update":
            return _updated({**item, **(before or {})}, parameters["UpdateExpression"], arguments)
        case "PutItem" | "Put":
            return item
        case "DeleteItem" | "Delete":
            return None
        case _:  # ConditionCheck
            return before


def _several(state: State, parameters: Mapping[str, Any]) -> Mapping[str, list[Item]]:
    return {
        table: [state[key] for key in (_key(table, it) for it in wanted["Keys"]) if key in state]
        for table, wanted in parameters["RequestItems"].items()
    }


def _listed(state: State, parameters: Mapping[str, Any]) -> Iterator[Item]:
    """Yield what a Query or a Scan finds, however much that is: one page."""
    arguments = Arguments.of(parameters)
    names = ("KeyConditionExpression", "FilterExpression")
    conditions = [_condition(parameters[name]) for name in names if name in parameters]
    for key, item in sorted(state.items(), key=lambda it: it[0]):
        if key[0] == parameters["TableName"] and all(condition(item, arguments) for condition in conditions):
            yield item


def _transact(state: State, parameters: Mapping[str, Any]) -> tuple[Answer, State]:
    done = (_DONE, parameters.get("ClientRequestToken", ""))
    if done in state:
        return {}, state
    changes: dict[Key, Item | None] = {}
    reasons: list[dict[str, Any]] = []
    for entry in parameters["TransactItems"]:
        ((operation, one),) = entry.items()
        key, item = _target(one)
        try:
            changes[key] = _written(operation, state.get(key), item, one)
            reasons.append({"Code": "None"})
        except _ConditionFailed as failed:
            more = {"Item": failed.item} if failed.item and _tells_old(one) else {}
            reasons.append({"Code": "ConditionalCheckFailed", **more})
    if any(reason["Code"] != "None" for reason in reasons):
        return Failure("TransactionCanceledException", {"CancellationReasons": reasons}), state
    if done[1]:
        changes[done] = {}
    return {}, _with(state, changes)


# ---- Expressions

_TOKEN = re.compile(r"\s*([#:]?\w+|<>|<=|>=|[<>=(),.+])")


@cache
def _condition(text: str) -> Expression:
    parser = _Parser(text)
    condition = parser.disjunction()
    parser.expect_end()
    return condition


@cache
def _clauses(text: str) -> tuple[tuple[str, tuple[str, ...], Expression | None], ...]:
    return tuple(_Parser(text).clauses())


def _updated(item: Item, text: str, arguments: Arguments) -> Item:
    """Return *item* after an update: all of it reads the item as it was."""
    changed: dict[str, Any] = dict(item)
    for verb, path, operand in _clauses(text):
        first, *rest = _resolved(path, arguments)
        value = operand(item, arguments) if operand else None
        match verb:
            case "SET" if rest:
                changed[first] = {"M": {**changed[first]["M"], rest[0]: value}}
            case "SET":
                changed[first] = value
            case "ADD":
                changed[first] = _sum(item.get(first), value)
            case "REMOVE":
                changed.pop(first, None)
            case _:
                raise NotImplementedError(verb)
    return changed


def _sum(before: Value, more: Value) -> Value:
    if more is not None and "SS" in more:
        return {"SS": sorted({*(before or {"SS": ()})["SS"], *more["SS"]})}
    return _number(_int(before or {"N": "0"}) + _int(more or {"N": "0"}))


def _resolved(path: Sequence[str], arguments: Arguments) -> list[str]:
    return [arguments.names[part] if part.startswith("#") else part for part in path]


def _int(value: Mapping[str, Any]) -> int:
    return int(value["N"])


def _number(value: int) -> dict[str, str]:
    return {"N": str(value)}


def _comparable(value: Value) -> Any:
    """Return a value that compares as DynamoDB compares, with its type; `None` for what is not there."""
    if value is None:
        return None
    ((kind, bare),) = value.items()
    return (kind, int(bare) if kind == "N" else frozenset(bare) if kind == "SS" else bare)


def _compare(operator: str, left: Value, right: Value) -> bool:
    one, other = _comparable(left), _comparable(right)
    if one is None or other is None:
        return False
    if operator in {"=", "<>"}:
        return (one == other) is (operator == "=")
    if one[0] != other[0]:
        return False
    return bool({"<": one < other, "<=": one <= other, ">": one > other, ">=": one >= other}[operator])


class _Parser:
    """Recursive descent over what our expressions are made of; anything else is an error."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.tokens = _TOKEN.findall(text)
        if "".join(self.tokens) != "".join(text.split()):
            raise NotImplementedError(text)
        self.position = 0

    def expect_end(self) -> None:
        if self.position < len(self.tokens):
            raise NotImplementedError(self.text)

    def disjunction(self) -> Expression:
        parts = [self._conjunction()]
        while self._accept("OR"):
            parts.append(self._conjunction())
        return parts[0] if len(parts) == 1 else lambda item, arguments: any(part(item, arguments) for part in parts)

    def clauses(self) -> Iterator[tuple[str, tuple[str, ...], Expression | None]]:
        while self.position < len(self.tokens):
            verb = self._next()
            while True:
                path = self._path()
                if verb == "SET":
                    self._expect("=")
                yield verb, path, None if verb == "REMOVE" else self._operand()
                if not self._accept(","):
                    break

    def _conjunction(self) -> Expression:
        parts = [self._predicate()]
        while self._accept("AND"):
            parts.append(self._predicate())
        return parts[0] if len(parts) == 1 else lambda item, arguments: all(part(item, arguments) for part in parts)

    def _predicate(self) -> Expression:
        if self._accept("("):
            inner = self.disjunction()
            self._expect(")")
            return inner
        match self._peek():
            case "attribute_exists":
                operand = self._called()[0]
                return lambda item, arguments: operand(item, arguments) is not None
            case "attribute_not_exists":
                operand = self._called()[0]
                return lambda item, arguments: operand(item, arguments) is None
            case "contains":
                whole, part = self._called()
                return lambda item, arguments: _contains(whole(item, arguments), part(item, arguments))
            case "begins_with":
                text, prefix = self._called()
                return lambda item, arguments: _begins_with(text(item, arguments), prefix(item, arguments))
        left, operator, right = self._operand(), self._next(), self._operand()
        return lambda item, arguments: _compare(operator, left(item, arguments), right(item, arguments))

    def _operand(self) -> Expression:
        left = self._term()
        if not self._accept("+"):
            return left
        right = self._term()
        return lambda item, arguments: _number(_int(left(item, arguments)) + _int(right(item, arguments)))

    def _term(self) -> Expression:
        token = self._peek()
        if token.startswith(":"):
            self._next()
            return lambda _, arguments: arguments.values[token]
        if token == "if_not_exists":
            there, default = self._called()
            return lambda item, arguments: there(item, arguments) or default(item, arguments)
        if token == "size":
            (whole,) = self._called()
            return lambda item, arguments: _size(whole(item, arguments))
        path = self._path()
        return lambda item, arguments: _found(item, _resolved(path, arguments))

    def _called(self) -> list[Expression]:
        """Return the operands of a function."""
        self._next()
        self._expect("(")
        operands = [self._operand()]
        while self._accept(","):
            operands.append(self._operand())
        self._expect(")")
        return operands

    def _path(self) -> tuple[str, ...]:
        parts = [self._next()]
        while self._accept("."):
            parts.append(self._next())
        return tuple(parts)

    def _peek(self) -> str:
        return str(self.tokens[self.position])

    def _next(self) -> str:
        token = self._peek()
        self.position += 1
        return token

    def _accept(self, token: str) -> bool:
        if self.position < len(self.tokens) and self._peek() == token:
            self.position += 1
            return True
        return False

    def _expect(self, token: str) -> None:
        if not self._accept(token):
            raise NotImplementedError(self.text)


def _found(item: Item, path: Sequence[str]) -> Value:
    value: Value = item.get(path[0])
    for part in path[1:]:
        value = value["M"].get(part) if value is not None else None
    return value


def _contains(whole: Value, part: Value) -> bool:
    return whole is not None and part is not None and part["S"] in whole["SS"]


def _begins_with(text: Value, prefix: Value) -> bool:
    return text is not None and prefix is not None and text["S"].startswith(prefix["S"])


def _size(whole: Value) -> Value:
    return None if whole is None else _number(len(next(iter(whole.values()))))
