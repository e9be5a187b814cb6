"""Many at once: on DynamoDB Local, since a store that lets two writers win proves nothing."""

from collections.abc import Callable
from dataclasses import replace
from threading import Lock
from typing import Any

from heirloom.domain.family import SLOTS
from heirloom.domain.token_keys import KeyState, TokenKeyring
from tests.endpoints.hands import at_once
from tests.service import API, SPA, Service, family_key_of, refusal, token_key, tokens


class Calls:
    """The DynamoDB calls of a service, by operation."""

    def __init__(self, service: Service) -> None:
        self.made: list[str] = []
        self._lock = Lock()
        service.client.meta.events.register("before-call.dynamodb", self._count)

    def _count(self, model: Any, **_: object) -> None:
        with self._lock:
            self.made.append(model.name)

    def during(self, action: Callable[[], object]) -> list[str]:
        """The calls that *action* makes."""
        self.made.clear()
        action()
        return list(self.made)


def test_every_answer_of_a_race_is_signed_for_its_own_request(service: Service) -> None:
    token = service.login_tokens()["refresh_token"]

    responses = at_once([lambda: service.refresh(token)] * 8)

    assert len({tokens(response)["access_token"] for response in responses}) == 8


def test_a_late_duplicate_of_any_recent_ancestor_gets_the_head(service: Service) -> None:
    ancestors = [service.login_tokens()["refresh_token"]]
    for _ in range(SLOTS):
        ancestors.append(service.refreshed(ancestors[-1]))
        service.wait(1)

    for ancestor in ancestors[-1 - SLOTS : -1]:
        assert service.refreshed(ancestor) == ancestors[-1]
    assert service.refreshed(ancestors[-1]) not in ancestors


def test_a_thief_who_rotates_quickly_does_not_outlive_the_user(service: Service) -> None:
    """The thief spends every generation at once; the user's next refresh ends it all."""
    stolen = users = service.login_tokens()["refresh_token"]
    for _ in range(3 * SLOTS):
        stolen = service.refreshed(stolen)
        service.wait(1)

    assert refusal(service.refresh(users)) == (400, "invalid_grant")
    assert refusal(service.refresh(stolen)) == (400, "invalid_grant")


def test_a_thief_who_comes_after_the_user_ends_the_family_for_both(service: Service) -> None:
    stolen = service.login_tokens()["refresh_token"]
    users = service.refreshed(stolen)
    service.wait(3600)
    users = service.refreshed(users)

    assert refusal(service.refresh(stolen)) == (400, "invalid_grant")
    assert refusal(service.refresh(users)) == (400, "invalid_grant")


def test_revocation_beats_replay(service: Service) -> None:
    """Inside leeway too: once the call has answered, nothing of the family works."""
    first = service.login_tokens()["refresh_token"]
    second = service.refreshed(first)

    assert service.revoke(second).status == 200

    assert refusal(service.refresh(first)) == (400, "invalid_grant")
    assert refusal(service.refresh(second)) == (400, "invalid_grant")


def test_a_warm_refresh_is_exactly_one_call_to_the_store(service: Service) -> None:
    token = service.login_tokens()["refresh_token"]
    calls = Calls(service)

    assert calls.during(lambda: service.refresh(token)) == ["UpdateItem"]


def test_a_replay_is_noted_by_a_second_call(service: Service) -> None:
    token = service.login_tokens()["refresh_token"]
    service.refreshed(token)
    calls = Calls(service)

    assert calls.during(lambda: service.refresh(token)) == ["UpdateItem", "UpdateItem"]


def test_a_forged_token_costs_no_call(service: Service) -> None:
    token = service.login_tokens()["refresh_token"]
    calls = Calls(service)

    assert calls.during(lambda: service.refresh(token[:-1] + ("A" if token[-1] != "A" else "B"))) == []


def test_the_kill_on_reuse_is_a_second_call(service: Service) -> None:
    token = service.login_tokens()["refresh_token"]
    service.refreshed(token)
    service.wait(100)
    calls = Calls(service)

    assert calls.during(lambda: service.refresh(token)) == ["UpdateItem", "UpdateItem"]


def test_a_key_that_another_function_uses_already_is_found_by_one_reload(service: Service) -> None:
    old = service.keys.seen
    new = token_key(7, KeyState.CURRENT)
    rotated = TokenKeyring.of(*(replace(key, state=KeyState.RETIRED) for key in old.keys.values()), new)
    token = service.login_tokens()["refresh_token"]
    service.keys.seen = service.keys.stored = rotated
    minted_with_new = service.refreshed(token)
    service.keys.seen = old

    assert service.refresh(minted_with_new).status == 200
    assert service.keys.reloads == 1


def test_the_audience_of_the_family_is_the_one_that_was_granted(service: Service) -> None:
    family = service.families.find(family_key_of(service.login_tokens()["refresh_token"]))

    assert family is not None
    assert family.grant.audience == API
    assert family.grant.client_id == SPA.client_id
