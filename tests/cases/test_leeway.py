"""Within leeway every copy leads to the live token; after it none does."""

from random import Random

import pytest

from heirloom.domain.family import SLOTS
from heirloom.domain.lifetimes import CLOCK_SKEW, DAY, HOUR, LEEWAY
from tests.endpoints.hands import family_of, restarted
from tests.service import SPA, WEB, Service, refusal

REFUSED = (400, "invalid_grant")


def test_case_25_a_retry_never_invalidates_the_successor_that_was_delivered(service: Service) -> None:
    """workers-oauth-provider #214: a retry made a second successor and ended the first, which the client had."""
    first = service.login_tokens()["refresh_token"]
    second = service.refreshed(first)
    assert service.refreshed(first) == second
    third = service.refreshed(second)

    assert service.refreshed(first) == third, "also when the successor has been used"
    service.wait(LEEWAY)
    assert service.refreshed(first) == service.refreshed(second) == third
    service.wait(DAY)
    assert service.refresh(third).status == 200


@pytest.mark.parametrize("seed", range(2))
def test_case_25_whatever_comes_again_within_leeway_the_newest_token_stays_good(service: Service, seed: int) -> None:
    """workers-oauth-provider #214: any order of retries and uses, each within leeway of its token's spending."""
    random = Random(seed)  # noqa: S311 - the same order in every run
    line = [service.login_tokens(scope="offline_access read:notes")["refresh_token"]]
    spent_at: list[int] = []
    for _ in range(60):
        recent = [n for n, at in enumerate(spent_at) if service.now - at <= LEEWAY and len(spent_at) - n <= SLOTS]
        presented = random.choice([*recent, len(line) - 1])
        answer = service.refreshed(line[presented])
        if presented == len(line) - 1:
            assert answer not in line
            line.append(answer)
            spent_at.append(service.now)
        assert answer == line[-1]
        service.wait(random.randrange(20))


def test_case_26_the_window_closes_and_never_slides(service: Service) -> None:
    """Supabase #2136, #1290: the token before the live one was good for ever, so theft of it was never noticed."""
    first = service.login_tokens()["refresh_token"]
    second = service.refreshed(first)
    for _ in range(6):
        service.wait(10)
        assert service.refreshed(first) == second
    service.wait(CLOCK_SKEW)
    assert service.refreshed(first) == second
    service.wait(0.001)

    assert refusal(service.refresh(first)) == REFUSED
    assert refusal(service.refresh(second)) == REFUSED


@pytest.mark.parametrize("skew", [-CLOCK_SKEW, -0.001, 0.001, CLOCK_SKEW])
def test_case_26_instances_whose_clocks_disagree_by_a_second_leave_the_window_open(
    service: Service, skew: float
) -> None:
    """Supabase auth-js #213, #620: clients were logged out by clocks that disagreed."""
    first = service.login_tokens()["refresh_token"]
    other = restarted(service)
    other.wait(skew)
    second = service.refreshed(first)
    for instance in (service, other):
        instance.wait(LEEWAY)
    assert other.refreshed(first) == second
    third = other.refreshed(second)
    for instance in (service, other):
        instance.wait(LEEWAY)

    assert service.refreshed(second) == third


@pytest.mark.parametrize("skew", [-5, -3600])
def test_case_26_an_instance_that_is_late_sees_a_token_that_was_spent_just_now(service: Service, skew: int) -> None:
    """Supabase auth-js #201: a time that seems to lie ahead is no reason to refuse."""
    first = service.login_tokens()["refresh_token"]
    second = service.refreshed(first)
    other = restarted(service)
    other.wait(skew)

    assert other.refreshed(first) == second


def test_case_27_two_answers_to_one_token_are_used_one_after_the_other(service: Service) -> None:
    """SuperTokens: of two children of one token, the one that was used second was taken for theft."""
    a = service.login_tokens()["refresh_token"]
    b, b_again = service.refreshed(a), service.refreshed(a)

    c = service.refreshed(b)

    assert service.refreshed(b_again) == c
    service.wait(LEEWAY)
    assert service.refreshed(b) == c
    service.wait(DAY)
    assert service.refresh(c).status == 200


def test_case_32_a_secret_buys_no_leeway_that_the_application_does_not_have(service: Service) -> None:
    """OpenLore #85: a confidential client came back after 68 s. Its secret may be stolen with its token."""
    first = service.login_tokens(WEB)["refresh_token"]
    second = service.refreshed(first, WEB)
    service.wait(68)

    assert refusal(service.refresh(first, WEB)) == REFUSED

    assert family_of(service, first).revoked_because == "reuse"
    assert refusal(service.refresh(second, WEB)) == REFUSED


@pytest.mark.parametrize("later", [68, HOUR])
def test_case_32_an_application_that_repeats_itself_late_gets_a_longer_leeway(service: Service, later: int) -> None:
    """OpenLore #85: what such a client is given here, and it reaches no other application."""
    service.set_policy(WEB, leeway=HOUR)
    first, other = service.login_tokens(WEB)["refresh_token"], service.login_tokens(SPA)["refresh_token"]
    second = service.refreshed(first, WEB)
    service.refreshed(other)
    service.wait(later)

    assert service.refreshed(first, WEB) == second
    assert refusal(service.refresh(other)) == REFUSED


def test_case_32_a_late_token_without_the_secret_ends_nothing(service: Service) -> None:
    """OpenLore #85: the chain was revoked by whoever presented an old token; here that takes the client's secret."""
    first = service.login_tokens(WEB)["refresh_token"]
    second = service.refreshed(first, WEB)
    service.wait(68)

    for secret in (None, "wrong"):
        assert refusal(service.refresh(first, WEB, client_secret=secret)) == (401, "invalid_client")
        assert refusal(service.revoke(first, WEB, client_secret=secret)) == (401, "invalid_client")

    assert service.refresh(second, WEB).status == 200
