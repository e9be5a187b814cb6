"""What a device hears, from the code on its screen to its tokens."""

import hashlib
from dataclasses import replace
from typing import Any

import pytest

from heirloom.domain import device_authorization
from heirloom.domain.device_authorization import Confirmation, DeviceAuthorization
from heirloom.domain.errors import DeviceDenied, ExpiredToken, InvalidGrant, OAuthError, SlowDown
from tests.domain.lines import GRANT, NOW

WAITING = DeviceAuthorization(
    digest="digest",
    user_code="BCDF-GHJK",
    client_id="app",
    audience=GRANT.audience,
    scope=GRANT.scope,
    expires_at=NOW + 1,
)
YES = Confirmation(GRANT, epoch=0, application_epoch=0)
CONFIRMED = replace(WAITING, confirmation=YES)
DENIED = replace(WAITING, denied=True)
USED = replace(CONFIRMED, used_at=NOW - 1)


def redeem(authorization: DeviceAuthorization | None, **changes: Any) -> Confirmation:
    """The device polls at NOW, but for *changes*."""
    request = {"client_id": "app", "not_before": 0, "now": NOW}
    return device_authorization.redeem(authorization, **{**request, **changes})


@pytest.mark.parametrize(
    ("authorization", "now", "pending"),
    [
        (WAITING, NOW, True),
        (WAITING, NOW + 1, False),
        (CONFIRMED, NOW, False),
        (DENIED, NOW, False),
        (replace(CONFIRMED, denied=True), NOW, False),
    ],
)
def test_a_person_may_say_yes_or_no_once_and_in_time(
    authorization: DeviceAuthorization, now: int, *, pending: bool
) -> None:
    assert authorization.pending(now) is pending


def test_a_device_that_somebody_said_yes_to_gets_what_they_granted() -> None:
    assert redeem(CONFIRMED) == YES
    assert redeem(CONFIRMED, not_before=GRANT.auth_time) == YES


@pytest.mark.parametrize(
    ("authorization", "changes", "refusal", "reason"),
    [
        (None, {}, InvalidGrant, "unknown device code"),
        (USED, {"client_id": "another"}, InvalidGrant, "device code of another client"),
        (DENIED, {"client_id": "another"}, InvalidGrant, "device code of another client"),
        (WAITING, {"client_id": "äpp", "now": NOW + 1}, InvalidGrant, "device code of another client"),
        (USED, {"now": NOW + 1}, InvalidGrant, "used device code"),
        (replace(USED, denied=True), {}, InvalidGrant, "used device code"),
        (WAITING, {"now": NOW + 1}, ExpiredToken, "expired"),
        (CONFIRMED, {"now": NOW + 1}, ExpiredToken, "expired"),
        (DENIED, {"now": NOW + 1}, ExpiredToken, "expired"),
        (DENIED, {}, DeviceDenied, "did not authorize"),
        (replace(CONFIRMED, denied=True), {}, DeviceDenied, "did not authorize"),
        (WAITING, {}, SlowDown, "5 seconds less often"),
        (CONFIRMED, {"not_before": GRANT.auth_time + 1}, InvalidGrant, "mass revocation"),
    ],
)
def test_the_first_thing_that_is_wrong_is_what_a_device_hears(
    authorization: DeviceAuthorization | None, changes: dict[str, Any], refusal: type[OAuthError], reason: str
) -> None:
    with pytest.raises(OAuthError, match=reason) as refused:
        redeem(authorization, **changes)

    assert type(refused.value) is refusal


def test_a_code_is_stored_under_its_sha_256_whatever_it_is() -> None:
    assert device_authorization.digest("code") == hashlib.sha256(b"code").hexdigest()
    assert len(device_authorization.digest("\ud800é")) == 64
