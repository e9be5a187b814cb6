"""Families from before a change of their application's refresh token settings follow it at their next exchange."""

import dataclasses
from functools import partial
from typing import Any

import pytest

from heirloom.domain.errors import StoreUnavailable
from heirloom.domain.lifetimes import DAY, NEVER
from tests.endpoints.hands import at_once, declare, store_calls
from tests.faults import AFTER, BEFORE, Killed, Steps
from tests.service import API, BOB, ONLINE_API, SPA, WEB, Service, refusal, tokens

INVALID_GRANT = (400, "invalid_grant")
LEEWAY = 60


def families(service: Service) -> list[dict[str, Any]]:
    """The items of all families."""
    return [item for item in service.items("FamiliesTable") if "generation" in item]


def log_in_elsewhere(service: Service, **changes: Any) -> str:
    """Log in with another browser, and return the refresh token."""
    service.cookies.clear()
    return str(service.login_tokens(**changes)["refresh_token"])


# ---- Rotation is switched on


def test_a_token_begins_to_rotate_and_the_others_of_its_kind_end(service: Service) -> None:
    service.set_policy(rotating=False)
    phone, laptop = log_in_elsewhere(service), log_in_elsewhere(service)
    service.set_policy(rotating=True)

    rotated = service.refreshed(phone)

    assert rotated != phone
    assert refusal(service.refresh(laptop)) == INVALID_GRANT
    [event] = [event for event in service.events if event.type == "srrt"]
    assert (event.user_id, event.client_id, event.reason) == ("auth0|alice", SPA.client_id, "rotation_switched_on")
    service.wait(LEEWAY + 2)
    assert service.refreshed(rotated) not in {rotated, phone}
    assert refusal(service.refresh(phone)) == INVALID_GRANT, "it is one of a rotating family now"


def test_others_are_left_alone(service: Service) -> None:
    """Another person's, another application's, another API's, and what rotates already."""
    declare(service, dataclasses.replace(WEB, refresh_token=dataclasses.replace(WEB.refresh_token, rotating=False)))
    service.configuration.apis[ONLINE_API] = dataclasses.replace(
        service.configuration.apis[ONLINE_API], allow_offline_access=True
    )
    rotating = log_in_elsewhere(service)
    service.set_policy(rotating=False)
    token = log_in_elsewhere(service)
    other_api = log_in_elsewhere(service, audience=ONLINE_API)
    other_person = log_in_elsewhere(service, email=BOB.email)
    service.cookies.clear()
    other_application = service.login_tokens(WEB)["refresh_token"]
    service.set_policy(rotating=True)

    service.refreshed(token)

    for neighbour in (rotating, other_api, other_person):
        assert service.refresh(neighbour).status == 200
    assert service.refresh(other_application, WEB).status == 200


def test_a_token_that_stopped_rotating_is_of_the_other_kind_when_it_begins_again(service: Service) -> None:
    first, second = log_in_elsewhere(service), log_in_elsewhere(service)
    service.set_policy(rotating=False)
    assert (service.refreshed(first), service.refreshed(second)) == (first, second)
    service.set_policy(rotating=True)

    service.refreshed(second)

    assert refusal(service.refresh(first)) == INVALID_GRANT


def test_it_costs_calls_once(service: Service) -> None:
    service.set_policy(rotating=False)
    token = log_in_elsewhere(service)
    service.set_policy(rotating=True)

    with store_calls(service) as calls:
        token = service.refreshed(token)
    assert calls == ["UpdateItem", "UpdateItem", "Query", "UpdateItem"]
    with store_calls(service) as calls:
        service.refreshed(token)
    assert calls == ["UpdateItem"]


@pytest.mark.parametrize("call", range(1, 5), ids=["begin", "list", "revoke", "settle"])
@pytest.mark.parametrize("when", [BEFORE, AFTER])
def test_the_others_end_however_the_first_exchange_was_interrupted(service: Service, when: str, call: int) -> None:
    service.set_policy(rotating=False)
    token, other = log_in_elsewhere(service), log_in_elsewhere(service)
    service.set_policy(rotating=True)
    with Steps.of(service.client) as steps:
        steps.fail(when, Killed(), calls=range(call, call + 1))
        with pytest.raises(Killed):
            service.refresh(token)

    service.refreshed(service.refreshed(token))

    assert refusal(service.refresh(other)) == INVALID_GRANT
    assert not [item for item in families(service) if "non_rotating" in item and "revoked_at" not in item]


def test_a_fault_on_the_way_costs_nobody_a_login_and_the_next_exchange_goes_on(
    service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    service.set_policy(rotating=False)
    token, other = log_in_elsewhere(service), log_in_elsewhere(service)
    service.set_policy(rotating=True)

    def fail(*_: object, **__: object) -> None:
        raise StoreUnavailable("migrate: Throttling")

    with monkeypatch.context() as patched:
        patched.setattr(type(service.families), "migrate", fail)
        token = service.refreshed(token)
    assert service.events[-2].alarm == "Fault"
    assert not [item for item in families(service) if "revoked_at" in item]

    service.refreshed(token)

    assert refusal(service.refresh(other)) == INVALID_GRANT


def test_two_that_begin_at_the_same_time_do_not_end_each_other_for_good(service: Service) -> None:
    """Whoever comes first may end the other, never both: somebody stays logged in."""
    for _ in range(10):
        service.set_policy(rotating=False)
        tokens_before = [log_in_elsewhere(service) for _ in range(2)]
        service.set_policy(rotating=True)

        answers = at_once([partial(service.refresh, token) for token in tokens_before])

        again = [service.refresh(tokens(answer)["refresh_token"]) for answer in answers if answer.status == 200]
        assert [answer for answer in again if answer.status == 200]


# ---- Rotation is switched off


def test_a_token_stops_rotating_and_those_it_followed_stay_dead(service: Service) -> None:
    spent = service.login_tokens()["refresh_token"]
    live = service.refreshed(spent)
    service.set_policy(rotating=False)
    service.wait(LEEWAY + 2)

    assert service.refreshed(live) == live
    assert refusal(service.refresh(spent)) == INVALID_GRANT
    assert refusal(service.refresh(live)) == INVALID_GRANT, "two parties hold the family"


# ---- Lifetimes


def test_a_family_without_an_end_gets_one_at_its_next_exchange_and_keeps_it(service: Service) -> None:
    service.set_policy(absolute_lifetime=None, idle_lifetime=None)
    token = service.login_tokens()["refresh_token"]
    service.wait(100 * DAY)
    service.set_policy(absolute_lifetime=3 * DAY)
    token = service.refreshed(token)
    ends = service.now + 3 * DAY

    [item] = families(service)
    assert int(item["absolute_expires_at"]["N"]) == ends
    assert int(item["expires_at"]["N"]) == ends + DAY
    service.set_policy(absolute_lifetime=None)
    service.wait(2 * DAY)
    token = service.refreshed(token)
    [item] = families(service)
    assert int(item["absolute_expires_at"]["N"]) == ends, "that cannot be taken back"
    service.wait(DAY)
    assert refusal(service.refresh(token)) == INVALID_GRANT


def test_the_others_go_on_when_one_gets_an_end(service: Service) -> None:
    """Whatever does not rotate stays what it is: only rotation, switched on, ends those that were left behind."""
    service.set_policy(rotating=False, absolute_lifetime=None)
    phone, laptop = log_in_elsewhere(service), log_in_elsewhere(service)
    service.set_policy(absolute_lifetime=3 * DAY)

    assert service.refreshed(phone) == phone

    assert service.refreshed(laptop) == laptop
    assert "srrt" not in service.events.types


def test_the_end_of_an_idle_one_is_not_moved(service: Service) -> None:
    service.set_policy(absolute_lifetime=None, idle_lifetime=DAY)
    token = service.login_tokens()["refresh_token"]
    service.set_policy(absolute_lifetime=30 * DAY)
    service.refreshed(token)

    [item] = families(service)
    assert int(item["expires_at"]["N"]) == int(item["idle_expires_at"]["N"]) + DAY


@pytest.mark.parametrize("lifetime", [DAY, 300 * DAY])
def test_an_absolute_lifetime_is_fixed_at_login(service: Service, lifetime: int) -> None:
    service.set_policy(absolute_lifetime=30 * DAY)
    token = service.login_tokens()["refresh_token"]
    ends = families(service)[0]["absolute_expires_at"]
    service.set_policy(absolute_lifetime=lifetime)

    with store_calls(service) as calls:
        service.refreshed(token)

    assert calls == ["UpdateItem"]
    assert families(service)[0]["absolute_expires_at"] == ends
    assert ends != {"N": str(NEVER)}


def test_both_at_once(service: Service) -> None:
    service.set_policy(rotating=False, absolute_lifetime=None)
    token = log_in_elsewhere(service)
    service.set_policy(rotating=True, absolute_lifetime=DAY)

    with store_calls(service) as calls:
        token = service.refreshed(token)

    assert calls == ["UpdateItem", "UpdateItem", "Query", "UpdateItem"]
    service.wait(DAY)
    assert refusal(service.refresh(token)) == INVALID_GRANT


def test_a_replay_migrates_what_the_lost_answer_should_have(service: Service, monkeypatch: pytest.MonkeyPatch) -> None:
    service.set_policy(rotating=False)
    token, other = log_in_elsewhere(service), log_in_elsewhere(service, audience=API)
    service.set_policy(rotating=True)

    def die(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(type(service.families), "migrate", die)
        with pytest.raises(KeyboardInterrupt):
            service.refresh(token)

    assert service.refresh(token).status == 200
    assert refusal(service.refresh(other)) == INVALID_GRANT
