"""Many at once: on DynamoDB Local, since a store that lets two writers win proves nothing."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from threading import Barrier, Lock
from typing import Any

import pytest

from heirloom.domain.family import SLOTS
from heirloom.domain.token_keys import KeyState, TokenKeyring
from heirloom.http import Response
from tests.service import API, SPA, THIRD_PARTY, WEB, Service, family_key_of, refusal, token_key, tokens


def at_once[T](actions: list[Callable[[], T]]) -> list[T]:
    """Run *actions* from as many threads, all started together."""
    barrier = Barrier(len(actions))

    def run(action: Callable[[], T]) -> T:
        barrier.wait()
        return action()

    with ThreadPoolExecutor(len(actions)) as threads:
        return list(threads.map(run, actions))


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


@pytest.mark.parametrize("round_", range(5))
def test_sixteen_presentations_of_one_token_are_one_rotation_and_sixteen_equal_answers(
    service: Service, round_: int
) -> None:
    del round_
    token = service.login_tokens()["refresh_token"]

    responses = at_once([lambda: service.refresh(token)] * 16)

    successors = {tokens(response)["refresh_token"] for response in responses}
    assert len(successors) == 1
    family = service.families.find(family_key_of(token))
    assert family is not None
    assert family.generation == 1
    assert service.refreshed(successors.pop()) not in {token, *successors}


def test_every_answer_of_a_race_is_signed_for_its_own_request(service: Service) -> None:
    token = service.login_tokens()["refresh_token"]

    responses = at_once([lambda: service.refresh(token)] * 8)

    assert len({tokens(response)["access_token"] for response in responses}) == 8


def test_without_leeway_a_race_has_one_winner_and_reuse_ends_the_family(service: Service) -> None:
    service.set_policy(leeway=0)
    token = service.login_tokens()["refresh_token"]

    responses = at_once([lambda: service.refresh(token)] * 8)

    assert [response.status for response in responses].count(200) == 1
    assert {refusal(response) for response in responses if response.status != 200} == {(400, "invalid_grant")}
    winner = next(response for response in responses if response.status == 200)
    assert refusal(service.refresh(tokens(winner)["refresh_token"])) == (400, "invalid_grant")


def test_a_late_duplicate_of_any_recent_ancestor_gets_the_head(service: Service) -> None:
    ancestors = [service.login_tokens()["refresh_token"]]
    for _ in range(SLOTS):
        ancestors.append(service.refreshed(ancestors[-1]))
        service.wait(1)

    for ancestor in ancestors[-1 - SLOTS : -1]:
        assert service.refreshed(ancestor) == ancestors[-1]
    assert service.refreshed(ancestors[-1]) not in ancestors


def test_each_window_starts_when_its_token_was_spent_and_never_slides(service: Service) -> None:
    first = service.login_tokens()["refresh_token"]
    second = service.refreshed(first)
    for _ in range(6):
        service.wait(10)
        assert service.refreshed(first) == second
    service.wait(2)

    assert refusal(service.refresh(first)) == (400, "invalid_grant")
    assert refusal(service.refresh(second)) == (400, "invalid_grant")


def test_a_replay_after_its_leeway_revokes_the_whole_family(service: Service) -> None:
    first = service.login_tokens()["refresh_token"]
    second = service.refreshed(first)
    third = service.refreshed(second)
    service.wait(61.5)

    assert refusal(service.refresh(first)) == (400, "invalid_grant")

    family = service.families.find(family_key_of(first))
    assert family is not None
    assert (family.revoked_at, family.revoked_because) == (service.now, "reuse")
    assert service.events[-1].type.value == "ferrt"
    assert dict(service.events[-1].details) | {"tokenCounter": 0, "latestCounter": 2} == dict(
        service.events[-1].details
    )
    for token in (first, second, third):
        assert refusal(service.refresh(token)) == (400, "invalid_grant")


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


@pytest.mark.parametrize("round_", range(10))
def test_a_revocation_that_races_refreshes_wins_for_good(service: Service, round_: int) -> None:
    """A refresh is answered before the revocation or refused after it; what it got is dead either way."""
    del round_
    token = service.login_tokens()["refresh_token"]
    actions: list[Callable[[], Response]] = [lambda: service.refresh(token)] * 7
    actions.insert(3, lambda: service.revoke(token))

    responses = at_once(actions)

    assert responses[3].status == 200
    for response in responses[:3] + responses[4:]:
        known = [token]
        if response.status == 200:
            known.append(tokens(response)["refresh_token"])
        for presented in known:
            assert refusal(service.refresh(presented)) == (400, "invalid_grant")


def test_two_devices_and_two_applications_of_one_user_do_not_touch_each_other(service: Service) -> None:
    phone, laptop = service.login_tokens()["refresh_token"], service.login_tokens()["refresh_token"]
    other = service.login_tokens(WEB)["refresh_token"]
    spent, phone = phone, service.refreshed(phone)
    service.wait(100)

    assert refusal(service.refresh(spent)) == (400, "invalid_grant")

    assert refusal(service.refresh(phone)) == (400, "invalid_grant")
    assert service.refresh(laptop).status == 200
    assert service.refresh(other, WEB).status == 200


@pytest.mark.parametrize("generation", [0, 1])
def test_a_foreign_client_can_neither_use_nor_end_a_family(service: Service, generation: int) -> None:
    line = [service.login_tokens()["refresh_token"]]
    line.append(service.refreshed(line[0]))
    service.wait(100)
    before = service.contents()

    assert refusal(service.refresh(line[generation], THIRD_PARTY)) == (400, "invalid_grant")

    assert service.contents() == before
    assert service.refresh(line[1]).status == 200


@pytest.mark.parametrize("exchanges", [2, 8])
def test_a_code_that_is_exchanged_at_once_makes_one_family(service: Service, exchanges: int) -> None:
    code = service.code()

    responses = at_once([lambda: service.exchange(code)] * exchanges)

    assert [response.status for response in responses].count(200) == 1
    assert len(service.items("FamiliesTable")) == 1
    winner = next(response for response in responses if response.status == 200)
    assert service.refresh(tokens(winner)["refresh_token"]).status == 200


def test_a_warm_refresh_is_exactly_one_call_to_the_store(service: Service) -> None:
    token = service.login_tokens()["refresh_token"]
    calls = Calls(service)

    assert calls.during(lambda: service.refresh(token)) == ["UpdateItem"]


def test_a_replay_is_one_call_as_well(service: Service) -> None:
    token = service.login_tokens()["refresh_token"]
    service.refreshed(token)
    calls = Calls(service)

    assert calls.during(lambda: service.refresh(token)) == ["UpdateItem"]


def test_a_forged_token_costs_no_call(service: Service) -> None:
    token = service.login_tokens()["refresh_token"]
    calls = Calls(service)

    assert calls.during(lambda: service.refresh(token[:-1] + ("A" if token[-1] != "A" else "B"))) == []


def test_the_kill_on_reuse_is_the_only_second_call(service: Service) -> None:
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
