"""Requests that nobody thought of, made from the served document: what it says is what the running service does."""

import logging
import time
from collections import Counter
from collections.abc import Iterator
from typing import Any

import httpx
import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from heirloom.domain import management_api
from tests import soaking
from tests.sdk import running
from tests.sdk.running import SECRET, World

_log = logging.getLogger(__name__)

EXAMPLES = 4
"""Of each operation, each time that it is their turn."""

MINUTES = 4
"""Of a soak of an hour, for the management API and for the protocols each."""

SETTINGS = settings(
    deadline=None,
    database=None,
    phases=[Phase.generate],
    suppress_health_check=list(HealthCheck),
)

CHECKS = [content_type_conformance, response_schema_conformance, status_code_conformance]


def tenant_file(world: World) -> dict[str, Any]:
    """Return the usual tenant, with a program that may do anything."""
    tenant = running.tenant_file(world)
    machine = {"name": "Operations", "client_id": "operations", "client_secret": SECRET, "app_type": "non_interactive"}
    grant = {"client_id": "operations", "audience": f"{world.issuer}api/v2/", "scope": [*management_api.SCOPES]}
    return {**tenant, "clients": [*tenant["clients"], machine], "clientGrants": [grant]}


@pytest.fixture(scope="module", name="fuzzed")
def _fuzzed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    with running.world(tmp_path_factory.mktemp("fuzz"), tenant_file) as world:
        yield world


@pytest.fixture(scope="module", name="token")
def _token(fuzzed: World) -> str:
    return access_token(fuzzed)


def access_token(fuzzed: World) -> str:
    """Return a new one: they do not live as long as a soak."""
    form = {"grant_type": "client_credentials", "client_id": "operations", "client_secret": SECRET}
    form["audience"] = f"{fuzzed.issuer}api/v2/"
    return str(httpx.post(f"{fuzzed.issuer}oauth/token", data=form).json()["access_token"])


@pytest.fixture(scope="module", name="document")
def _document(fuzzed: World) -> schemathesis.BaseSchema:
    return schemathesis.openapi.from_url(f"{fuzzed.issuer}api/v2/openapi.json")


def hold(document: schemathesis.BaseSchema, token: str, *, managed: bool, derandomize: bool) -> Counter[str]:
    """Send requests of each operation, and compare what comes back with what the document says.

    Return how many there were with each answer of each operation.
    """
    sent = Counter[str]()
    headers = {"Authorization": f"Bearer {token}"}
    for result in document.get_all_operations():
        operation: Any = result.ok()  # type: ignore[union-attr] # a document that is none fails here
        if operation.path.startswith("/api/v2/") is not managed:
            continue

        @given(operation.as_strategy())
        @settings(SETTINGS, max_examples=EXAMPLES, derandomize=derandomize)
        def answers_well(case: Any) -> None:
            response = case.call(headers=headers, allow_redirects=False)
            assert response.status_code < 500 or response.status_code == 503, response.text
            case.validate_response(response, checks=CHECKS)
            sent[f"{response.status_code} {case.operation.label}"] += 1

        answers_well()
    return sent


def assert_that_enough_succeeded(sent: Counter[str]) -> None:
    """Requests that are refused one and all would show little."""
    assert len({label[4:] for label in sent if label < "400"}) > 10


@pytest.mark.parametrize("managed", [True, False], ids=["management", "protocols"])
def test_the_service_answers_as_its_document_says(
    document: schemathesis.BaseSchema, token: str, *, managed: bool
) -> None:
    assert_that_enough_succeeded(hold(document, token, managed=managed, derandomize=True))


@pytest.mark.soak
@pytest.mark.parametrize("managed", [True, False], ids=["management", "protocols"])
def test_the_service_answers_as_its_document_says_for_long(
    fuzzed: World, document: schemathesis.BaseSchema, *, managed: bool
) -> None:
    until, sent = time.monotonic() + soaking.seconds(MINUTES), Counter[str]()
    while not sent or time.monotonic() < until:
        sent += hold(document, access_token(fuzzed), managed=managed, derandomize=False)
    assert_that_enough_succeeded(sent)
    _log.info("%d requests of %s", sent.total(), "the management API" if managed else "the protocols")
