"""What an access token and an ID token say."""

import json
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from heirloom.domain import claims
from heirloom.domain.claims import Issue, UnsignedToken
from heirloom.domain.client_grant import ClientGrant
from heirloom.domain.lifetimes import USERINFO_TOKEN
from heirloom.domain.resource_server import ResourceServer, TokenDialect
from tests.domain.lines import GRANT, NOW

ISSUER = "https://issuer.example/"
USERINFO = "https://issuer.example/userinfo"
ISSUE = Issue(ISSUER, NOW, "token-1", refreshed=False)
API = ResourceServer(GRANT.audience, "API", {"read": ""}, token_lifetime=300)
RFC9068 = replace(API, token_dialect=TokenDialect.RFC9068)
MACHINE = ClientGrant("app", API.identifier, frozenset({"read"}))
READ = frozenset({"read"})
OPENID = frozenset({"openid", "read"})


def access_token(
    grant: Any = GRANT, values: frozenset[str] = READ, api: ResourceServer | None = API, issue: Issue = ISSUE
) -> UnsignedToken:
    return claims.access_token(grant, values, api, issue)


def test_the_access_token_of_a_login_in_auth0s_profile() -> None:
    assert access_token() == UnsignedToken(
        {
            "iss": ISSUER,
            "sub": "auth0|alice",
            "aud": API.identifier,
            "iat": NOW,
            "exp": NOW + 300,
            "scope": "read",
            "jti": "token-1",
            "azp": "app",
        },
        "JWT",
    )


def test_the_access_token_of_a_login_in_the_profile_of_rfc_9068() -> None:
    assert access_token(api=RFC9068, issue=replace(ISSUE, refreshed=True)) == UnsignedToken(
        {
            "iss": ISSUER,
            "sub": "auth0|alice",
            "aud": API.identifier,
            "iat": NOW,
            "exp": NOW + 300,
            "scope": "read",
            "jti": "token-1",
            "client_id": "app",
            "auth_time": GRANT.auth_time,
        },
        "at+jwt",
    )


def test_the_access_token_of_an_application_itself_tells_of_no_login() -> None:
    of_a_login = access_token(api=RFC9068).claims

    assert access_token(MACHINE).claims == access_token().claims | {"sub": "app@clients", "gty": "client-credentials"}
    assert access_token(MACHINE, api=RFC9068).claims == {
        name: value for name, value in of_a_login.items() if name != "auth_time"
    } | {"sub": "app"}


def test_an_application_that_is_at_no_api_has_auth0s_subject() -> None:
    assert access_token(MACHINE, api=None).claims["sub"] == "app@clients"


def test_auth0s_profile_tells_that_a_token_came_from_a_refresh() -> None:
    refreshed = replace(ISSUE, refreshed=True)

    assert access_token(issue=refreshed).claims == access_token().claims | {"gty": "refresh_token"}
    assert access_token(MACHINE, issue=refreshed) == access_token(MACHINE)


@pytest.mark.parametrize(
    ("api", "values", "audience"),
    [
        (None, READ, USERINFO),
        (None, OPENID, USERINFO),
        (API, READ, API.identifier),
        (API, OPENID, [API.identifier, USERINFO]),
        (RFC9068, OPENID, [API.identifier, USERINFO]),
    ],
)
def test_a_token_is_good_for_userinfo_if_it_is_openids(
    api: ResourceServer | None, values: frozenset[str], audience: object
) -> None:
    assert access_token(values=values, api=api).claims["aud"] == audience


def test_a_token_lives_as_long_as_its_api_says() -> None:
    assert claims.access_token_lifetime(API) == 300
    assert claims.access_token_lifetime(None) == USERINFO_TOKEN
    assert access_token(api=None).claims["exp"] == NOW + USERINFO_TOKEN


@pytest.mark.parametrize("api", [API, RFC9068])
def test_a_token_names_its_family_and_its_key_if_it_has_them(api: ResourceServer) -> None:
    bound = replace(ISSUE, family_id="family", key_thumbprint="thumbprint")

    assert access_token(api=api, issue=bound).claims == access_token(api=api).claims | {
        "family_id": "family",
        "cnf": {"jkt": "thumbprint"},
    }


def test_a_token_for_userinfo_carries_the_claims_that_were_asked_for_by_name() -> None:
    grant = replace(GRANT, userinfo_claims=frozenset({"phone_number", "name"}))

    assert access_token(grant, OPENID).claims["userinfo_claims"] == ["name", "phone_number"]
    assert access_token(grant, READ) == access_token()
    assert access_token(GRANT, OPENID).claims.keys() == access_token().claims.keys()


def test_an_id_token_says_who_logged_in_when_and_where() -> None:
    """Its own claims are no profile's to say."""
    grant = GRANT.with_profile({"name": "Alice", "sub": "mallory", "iss": "https://evil.example/", "sid": "x"})

    assert claims.id_token(grant, 600, ISSUE) == UnsignedToken(
        {
            "name": "Alice",
            "iss": ISSUER,
            "sub": "auth0|alice",
            "aud": "app",
            "iat": NOW,
            "exp": NOW + 600,
            "auth_time": GRANT.auth_time,
            "sid": "session",
        },
        "JWT",
    )


@pytest.mark.parametrize("nonce", ["n", ""])
def test_an_id_token_repeats_the_nonce_of_its_request(nonce: str) -> None:
    assert claims.id_token(GRANT, 600, ISSUE, nonce).claims == claims.id_token(GRANT, 600, ISSUE).claims | {
        "nonce": nonce
    }


def test_profile_claims_fit_up_to_the_last_byte_and_a_large_one_is_passed_over() -> None:
    profile = {"name": "Alice", "picture": "x" * 100, "locale": "en"}
    small = {"name": "Alice", "locale": "en"}

    assert claims.fitting(profile, 30) == small
    assert claims.fitting(profile, 29) == {"name": "Alice"}
    assert claims.fitting(profile, 16) == {"name": "Alice"}
    assert claims.fitting(profile, 15) == {"locale": "en"}
    assert claims.fitting(profile, 1000) == profile
    assert len(json.dumps(small, separators=(",", ":"))) == 30


@given(st.dictionaries(st.text(max_size=5), st.text(max_size=9) | st.integers() | st.none()), st.integers(0, 60))
def test_what_was_chosen_fits(profile: dict[str, object], room: int) -> None:
    chosen = claims.fitting(profile, room)

    assert chosen.items() <= profile.items()
    assert list(chosen) == [name for name in profile if name in chosen]
    assert not chosen or len(json.dumps(chosen, separators=(",", ":")).encode()) <= room
