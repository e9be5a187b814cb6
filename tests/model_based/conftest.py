"""What histories need: tables of their own, and one client for each function of the stack."""

from collections.abc import Iterator
from types import SimpleNamespace

import boto3
import pytest

from tests import service as harness
from tests.model_based.histories import Histories


@pytest.fixture(scope="module")
def stacks(dynamodb_endpoint: str) -> Iterator[None]:
    """Let histories be played on DynamoDB Local."""
    with (
        harness.store(dynamodb_endpoint, prefix="histories-") as (client, tables),
        pytest.MonkeyPatch.context() as patch,
    ):
        # The SDK repeats a request at once: nobody else is there to wait for.
        patch.setattr("botocore.endpoint.time", SimpleNamespace(sleep=lambda _: None))
        more = [boto3.client("dynamodb", endpoint_url=dynamodb_endpoint, config=client.meta.config) for _ in range(2)]
        Histories.store = ([client, *more], tables)
        yield
        for one in more:
            one.close()
