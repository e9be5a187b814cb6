"""Two parties who follow each other closely, and the honest applications that must not be taken for them."""

from collections.abc import Iterator
from typing import Any

import pytest

from heirloom.adapters.families import item_key
from heirloom.domain.events import Alarm, Event
from heirloom.domain.family import SLOTS
from heirloom.domain.lifetimes import HOUR, LEEWAY
from heirloom.domain.replays import IN_A_ROW, MEMORY
from tests.endpoints.hands import store_calls
from tests.faults import AFTER, BEFORE, FAULTS, Steps, answered_with, lost_on_the_wire
from tests.item_size import size_of
from tests.proofs import Prover
from tests.service import ALICE, Service, family_key_of, tokens


@pytest.fixture(name="token")
def _token(service: Service) -> str:
    """The refresh token of a login."""
    return str(service.login_tokens(scope="offline_access read:notes")["refresh_token"])


@pytest.fixture(name="steps")
def _steps(service: Service) -> Iterator[Steps]:
    with Steps.of(service.client) as steps:
        yield steps


def signs(service: Service) -> list[Event]:
    """The events with the alarm."""
    return [event for event in service.events if event.alarm is Alarm.REPLAYS_IN_CONSECUTIVE_GENERATIONS]


def presented_by_both(service: Service, token: str) -> str:
    """What both get who present *token*, within leeway of each other."""
    live = service.refreshed(token)
    service.wait(LEEWAY - 1)
    assert service.refreshed(token) == live
    return live


def replays_item(service: Service, token: str) -> dict[str, Any]:
    """The item beside the family."""
    key = item_key(family_key_of(token))
    [item] = [item for item in service.items("FamiliesTable") if item["family_id"]["S"].startswith("replays:")]
    assert item["user_key"] == key["user_key"]
    assert item["family_id"]["S"] == f"replays:{key['family_id']['S']}"
    return item


def test_two_parties_who_shadow_each_other_for_three_generations_are_a_sign(service: Service, token: str) -> None:
    """However far apart the generations are; what is told is the exchange itself, with the family."""
    for generation in range(IN_A_ROW):
        assert not signs(service), generation
        token = presented_by_both(service, token)
        service.wait(6 * HOUR)

    [sign] = signs(service)
    assert (sign.type, sign.user_id, sign.client_id) == ("sertft", ALICE.user_id, "spa")
    assert (sign.details["tokenCounter"], sign.details["replayed"]) == (IN_A_ROW - 1, True)
    assert service.refresh(token).status == 200, "nobody is logged out by a suspicion"


def test_they_are_found_out_in_every_further_generation(service: Service, token: str) -> None:
    for _ in range(2 * SLOTS):
        token = presented_by_both(service, token)
        service.wait(HOUR)

    assert [sign.details["tokenCounter"] for sign in signs(service)] == list(range(IN_A_ROW - 1, 2 * SLOTS))


def test_replays_that_come_late_and_out_of_order_are_a_row_too(service: Service, token: str) -> None:
    line = [token]
    for _ in range(IN_A_ROW):
        line.append(service.refreshed(line[-1]))

    for spent in (line[2], line[0], line[1]):
        assert service.refreshed(spent) == line[-1]

    assert len(signs(service)) == 1


def test_an_honest_client_that_loses_an_answer_now_and_then_is_no_sign(service: Service, token: str) -> None:
    """Two in a row and then a good one, over and over: its row never gets long enough."""
    for generation in range(4 * SLOTS):
        live = service.refreshed(token)
        if generation % IN_A_ROW:
            service.wait(5)
            assert service.refreshed(token) == live
        token = live
        service.wait(HOUR)

    assert signs(service) == []
    assert {True, False} == {event.details["replayed"] for event in service.events if event.type == "sertft"}


def test_a_client_that_tries_again_and_again_with_one_token_is_no_sign(service: Service, token: str) -> None:
    live = service.refreshed(token)
    for _ in range(20):
        assert service.refreshed(token) == live

    assert signs(service) == []


def test_the_generation_that_was_in_the_slot_before_does_not_count(service: Service, token: str) -> None:
    """Replays of generations 0 and 1; then of 10, whose slot is that of 2."""
    token = presented_by_both(service, presented_by_both(service, token))
    for _ in range(2, SLOTS + 2):
        token = service.refreshed(token)
    presented_by_both(service, token)

    assert signs(service) == []


def test_another_login_of_the_same_user_has_a_row_of_its_own(service: Service) -> None:
    """One generation each, of three devices."""
    for _ in range(IN_A_ROW):
        presented_by_both(service, service.login_tokens()["refresh_token"])

    assert signs(service) == []


def test_the_sdk_s_own_repetition_is_no_replay(service: Service, token: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("botocore.endpoint.time.sleep", lambda _: None)
    for _ in range(IN_A_ROW):
        with lost_on_the_wire(service.client, AFTER, requests=1), store_calls(service) as calls:
            token = service.refreshed(token)
        assert calls == ["UpdateItem"]

    assert signs(service) == []


def test_whoever_has_the_one_key_is_one_party(service: Service) -> None:
    """Of a family that is bound to a key, a replay notes nothing."""
    prover = Prover(service)
    token = prover.login_tokens()["refresh_token"]
    for _ in range(IN_A_ROW):
        live = tokens(prover.refresh(token))["refresh_token"]
        with store_calls(service) as calls:
            assert tokens(prover.refresh(token))["refresh_token"] == live
        assert calls == ["PutItem", "UpdateItem"], "the proof, and the exchange"
        token = live

    assert signs(service) == []


# ---- What it costs


def test_a_replay_writes_one_item_beside_the_family_and_nothing_else(service: Service, token: str) -> None:
    service.refreshed(token)
    before = service.contents()

    with store_calls(service) as calls:
        service.refreshed(token)

    assert calls == ["UpdateItem", "UpdateItem"]
    item = replays_item(service, token)
    after = service.contents()
    after["FamiliesTable"].remove(item)
    assert after == before
    assert "user_id" not in item


def test_it_stays_small_and_goes_by_itself(service: Service, token: str) -> None:
    """Also when the family lives for ever: nothing is left behind by a family's end."""
    service.set_policy(idle_lifetime=None, absolute_lifetime=None)
    for _ in range(3 * SLOTS):
        token = presented_by_both(service, token)

    item = replays_item(service, token)
    assert set(item) == {"user_key", "family_id", "expires_at", *map(str, range(SLOTS))}
    assert size_of(item) < 200
    assert int(item["expires_at"]["N"]) == service.now + MEMORY


def test_whatever_lists_a_user_s_families_passes_over_it(service: Service, token: str) -> None:
    service.refreshed(token)
    service.refreshed(token)

    assert len(service.families.of_user(ALICE.user_id)) == 1
    assert len(service.families.end_logins(ALICE.user_id, because="test", now=service.now)) == 1
    assert service.refresh(token).status == 400


# ---- Faults


@pytest.mark.parametrize("when", [BEFORE, AFTER])
@pytest.mark.parametrize(
    "fault",
    [*FAULTS.values(), answered_with("AccessDeniedException"), answered_with("ValidationException")],
    ids=[*FAULTS, "not allowed", "not understood"],
)
def test_a_fault_changes_no_answer(service: Service, token: str, steps: Steps, fault: Exception, when: str) -> None:
    live = service.refreshed(token)
    steps.fail(when, fault, calls=range(1, 2))

    assert service.refreshed(token) == live

    assert [event.alarm for event in service.events if event.alarm] == [Alarm.FAULT]
    assert service.events[-1].type == "sertft"
