"""What an application is told of a logout, where, and when it has heard it."""

import pytest

from heirloom.domain import backchannel_logout
from heirloom.domain.backchannel_logout import LogoutNotice
from heirloom.domain.claims import UnsignedToken

ISSUER = "https://issuer.example/"
NOW = 1_800_000_000


def test_a_logout_token_names_the_session_and_is_good_for_two_minutes() -> None:
    """OpenID Connect Back-Channel Logout §2.4: no `nonce`, or it might pass for an ID token."""
    notice = LogoutNotice("app", "auth0|alice", "session")

    assert backchannel_logout.logout_token(notice, issuer=ISSUER, token_id="token-1", now=NOW) == UnsignedToken(
        {
            "iss": ISSUER,
            "sub": "auth0|alice",
            "aud": "app",
            "iat": NOW,
            "exp": NOW + 120,
            "jti": "token-1",
            "sid": "session",
            "events": {"http://schemas.openid.net/event/backchannel-logout": {}},
        },
        "logout+jwt",
    )


@pytest.mark.parametrize(
    ("url", "issuer", "sent"),
    [
        ("https://app.example/logout", ISSUER, True),
        ("http://app.example/logout", ISSUER, False),
        ("http://localhost:3000/logout", ISSUER, False),
        ("httpsx://app.example/logout", ISSUER, False),
        ("http://localhost:3000/logout", "http://localhost:8080/", True),
        ("https://app.example/logout", "http://localhost:8080/", True),
    ],
)
def test_a_logout_token_goes_unencrypted_on_one_laptop_alone(url: str, issuer: str, *, sent: bool) -> None:
    assert backchannel_logout.may_be_sent(url, issuer) is sent


def test_an_application_has_heard_it_when_it_says_so() -> None:
    assert [status for status in range(100, 600) if backchannel_logout.received(status)] == [200, 204]
