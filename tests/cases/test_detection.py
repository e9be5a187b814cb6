"""Reuse is detected, however late it comes, and a test would notice if it were not."""

from collections.abc import Callable

import pytest

from heirloom.domain.family import SLOTS, Family, Judgement, Refusal, Refused, Reused, Rotation, judge
from heirloom.domain.lifetimes import DAY, MINUTE
from heirloom.domain.ports import RotationRefused
from heirloom.domain.token_keys import TokenKeyring
from heirloom.endpoints import refresh
from tests.endpoints.hands import family_of, restarted
from tests.service import Service, refusal

REFUSED = (400, "invalid_grant")


@pytest.mark.parametrize("later", [31 * MINUTE, DAY, 29 * DAY], ids=["31 minutes", "1 day", "29 days"])
@pytest.mark.parametrize("generation", [0, 2 * SLOTS - 1])
@pytest.mark.parametrize("used_since", [False, True], ids=["unused since", "used every day since"])
def test_case_11_a_spent_token_is_recognised_for_as_long_as_its_family_lives(
    service: Service, later: int, generation: int, *, used_since: bool
) -> None:
    """Hydra: what was used half an hour ago was deleted, so its replay was merely not found, and the thief went on."""
    line = [service.login_tokens(scope="offline_access read:notes")["refresh_token"]]
    for _ in range(2 * SLOTS):
        line.append(service.refreshed(line[-1]))
    presented_at = service.now + later
    while used_since and service.now + DAY < presented_at:
        service.wait(DAY)
        line.append(service.refreshed(line[-1]))
    service.wait(presented_at - service.now)
    (item,) = service.items("FamiliesTable")
    assert int(item["expires_at"]["N"]) > service.now, "DynamoDB has not deleted it"

    assert refusal(restarted(service).refresh(line[generation])) == REFUSED

    assert family_of(service, line[0]).revoked_because == "reuse"
    assert refusal(service.refresh(line[-1])) == REFUSED


def test_case_11_evidence_outlives_the_last_moment_of_the_family(service: Service) -> None:
    """Hydra: here the store may delete a family only when no token of it can be used or harmed any more."""
    service.set_policy(idle_lifetime=10 * DAY)
    spent = service.login_tokens()["refresh_token"]
    live = service.refreshed(spent)
    service.wait(10 * DAY - 1)

    assert refusal(service.refresh(spent)) == REFUSED

    assert family_of(service, live).revoked_because == "reuse"
    (item,) = service.items("FamiliesTable")
    assert int(item["expires_at"]["N"]) > service.now + DAY - 1


# ---- The tests themselves


def reuse_is_punished(service: Service) -> None:
    """What every test of detection asserts in the end."""
    spent = service.login_tokens()["refresh_token"]
    live = service.refreshed(spent)
    service.wait(3600)

    assert refusal(service.refresh(spent)) == REFUSED
    assert service.events.types[-1] == "ferrt"
    assert family_of(service, live).revoked_because == "reuse"
    assert refusal(service.refresh(live)) == REFUSED


def test_case_30_detection_is_reached(service: Service) -> None:
    """Pipeshub #3271: the look-up left out revoked tokens, so the branch that detects reuse was never reached."""
    reuse_is_punished(service)


def blind(rotation: Rotation, family: Family | None, keyring: TokenKeyring) -> Judgement:
    """A judgement that never finds reuse."""
    judgement = judge(rotation, family, keyring)
    return Refused(Refusal.REVOKED) if isinstance(judgement, Reused) else judgement


def unseeing(rotation: Rotation, family: Family | None, keyring: TokenKeyring) -> Judgement:
    """A judgement before which spent tokens are filtered out, as that server's look-up did."""
    spent = family is not None and rotation.presented.digest() != family.live_digest
    return judge(rotation, None if spent else family, keyring)


@pytest.mark.parametrize("broken", [blind, unseeing])
def test_case_30_a_service_that_detects_nothing_fails_the_test(
    service: Service, monkeypatch: pytest.MonkeyPatch, broken: Callable[..., Judgement]
) -> None:
    """Pipeshub #3271: nobody noticed, for every answer was the expected refusal."""
    monkeypatch.setattr(refresh, "judge", broken)

    with pytest.raises(AssertionError):
        reuse_is_punished(service)


def test_case_30_a_kill_that_reaches_no_family_fails_the_test(
    service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Pipeshub #3271: the same when reuse is found and the revocation goes nowhere."""
    monkeypatch.setattr(type(service.families), "revoke", lambda *_, **__: None)

    with pytest.raises(AssertionError):
        reuse_is_punished(service)


def test_case_30_a_store_that_does_not_show_the_family_fails_the_test(
    service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Pipeshub #3271: the same when a failed condition does not bring back the item as it stands."""
    rotate = type(service.families).rotate

    def without_item(families: object, rotation: Rotation) -> Family:
        try:
            return rotate(families, rotation)  # type: ignore[arg-type] # itself
        except RotationRefused:
            raise RotationRefused(None) from None

    monkeypatch.setattr(type(service.families), "rotate", without_item)

    with pytest.raises(AssertionError):
        reuse_is_punished(service)
