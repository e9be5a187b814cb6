"""A refusal has one half for the caller and one for the log."""

import pytest

from heirloom.domain.authorization_code import AuthorizationCode
from heirloom.domain.device_authorization import DeviceAuthorization
from heirloom.domain.errors import (
    ConditionUnexplained,
    Fault,
    InvalidClient,
    InvalidGrant,
    OAuthError,
    SigningFailed,
    StoreUnavailable,
    UseDPoPNonce,
)
from heirloom.domain.ports import DeviceExchangeRefused, ExchangeRefused, PollRefused, RotationRefused
from tests.domain.lines import NOW, line

CODE = AuthorizationCode("digest", line(0).family.grant, "https://app.example/", None, None, 0, 0, NOW)
WAITING = DeviceAuthorization("digest", "BCDF-GHJK", "app", "https://api.example/", frozenset(), NOW)


def test_what_the_log_reads_is_not_what_the_caller_hears() -> None:
    refusal = InvalidGrant("public", reason="private", details={"generation": 7}, user_id="auth0|alice")

    assert (refusal.description, refusal.reason, str(refusal)) == ("public", "private", "private")
    assert (refusal.details, refusal.user_id) == ({"generation": 7}, "auth0|alice")


def test_without_a_reason_the_log_reads_the_same() -> None:
    refusal = InvalidGrant("public")

    assert (refusal.reason, str(refusal), refusal.details, refusal.user_id) == ("public", "public", {}, None)


def test_every_failed_authentication_hears_one_text() -> None:
    wrong, missing = InvalidClient(reason="wrong client secret"), InvalidClient(reason="missing client secret")

    assert wrong.description == missing.description
    assert (wrong.reason, missing.reason) == ("wrong client secret", "missing client secret")


def test_a_refusal_for_want_of_a_nonce_brings_one() -> None:
    refusal = UseDPoPNonce("nonce-1", reason="stale")

    assert (refusal.nonce, refusal.error, refusal.reason) == ("nonce-1", "use_dpop_nonce", "stale")


@pytest.mark.parametrize("fault", [StoreUnavailable, ConditionUnexplained, SigningFailed])
def test_a_fault_never_looks_like_a_refusal(fault: type[Exception]) -> None:
    assert issubclass(fault, Fault)
    assert not issubclass(fault, OAuthError)


def _every(refusal: type[OAuthError]) -> set[type[OAuthError]]:
    return {refusal}.union(*(_every(one) for one in refusal.__subclasses__()))


def test_every_refusal_has_its_code_and_its_status() -> None:
    """RFC 6749 §5.2: 400 but for a client that failed to authenticate; RFC 6750 §3.1 for bearers."""
    statuses = {(one.error, one.status) for one in _every(OAuthError) - {OAuthError} if one.status != 400}

    assert statuses == {
        ("invalid_request", 413),
        ("invalid_client", 401),
        ("access_denied", 403),
        ("invalid_token", 401),
        ("insufficient_scope", 403),
    }


def test_what_a_store_refuses_comes_with_what_it_has_instead_and_tells_the_log_nothing_of_it() -> None:
    family = line(0).family
    rotation, exchange = RotationRefused(family), ExchangeRefused(CODE)
    poll, device_exchange = PollRefused(WAITING), DeviceExchangeRefused(WAITING)

    assert (rotation.family, exchange.code) == (family, CODE)
    assert (poll.authorization, device_exchange.authorization) == (WAITING, WAITING)
    assert [str(refused) for refused in (rotation, exchange, poll, device_exchange)] == [
        "rotation refused",
        "exchange refused",
        "poll refused",
        "exchange refused",
    ]
