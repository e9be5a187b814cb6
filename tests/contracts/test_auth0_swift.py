"""Auth0.swift: `WebAuth`, `renew`, `revoke` and the credentials manager, in a native application.

Everything is JSON. Errors are told apart by their exact texts, and 429 and 5xx alone are tried again.
"""

import json
from urllib.parse import urlencode

from heirloom.http import Response
from tests.contracts.replay import (
    DOMAIN,
    NONCE,
    STATE,
    Document,
    callback,
    claims_of,
    document_of,
    get,
    native_application,
    post_json,
    same_login,
    store_down,
)
from tests.service import API, CHALLENGE, VERIFIER, Service

SDK = {"sdk": "Auth0.swift", "version": "850e1a2", "kind": "replayed"}

CALLBACK = f"com.example.MyApp://{DOMAIN}/ios/com.example.MyApp/callback"
TOKEN = f"https://{DOMAIN}/oauth/token"
TELEMETRY = {"Auth0-Client": "eyJuYW1lIjoiQXV0aDAuc3dpZnQifQ"}
CLIENT = {"client_id": "native"}


def log_in(service: Service) -> tuple[Document, Document]:
    """Log in; return the credentials and the checked claims."""
    application = native_application(service, CALLBACK)
    request = {
        **CLIENT,
        "scope": "openid profile email offline_access",
        "audience": API,
        "response_type": "code",
        "redirect_uri": CALLBACK,
        "state": STATE,
        "nonce": NONCE,
        "max_age": "3600",
        "code_challenge": CHALLENGE,
        "code_challenge_method": "S256",
        "auth0Client": TELEMETRY["Auth0-Client"],
    }
    answer = callback(service, f"https://{DOMAIN}/authorize?{urlencode(request)}")
    assert answer["state"] == STATE
    # It adds its default scope to every request for tokens, also to this one.
    body = {"grant_type": "authorization_code", "code": answer["code"], "code_verifier": VERIFIER, **CLIENT}
    body |= {"redirect_uri": CALLBACK, "scope": "openid profile email"}
    document = document_of(post_json(service, TOKEN, body, TELEMETRY))
    claims = claims_of(service, document["id_token"], application)
    assert claims["nonce"] == NONCE
    assert service.now <= claims["auth_time"] + 3600 + 60
    return document, claims


def renew(service: Service, refresh_token: str, **more: str) -> Response:
    """Send what `renew` sends."""
    body = {"grant_type": "refresh_token", "refresh_token": refresh_token, **CLIENT, **more}
    return post_json(service, TOKEN, body, TELEMETRY)


def is_invalid_refresh_token(response: Response) -> bool:
    """Tell whether the error has the property of that name."""
    document = json.loads(response.body)
    return (document["error"], document["error_description"]) == ("invalid_grant", "Unknown or invalid refresh token.")


def is_retryable(response: Response) -> bool:
    """Tell whether the credentials manager tries again, if it may."""
    return response.status == 429 or response.status // 100 == 5


def test_it_logs_in(service: Service) -> None:
    """The key must be for signatures with RS256, and have modulus and exponent."""
    document, claims = log_in(service)

    (key,) = document_of(get(service, f"https://{DOMAIN}/.well-known/jwks.json"))["keys"]
    assert (key["kty"], key["alg"], key["use"]) == ("RSA", "RS256", "sig")
    assert all(isinstance(text, str) for text in (key["n"], key["e"], *key.get("x5c", [])))
    assert claims["iss"] == f"https://{DOMAIN}/"
    assert "offline_access" in document["scope"]
    assert float(document["expires_in"]) > 0


def test_it_renews_with_and_without_a_scope(service: Service) -> None:
    login, first = log_in(service)
    application = service.configuration.applications["native"]

    plain = document_of(renew(service, login["refresh_token"]))
    scoped = document_of(renew(service, plain["refresh_token"], scope="openid email"))

    for document in (plain, scoped):
        assert same_login(first, claims_of(service, document["id_token"], application))
        assert document["token_type"] == "Bearer"
    assert plain["scope"] == login["scope"]
    assert scoped["scope"] == "openid email"


def test_it_tries_again_after_a_fault_and_after_a_lost_answer(service: Service) -> None:
    """A lost answer: the retry presents the token that is spent already."""
    token = log_in(service)[0]["refresh_token"]

    with store_down(service):
        failed = renew(service, token)
    assert is_retryable(failed)
    first, again = (document_of(renew(service, token))["refresh_token"] for _ in range(2))

    assert first == again != token


def test_it_revokes_and_tells_an_invalid_refresh_token(service: Service) -> None:
    """An empty answer is success only with 200 or 204."""
    token = log_in(service)[0]["refresh_token"]

    response = post_json(service, f"https://{DOMAIN}/oauth/revoke", {"token": token, **CLIENT}, TELEMETRY)

    assert (response.status, response.body) == (200, "")
    refused = renew(service, token)
    assert is_invalid_refresh_token(refused)
    assert not is_retryable(refused)
