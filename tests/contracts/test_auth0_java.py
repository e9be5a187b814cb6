"""auth0-java: `AuthAPI.exchangeCode`, `renewAuth` and `revokeToken`. Everything is JSON."""

import json
from typing import Any
from urllib.parse import urlencode

from heirloom.http import Response
from tests.contracts.replay import (
    DOMAIN,
    ODD_SECRET,
    STATE,
    UNKNOWN,
    callback,
    claims_of,
    document_of,
    post_json,
    store_down,
    web_application,
)
from tests.service import API, CALLBACK, CHALLENGE, VERIFIER, Service

SDK = {"sdk": "auth0-java", "version": "7aa33c4", "kind": "replayed"}

TOKEN = f"https://{DOMAIN}/oauth/token"
CLIENT = {"client_id": "web", "client_secret": ODD_SECRET}
HEADERS = {"Auth0-Client": "eyJuYW1lIjoiYXV0aDAtamF2YSJ9"}


def token_holder(response: Response) -> dict[str, Any]:
    """Read what a `TokenHolder` has."""
    document = document_of(response)
    names = ("access_token", "id_token", "refresh_token", "token_type", "scope")
    assert all(isinstance(document[name], str) for name in names)
    assert type(document["expires_in"]) is int
    return document


def log_in(service: Service) -> dict[str, Any]:
    """Log in with PKCE."""
    application = web_application(service)
    request = {
        "redirect_uri": CALLBACK,
        "client_id": "web",
        "audience": API,
        "scope": "openid offline_access",
        "state": STATE,
        "response_type": "code",
        "code_challenge": CHALLENGE,
        "code_challenge_method": "S256",
        "auth0Client": HEADERS["Auth0-Client"],
    }
    answer = callback(service, f"https://{DOMAIN}/authorize?{urlencode(request)}")
    body = {"grant_type": "authorization_code", "code": answer["code"], "redirect_uri": CALLBACK}
    document = token_holder(post_json(service, TOKEN, CLIENT | body | {"code_verifier": VERIFIER}, HEADERS))
    assert "nonce" not in claims_of(service, document["id_token"], application)
    return document


def renew(service: Service, refresh_token: str) -> Response:
    """Send what `renewAuth` sends."""
    body = {"grant_type": "refresh_token", "refresh_token": refresh_token}
    return post_json(service, TOKEN, CLIENT | body, HEADERS)


def error_of(response: Response) -> str:
    """Return what `APIException.getError` has: the body where it is no JSON."""
    try:
        document = json.loads(response.body)
    except ValueError:
        return response.body
    error: str = document["error"]
    return error


def test_it_logs_in_and_renews_also_after_a_fault(service: Service) -> None:
    token = log_in(service)["refresh_token"]

    with store_down(service):
        failed = renew(service, token)
    assert failed.status == 503
    assert error_of(failed) != "invalid_grant"
    assert token_holder(renew(service, token))["refresh_token"] != token


def test_it_revokes(service: Service) -> None:
    token = log_in(service)["refresh_token"]

    response = post_json(service, f"https://{DOMAIN}/oauth/revoke", CLIENT | {"token": token}, HEADERS)

    assert (response.status, response.body) == (200, "")
    assert document_of(renew(service, token), 400) == UNKNOWN
