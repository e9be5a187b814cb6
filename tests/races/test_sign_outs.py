"""Whoever signs a device out while it refreshes: once the page has answered, no token of it works."""

from collections.abc import Callable

import pytest

from heirloom.http import Response
from tests.endpoints.hands import at_once
from tests.endpoints.reading import sign_in
from tests.endpoints.test_account import family_id, press, show
from tests.service import ALICE, Service, answered, refusal, tokens


@pytest.mark.parametrize("round_", range(6))
@pytest.mark.parametrize("everything", [True, False])
def test_a_refresh_in_the_race_gets_nothing_that_lasts(service: Service, round_: int, *, everything: bool) -> None:
    """A rotation before the revocation hands over a token that dies with it; one after it is refused."""
    lost = service.login_tokens()["refresh_token"]
    code = answered(service.authorize())["code"]
    service.cookies.clear()
    sign_in(service, show(service), ALICE.email)
    shown = show(service)
    button = ("everything", "others") if everything else ("family", family_id(lost))
    racing: list[Callable[[], Response]] = [lambda: service.refresh(lost), lambda: service.refresh(lost)]
    if everything:
        racing.append(lambda: service.exchange(code))
    racing.insert(round_ % len(racing), lambda: press(service, shown, *button))

    answers = at_once(racing)

    assert [it.status for it in answers if it.status not in {200, 303, 400}] == []
    for token in (lost, *(tokens(it)["refresh_token"] for it in answers if it.status == 200)):
        assert refusal(service.refresh(token)) == (400, "invalid_grant")
