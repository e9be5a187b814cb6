"""What every case here needs: a client whose calls can be stepped through, and answers that are checked."""

from collections.abc import Iterator
from types import SimpleNamespace

import pytest

from tests import answers
from tests.faults import Steps
from tests.service import Service


@pytest.fixture(autouse=True)
def _every_answer(service: Service) -> Iterator[None]:
    yield
    answers.check(service)


@pytest.fixture(name="steps")
def _steps(service: Service) -> Iterator[Steps]:
    """The calls of the service's client, one by one."""
    with Steps.of(service.client) as steps:
        yield steps


@pytest.fixture(name="no_pause")
def _no_pause(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the SDK repeat a request at once."""
    monkeypatch.setattr("botocore.endpoint.time", SimpleNamespace(sleep=lambda _: None))
