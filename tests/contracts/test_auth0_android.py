"""Auth0.Android: `WebAuthProvider`, `renewAuth`, `revokeToken` and the credentials managers. Everything is JSON."""

import json
from typing import Any
from urllib.parse import urlencode

from heirloom.http import Response
from tests.contracts.replay import (
    DOMAIN,
    NONCE,
    STATE,
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

SDK = {"sdk": "Auth0.Android", "version": "5b86b71", "kind": "replayed"}

CALLBACK = f"https://{DOMAIN}/android/com.example.notes/callback"
TOKEN = f"https://{DOMAIN}/oauth/token"
HEADERS = {"Content-Type": "application/json; charset=utf-8", "Auth0-Client": "eyJuYW1lIjoiQXV0aDAuQW5kcm9pZCJ9"}
CLIENT = {"client_id": "native"}


def credentials(service: Service, response: Response) -> dict[str, Any]:
    """Read the credentials as its deserialiser does, whose fields must not be null."""
    document = document_of(response)
    fields = {name: document[name] for name in ("id_token", "access_token", "token_type", "refresh_token", "scope")}
    assert all(isinstance(value, str) and value for value in fields.values())
    assert type(document["expires_in"]) is int
    return fields | {"expires_at": service.now + document["expires_in"]}


def log_in(service: Service) -> dict[str, Any]:
    """Log in with an app link, as it does by default."""
    application = native_application(service, CALLBACK)
    request = {
        **CLIENT,
        "response_type": "code",
        "redirect_uri": CALLBACK,
        "scope": "openid profile email offline_access",
        "audience": API,
        "state": STATE,
        "nonce": NONCE,
        "code_challenge": CHALLENGE,
        "code_challenge_method": "S256",
        "auth0Client": HEADERS["Auth0-Client"],
    }
    answer = callback(service, f"https://{DOMAIN}/authorize?{urlencode(request)}")
    assert answer["state"] == STATE
    body = {"grant_type": "authorization_code", "code": answer["code"], "code_verifier": VERIFIER, **CLIENT}
    held = credentials(service, post_json(service, TOKEN, body | {"redirect_uri": CALLBACK}, HEADERS))
    claims = claims_of(service, held["id_token"], application)
    assert claims["nonce"] == NONCE
    return held | {"claims": claims}


def renew(service: Service, refresh_token: str, **more: str) -> Response:
    """Send what `renewAuth` sends."""
    body = {**CLIENT, "refresh_token": refresh_token, "grant_type": "refresh_token", **more}
    return post_json(service, TOKEN, body, HEADERS)


def login_needed(response: Response) -> bool:
    """Tell whether the credentials manager reports that renewal failed, rather than that the API did."""
    if "application/json" not in response.headers["content-type"]:
        return False
    document: dict[str, str] = json.loads(response.body)
    text = document.get("error_description")
    return document.get("error") == "invalid_grant" and text == "Unknown or invalid refresh token."


def test_it_logs_in(service: Service) -> None:
    """Of the published keys it takes those for signatures with RS256."""
    held = log_in(service)

    (key,) = document_of(get(service, f"https://{DOMAIN}/.well-known/jwks.json"))["keys"]
    assert (key["alg"], key["use"]) == ("RS256", "sig")
    assert held["expires_at"] > service.now + 60, "else it is expired for the manager, and for ever"


def test_it_renews_with_and_without_a_scope(service: Service) -> None:
    """It adds `openid` to the scope that an application asks for."""
    held = log_in(service)
    application = service.configuration.applications["native"]

    plain = credentials(service, renew(service, held["refresh_token"]))
    scoped = credentials(service, renew(service, plain["refresh_token"], scope="email openid", audience=API))

    for fresh in (plain, scoped):
        assert same_login(held["claims"], claims_of(service, fresh["id_token"], application))
    assert plain["scope"] == held["scope"]


def test_a_fault_asks_for_no_login_and_a_revocation_does(service: Service) -> None:
    token = log_in(service)["refresh_token"]

    with store_down(service):
        assert not login_needed(renew(service, token))
    live = credentials(service, renew(service, token))["refresh_token"]
    revoked = post_json(service, f"https://{DOMAIN}/oauth/revoke", {**CLIENT, "token": live}, HEADERS)

    assert (revoked.status, revoked.body) == (200, "")
    assert login_needed(renew(service, live))
