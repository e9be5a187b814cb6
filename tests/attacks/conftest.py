"""What holds for every answer here too, whoever asked; and the service as it is reached by HTTP."""

from collections.abc import Iterator
from types import SimpleNamespace

import pytest

from tests import answers
from tests.attacks.network import Wire, serving
from tests.service import Service


@pytest.fixture(autouse=True)
def _every_answer(service: Service) -> Iterator[None]:
    yield
    answers.check(service)


@pytest.fixture(name="clock")
def _clock(service: Service, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let requests that come by HTTP have the test's time."""
    monkeypatch.setattr("heirloom.adapters.web.time", SimpleNamespace(time_ns=lambda: service.now_ms * 1_000_000))


@pytest.fixture(name="wire")
def _wire(service: Service, clock: None) -> Iterator[Wire]:  # noqa: ARG001 - is there
    """The service behind HTTP."""
    with serving(service) as wire:
        yield wire
