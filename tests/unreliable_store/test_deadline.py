"""Every request ends by itself, in time: Lambda's own end would be answered 5xx in JSON, which logs some SDKs out."""

import threading
import time
from collections.abc import Iterator

import boto3
import pytest

from heirloom.adapters import deadline
from heirloom.adapters.deadline import MARGIN, OutOfTime
from heirloom.adapters.families import DynamoDBFamilies
from heirloom.adapters.retries import ATTEMPTS, CONNECT_TIMEOUT, READ_TIMEOUT
from heirloom.domain.errors import StoreUnavailable
from heirloom.http import Response
from local import template
from tests.faults import unavailable
from tests.unreliable_store.conftest import Bench
from tests.unreliable_store.functions import Invocation, event_of
from tests.unreliable_store.proxy import FAULTS

API_LIMIT = 30
"""Seconds after which an HTTP API gives up by itself."""

MOST_BACKOFF = 1 + 2
"""Seconds that standard mode pauses at most in two retries of a throttled call."""

BY_AWS = {"backchannel_logout", "rotate_keys"}
"""Functions that a queue and a schedule call, and call again: nobody waits for their answer."""


@pytest.fixture(autouse=True)
def _well_again(bench: Bench) -> Iterator[None]:
    yield
    for proxy in bench.proxies:
        proxy.rate, proxy.kinds = 0, tuple(FAULTS)


def limits() -> dict[str, float]:
    """The seconds that each function has."""
    document = template.load()
    common = document.document["Globals"]["Function"]["Timeout"]
    properties = document.of_type("AWS::Serverless::Function")
    return {
        function.name: properties[logical_id].get("Timeout", common)
        for logical_id, function in template.functions(document).items()
    }


def one_call() -> float:
    """The most seconds that one call takes with all its attempts, unless an answer drips in."""
    return ATTEMPTS * (CONNECT_TIMEOUT + READ_TIMEOUT) + MOST_BACKOFF


def test_a_refresh_has_time_for_all_attempts_of_its_one_call() -> None:
    """Warm, a refresh, a revocation and an introspection are one call: 7.5 s of 9."""
    assert {one_call() < limit - MARGIN for name, limit in limits().items() if name not in BY_AWS} == {True}


def test_the_api_waits_longer_than_a_function_may_take() -> None:
    assert max(limit for name, limit in limits().items() if name not in BY_AWS) < API_LIMIT


def test_a_login_needs_the_deadline() -> None:
    """Its calls come one after the other. No choice of timeouts would do: this is why there is a deadline."""
    calls = 15  # of docs/cost.md, where a test counts them

    assert calls * one_call() > API_LIMIT > max(limit for name, limit in limits().items() if name not in BY_AWS)


@pytest.mark.parametrize("fault", ["silence after", "dripped", "throttled"])
def test_a_request_is_answered_before_its_time_is_up(bench: Bench, fault: str) -> None:
    """Of the time that is left, not of a clock of its own: here two seconds, of which one is for the answer."""
    service, left = bench.service, bench.functions.timeout
    service.cookies.clear()
    page = service.authorize
    code, token = service.code(), service.login_tokens()["refresh_token"]
    heard: dict[str, Response] = {}
    bench.functions.timeout = MARGIN + 1
    for proxy in bench.proxies:
        proxy.rate, proxy.kinds = 1, (fault,)

    heard["refresh"] = service.refresh(token)
    heard["revocation"] = service.revoke(token)
    heard["exchange"] = service.exchange(code)
    heard["login page"] = page()
    for proxy in bench.proxies:
        proxy.rate = 0
    bench.functions.timeout = left

    assert [unavailable(heard[name]) for name in ("refresh", "revocation", "exchange")] == [True] * 3
    assert heard["login page"].status == 503


def test_every_function_that_the_api_calls_hands_its_time_on(bench: Bench) -> None:
    """With no time left no call is made at all: whoever answers anything else has not looked."""
    service = bench.service
    service.cookies.clear()
    document = service.login_tokens()
    requests = {}

    class NoTime(Invocation):
        def get_remaining_time_in_millis(self) -> int:
            return 0

    service.refresh(document["refresh_token"])  # the last request of the transcript is the pattern of the others
    bench.functions.start_anew()
    request, _ = service.transcript[-1]
    calls = [proxy.calls for proxy in bench.proxies]
    routes = template.routes(template.load())
    for route_key in routes:
        event = event_of(request) | {"routeKey": route_key}
        method, path = route_key.replace("ANY", "GET").replace("{proxy+}", "clients").split(" ")
        event["requestContext"]["http"] |= {"method": method, "path": path}
        event["headers"] |= {"authorization": f"Bearer {document['access_token']}", "origin": "https://app.example"}
        requests[route_key] = bench.functions.handlers[route_key](event, NoTime(0))["statusCode"]

    assert [proxy.calls for proxy in bench.proxies] == calls
    assert {routes[route_key] for route_key, status in requests.items() if status == 503} == set(routes.values())


def test_calls_after_the_deadline_are_faults_on_every_thread() -> None:
    """Locally a thread answers each request. There a wait is not interrupted, and nothing ends the process."""
    client = boto3.client("dynamodb", endpoint_url="http://127.0.0.1:9", region_name="us-east-1")
    deadline.holds_for(client)
    families = DynamoDBFamilies(client, "families")
    heard: list[BaseException | None] = []

    def ask() -> None:
        with deadline.of(Invocation(time.monotonic() + MARGIN)), pytest.raises(StoreUnavailable) as caught:
            families.epoch(b"12345678")
        heard.append(caught.value.__cause__)

    thread = threading.Thread(target=ask)
    thread.start()
    thread.join()
    client.close()

    assert [type(cause) for cause in heard] == [OutOfTime]
