"""One fault after the other, at every call of a request: what is heard is 503, then the truth."""

from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from heirloom.adapters.deadline import MARGIN
from tests.faults import unavailable
from tests.service import Service, answered, refusal, tokens
from tests.unreliable_store.conftest import Bench
from tests.unreliable_store.proxy import FAULTS, Proxy

ANSWERED = {"delayed", "dripped"}
"""What is answered in the end, if there is time."""

NOTHING_DONE = {"throttled", "table throttled", "500 before", "503 in HTML", "413", "301"}
NOTHING_DONE |= {"dropped before", "reset before", "silence before"}

FEW = ("throttled", "500 after", "dropped after", "200, an empty object", "200, no UTF-8", "truncated")
"""One of each sort, where all of them would be the same once more."""

every_fault = pytest.mark.parametrize("fault", [kind for kind in FAULTS if kind not in ANSWERED])


@contextmanager
def failing(bench: Bench, fault: str, *proxies: Proxy) -> Iterator[None]:
    """Let every call through *proxies* meet one fault. Nobody waits for long here."""
    left, bench.functions.timeout = bench.functions.timeout, MARGIN + 1
    for proxy in proxies:
        proxy.rate, proxy.kinds = 1, (fault,)
    yield
    for proxy in proxies:
        proxy.rate, proxy.kinds = 0, tuple(FAULTS)
    bench.functions.timeout = left


@pytest.fixture(scope="module", autouse=True)
def _logged_in(bench: Bench) -> None:
    bench.service.cookies.clear()
    bench.service.log_in()


def code_of(service: Service) -> str:
    """A code for whoever is logged in."""
    return answered(service.authorize(prompt="none"))["code"]


def family_of(service: Service) -> str:
    """The first token of a new family."""
    return str(tokens(service.exchange(code_of(service)))["refresh_token"])


@every_fault
def test_a_store_that_fails_at_every_call_refuses_nobody_and_confirms_nothing(bench: Bench, fault: str) -> None:
    service = bench.service
    code, token = code_of(service), family_of(service)

    with failing(bench, fault, *bench.proxies):
        heard = [service.refresh(token), service.exchange(code)]
    token = service.refreshed(token)
    with failing(bench, fault, *bench.proxies):
        heard.append(service.revoke(token))
    revoked = service.refresh(token).status != 200

    assert [unavailable(response) for response in heard] == [True] * 3, heard
    assert not (revoked and fault in NOTHING_DONE)
    # A code whose family was stored, unheard of, is refused; nobody has its tokens, and that person logs in once more.
    again = service.exchange(code)
    assert again.status == 200 or (refusal(again) == (400, "invalid_grant") and fault not in NOTHING_DONE)


@pytest.mark.parametrize("fault", FEW)
def test_a_fresh_environment_that_can_read_nothing_refuses_nobody(bench: Bench, fault: str) -> None:
    """Neither secrets nor configuration: a key or an application that cannot be read is not an unknown one."""
    service = bench.service
    token = family_of(service)
    bench.functions.start_anew()

    with failing(bench, fault, bench.others):
        heard = [service.refresh(token)]
    with failing(bench, fault, bench.dynamodb):
        heard.append(service.refresh(token))
        page = service.authorize()

    assert [unavailable(response) for response in heard] == [True] * 2, heard
    assert (page.status, page.headers["retry-after"]) == (503, "1")
    assert service.refresh(token).status == 200


@pytest.mark.parametrize("fault", FEW)
def test_an_event_bus_that_fails_changes_no_answer(bench: Bench, fault: str) -> None:
    """The family ends, and whoever asked for that hears so."""
    service = bench.service
    token = family_of(service)
    service.revoke(family_of(service))  # everything is read by now

    with failing(bench, fault, bench.others):
        heard = service.revoke(token)

    assert (heard.status, heard.body) == (200, "")
    assert refusal(service.refresh(token)) == (400, "invalid_grant")
