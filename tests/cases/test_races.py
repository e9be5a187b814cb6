"""Many at one moment: one wins, and the others are led to the same token or refused."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing, contextmanager
from functools import partial
from threading import Barrier, Lock
from typing import TYPE_CHECKING

import boto3
import pytest

from heirloom.adapters.families import item_key
from heirloom.domain.family import MOST_FAMILIES
from heirloom.domain.lifetimes import DAY, LEEWAY
from heirloom.http import Response
from tests.endpoints.hands import at_once, family_of, restarted, store_calls
from tests.faults import AFTER, Killed, Steps
from tests.races.test_logins import alive, fill
from tests.service import THIRD_PARTY, Service, family_key_of, refusal, tokens

if TYPE_CHECKING:
    from mypy_boto3_dynamodb.client import DynamoDBClient

REFUSED = (400, "invalid_grant")


@contextmanager
def meeting_at_the_store(*clients: "DynamoDBClient", writes: int) -> Iterator[None]:
    """Hold this many writes back until all of them are about to be sent: no luck is needed to meet."""
    barrier, lock, expected = Barrier(writes), Lock(), writes

    def meet(**_: object) -> None:
        nonlocal expected
        with lock:
            expected -= 1
            waits = expected >= 0
        if waits:
            barrier.wait(timeout=10)

    for client in clients:
        client.meta.events.register("before-call.dynamodb.UpdateItem", meet)
        client.meta.events.register("before-call.dynamodb.TransactWriteItems", meet)
    try:
        yield
    finally:
        for client in clients:
            client.meta.events.unregister("before-call.dynamodb.UpdateItem", meet)
            client.meta.events.unregister("before-call.dynamodb.TransactWriteItems", meet)


def rotated(service: Service, times: int) -> str:
    """The live token of a family that rotated so often."""
    token: str = service.login_tokens()["refresh_token"]
    for _ in range(times):
        token = service.refreshed(token)
    return token


@pytest.mark.parametrize("generation", [0, 9])
@pytest.mark.parametrize("round_", range(2))
def test_case_01_of_copies_at_one_moment_one_rotates_and_all_hear_the_same(
    service: Service, generation: int, round_: int
) -> None:
    """Keycloak CVE-2026-1035: uses were counted after they were checked, so parallel refreshes all passed."""
    del round_
    token = rotated(service, generation)

    with meeting_at_the_store(service.client, writes=16):
        responses = at_once([lambda: service.refresh(token)] * 16)

    (successor,) = {tokens(response)["refresh_token"] for response in responses}
    assert family_of(service, token).generation == generation + 1
    assert service.refreshed(successor) not in {token, successor}


def test_case_01_without_leeway_one_rotates_and_the_others_are_refused(service: Service) -> None:
    """Keycloak CVE-2026-1035: its setting that allows no second use, under the same race."""
    service.set_policy(leeway=0)
    token = rotated(service, 0)

    with meeting_at_the_store(service.client, writes=8):
        responses = at_once([lambda: service.refresh(token)] * 8)

    (winner,) = [response for response in responses if response.status == 200]
    assert {refusal(response) for response in responses if response is not winner} == {REFUSED}
    assert family_of(service, token).generation == 1
    assert refusal(service.refresh(tokens(winner)["refresh_token"])) == REFUSED


def test_case_10_under_contention_an_honest_family_only_ever_hears_success(service: Service) -> None:
    """Hydra #3604: parallel refreshes were answered with a mixture of 400, 401 and 500."""
    line = [rotated(service, 0)]
    for _ in range(5):
        line.append(service.refreshed(line[-1]))
        actions = [partial(service.refresh, token) for token in line[-4:] for _ in range(3)]
        actions += [partial(service.refresh, line[-1], scope="read:notes")]

        responses = at_once(actions)

        answers = {tokens(response)["refresh_token"] for response in responses}
        assert len(answers & set(line)) <= 1, "the live token as some saw it, and its successor"
        assert len(answers) <= 2
        line.append(service.refreshed(line[-1]))


@pytest.mark.parametrize("round_", range(5))
def test_case_10_with_a_thief_among_them_nobody_hears_anything_but_success_or_invalid_grant(
    service: Service, round_: int
) -> None:
    """Hydra #3604: a lost race was a fault of the server there."""
    del round_
    spent = rotated(service, 0)
    live = service.refreshed(spent)
    service.wait(LEEWAY + 2)
    actions = [partial(service.refresh, live)] * 4 + [partial(service.refresh, spent)] * 4
    actions += [partial(service.refresh, live, THIRD_PARTY), partial(service.refresh, spent, THIRD_PARTY)]

    responses = at_once(actions)

    for response in responses:
        assert response.status == 200 or refusal(response) == REFUSED
    assert {refusal(response) for response in responses[4:]} == {REFUSED}
    assert refusal(service.refresh(live)) == REFUSED


def test_case_17_four_tabs_at_once_all_get_the_same_token(service: Service) -> None:
    """better-auth #8512: whoever lost the race before the winner's answer was stored heard invalid_grant."""
    token = rotated(service, 0)
    for _ in range(5):
        with meeting_at_the_store(service.client, writes=4):
            responses = at_once([partial(service.refresh, token)] * 4)

        (token,) = {tokens(response)["refresh_token"] for response in responses}
        service.wait(10)


@pytest.mark.parametrize("exchanges", [2, 8])
def test_case_20_a_code_that_is_exchanged_many_times_at_once_makes_one_family(service: Service, exchanges: int) -> None:
    """Dex #4851: parallel logins left tokens behind that belonged to nobody."""
    code = service.code()

    with meeting_at_the_store(service.client, writes=exchanges):
        responses = at_once([partial(service.exchange, code)] * exchanges)

    (winner,) = [response for response in responses if response.status == 200]
    assert {refusal(response) for response in responses if response is not winner} == {REFUSED}
    (family,) = service.items("FamiliesTable")
    assert "revoked_at" not in family
    assert service.refresh(tokens(winner)["refresh_token"]).status == 200


def test_case_20_ten_logins_at_once_are_ten_devices_that_live_side_by_side(service: Service) -> None:
    """Dex #981, #973: the second device of a person logged out the first."""
    codes = [service.code() for _ in range(10)]

    responses = at_once([partial(service.exchange, code) for code in codes])

    devices = [tokens(response)["refresh_token"] for response in responses]
    assert len(service.items("FamiliesTable")) == 10
    for _ in range(2):
        responses = at_once([partial(service.refresh, token) for token in devices])
        devices = [tokens(response)["refresh_token"] for response in responses]
        service.wait(LEEWAY + 2)
    assert len(set(devices)) == 10


def test_case_21_two_at_once_never_issue_two_tokens(service: Service) -> None:
    """IdentityServer4 #3015: a one-time token was exchanged twice."""
    token = rotated(service, 0)
    for generation in range(1, 21):
        with meeting_at_the_store(service.client, writes=2):
            responses = at_once([partial(service.refresh, token)] * 2)

        (token,) = {tokens(response)["refresh_token"] for response in responses}
        assert family_of(service, token).generation == generation


def test_case_21_clearing_up_comes_to_an_end_also_when_it_was_interrupted(service: Service, steps: Steps) -> None:
    """IdentityServer4 #4492: the job that deletes what is old went round in circles."""
    fill(service, MOST_FAMILIES + 5)
    code = service.code()
    steps.fail(AFTER, Killed(), calls=range(4, 5))
    with pytest.raises(Killed):
        service.exchange(code)

    service.login_tokens()

    assert len(alive(service)) == MOST_FAMILIES
    code = service.code()
    with store_calls(service) as calls:
        service.exchange(code)
    assert calls == ["GetItem", "TransactWriteItems", "Query", "UpdateItem"], "one more login, one fewer of the others"
    assert len(alive(service)) == MOST_FAMILIES


def test_case_21_what_dynamodb_deletes_harms_nobody_however_late_it_does(service: Service) -> None:
    """IdentityServer4 #4492: here the store itself deletes, days late, and no rule waits for it."""
    service.set_policy(idle_lifetime=DAY)
    token, other = rotated(service, 1), rotated(service, 0)
    service.wait(DAY - 1)
    other = service.refreshed(other)
    service.wait(1)
    assert refusal(service.refresh(token)) == REFUSED

    service.client.delete_item(TableName=service.tables["FamiliesTable"], Key=item_key(family_key_of(token)))

    assert refusal(service.refresh(token)) == REFUSED
    assert service.revoke(token).status == 200
    assert len(service.items("FamiliesTable")) == 1, "no ghost"
    assert service.refresh(other).status == 200


@pytest.mark.parametrize("leeway", [0, LEEWAY])
def test_case_28_instances_that_share_no_memory_rotate_once_between_them(service: Service, leeway: int) -> None:
    """mcp-oauth #44: a lock for readers was held while the token was spent."""
    service.set_policy(leeway=leeway)
    token = rotated(service, 2)
    with ExitStack() as stack:
        endpoint = service.client.meta.endpoint_url
        clients = [stack.enter_context(closing(boto3.client("dynamodb", endpoint_url=endpoint))) for _ in range(6)]
        instances = [restarted(service, client) for client in clients]
        actions: list[Callable[[], Response]] = [partial(instance.refresh, token) for instance in instances]
        with meeting_at_the_store(*clients, writes=len(clients)):
            responses = at_once(actions)

    granted = [response for response in responses if response.status == 200]
    assert len({tokens(response)["refresh_token"] for response in granted}) == 1
    assert len(granted) == (len(instances) if leeway else 1)
    assert family_of(service, token).generation == 3
