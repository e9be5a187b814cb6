"""The functions on a stack of which DynamoDB Local and ministack stand behind unreliable proxies."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from random import Random
from types import SimpleNamespace
from unittest import mock

import pytest

from heirloom.adapters.retries import READ_TIMEOUT
from local import processes, template
from local.stack import Endpoints
from tests.service import Service, answered
from tests.unreliable_store import proxy
from tests.unreliable_store.functions import Functions, stacked
from tests.unreliable_store.proxy import Proxy

PATIENCE = READ_TIMEOUT
"""Seconds for which our clients wait for a byte."""

TIMEOUT: float = template.load().document["Globals"]["Function"]["Timeout"]
"""Seconds that the functions have which the API calls."""

QUICKER = 10
"""By how much the mass of the requests pauses less between attempts than in truth. Timeouts are the real ones."""


@dataclass
class Bench:
    """A stack whose stores can be made unreliable."""

    service: Service
    functions: Functions
    dynamodb: Proxy
    others: Proxy

    @property
    def proxies(self) -> tuple[Proxy, Proxy]:
        """Both of them."""
        return self.dynamodb, self.others


@contextmanager
def benches(stores: Endpoints, *, prefix: str, quicker: float = 1, seed: int = 5) -> Iterator[Bench]:
    """A bench with the functions' own timeouts, and pauses between attempts that are so much *quicker*."""

    def pause(seconds: float) -> None:
        time.sleep(seconds / quicker)

    with (
        proxy.before(stores.dynamodb, Random(seed), patience=PATIENCE) as (dynamodb, dynamodb_url),  # noqa: S311
        proxy.before(stores.others, Random(seed + 1), patience=PATIENCE) as (others, others_url),  # noqa: S311
        mock.patch("botocore.endpoint.time", SimpleNamespace(sleep=pause)),
        mock.patch("heirloom.adapters.aws_json.sleep", pause),
        stacked(stores, Endpoints(dynamodb_url, others_url), prefix=prefix, timeout=TIMEOUT) as (service, functions),
    ):
        _warm_up(service)
        functions.seconds.clear()
        yield Bench(service, functions, dynamodb, others)


def _warm_up(service: Service) -> None:
    """Log in once: DynamoDB Local's first transaction takes seconds on a busy machine, which is no fault of ours."""
    for _ in range(20):
        response = service.log_in()
        if response.status == 303 and service.exchange(answered(response)["code"]).status == 200:
            return
    raise AssertionError("the stores do not answer")


@pytest.fixture(scope="session")
def stores(dynamodb_endpoint: str) -> Iterator[Endpoints]:
    """DynamoDB Local, and ministack for everything else."""
    with processes.ministack() as others:
        yield Endpoints(dynamodb_endpoint, others)


@pytest.fixture(scope="module")
def bench(stores: Endpoints) -> Iterator[Bench]:
    """A bench on which attempts follow each other quickly."""
    with benches(stores, prefix="faults-", quicker=QUICKER) as made:
        yield made


@pytest.fixture(name="no_pause")
def _no_pause(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the SDK repeat a request at once."""
    monkeypatch.setattr("botocore.endpoint.time", SimpleNamespace(sleep=lambda _: None))
    monkeypatch.setattr("heirloom.adapters.aws_json.sleep", lambda _: None)
