"""Auth0.AspNetCore.Authentication `WithAccessToken`, with `UseRefreshTokens`.

Any answer to a refresh but success makes it forget the refresh token, 503 and 429 too: no server can help that.
"""

import json
from typing import Any
from urllib.parse import urlencode

from heirloom.domain.lifetimes import DAY
from heirloom.http import Response
from tests.contracts.replay import (
    DOMAIN,
    NONCE,
    ODD_SECRET,
    STATE,
    callback,
    claims_of,
    document_of,
    get,
    post_form,
    same_login,
    store_down,
    web_application,
)
from tests.service import API, CHALLENGE, VERIFIER, Service

SDK = {"sdk": "Auth0.AspNetCore.Authentication", "version": "81cca7b", "kind": "replayed"}

CALLBACK = f"https://{DOMAIN}/callback"
CLIENT = {"client_id": "web", "client_secret": ODD_SECRET}


def log_in(service: Service) -> tuple[dict[str, Any], dict[str, Any]]:
    """Log in; return tokens and the checked claims."""
    application = web_application(service, callbacks=frozenset({CALLBACK}))
    metadata = document_of(get(service, f"https://{DOMAIN}/.well-known/openid-configuration"))
    request = {
        "client_id": "web",
        "redirect_uri": CALLBACK,
        "response_type": "code",
        "scope": "openid profile offline_access",
        "code_challenge": CHALLENGE,
        "code_challenge_method": "S256",
        "response_mode": "form_post",
        "nonce": NONCE,
        "auth0Client": "eyJuYW1lIjoiYXNwbmV0Y29yZS1hdXRoZW50aWNhdGlvbiJ9",
        "audience": API,
        "max_age": "3600",
        "state": STATE,
    }
    answer = callback(service, f"{metadata['authorization_endpoint']}?{urlencode(request)}")
    form = {"code": answer["code"], "redirect_uri": CALLBACK, "code_verifier": VERIFIER}
    response = post_form(service, metadata["token_endpoint"], CLIENT | form | {"grant_type": "authorization_code"})
    document = document_of(response)
    claims = claims_of(service, document["id_token"], application)
    assert claims["iss"] == f"https://{DOMAIN}/"
    assert claims["nonce"] == NONCE
    assert service.now <= claims["auth_time"] + 3600
    return document, claims


def refresh(service: Service, refresh_token: str, **more: str) -> Response:
    """Send what its token client sends."""
    form = CLIENT | {"grant_type": "refresh_token", "refresh_token": refresh_token, **more}
    return post_form(service, f"https://{DOMAIN}/oauth/token", form)


def kept(response: Response) -> dict[str, Any] | None:
    """Return what it keeps after a refresh; nothing if the refresh token is dropped."""
    if response.status // 100 != 2:
        return None
    document: dict[str, Any] = json.loads(response.body)
    assert isinstance(document["expires_in"], int)
    return document if document["access_token"] else None


def test_it_logs_in_and_refreshes_with_and_without_audience_and_scope(service: Service) -> None:
    """It keeps whatever ID token the answer has, even none."""
    login, first = log_in(service)
    application = service.configuration.applications["web"]
    service.wait(DAY)

    plain = kept(refresh(service, login["refresh_token"]))
    assert plain is not None
    scoped = kept(refresh(service, plain["refresh_token"], audience=API, scope="openid profile"))
    assert scoped is not None
    for document in (plain, scoped):
        assert same_login(first, claims_of(service, document["id_token"], application))


def test_what_it_forgets_after_a_fault_is_good_still(service: Service) -> None:
    """A fault and a refusal are alike to it."""
    token = log_in(service)[0]["refresh_token"]

    with store_down(service):
        assert kept(refresh(service, token)) is None
    live = kept(refresh(service, token))
    assert live is not None
    service.families.end_logins("auth0|alice", because="test", now=service.now)
    assert kept(refresh(service, live["refresh_token"])) is None
