"""What tests of all kinds share: one DynamoDB Local for the whole run, and a service on tables of its own."""

import os
from collections.abc import Iterator
from itertools import count

import pytest

from local import processes
from tests.service import Service

# botocore wants credentials and a region, even for a store that asks for neither.
os.environ.setdefault("AWS_ACCESS_KEY_ID", "test")
os.environ.setdefault("AWS_SECRET_ACCESS_KEY", "test")
os.environ.setdefault("AWS_DEFAULT_REGION", "eu-central-1")

_services = count()


@pytest.fixture(scope="session")
def dynamodb_endpoint() -> Iterator[str]:
    """URL of a running DynamoDB Local."""
    with processes.dynamodb_local() as endpoint:
        yield endpoint


@pytest.fixture
def service(dynamodb_endpoint: str) -> Iterator[Service]:
    """The whole service on fresh tables, with a clock that the test holds."""
    with Service.on(dynamodb_endpoint, prefix=f"t{next(_services)}-") as service:
        yield service
