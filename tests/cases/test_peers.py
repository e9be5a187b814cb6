"""What two other servers on DynamoDB were measured to do, cell by cell, and what happens here.

oidc-provider forks a family under parallel exchanges and kills it when an answer got lost; OpenAuth takes a foreign
client, a wrong secret and, after reuse, the newest token.
"""

from functools import partial

import pytest

from heirloom.domain.application import Application
from tests.endpoints.hands import at_once, basic, family_of
from tests.service import SECRET, SPA, THIRD_PARTY, WEB, Service, refusal, tokens

REFUSED = (400, "invalid_grant")


@pytest.mark.parametrize("application", [SPA, WEB], ids=["public", "confidential"])
def test_peers_two_exchanges_of_one_token_in_parallel_never_fork_it(service: Service, application: Application) -> None:
    """oidc-provider: 20 of 20 trials ended with two successors, both live."""
    token = service.login_tokens(application)["refresh_token"]
    for generation in range(1, 21):
        responses = at_once([partial(service.refresh, token, application)] * 2)

        (token,) = {tokens(response)["refresh_token"] for response in responses}
        assert family_of(service, token).generation == generation


def test_peers_the_same_token_again_after_3_seconds_gets_the_same_successor(service: Service) -> None:
    """oidc-provider: 400, and the family was dead."""
    first = service.login_tokens()["refresh_token"]
    second = service.refreshed(first)
    service.wait(3)

    assert service.refreshed(first) == second
    assert service.refresh(second).status == 200


def test_peers_a_spent_token_after_70_seconds_ends_the_family_with_its_newest_token(service: Service) -> None:
    """OpenAuth: 400, and the newest token went on working."""
    line = [service.login_tokens()["refresh_token"]]
    for _ in range(2):
        line.append(service.refreshed(line[-1]))
    service.wait(70)

    assert refusal(service.refresh(line[0])) == REFUSED

    assert [refusal(service.refresh(token)) for token in reversed(line)] == [REFUSED] * 3


@pytest.mark.parametrize("thief", [THIRD_PARTY, WEB], ids=["public", "confidential"])
def test_peers_another_client_is_refused_and_the_owners_token_stays_good(service: Service, thief: Application) -> None:
    """OpenAuth: 200, with new tokens."""
    token = service.login_tokens()["refresh_token"]

    assert refusal(service.refresh(token, thief)) == REFUSED

    assert service.refresh(token).status == 200


def test_peers_a_wrong_secret_is_refused_and_costs_nothing(service: Service) -> None:
    """OpenAuth: 200."""
    token = service.login_tokens(WEB)["refresh_token"]
    form = {"grant_type": "refresh_token", "client_id": "web", "refresh_token": token}

    for secret in ("wrong", SECRET + "x", SECRET[:-1], ""):
        assert refusal(service.send("POST", "/oauth/token", {**form, "client_secret": secret})) == (
            401,
            "invalid_client",
        )
        assert refusal(service.send("POST", "/oauth/token", form, basic("web", secret))) == (401, "invalid_client")

    assert service.refresh(token, WEB).status == 200


@pytest.mark.parametrize("application", [SPA, WEB], ids=["public", "confidential"])
def test_peers_an_answer_is_not_to_be_stored_and_says_what_its_token_is(
    service: Service, application: Application
) -> None:
    """OpenAuth: neither header nor `token_type` (RFC 6749 §5.1)."""
    login = service.exchange(service.code(application), application)
    refreshed = service.refresh(tokens(login)["refresh_token"], application)

    for response in (login, refreshed):
        assert response.headers["cache-control"] == "no-store"
        assert tokens(response)["token_type"] == "Bearer"
