"""The peers' rules are what was measured or documented of them: tests/cases/test_peers.py has some of it."""

from collections.abc import Callable
from functools import partial

import pytest

from tests.lost_responses.fleet import Server
from tests.lost_responses.servers import Heirloom, Peer, PreviousForEver, SiblingsInLeeway, SuccessorInWindow
from tests.lost_responses.table import leeways

OpenAuth = partial(SuccessorInWindow, kills=False)
KIND = "app that is killed"
PEERS = [Peer, SiblingsInLeeway, OpenAuth, PreviousForEver]


def exchanged(server: Server, token: str, now: float = 0) -> str:
    answer = server.present(token, KIND, now)
    assert answer is not None
    return answer


def good(server: Server, token: str, now: float = 0) -> bool:
    return server.present(token, KIND, now) is not None


@pytest.mark.parametrize("server", [*PEERS, partial(Heirloom, leeways(60))])
def test_everybody_exchanges_a_live_token_for_a_new_one(server: Callable[[], Server]) -> None:
    rule = server()
    line = [rule.log_in(KIND, 0)]
    for hour in range(1, 20):
        line.append(exchanged(rule, line[-1], hour * 3600))

    assert len(set(line)) == 20


def test_oidc_provider_ends_the_session_of_whoever_repeats_after_three_seconds() -> None:
    rule = Peer()
    first = rule.log_in(KIND, 0)
    second = exchanged(rule, first)

    assert not good(rule, first, 3)
    assert not good(rule, second, 3)


def test_hydra_knows_nothing_of_a_token_that_was_spent_half_an_hour_ago() -> None:
    """Case 11: it is refused, and the newest one works on."""
    rule = Peer(forgets=1800)
    first = rule.log_in(KIND, 0)
    second = exchanged(rule, first)

    assert not good(rule, first, 1801)
    assert good(rule, second, 1802)


def test_auth0_answers_each_repetition_with_another_token_and_ends_all_later() -> None:
    rule = SiblingsInLeeway()
    first = rule.log_in(KIND, 0)
    second, sibling = exchanged(rule, first), exchanged(rule, first, 1)
    assert second != sibling
    third = exchanged(rule, second, 600)

    assert not good(rule, exchanged(rule, sibling, 601), 602) or not good(rule, first, 603)
    assert not good(rule, third, 604), "the first was older than the one before the newest"


def test_openauth_repeats_its_answer_for_a_minute_and_then_ends_nothing() -> None:
    rule = OpenAuth()
    first = rule.log_in(KIND, 0)
    second = exchanged(rule, first)
    assert exchanged(rule, first, 60) == second
    third = exchanged(rule, second, 61)

    assert not good(rule, first, 70)
    assert good(rule, third, 71), "the newest goes on working"


def test_supabase_takes_the_token_before_the_live_one_for_ever() -> None:
    """Case 26."""
    rule = PreviousForEver()
    first = rule.log_in(KIND, 0)
    second = exchanged(rule, first)
    assert exchanged(rule, first, 10**6) == second
    third = exchanged(rule, second, 10**6)

    assert not good(rule, first, 10**6)
    assert not good(rule, third, 10**6), "an older one ends the session"
