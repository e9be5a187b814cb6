"""Who may go on with a pushed request."""

import hashlib
from dataclasses import replace
from typing import Any

import pytest

from heirloom.domain import pushed_request
from heirloom.domain.errors import InvalidRequestUri
from heirloom.domain.lifetimes import LOGIN_OF_PUSHED_REQUEST, PUSHED_REQUEST
from heirloom.domain.pushed_request import PushedRequest

NOW = 1_800_000_000
PUSHED = PushedRequest("digest", "app", "response_type=code", pushed_at=NOW)
SPENT = replace(PUSHED, spent=True)


def redeem(pushed: PushedRequest | None, **changes: Any) -> PushedRequest:
    """A browser brings it as soon as it was pushed, but for *changes*."""
    request = {"client_id": "app", "now": NOW, "begun": False}
    return pushed_request.redeem(pushed, **{**request, **changes})


@pytest.mark.parametrize(("begun", "seconds"), [(False, PUSHED_REQUEST), (True, LOGIN_OF_PUSHED_REQUEST)])
def test_a_browser_must_bring_it_soon_and_a_login_may_take_its_time(begun: bool, seconds: int) -> None:  # noqa: FBT001 - a row of a table
    assert redeem(PUSHED, begun=begun, now=NOW + seconds - 1) == PUSHED
    with pytest.raises(InvalidRequestUri, match="expired"):
        redeem(PUSHED, begun=begun, now=NOW + seconds)


@pytest.mark.parametrize(
    ("pushed", "changes", "reason"),
    [
        (None, {}, "unknown"),
        (SPENT, {"client_id": "another", "now": NOW + 10**6}, "of another client"),
        (PUSHED, {"client_id": "äpp"}, "of another client"),
        (SPENT, {"now": NOW + 10**6}, "used"),
        (SPENT, {"begun": True}, "used"),
    ],
)
def test_everybody_else_hears_one_text_and_the_log_knows_why(
    pushed: PushedRequest | None, changes: dict[str, Any], reason: str
) -> None:
    with pytest.raises(InvalidRequestUri) as refused:
        redeem(pushed, **changes)

    assert refused.value.reason == f"pushed request: {reason}"
    assert refused.value.description == pushed_request.spent_meanwhile().description


def test_whoever_comes_second_is_refused() -> None:
    assert pushed_request.spent_meanwhile().reason == "pushed request: used meanwhile"


def test_a_request_ends_with_the_login_that_it_was_for() -> None:
    assert PUSHED.expires_at == NOW + LOGIN_OF_PUSHED_REQUEST


def test_a_request_is_stored_under_the_sha_256_of_its_reference_whatever_that_is() -> None:
    assert pushed_request.digest("urn:x") == hashlib.sha256(b"urn:x").hexdigest()
    assert len(pushed_request.digest("\ud800é")) == 64
    assert "response_type" not in repr(PUSHED)
