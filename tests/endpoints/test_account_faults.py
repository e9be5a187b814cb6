"""When the store fails behind the account page, nobody hears that something was ended, and a second try ends it."""

from collections.abc import Callable, Iterator
from functools import partial

import pytest

from heirloom.http import Response
from tests.endpoints.hands import declare
from tests.endpoints.reading import kind, sign_in
from tests.endpoints.test_account import Elsewhere, family_id, press, show, submit_consent
from tests.endpoints.test_faults import every_call, unavailable_page
from tests.faults import AFTER, BEFORE, FAULTS, Steps
from tests.service import ALICE, SPA, THIRD_PARTY, Service, answered, refusal, tokens

REFUSED = (400, "invalid_grant")


@pytest.fixture(name="store")
def _store(service: Service) -> Iterator[Steps]:
    with Steps.of(service.client) as steps:
        yield steps


either_fault = pytest.mark.parametrize(
    ("when", "fault"), [(BEFORE, FAULTS["unreachable"]), (AFTER, FAULTS["table throttled"])], ids=[BEFORE, AFTER]
)


class Doomed:
    """A refresh token that a button of the page ends, and the button."""

    def __init__(self, service: Service, name: str) -> None:
        declare(service, SPA, backchannel_logout_url="https://app.example/logged-out")
        self.service, self.application = service, SPA
        if kind(show(service)) == "login":
            sign_in(service, show(service), ALICE.email)
        service.wait(1)  # the overview shows what was used last
        elsewhere = Elsewhere(service)
        self.token = elsewhere.token
        value = {"session": elsewhere.session_id, "family": family_id(self.token), "everything": "others"}.get(name, "")
        if name == "application":
            self.application, value = THIRD_PARTY, THIRD_PARTY.client_id
            code = answered(submit_consent(service))["code"]
            self.token = tokens(service.exchange(code, THIRD_PARTY))["refresh_token"]
        service.back_channel.clear()
        self.press = partial(press, service, show(service), name, value)
        self.told = [elsewhere.session_id] if name in {"session", "everything"} else []

    def is_ended(self) -> bool:
        """Tell whether its family is, and whether whoever wants to know was told."""
        refused = refusal(self.service.refresh(self.token, self.application)) == REFUSED
        return refused and {it.session_id for it in self.service.back_channel} == set(self.told)


@either_fault
@pytest.mark.parametrize("name", ["session", "family", "application", "everything"])
def test_whichever_call_fails_nobody_hears_that_something_was_ended_and_a_second_try_ends_it(
    service: Service, store: Steps, when: str, fault: Exception, name: str
) -> None:
    calls = list(every_call(service, store, lambda it: Doomed(it, name).press))
    assert len(calls) >= 7, "session, epoch, user; sessions, families, consents; and what is ended"
    for call in calls:
        doomed = Doomed(service, name)
        store.fail(when, fault, calls=range(call, call + 1))

        response = doomed.press()
        assert unavailable_page(response), call
        assert response.cookies == ()
        store.actions = {}
        assert doomed.press().status == 303, call
        assert doomed.is_ended(), call


@either_fault
def test_a_fault_while_everything_ends_loses_nothing(
    service: Service, store: Steps, when: str, fault: Exception
) -> None:
    """Up to the epoch the button can be pressed again; after it, whoever signs in again finds the rest."""

    def prepare(it: Service) -> Callable[[], Response]:
        it.cookies.clear()
        sign_in(it, show(it), ALICE.email)
        return partial(press, it, show(it), "everything", "all")

    for call in every_call(service, store, prepare):
        act = prepare(service)
        token = tokens(service.exchange(answered(service.authorize())["code"]))["refresh_token"]
        elsewhere = Elsewhere(service)
        store.fail(when, fault, calls=range(call, call + 1))

        assert unavailable_page(act()), call
        store.actions = {}
        again = act()
        if kind(again) == "login":
            sign_in(service, again, ALICE.email)
            again = press(service, show(service), "everything", "all")
        assert kind(again) == "signed_out", call
        assert refusal(service.refresh(token)) == refusal(service.refresh(elsewhere.token)) == REFUSED, call
        assert not elsewhere.is_signed_in()


@either_fault
def test_a_page_that_cannot_be_read_is_not_an_empty_one(
    service: Service, store: Steps, when: str, fault: Exception
) -> None:
    def prepare(it: Service) -> Callable[[], Response]:
        sign_in(it, show(it), ALICE.email) if not it.cookies else None
        return partial(show, it)

    for call in every_call(service, store, prepare):
        act = prepare(service)
        store.fail(when, fault, calls=range(call, call + 1))

        assert unavailable_page(act()), call
        assert kind(act()) == "account"
