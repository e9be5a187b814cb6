"""A service on tables of its own, and a second one on the same tables, behind a meter."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import boto3
import pytest
from botocore.config import Config

from tests import service as harness
from tests.endpoints.hands import restarted
from tests.scale import meter
from tests.scale.meter import Meter
from tests.service import Service


@dataclass
class Bench:
    """The service, and the same one metered."""

    service: Service
    metered: Service
    meter: Meter


@contextmanager
def bench_on(endpoint: str, prefix: str = "scale-") -> Iterator[Bench]:
    """One on a running DynamoDB."""
    with (
        harness.store(endpoint, prefix) as (client, tables),
        meter.before(endpoint) as (meter_, url),
    ):
        service = Service.of(client, tables)
        config = Config(retries={"mode": "standard", "total_max_attempts": 1})
        through = boto3.client("dynamodb", endpoint_url=url, config=config)
        yield Bench(service, restarted(service, through), meter_)
        through.close()


@pytest.fixture(name="bench")
def _bench(dynamodb_endpoint: str) -> Iterator[Bench]:
    with bench_on(dynamodb_endpoint) as bench:
        yield bench
