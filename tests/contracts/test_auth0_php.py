"""Auth0-PHP (`Auth0::login`, `exchange`, `renew`), for web applications with a secret.

Any JSON without an access token makes it forget the session; what is no JSON is thrown as an exception, and the session
stays.
"""

import base64
import json
from typing import Any
from urllib.parse import quote, urlencode

import jwt
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from cryptography.x509 import load_der_x509_certificate

from heirloom.http import Response
from tests.contracts.replay import (
    DOMAIN,
    NONCE,
    ODD_SECRET,
    STATE,
    callback,
    document_of,
    get,
    post_form,
    same_login,
    store_down,
    web_application,
)
from tests.service import API, CALLBACK, CHALLENGE, VERIFIER, Service

SDK = {"sdk": "Auth0-PHP", "version": "fbde4ba", "kind": "replayed"}

TOKEN = f"https://{DOMAIN}/oauth/token"
CREDENTIALS = {"client_id": "web", "client_secret": ODD_SECRET}
TELEMETRY = {"Auth0-Client": base64.b64encode(b'{"name":"auth0-php"}').decode()}


def log_in(service: Service) -> dict[str, Any]:
    """Log in as `login` and `exchange` do."""
    web_application(service)
    request = {
        "state": STATE,
        "client_id": "web",
        "audience": API,
        "redirect_uri": CALLBACK,
        "scope": "openid profile email offline_access",
        "response_mode": "query",
        "response_type": "code",
        "nonce": NONCE,
        "max_age": "3600",
        "code_challenge": CHALLENGE,
        "code_challenge_method": "S256",
    }
    answer = callback(service, f"https://{DOMAIN}/authorize?{urlencode(request, quote_via=quote)}")
    assert answer["state"] == STATE
    form = {"grant_type": "authorization_code", "redirect_uri": CALLBACK, "code": answer["code"]}
    return document_of(post_form(service, TOKEN, form | {"code_verifier": VERIFIER} | CREDENTIALS, TELEMETRY))


def decoded(service: Service, id_token: str, nonce: str | None) -> dict[str, Any]:
    """Check an ID token as `decode` does: of the keys it takes those with a certificate, and of these nothing else."""
    header = jwt.get_unverified_header(id_token)
    assert header["alg"] == "RS256"
    published = document_of(get(service, f"https://{DOMAIN}/.well-known/jwks.json"))["keys"]
    usable = {key["kid"]: key for key in published if key.get("x5c")}
    certificate = load_der_x509_certificate(base64.b64decode(usable[header["kid"]]["x5c"][0]))
    public = certificate.public_key()
    assert isinstance(public, RSAPublicKey)
    claims: dict[str, Any] = json.loads(jwt.PyJWS().decode(id_token, public, ["RS256"]))
    assert claims["iss"] == f"https://{DOMAIN}/"
    assert claims["aud"] == "web" or ("web" in claims["aud"] and claims["azp"] == "web")
    assert claims["sub"]
    assert claims["iat"]
    assert service.now <= claims["exp"] + 60
    assert claims.get("nonce") == nonce
    assert service.now <= claims["auth_time"] + 3600 + 60
    assert isinstance(claims["sid"], str)
    return claims


def logged_out_by(response: Response) -> bool:
    """Tell whether `renew` forgets the session."""
    try:
        document = json.loads(response.body)
    except ValueError:
        return False
    return not document.get("access_token", "").strip()


def renew(service: Service, refresh_token: str, **parameters: str) -> Response:
    """Send what `renew` sends."""
    form = {"grant_type": "refresh_token", "refresh_token": refresh_token, **parameters}
    return post_form(service, TOKEN, form | CREDENTIALS, TELEMETRY)


def test_it_logs_in(service: Service) -> None:
    document = log_in(service)

    assert decoded(service, document["id_token"], NONCE)["name"] == "Alice"
    assert document["scope"].split(" ")
    assert int(document["expires_in"]) > 0


def test_it_renews(service: Service) -> None:
    login = log_in(service)
    service.wait(600)

    response = renew(service, login["refresh_token"], scope="openid profile email offline_access", audience=API)

    assert not logged_out_by(response)
    document = document_of(response)
    assert document["refresh_token"] != login["refresh_token"]
    first, refreshed = (decoded(service, it["id_token"], nonce) for it, nonce in ((login, NONCE), (document, None)))
    assert same_login(first, refreshed)


def test_a_fault_logs_nobody_out_and_a_refusal_does(service: Service) -> None:
    token = log_in(service)["refresh_token"]

    with store_down(service):
        assert not logged_out_by(renew(service, token))
    live = document_of(renew(service, token))["refresh_token"]
    service.families.end_logins("auth0|alice", because="test", now=service.now)
    assert logged_out_by(renew(service, live))
