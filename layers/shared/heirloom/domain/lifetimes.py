"""How long things live, in seconds. A lifetime is finite or `None`; a point in time is epoch seconds."""

from typing import Final

NEVER: Final = 253_402_300_799
"""9999-12-31T23:59:59Z: stands for "does not expire", since a missing attribute would satisfy no condition."""

MINUTE: Final = 60
HOUR: Final = 60 * MINUTE
DAY: Final = 24 * HOUR

CACHED_CONFIGURATION: Final = MINUTE
"""How long an instance of a function keeps what the tenant file says, and the published keys."""

CACHED_KEYS: Final = 5 * MINUTE
"""How long an instance keeps signing keys and token keys."""

CACHED_KEYS_IN_NEED: Final = HOUR
"""How long it keeps them while Secrets Manager does not answer: old keys beat none."""

CACHED_JWKS: Final = 5 * MINUTE
"""How long anybody may keep the published keys (`Cache-Control`)."""

AUTHORIZATION_CODE: Final = 60
"""RFC 6749 §4.1.2 recommends ten minutes at most; clients redeem within a second."""

PUSHED_REQUEST: Final = 60
"""From the push of an authorization request until a browser must have brought it; FAPI 2.0 wants less than 600."""

LOGIN_OF_PUSHED_REQUEST: Final = HOUR
"""From the push until the person must have logged in and agreed."""

REPEATED_CODE: Final = 10
"""Browsers and SDKs repeat a code exchange whose answer was slow; within this time that is not an attack."""

DEVICE_CODE: Final = 15 * MINUTE
"""Auth0's: long enough to find a phone and to log in on it."""

CLOCK_SKEW: Final = 1
"""Between two functions' clocks."""

EVIDENCE: Final = DAY
"""How long an item stays after its end, so that a late presentation is still explained."""

ACCESS_TOKEN: Final = DAY
"""Auth0's default for an API; its limit is 30 days."""

LONGEST_ACCESS_TOKEN: Final = 30 * DAY

ID_TOKEN: Final = 10 * HOUR
"""Auth0's default for an application."""

USERINFO_TOKEN: Final = DAY
"""An access token without an API, good for `/userinfo` alone."""

LOGOUT_TOKEN: Final = 2 * MINUTE
"""OpenID Connect Back-Channel Logout §2.4 recommends two minutes at most."""

REFRESH_TOKEN: Final = 30 * DAY
"""Auth0's default, absolute and idle, of a rotating refresh token."""

LONGEST_REFRESH_TOKEN: Final = 31_557_600
"""365.25 days, Auth0's bound."""

LEEWAY: Final = 60
"""Longer than the 31 seconds that the FAPI 2.0 suite waits, shorter than any useful access token."""

LONGEST_LEEWAY: Final = HOUR

SESSION: Final = 7 * DAY
IDLE_SESSION: Final = 3 * DAY

REMEMBERED_ADDRESS: Final = 30 * DAY
"""An address from which an account logged in lately is not slowed down by strangers guessing at that account."""

FRESH_LOGIN: Final = 10 * MINUTE
"""How long the consent page may stay open after the login that `prompt=login` asked for."""


def ends_at(start: int, lifetime: int | None) -> int:
    """Return the epoch second at which something with this lifetime ends."""
    return NEVER if lifetime is None else min(start + lifetime, NEVER)
