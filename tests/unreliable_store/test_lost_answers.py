"""Whichever answer of the store gets lost, the SDK asks again, and nobody notices: every write knows its own work."""

import itertools
from collections.abc import Callable
from functools import partial

import pytest

from heirloom.adapters.login_attempts import DynamoDBLoginAttempts
from heirloom.domain.application import Application
from heirloom.http import Response
from heirloom.tenant.store import DynamoDBStore, Outdated
from tests.endpoints.devices import confirmation, decide, poll, start
from tests.endpoints.reading import kind, sign_in
from tests.faults import AFTER, lost_on_the_wire
from tests.service import ALICE, NATIVE, SPA, Recorded, Service, answered, tokens
from tests.unreliable_store.conftest import Bench
from tests.unreliable_store.functions import STRICT

type Act = Callable[[], Response]


def code_of(service: Service, application: Application = SPA) -> str:
    """A code for whoever is logged in."""
    return answered(service.authorize(application, prompt="none"))["code"]


def first_token(service: Service, application: Application) -> str:
    """The first token of a new family."""
    return str(tokens(service.exchange(code_of(service, application), application))["refresh_token"])


def login(service: Service) -> Act:
    """A first login in a fresh browser."""
    service.cookies.clear()
    return partial(sign_in, service, service.authorize(), ALICE.email)


def login_once_more(service: Service) -> Act:
    """A login of somebody who is logged in."""
    return partial(sign_in, service, service.authorize(prompt="login"), ALICE.email)


def silent_authentication(service: Service) -> Act:
    """What an application asks for in an invisible frame."""
    return partial(service.authorize, prompt="none")


def code_exchange(service: Service) -> Act:
    """A login becomes a family."""
    return partial(service.exchange, code_of(service))


def refresh(service: Service) -> Act:
    """Of an application without leeway, which has no second chance but this one."""
    return partial(service.refresh, first_token(service, STRICT), STRICT)


def revocation(service: Service) -> Act:
    """A family ends."""
    return partial(service.revoke, first_token(service, SPA))


def logout(service: Service) -> Act:
    """A session ends, and what came from it."""
    service.log_in()
    service.exchange(code_of(service))
    return partial(service.send, "GET", "/v2/logout", query={"client_id": "spa", "returnTo": "https://app.example/"})


def device_codes(service: Service) -> Act:
    """A device asks for codes."""
    form = {"client_id": NATIVE.client_id, "scope": "openid offline_access"}
    return partial(service.send, "POST", "/oauth/device/code", form)


def device_confirmed(service: Service) -> Act:
    """A person says yes to a device."""
    return partial(decide, service, confirmation(service, start(service)))


def device_exchange(service: Service) -> Act:
    """A device gets its tokens."""
    device = start(service)
    decide(service, confirmation(service, device))
    return partial(poll, service, device)


FLOWS = (
    login,
    login_once_more,
    silent_authentication,
    code_exchange,
    refresh,
    revocation,
    logout,
    device_codes,
    device_confirmed,
    device_exchange,
)


@pytest.mark.parametrize("flow", FLOWS)
def test_whichever_answer_gets_lost_nobody_notices(bench: Bench, flow: Callable[[Service], Act]) -> None:
    service, proxy = bench.service, bench.dynamodb

    service.cookies.clear()
    service.log_in()

    def prepared() -> Act:
        service.wait(120)
        return flow(service)

    expected = outcome(prepared()())  # everything that is cached is read by now
    for call in itertools.count():
        act = prepared()
        proxy.script = [None] * call + ["dropped after"]
        assert (call, outcome(act())) == (call, expected)
        if proxy.script:  # it makes no more calls than that
            proxy.script.clear()
            break

    assert call > 0


def outcome(response: Response) -> tuple[object, ...]:
    """What an answer is, without what is different every time."""
    if response.status == 303:
        return (303, *sorted(answered(response)))
    if response.headers.get("content-type", "").startswith("text/html"):
        return (response.status, kind(response))
    return (response.status,)


@pytest.mark.usefixtures("no_pause")
@pytest.mark.parametrize("strict", [True, False])
def test_an_attempt_whose_count_lost_its_answer_is_counted_once(service: Service, *, strict: bool) -> None:
    """Counted twice, or taken for somebody else's, it would slow down a person who did nothing wrong."""
    attempts = DynamoDBLoginAttempts(service.client, service.tables["LoginAttemptsTable"])

    for count in range(3):
        with lost_on_the_wire(service.client, AFTER, requests=1):
            assert attempts.add("bucket", at_most=count if strict else 10, now=service.now)

    assert attempts.find(("bucket",))["bucket"].count == 3
    assert not attempts.add("bucket", at_most=2, now=service.now)


@pytest.mark.usefixtures("no_pause")
@pytest.mark.parametrize("former", [None, "{}"])
def test_a_document_whose_write_lost_its_answer_was_changed_by_nobody_else(
    service: Service, former: str | None
) -> None:
    tables = service.tables
    store = DynamoDBStore(
        service.client,
        tables["ConfigurationTable"],
        tables["UsersTable"],
        tables["FamiliesTable"],
        lambda: service.now,
        Recorded(),
    )
    if former is not None:
        store.put("tenant", "tenant", former, replacing=None)

    with lost_on_the_wire(service.client, AFTER, requests=1):
        store.put("tenant", "tenant", '{"a":1}', replacing=former)

    assert store.documents("tenant") == {"tenant": '{"a":1}'}
    with pytest.raises(Outdated):
        store.put("tenant", "tenant", '{"a":2}', replacing=former)
