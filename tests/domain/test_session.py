"""What a session's cookie is, and until when a session is good."""

from dataclasses import replace
from typing import Any

import pytest

from heirloom.domain import encoding, session
from heirloom.domain.application import Tenant
from heirloom.domain.device import UNKNOWN_DEVICE, Device
from heirloom.domain.session import Session, SessionCookie, SessionKey

NOW = 1_800_000_000
TENANT = Tenant(session_lifetime=1000, idle_session_lifetime=300, not_before=NOW - 900)
COOKIE = SessionCookie(SessionKey(b"u" * 8, encoding.encode(b"i" * 16)), b"s" * 32)
DEVICE = Device(b"\x04\xc0\x00\x02\x01")
LOGIN = session.begin(cookie=COOKIE, user_id="auth0|alice", epoch=3, tenant=TENANT, device=DEVICE, now=NOW)


def value(user_key: bytes = b"u" * 8, session_id: bytes = b"i" * 16, secret: bytes = b"s" * 32) -> str:
    return ".".join(encoding.encode(octets) for octets in (user_key, session_id, secret))


def test_a_cookie_is_read_as_it_was_written() -> None:
    assert COOKIE.value == value()
    assert session.parse_cookie(value()) == COOKIE


@pytest.mark.parametrize(
    "text",
    [
        *("", ".", "..", "a.b", f"{value()}.", f".{value()}", value().replace(".", ","), f"{value()}="),
        *(value(user_key=b"u" * size) for size in (0, 7, 9)),
        *(value(session_id=b"i" * size) for size in (0, 15, 17)),
        *(value(secret=b"s" * size) for size in (0, 31, 33)),
    ],
)
def test_what_is_no_cookie_of_ours_is_none(text: str) -> None:
    assert session.parse_cookie(text) is None


def test_a_cookie_opens_the_session_whose_secret_it_has() -> None:
    assert session.opens(COOKIE, LOGIN)
    assert not session.opens(replace(COOKIE, secret=b"t" * 32), LOGIN)


def test_a_session_ends_at_the_tenants_times() -> None:
    assert (LOGIN.idle_expires_at, LOGIN.absolute_expires_at) == (NOW + 300, NOW + 1000)
    assert LOGIN.expires_at == NOW + 300
    assert replace(LOGIN, idle_expires_at=NOW + 2000).expires_at == NOW + 1000


@pytest.mark.parametrize(
    ("changes", "because"),
    [
        ({}, None),
        ({"ended_at": NOW, "epoch": 2}, "logout"),
        ({"epoch": 2, "auth_time": NOW - 901}, "all_logins_ended"),
        ({"epoch": 4}, "all_logins_ended"),
        ({"auth_time": NOW - 901, "absolute_expires_at": NOW}, "not_before"),
        ({"auth_time": NOW - 900}, None),
        ({"absolute_expires_at": NOW, "idle_expires_at": NOW}, "absolute_lifetime"),
        ({"absolute_expires_at": NOW + 1}, None),
        ({"idle_expires_at": NOW}, "idle_lifetime"),
        ({"idle_expires_at": NOW + 1}, None),
        ({"used_at": NOW - 300}, "idle_lifetime"),
        ({"used_at": NOW - 299}, None),
    ],
)
def test_a_session_says_what_ended_it_and_is_good_until_then(changes: dict[str, Any], because: str | None) -> None:
    it = replace(LOGIN, **changes)

    assert session.ended_because(it, epoch=3, tenant=TENANT, now=NOW) == because
    assert session.valid(it, epoch=3, tenant=TENANT, now=NOW) is (because is None)


def test_a_shorter_lifetime_of_the_tenants_ends_the_sessions_that_there_are() -> None:
    shorter = replace(TENANT, session_lifetime=100)

    assert session.ended_because(LOGIN, epoch=3, tenant=shorter, now=NOW + 99) is None
    assert session.ended_because(LOGIN, epoch=3, tenant=shorter, now=NOW + 100) == "absolute_lifetime"


def test_whoever_logs_in_again_goes_on_with_what_the_session_remembers() -> None:
    before: Session = replace(LOGIN, created_at=NOW - 500, client_ids=frozenset({"spa"}), initial_device=DEVICE)
    again = replace(LOGIN, auth_time=NOW + 1, initial_device=Device(b"\x04\xc0\x00\x02\x02"))

    assert session.go_on(before, again) == replace(
        again, created_at=NOW - 500, client_ids=frozenset({"spa"}), initial_device=DEVICE
    )
    unknown = replace(before, initial_device=UNKNOWN_DEVICE)
    assert session.go_on(unknown, again).initial_device == again.initial_device
