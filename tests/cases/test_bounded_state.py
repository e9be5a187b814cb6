"""However often a family rotates, it is one item of one size, and its end is one write."""

from collections import Counter
from collections.abc import Iterator

from heirloom.adapters.families import item_key
from heirloom.domain.family import LARGEST_ITEM, SLOTS
from heirloom.domain.lifetimes import LEEWAY
from tests.endpoints.hands import family_of, store_calls
from tests.item_size import size_of
from tests.service import ALICE, SPA, WEB, Service, family_key_of, refusal, tokens

REFUSED = (400, "invalid_grant")
ROTATIONS = 1000
NUMBERS_GROW = 3
"""Bytes: the generation and the time take more digits as they grow."""


def rotating(service: Service, token: str, times: int) -> Iterator[str]:
    """Rotate so often, a second apart; yield the live token after each."""
    for _ in range(times):
        service.wait(1)
        token = service.refreshed(token)
        service.transcript.clear()
        service.events.clear()
        yield token


def size(service: Service, token: str) -> int:
    """Bytes of the family's item, which is all that there is of the family."""
    (item,) = service.items("FamiliesTable")
    assert item_key(family_key_of(token)).items() <= item.items()
    return size_of(item)


def grow(service: Service, rotations: int) -> list[int]:
    """Rotate a family so often, end it, and check that both cost what they cost at first; return its sizes."""
    service.set_policy(idle_lifetime=None, absolute_lifetime=None)
    token = first = service.login_tokens(scope="offline_access read:notes")["refresh_token"]
    sizes = []
    with store_calls(service) as calls:
        for generation, live in enumerate(rotating(service, token, rotations), start=1):
            token = live
            if generation >= SLOTS and (generation % 100 == 0 or generation < 3 * SLOTS):
                sizes.append(size(service, token))
    assert Counter(calls)["UpdateItem"] == rotations
    assert set(calls) == {"UpdateItem", "Scan"}, "Scan is this test, looking"
    assert family_of(service, token).generation == rotations

    with store_calls(service) as calls:
        assert service.revoke(first).status == 200
    assert calls == ["UpdateItem"]
    assert refusal(service.refresh(token)) == REFUSED
    return sizes


def test_case_15_a_thousand_rotations_leave_one_item_of_one_size_and_one_write_to_revoke(service: Service) -> None:
    """Logto #9545: 165,000 used tokens of one grant, and a revocation that ran into the database's time limit.

    tests/scale/test_flat_cost.py does it 100,000 times.
    """
    sizes = grow(service, ROTATIONS)

    assert max(sizes) <= LARGEST_ITEM
    assert max(sizes) - min(sizes) <= NUMBERS_GROW


def test_case_22_rows_are_as_many_as_logins_whatever_their_tokens_did(service: Service) -> None:
    """OpenIddict #1381, #1819, #2460: 18,500 tokens of one login, millions of rows, a CPU busy with revoking."""
    devices = [(service.login_tokens(application)["refresh_token"], application) for application in (SPA, SPA, WEB)]
    for token, application in devices:
        live = token
        for _ in range(3 * SLOTS):
            spent, live = live, service.refreshed(live, application)
            service.refreshed(spent, application)
    service.wait(LEEWAY + 2)
    with store_calls(service) as reuse:
        service.refresh(*devices[0])

    with store_calls(service) as everything:
        assert len(service.families.end_logins(ALICE.user_id, because="test", now=service.now)) == 2

    assert reuse == ["UpdateItem", "UpdateItem"]
    assert everything == ["UpdateItem", "Query", "UpdateItem", "UpdateItem"], "the epoch, and what was alive"
    assert len([item for item in service.items("FamiliesTable") if "client_id" in item]) == 3


def test_case_31_repeated_requests_within_leeway_leave_the_family_as_it_is_and_one_item_beside_it(
    service: Service,
) -> None:
    """Ayunis #1047: each repetition made a sibling, so one token could be turned into any number of rows."""
    first = service.login_tokens(scope="offline_access read:notes")["refresh_token"]
    second = service.refreshed(first)
    before = service.contents()

    with store_calls(service) as calls:
        for _ in range(300):
            assert tokens(service.refresh(first))["refresh_token"] == second
            service.transcript.clear()
            service.wait(LEEWAY / 300)

    assert calls == ["UpdateItem", "UpdateItem"] * 300, "one whose condition fails, and one that notes the replay"
    after = service.contents()
    [noted] = [item for item in after["FamiliesTable"] if item not in before["FamiliesTable"]]
    after["FamiliesTable"].remove(noted)
    assert after == before
