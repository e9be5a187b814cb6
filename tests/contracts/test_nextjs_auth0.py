"""@auth0/nextjs-auth0: login, `getAccessToken` and logout of a server-side application with a cookie session."""

from urllib.parse import urlencode

from heirloom.http import Response
from tests.contracts.oauth4webapi import authorized, discovered, error_of, granted
from tests.contracts.replay import (
    DOMAIN,
    NONCE,
    ODD_SECRET,
    STATE,
    UNKNOWN,
    Document,
    get,
    post_form,
    same_login,
    store_down,
    web_application,
)
from tests.service import API, CHALLENGE, VERIFIER, Service

SDK = {"sdk": "@auth0/nextjs-auth0", "version": "4.30.0", "kind": "replayed"}

HOME = "https://app.example/"
CALLBACK = f"{HOME}auth/callback"
CLIENT = {"client_id": "web", "client_secret": ODD_SECRET}


def log_in(service: Service) -> tuple[Document, Document]:
    """Log in; return metadata, and tokens with their claims."""
    application = web_application(service, callbacks=frozenset({CALLBACK}))
    metadata = discovered(service, f"https://{DOMAIN}")
    request = {
        "client_id": "web",
        "redirect_uri": CALLBACK,
        "response_type": "code",
        "scope": "openid profile email offline_access",
        "audience": API,
        "state": STATE,
        "nonce": NONCE,
        "code_challenge": CHALLENGE,
        "code_challenge_method": "S256",
    }
    answer = authorized(service, metadata, f"{metadata['authorization_endpoint']}?{urlencode(request)}", STATE)
    form = {"grant_type": "authorization_code", "code": answer["code"], "redirect_uri": CALLBACK}
    response = post_form(service, metadata["token_endpoint"], CLIENT | form | {"code_verifier": VERIFIER})
    return metadata, granted(service, response, application, NONCE)


def refresh(service: Service, metadata: Document, refresh_token: str, **more: str) -> Response:
    """Send what `getAccessToken` sends."""
    form = {"grant_type": "refresh_token", "refresh_token": refresh_token, **more}
    return post_form(service, metadata["token_endpoint"], CLIENT | form)


def test_it_logs_in_and_refreshes_in_parallel_with_one_cookie(service: Service) -> None:
    """Each of them refreshes with the same token, and a server component cannot even store the answer."""
    metadata, login = log_in(service)
    application = service.configuration.applications["web"]

    several = [
        granted(service, refresh(service, metadata, login["refresh_token"], **more), application)
        for more in ({}, {"scope": "openid email"}, {"audience": API})
    ]

    assert all(same_login(login["claims"], each["claims"]) for each in several)
    (live,) = {each["refresh_token"] for each in several}
    granted(service, refresh(service, metadata, live), application)


def test_it_revokes_and_returns_at_a_logout(service: Service) -> None:
    metadata, login = log_in(service)
    token = login["refresh_token"]

    with store_down(service):
        assert error_of(refresh(service, metadata, token)) is None
    revoked = post_form(
        service, metadata["revocation_endpoint"], CLIENT | {"token": token, "token_type_hint": "refresh_token"}
    )
    query = {"client_id": "web", "post_logout_redirect_uri": HOME, "logout_hint": login["claims"]["sid"]}
    query |= {"id_token_hint": login["id_token"]}
    left = get(service, f"{metadata['end_session_endpoint']}?{urlencode(query)}")
    older = get(service, f"https://{DOMAIN}/v2/logout?{urlencode({'returnTo': HOME, 'client_id': 'web'})}")

    assert revoked.status == 200
    assert error_of(refresh(service, metadata, token)) == UNKNOWN
    assert (left.status, left.headers["location"]) == (older.status, older.headers["location"]) == (303, HOME)
