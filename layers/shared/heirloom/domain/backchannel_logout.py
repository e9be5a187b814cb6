"""What an application is told when a session ends (OpenID Connect Back-Channel Logout 1.0)."""

from dataclasses import dataclass

from heirloom.domain import lifetimes
from heirloom.domain.claims import UnsignedToken

EVENT = "http://schemas.openid.net/event/backchannel-logout"

MOST_ATTEMPTS = 5
"""Deliveries of one notice, until it is put aside for a person to look at."""


@dataclass(frozen=True, slots=True)
class LogoutNotice:
    """That a session has ended, for one application which took part in it."""

    client_id: str
    user_id: str
    session_id: str


def logout_token(notice: LogoutNotice, *, issuer: str, token_id: str, now: int) -> UnsignedToken:
    """Return the logout token of *notice* (§2.4), *now* in epoch seconds.

    No `nonce`, and a type of its own: it cannot pass for an ID token, nor an ID token for it.
    """
    return UnsignedToken(
        {
            "iss": issuer,
            "sub": notice.user_id,
            "aud": notice.client_id,
            "iat": now,
            "exp": now + lifetimes.LOGOUT_TOKEN,
            "jti": token_id,
            "sid": notice.session_id,
            "events": {EVENT: {}},
        },
        "logout+jwt",
    )


def may_be_sent(url: str, issuer: str) -> bool:
    """Tell whether a logout token may go to *url*: by https, and without only where all of it runs on one laptop.

    In the cloud a function's own localhost is no application's.
    """
    return url.startswith("https://") or issuer.startswith("http://")


def received(status: int) -> bool:
    """Tell whether an application confirmed: 200, or the 204 that frameworks make of an empty answer (§2.8)."""
    return status in {200, 204}
