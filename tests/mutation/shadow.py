"""A pytest plugin: whatever a test asks of DynamoDB Local, the store inside of the process answers the same.

`python -m pytest -p tests.mutation.shadow tests/endpoints`. After each test both hold the same. Where a test calls
from several threads, nobody knows in which order that was done, and where the SDK repeats a call, how often: the rest
of such a test is not compared.
"""

import threading
from collections.abc import Generator, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import pytest

from tests.interleavings import store
from tests.interleavings.store import Failure, State
from tests.interleavings.test_store import form, plain
from tests.mutation.in_process import call_of
from tests.service import Service

_TOLD = ("Item", "Items", "Attributes", "Responses", "CancellationReasons")


class Shadow:
    """Does what DynamoDB Local has done, and compares."""

    def __init__(self, service: Service) -> None:
        self.service = service
        self.state: State | None = self.stored()
        """`None` once the order of the calls is not known."""
        self.differences: list[object] = []
        self.forms: list[str] = []

    @classmethod
    @contextmanager
    def of(cls, service: Service) -> Iterator["Shadow"]:
        """Compare meanwhile, and what is stored in the end."""
        shadow, events = cls(service), service.client.meta.events
        events.register("before-call.dynamodb", shadow.before)
        events.register("after-call.dynamodb", shadow.after)
        try:
            yield shadow
        finally:
            events.unregister("before-call.dynamodb", shadow.before)
            events.unregister("after-call.dynamodb", shadow.after)
        assert not shadow.differences, shadow.differences[0]
        if shadow.state is not None:
            stored = {key: plain(item) for key, item in shadow.stored().items()}
            assert stored == {key: plain(item) for key, item in shadow.state.items() if key[0]}

    def stored(self) -> State:
        """Return what DynamoDB Local holds."""
        return {
            (table, *(item[name]["S"] for name in names)): item
            for table, names in store.key_names().items()
            for item in self.service.items(table)
        }

    def before(self, model: Any, params: Mapping[str, Any], context: dict[str, Any], **_: object) -> None:
        """Note what is asked."""
        body = params["body"].decode()
        for logical_id, name in self.service.tables.items():
            body = body.replace(f'"{name}"', f'"{logical_id}"')
        context["asked"] = call_of(model, {"body": body})

    def after(self, parsed: Mapping[str, Any], context: Mapping[str, Any], **_: object) -> None:
        """Compare what was answered."""
        repeated = parsed.get("ResponseMetadata", {}).get("RetryAttempts", 0) > 0
        if repeated or threading.current_thread() is not threading.main_thread():
            self.state = None
        if self.state is None:
            return
        before, call = self.state, context["asked"]
        answer, self.state = store.apply(before, call)
        self.forms.append(form((before, call, answer, self.state)))
        expected: Any = answer.more if isinstance(answer, Failure) else answer
        code = answer.code if isinstance(answer, Failure) else None
        heard = {name: parsed[name] for name in _TOLD if parsed.get(name)}
        if "Responses" in heard:
            heard["Responses"] = {
                table: heard["Responses"][self.service.tables[table]] for table in expected["Responses"]
            }
        expected = {name: expected[name] for name in _TOLD if expected.get(name)}
        if (parsed.get("Error", {}).get("Code"), _unordered(heard)) != (code, _unordered(expected)):
            self.differences.append((call, heard, answer))


def _unordered(answer: Any) -> Any:
    """Return what compares: what a Scan or a BatchGetItem finds has no order."""
    if "Responses" in answer:
        return {table: _sorted(items) for table, items in answer["Responses"].items()}
    return _sorted(answer["Items"]) if "Items" in answer else plain(answer)


def _sorted(items: Any) -> Any:
    return sorted(plain(items), key=lambda item: sorted(map(str, item.items())))


_forms: list[str] = []


@pytest.hookimpl(wrapper=True)
def pytest_runtest_call(item: Any) -> Generator[None, object, object]:
    """Compare during each test that has a service."""
    service = item.funcargs.get("service")
    if not isinstance(service, Service):
        return (yield)
    with Shadow.of(service) as shadow:
        result = yield
    _forms.extend(shadow.forms)
    return result


def pytest_terminal_summary(terminalreporter: Any) -> None:
    """Say how much was compared."""
    terminalreporter.write_line(f"shadow: {len(_forms)} calls of {len(set(_forms))} forms, answered alike")
