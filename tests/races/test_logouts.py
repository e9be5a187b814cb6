"""Whoever logs out while things are under way: nothing slips through."""

from collections.abc import Callable

import pytest

from heirloom.http import Response
from tests.endpoints.hands import at_once, declare
from tests.service import WEB, Service, answered, refusal, tokens


def exchange(service: Service, code: str) -> Callable[[], Response]:
    return lambda: service.exchange(code)


def refresh(service: Service, token: str) -> Callable[[], Response]:
    return lambda: service.refresh(token)


@pytest.mark.parametrize("round_", range(8))
def test_once_a_logout_has_answered_no_token_of_its_session_works(service: Service, round_: int) -> None:
    """What an exchange or a refresh got in the race is revoked, and what comes after it is refused."""
    service.set_policy(revoke_on_logout=True)
    family = service.login_tokens()["refresh_token"]
    codes = [answered(service.authorize())["code"] for _ in range(4)]
    racing = [*(exchange(service, code) for code in codes), refresh(service, family), refresh(service, family)]
    racing.insert(round_ % len(racing), lambda: service.send("GET", "/v2/logout"))

    answers = at_once(racing)

    assert [answer.status for answer in answers if answer.status not in {200, 400}] == []
    won = [
        tokens(answer)["refresh_token"] for answer in answers if answer.body.startswith("{") and answer.status == 200
    ]
    for token in (family, *won):
        assert refusal(service.refresh(token)) == (400, "invalid_grant")
    for code in codes:
        assert refusal(service.exchange(code)) == (400, "invalid_grant")


@pytest.mark.parametrize("round_", range(8))
def test_whoever_got_tokens_in_the_race_hears_of_the_end(service: Service, round_: int) -> None:
    """An application joins a session before it has a code, so none is missed by the logout that lets its code pass."""
    declare(service, WEB, backchannel_logout_url="https://web.example/")
    service.log_in()
    got: list[Response] = []

    def single_sign_on() -> Response:
        response = service.authorize(WEB)
        if response.status == 303:
            got.append(service.exchange(answered(response)["code"], WEB))
        return response

    racing: list[Callable[[], Response]] = [single_sign_on, lambda: service.send("GET", "/v2/logout")]
    at_once(racing if round_ % 2 else racing[::-1])

    if any(answer.status == 200 for answer in got):
        assert [notice.client_id for notice in service.back_channel] == ["web"]
    assert service.items("SessionsTable") == []


@pytest.mark.parametrize("round_", range(4))
def test_a_logout_at_one_application_and_a_new_login_at_another_leave_one_session_or_none(
    service: Service, round_: int
) -> None:
    """An ended session is not revived by a login that took it for a good one."""
    service.set_policy(revoke_on_logout=True)
    token = service.login_tokens()["refresh_token"]
    ended = service.cookies["__Host-heirloom"].split(".")[1]
    racing: list[Callable[[], Response]] = [
        lambda: service.log_in(prompt="login"),
        lambda: service.send("GET", "/v2/logout"),
    ]

    at_once(racing if round_ % 2 else racing[::-1])

    left = [item["session_id"]["S"] for item in service.items("SessionsTable")]
    if ended not in left:
        assert refusal(service.refresh(token)) == (400, "invalid_grant")
    assert len(left) <= 1
