"""When the store fails, nobody is told that their token is bad, nothing is lost, and a retry succeeds."""

import dataclasses
import json
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any, NoReturn

import pytest
from botocore.exceptions import ClientError

from heirloom.adapters import web
from heirloom.domain.application import GrantType
from heirloom.domain.errors import SigningFailed, StoreUnavailable
from heirloom.domain.events import Alarm
from heirloom.domain.lifetimes import DAY
from heirloom.http import Response
from tests.endpoints.assertions import SIGNING, assertion, with_assertion
from tests.endpoints.devices import ask, confirm, confirmation, decide, enter, poll, start
from tests.endpoints.hands import push, pushed
from tests.endpoints.reading import kind, read, sign_in, submit
from tests.faults import AFTER, BEFORE, FAULTS, Steps, answered_with, unavailable
from tests.service import (
    ALICE,
    BOB,
    NATIVE,
    ORIGIN,
    SECRET,
    SPA,
    THIRD_PARTY,
    WEB,
    Declared,
    Service,
    answered,
    refusal,
    tokens,
)

LEEWAY = 60


def conflict() -> ClientError:
    """Another transaction was under way on the same items."""
    reasons = [{"Code": "TransactionConflict"}, {"Code": "None"}]
    return answered_with("TransactionCanceledException", CancellationReasons=reasons)


every_fault = pytest.mark.parametrize("fault", FAULTS.values(), ids=FAULTS.keys())
either_side = pytest.mark.parametrize("when", [BEFORE, AFTER])


@pytest.fixture(name="store")
def _store(service: Service) -> Iterator[Steps]:
    with Steps.of(service.client) as steps:
        yield steps


def unavailable_page(response: Response) -> bool:
    """Tell whether a person hears to try again."""
    assert "secret" not in response.body
    return (response.status, response.headers["retry-after"], kind(response)) == (503, "1", "temporary_fault")


# ---- Refresh


def test_the_script_that_asked_may_read_that_it_should_try_again(service: Service, store: Steps) -> None:
    token = service.login_tokens()["refresh_token"]
    store.fail(BEFORE, FAULTS["unreachable"])
    form = {"grant_type": "refresh_token", "client_id": SPA.client_id, "refresh_token": token}

    response = service.send("POST", "/oauth/token", form, {"Origin": ORIGIN})

    assert unavailable(response)
    assert response.headers["access-control-allow-origin"] == ORIGIN


class Broken:
    """Something that fails whatever is asked of it."""

    def __init__(self, fault: Exception) -> None:
        self.fault = fault

    def __getattr__(self, name: str) -> Callable[..., NoReturn]:
        def fail(*_: object, **__: object) -> NoReturn:
            raise self.fault

        return fail


def break_token_endpoint(service: Service, **parts: object) -> Callable[[], None]:
    """Replace parts of the token endpoint; return how to mend it."""
    endpoint = service.routes["POST", "/oauth/token"]
    routes = service.routes
    service.routes = {**routes, ("POST", "/oauth/token"): dataclasses.replace(endpoint, **parts)}

    def mend() -> None:
        service.routes = routes

    return mend


def test_keys_that_cannot_be_loaded_are_noticed_before_the_token_is_spent(service: Service) -> None:
    token = service.login_tokens()["refresh_token"]
    before = service.contents()
    mend = break_token_endpoint(service, signing_keys=Broken(StoreUnavailable("secret")))

    assert unavailable(service.refresh(token))
    assert service.contents() == before
    mend()
    assert service.refresh(token).status == 200


def test_a_signature_that_fails_after_the_token_was_spent_costs_nothing(service: Service) -> None:
    token = service.login_tokens()["refresh_token"]

    class Signing:
        def signer(self) -> Any:
            return Broken(SigningFailed("secret"))

    mend = break_token_endpoint(service, signing_keys=Signing())

    assert unavailable(service.refresh(token))
    mend()
    assert service.refresh(service.refreshed(token)).status == 200


def test_token_keys_that_cannot_be_loaded_are_no_reason_to_refuse(service: Service) -> None:
    token = service.login_tokens()["refresh_token"]
    for path in ("/oauth/token", "/oauth/revoke"):
        endpoint = service.routes["POST", path]
        broken: Any = Broken(StoreUnavailable("secret"))
        if path == "/oauth/token":
            grant = dataclasses.replace(endpoint.grants[GrantType.REFRESH_TOKEN], token_keys=broken)
            endpoint = dataclasses.replace(endpoint, grants={GrantType.REFRESH_TOKEN: grant})
        else:
            endpoint = dataclasses.replace(endpoint, token_keys=broken)
        service.routes = {**service.routes, ("POST", path): endpoint}

    assert unavailable(service.refresh(token))
    assert unavailable(service.refresh("hrt_forged"))
    assert unavailable(service.revoke(token))


class Unread(Declared):
    """A configuration that cannot be read."""

    def application(self, client_id: str) -> NoReturn:
        raise StoreUnavailable(client_id)

    def is_web_origin(self, origin: str) -> NoReturn:
        raise StoreUnavailable(origin)

    def published_keys(self) -> NoReturn:
        raise StoreUnavailable("no keys")


def unread(service: Service) -> None:
    """Let every endpoint fail to read its configuration."""
    configuration = Unread({}, {})
    for (method, path), endpoint in service.routes.items():
        changes: dict[str, object] = {}
        if hasattr(endpoint, "configuration"):
            changes["configuration"] = configuration
        if hasattr(endpoint, "clients"):
            changes["clients"] = dataclasses.replace(endpoint.clients, configuration=configuration)
        if hasattr(endpoint, "flow"):
            changes["flow"] = dataclasses.replace(endpoint.flow, configuration=configuration)
        if hasattr(endpoint, "verifier"):
            changes["verifier"] = dataclasses.replace(endpoint.verifier, published_keys=configuration.published_keys)
        if hasattr(endpoint, "access_tokens"):
            verifier = endpoint.access_tokens.verifier
            verifier = dataclasses.replace(verifier, published_keys=configuration.published_keys)
            changes["access_tokens"] = dataclasses.replace(endpoint.access_tokens, verifier=verifier)
        if changes:
            service.routes = {**service.routes, (method, path): dataclasses.replace(endpoint, **changes)}


def test_a_configuration_that_cannot_be_read_is_no_reason_to_refuse(service: Service) -> None:
    """An application that cannot be read is not an unknown one."""
    document = service.login_tokens()
    unread(service)

    assert unavailable(service.refresh(document["refresh_token"]))
    assert unavailable(service.revoke(document["refresh_token"]))
    header = {"Authorization": f"Bearer {document['access_token']}"}
    assert unavailable(service.send("GET", "/userinfo", headers=header))
    assert unavailable_page(service.authorize())
    assert unavailable_page(service.send("GET", "/v2/logout", query={"client_id": "spa", "returnTo": "https://x"}))
    assert unavailable_page(service.send("GET", "/oidc/logout", query={"client_id": "spa"}))
    assert unavailable_page(service.send("GET", "/oidc/logout", query={"id_token_hint": document["id_token"]}))
    assert [event.alarm for event in service.events].count(Alarm.FAULT) == 7, "each is told"


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("OPTIONS", "/oauth/par"),
        ("OPTIONS", "/oauth/token"),
        ("OPTIONS", "/oauth/revoke"),
        ("OPTIONS", "/userinfo"),
        ("GET", "/userinfo"),
    ],
)
def test_origins_that_cannot_be_read_are_no_reason_to_refuse(service: Service, method: str, path: str) -> None:
    """The last resort of every function is asked too, as it would be in the cloud."""
    unread(service)
    event = {
        "routeKey": f"{method} {path}",
        "headers": {"origin": ORIGIN},
        "requestContext": {"http": {"method": method, "path": path}},
    }

    answer = web.serve({f"{method} {path}": lambda: service.routes[method, path]}, event, None)

    assert unavailable(Response(answer["statusCode"], answer["body"], answer["headers"]))


# ---- Codes


@every_fault
@pytest.mark.parametrize("call", [0, 1], ids=["the read", "the transaction"])
def test_a_fault_before_the_code_is_spent_costs_nothing(
    service: Service, store: Steps, fault: Exception, call: int
) -> None:
    code = service.code()
    store.fail(BEFORE, fault, calls=range(call, call + 1))

    assert unavailable(service.exchange(code))
    assert service.exchange(code).status == 200


@every_fault
def test_a_lost_answer_to_a_code_exchange_is_no_refusal_and_leaves_nothing_that_could_be_stolen(
    service: Service, store: Steps, fault: Exception
) -> None:
    """The person logs in once more: the tokens of the first exchange were never sent to anybody."""
    code = service.code()
    store.fail(AFTER, fault, calls=range(1, 2))

    assert unavailable(service.exchange(code))
    assert refusal(service.exchange(code)) == (400, "invalid_grant")
    assert "code" in answered(service.authorize())
    service.wait(11)
    service.exchange(code)
    assert [item["revoked_because"]["S"] for item in service.items("FamiliesTable")] == ["code_reuse"]


@either_side
def test_transactions_that_collide_are_tried_again_under_one_token(service: Service, store: Steps, when: str) -> None:
    """`ClientRequestToken`: a second try recognises the work of the first, if that was done after all."""
    code = service.code()
    store.fail(when, conflict(), calls=range(1, 4))

    assert tokens(service.exchange(code))["refresh_token"]
    assert len(service.items("FamiliesTable")) == 1


def test_transactions_that_go_on_colliding_are_no_refusal(service: Service, store: Steps) -> None:
    code = service.code()
    store.fail(BEFORE, conflict(), calls=range(1, 100))

    assert unavailable(service.exchange(code))
    store.actions = {}
    assert service.exchange(code).status == 200


def test_a_transaction_that_is_cancelled_for_another_reason_is_no_refusal(service: Service, store: Steps) -> None:
    code = service.code()
    reasons = [{"Code": "ThrottlingError"}, {"Code": "None"}, {"Code": "None"}]
    store.fail(BEFORE, answered_with("TransactionCanceledException", CancellationReasons=reasons), calls=range(1, 2))

    assert unavailable(service.exchange(code))
    assert service.exchange(code).status == 200


@every_fault
def test_a_second_use_of_a_code_is_not_reported_before_the_revocation_is_durable(
    service: Service, store: Steps, fault: Exception
) -> None:
    code = service.code()
    token = tokens(service.exchange(code))["refresh_token"]
    service.wait(30)
    store.fail(BEFORE, fault, calls=range(1, 2))

    assert unavailable(service.exchange(code))
    assert refusal(service.exchange(code)) == (400, "invalid_grant")
    assert refusal(service.refresh(token)) == (400, "invalid_grant")


# ---- Client assertions


@every_fault
@either_side
def test_an_assertion_of_which_nobody_knows_whether_it_was_presented_is_neither_taken_nor_refused(
    service: Service, store: Steps, fault: Exception, when: str
) -> None:
    """The client signs another one: it does so for every request."""
    service.declare(SIGNING)
    form = {"grant_type": "refresh_token", "refresh_token": service.login_tokens()["refresh_token"]}
    store.fail(when, fault)

    assert unavailable(service.send("POST", "/oauth/token", with_assertion(form, assertion())))
    again = service.send("POST", "/oauth/revoke", with_assertion({"token": "x"}, assertion()))
    another = service.send("POST", "/oauth/revoke", with_assertion({"token": "x"}, assertion(jti="two")))

    assert (again.status, another.status) == (200 if when == BEFORE else 401, 200)


# ---- Revocation and userinfo


@every_fault
def test_a_user_who_cannot_be_read_is_not_an_unknown_one(service: Service, store: Steps, fault: Exception) -> None:
    header = {"Authorization": f"Bearer {service.login_tokens()['access_token']}"}
    store.fail(BEFORE, fault)

    assert unavailable(service.send("GET", "/userinfo", headers=header))
    assert service.events[-1].alarm is Alarm.FAULT
    assert service.send("GET", "/userinfo", headers=header).status == 200


@every_fault
@pytest.mark.parametrize("name", ["refresh_token", "access_token"])
def test_a_token_that_cannot_be_looked_up_is_not_called_inactive(
    service: Service, store: Steps, fault: Exception, name: str
) -> None:
    form = {"client_id": WEB.client_id, "client_secret": SECRET, "token": service.login_tokens(WEB)[name]}
    store.fail(BEFORE, fault)

    assert unavailable(service.send("POST", "/oauth/introspect", form))
    assert json.loads(service.send("POST", "/oauth/introspect", form).body)["active"] is True


# ---- People


def return_to_the_application(service: Service) -> Callable[[], Response]:
    service.log_in()
    return service.authorize


def return_in_a_hidden_frame(service: Service) -> Callable[[], Response]:
    service.log_in()
    return lambda: service.authorize(prompt="none")


def log_in(service: Service) -> Callable[[], Response]:
    shown = service.authorize(prompt="login")
    return lambda: sign_in(service, shown, ALICE.email)


def choose_an_account(service: Service) -> Callable[[], Response]:
    service.log_in()
    shown = service.authorize(prompt="select_account")
    return lambda: service.send("POST", "/login", {**read(shown).forms[0].fields, "action": "continue"})


def agree(service: Service) -> Callable[[], Response]:
    service.cookies.clear()  # in a new session the application is noted each time
    shown = service.log_in(THIRD_PARTY, prompt="consent")
    return lambda: submit(service, shown, decision="allow")


def return_with_a_pushed_request(service: Service) -> Callable[[], Response]:
    service.log_in()
    query = pushed(service)
    return lambda: service.send("GET", "/authorize", query=query)


def log_out(service: Service) -> Callable[[], Response]:
    service.log_in()
    query = {"client_id": "spa", "returnTo": "https://app.example/"}
    return lambda: service.send("GET", "/v2/logout", query=query)


def log_out_at_once(service: Service) -> Callable[[], Response]:
    """With a family to revoke and an application to tell."""
    service.set_policy(revoke_on_logout=True)
    service.declare(dataclasses.replace(service.configuration.applications["spa"], backchannel_logout_url="https://x/"))
    id_token = service.login_tokens()["id_token"]
    query = {"id_token_hint": id_token, "post_logout_redirect_uri": "https://app.example/"}
    return lambda: service.send("GET", "/oidc/logout", query=query)


def log_out_after_a_question(service: Service) -> Callable[[], Response]:
    service.log_in()
    query = {"client_id": "spa", "post_logout_redirect_uri": "https://app.example/"}
    shown = service.send("GET", "/oidc/logout", query=query)
    return lambda: submit(service, shown)


def log_in_over_somebody_else(service: Service) -> Callable[[], Response]:
    service.log_in(email=BOB.email)
    shown = service.authorize(prompt="login")
    return lambda: sign_in(service, shown, ALICE.email)


def every_call(service: Service, store: Steps, prepare: Callable[[Service], Callable[[], Response]]) -> Iterator[int]:
    """Each call that an action makes by its number; the action itself is left to the test."""
    store.made = 0
    act = prepare(service)
    store.made = 0
    act()
    yield from range(store.made)


@pytest.mark.parametrize(
    "prepare",
    [
        return_to_the_application,
        return_in_a_hidden_frame,
        log_in,
        log_in_over_somebody_else,
        choose_an_account,
        agree,
        log_out,
        log_out_at_once,
        log_out_after_a_question,
    ],
)
@pytest.mark.parametrize(
    ("when", "fault"), [(BEFORE, FAULTS["unreachable"]), (AFTER, FAULTS["table throttled"])], ids=[BEFORE, AFTER]
)
def test_whichever_call_fails_a_person_hears_to_try_again_and_then_gets_on(
    service: Service,
    store: Steps,
    prepare: Callable[[Service], Callable[[], Response]],
    when: str,
    fault: Exception,
) -> None:
    calls = list(every_call(service, store, prepare))
    assert len(calls) > 2
    for call in calls:
        service.wait(DAY)  # else the brakes would slow down our logins that came to nothing
        act = prepare(service)
        store.fail(when, fault, calls=range(call, call + 1))

        assert unavailable_page(act()), call
        again = act()
        assert again.status == 303, call
        assert "error" not in again.headers["location"]


@pytest.mark.parametrize(("when", "fault"), [(BEFORE, FAULTS["unreachable"]), (AFTER, FAULTS["table throttled"])])
def test_whichever_call_of_a_logout_fails_nobody_is_told_that_they_are_signed_out(
    service: Service, store: Steps, when: str, fault: Exception
) -> None:
    """And whoever tries again has it whole: the session ended, the family revoked, the application told."""
    calls = list(every_call(service, store, log_out_at_once))
    assert len(calls) == 5, "find the session, end it, list the families, revoke one, forget the session"
    for call in calls:
        act = log_out_at_once(service)
        token = tokens(service.exchange(answered(service.authorize())["code"]))["refresh_token"]
        ended = service.cookies["__Host-heirloom"].split(".")[1]
        service.back_channel.clear()
        store.fail(when, fault, calls=range(call, call + 1))

        response = act()
        assert unavailable_page(response)
        assert response.cookies == ()
        store.actions = {}
        assert act().status == 303
        assert {(it.client_id, it.session_id) for it in service.back_channel} == {(SPA.client_id, ended)}
        assert refusal(service.refresh(token)) == (400, "invalid_grant")
        assert service.items("SessionsTable") == []


# ---- Devices


def enter_a_code(service: Service) -> Callable[[], Response]:
    service.log_in()
    return partial(enter, service, start(service)["user_code"])


def confirm_a_device(service: Service) -> Callable[[], Response]:
    service.cookies.clear()  # as above
    service.declare(dataclasses.replace(NATIVE, is_first_party=False))
    return partial(decide, service, confirmation(service, start(service)))


def refuse_a_device(service: Service) -> Callable[[], Response]:
    return partial(decide, service, confirmation(service, start(service)), "deny")


def log_in_for_a_device(service: Service) -> Callable[[], Response]:
    service.cookies.clear()
    return partial(sign_in, service, enter(service, start(service)["user_code"]), ALICE.email)


@pytest.mark.parametrize("prepare", [enter_a_code, confirm_a_device, refuse_a_device, log_in_for_a_device])
@pytest.mark.parametrize(
    ("when", "fault"), [(BEFORE, FAULTS["unreachable"]), (AFTER, FAULTS["table throttled"])], ids=[BEFORE, AFTER]
)
def test_whichever_call_fails_a_person_hears_to_try_again_and_then_gets_on_with_their_device(
    service: Service,
    store: Steps,
    prepare: Callable[[Service], Callable[[], Response]],
    when: str,
    fault: Exception,
) -> None:
    calls = list(every_call(service, store, prepare))
    assert len(calls) > 2
    for call in calls:
        service.wait(DAY)  # as above
        act = prepare(service)
        store.fail(when, fault, calls=range(call, call + 1))

        assert unavailable_page(act()), call
        again = act()
        assert (again.status, kind(again) in {"device", "device_connected", "device_refused"}) == (200, True), call


@every_fault
@either_side
@pytest.mark.parametrize("call", [0, 1], ids=["the user code", "the device code"])
def test_a_fault_while_codes_are_made_is_no_refusal(
    service: Service, store: Steps, fault: Exception, when: str, call: int
) -> None:
    store.fail(when, fault, calls=range(call, call + 1))

    assert unavailable(ask(service))
    device = start(service)
    confirm(service, device)
    assert tokens(poll(service, device))


@every_fault
@either_side
def test_a_poll_whose_answer_got_lost_does_not_slow_the_device_down(
    service: Service, store: Steps, fault: Exception, when: str
) -> None:
    """At the same moment: that is how a write is repeated within one request."""
    device = start(service)
    store.fail(when, fault)

    assert unavailable(poll(service, device))
    assert refusal(poll(service, device)) == (400, "authorization_pending")


@every_fault
@either_side
def test_a_fault_while_a_device_is_slowed_down_is_no_refusal(
    service: Service, store: Steps, fault: Exception, when: str
) -> None:
    device = start(service)
    poll(service, device)
    service.wait(1)
    store.fail(when, fault, calls=range(1, 2))

    assert unavailable(poll(service, device))
    service.wait(10)
    assert refusal(poll(service, device)) == (400, "authorization_pending")


@every_fault
@pytest.mark.parametrize("call", [0, 1], ids=["the poll", "the transaction"])
def test_a_fault_before_a_device_code_is_spent_costs_nothing(
    service: Service, store: Steps, fault: Exception, call: int
) -> None:
    device = start(service)
    confirm(service, device)
    store.fail(BEFORE, fault, calls=range(call, call + 1))

    assert unavailable(poll(service, device))
    assert tokens(poll(service, device))["refresh_token"]


@every_fault
def test_a_lost_answer_to_a_device_leaves_nothing_that_could_be_stolen(
    service: Service, store: Steps, fault: Exception
) -> None:
    """The person starts anew: the tokens were never sent to anybody."""
    device = start(service)
    confirm(service, device)
    store.fail(AFTER, fault, calls=range(1, 2))

    assert unavailable(poll(service, device))
    assert refusal(poll(service, device)) == (400, "invalid_grant")
    assert len(service.items("FamiliesTable")) == 1


@either_side
def test_a_device_whose_transactions_collide_gets_one_family(service: Service, store: Steps, when: str) -> None:
    device = start(service)
    confirm(service, device)
    store.fail(when, conflict(), calls=range(1, 4))

    assert tokens(poll(service, device))["refresh_token"]
    assert len(service.items("FamiliesTable")) == 1


def test_room_that_cannot_be_made_takes_nothing_from_a_device(service: Service) -> None:
    device = start(service)
    confirm(service, device)
    broken: Any = Broken(StoreUnavailable("secret"))
    endpoint = service.routes["POST", "/oauth/token"]
    grants = {
        name: dataclasses.replace(grant, families=broken) if name == GrantType.DEVICE_CODE else grant
        for name, grant in endpoint.grants.items()
    }
    break_token_endpoint(service, grants=grants)

    assert tokens(poll(service, device))["refresh_token"]
    assert [event.alarm for event in service.events if event.alarm] == ["Fault"]


def test_an_application_that_cannot_be_read_is_none_that_lost_its_device(service: Service) -> None:
    device = start(service)
    unread(service)

    assert unavailable(ask(service))
    assert unavailable(poll(service, device))


# ---- Pushed requests


@every_fault
@either_side
def test_a_request_that_was_perhaps_not_stored_gets_no_reference(
    service: Service, store: Steps, fault: Exception, when: str
) -> None:
    store.fail(when, fault)

    assert unavailable(push(service))
    assert service.events[-1].alarm is Alarm.FAULT
    assert "code" in answered(sign_in(service, service.send("GET", "/authorize", query=pushed(service)), ALICE.email))


@every_fault
def test_a_pushed_request_is_lost_by_no_fault_before_it_is_spent(
    service: Service, store: Steps, fault: Exception
) -> None:
    for call in every_call(service, store, return_with_a_pushed_request):
        act = return_with_a_pushed_request(service)
        store.fail(BEFORE, fault, calls=range(call, call + 1))

        assert unavailable_page(act()), call
        assert "code" in answered(act()), call


@every_fault
def test_a_pushed_request_whose_spending_lost_its_answer_is_not_used_twice(
    service: Service, store: Steps, fault: Exception
) -> None:
    """The person starts again from the application, and is logged in still."""
    *_, last = every_call(service, store, return_with_a_pushed_request)
    act = return_with_a_pushed_request(service)
    store.fail(AFTER, fault, calls=range(last, last + 1))

    assert unavailable_page(act())
    assert kind(act()) == "start_again"
    assert "code" in answered(return_with_a_pushed_request(service)())


def test_brakes_that_cannot_be_read_are_not_taken_for_brakes_that_are_off(service: Service) -> None:
    """DynamoDB answers a throttled batch with success and a list of what it left out."""
    shown = service.authorize()
    endpoint = service.routes["POST", "/login"]
    table = service.tables["LoginAttemptsTable"]

    class Throttled:
        def batch_get_item(self, **arguments: Any) -> dict[str, Any]:
            return {"Responses": {table: []}, "UnprocessedKeys": arguments["RequestItems"]}

    attempts = dataclasses.replace(endpoint.attempts, client=Throttled())
    service.routes = {**service.routes, ("POST", "/login"): dataclasses.replace(endpoint, attempts=attempts)}

    assert unavailable_page(sign_in(service, shown, ALICE.email))
    assert "__Host-heirloom" not in service.cookies


@pytest.mark.parametrize("code", ["ValidationException", "AccessDeniedException"])
def test_a_mistake_of_ours_is_not_dressed_up_as_a_fault_that_passes(service: Service, store: Steps, code: str) -> None:
    """A wrong expression or a missing permission: no retry mends it, and the function answers 500 without a word."""
    token = service.login_tokens()["refresh_token"]
    store.fail(BEFORE, answered_with(code), calls=range(1))
    body = json.dumps({"grant_type": "refresh_token", "client_id": "spa", "refresh_token": token})
    event = {
        "routeKey": "POST /oauth/token",
        "headers": {"content-type": "application/json"},
        "requestContext": {"http": {"method": "POST", "path": "/oauth/token"}},
        "body": body,
    }

    answer = web.serve({"POST /oauth/token": lambda: service.routes["POST", "/oauth/token"]}, event, None)

    assert (answer["statusCode"], answer["body"]) == (500, "Something went wrong.")
