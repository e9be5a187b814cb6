"""What tests of all kinds share: one DynamoDB Local for the whole run, and a service whose tables are empty."""

import os
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING

import pytest
from hypothesis import settings
from xdist.remote import Producer  # type: ignore[import-untyped]
from xdist.scheduler import LoadScopeScheduling  # type: ignore[import-untyped]

from local import processes
from tests import log_recorder
from tests import service as harness
from tests.log_scan import Plugin
from tests.service import Service

if TYPE_CHECKING:
    from mypy_boto3_dynamodb.client import DynamoDBClient

# How long an example takes says something about the machine that runs it, and nothing about the code.
settings.register_profile("heirloom", deadline=None)
settings.load_profile("heirloom")

# botocore wants credentials and a region, even for a store that asks for neither.
os.environ.setdefault("AWS_ACCESS_KEY_ID", "test")
os.environ.setdefault("AWS_SECRET_ACCESS_KEY", "test")
os.environ.setdefault("AWS_DEFAULT_REGION", "eu-central-1")


DEPLOYS = "tests/deploy/"

LONGEST = (DEPLOYS, "tests/hostile_input/test_fuzz.py", "tests/sdk/", "tests/docs/", "tests/unreliable_store/")
"""What takes longest begins first, and what is quick fills the gaps: all processes end at about the same time."""


def pytest_configure(config: pytest.Config) -> None:
    """Note what is logged, and the secrets that must not be."""
    config.pluginmanager.register(Plugin(config), "log-scan")


def pytest_runtest_logfinish() -> None:
    """Write how much has been noted: processes may be killed."""
    log_recorder.count()


def pytest_itemcollected(item: pytest.Item) -> None:
    """Record which SDK a test is about, and what it runs of it; tests/compatibility.py makes a page of that."""
    module = getattr(item, "module", None)
    sdk = getattr(module, "SDK", None)
    if isinstance(sdk, dict):
        item.user_properties.extend(sdk.items())
        item.user_properties.append(("what", (module.__doc__ or "").partition("\n")[0]))


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Bring what takes longest to the front."""
    begins = {start: rank for rank, start in enumerate(LONGEST)}

    def rank(item: pytest.Item) -> int:
        return next((begins[start] for start in begins if item.nodeid.startswith(start)), len(begins))

    items.sort(key=rank)


class Scheduling(LoadScopeScheduling):  # type: ignore[misc] # xdist has no types
    """Gives each process whole files, and all of the deploys to one: what shares costly fixtures stays together."""

    def _split_scope(self, nodeid: str) -> str:
        file = nodeid.partition("::")[0]
        return DEPLOYS if file.startswith(DEPLOYS) else file


def pytest_xdist_make_scheduler(config: pytest.Config, log: Producer) -> Scheduling:
    """Return who says which process runs which tests."""
    return Scheduling(config, log)


@pytest.fixture(scope="session")
def dynamodb_endpoint() -> Iterator[str]:
    """URL of a running DynamoDB Local."""
    with processes.dynamodb_local() as endpoint:
        yield endpoint


@pytest.fixture(scope="session")
def tables(dynamodb_endpoint: str) -> Iterator[tuple["DynamoDBClient", Mapping[str, str]]]:
    """A client, and the names of the tables that all services of this run share, one after the other."""
    with harness.store(dynamodb_endpoint, prefix="tests-") as store:
        yield store


@pytest.fixture
def service(tables: tuple["DynamoDBClient", Mapping[str, str]]) -> Service:
    """The whole service on empty tables, with a clock that the test holds."""
    harness.empty(*tables)
    return Service.of(*tables)
