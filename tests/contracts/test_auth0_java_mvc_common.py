"""auth0-java-mvc-common: `AuthenticationController`. It knows no PKCE, so its application must do without."""

from urllib.parse import urlencode

import jwt

from tests.contracts.replay import (
    DOMAIN,
    ODD_SECRET,
    STATE,
    callback,
    claims_of,
    document_of,
    get,
    post_json,
    web_application,
)
from tests.service import CALLBACK, Service

SDK = {"sdk": "auth0-java-mvc-common", "version": "1423987", "kind": "replayed"}

REQUEST = {
    "redirect_uri": CALLBACK,
    "client_id": "web",
    "scope": "openid offline_access",
    "response_type": "code",
    "state": STATE,
    "max_age": "600",
}


def test_it_logs_in(service: Service) -> None:
    """No nonce is asked for with a code. The key is found by its id, and has modulus and exponent."""
    application = web_application(service, require_proof_key=False)

    answer = callback(service, f"https://{DOMAIN}/authorize?{urlencode(REQUEST)}")
    body = {"grant_type": "authorization_code", "code": answer["code"], "redirect_uri": CALLBACK, "client_id": "web"}
    document = document_of(post_json(service, f"https://{DOMAIN}/oauth/token", body | {"client_secret": ODD_SECRET}))

    assert answer["state"] == STATE
    claims = claims_of(service, document["id_token"], application)
    assert claims["iss"] == f"https://{DOMAIN}/"
    assert service.now <= claims["auth_time"] + 600 + 60
    keys = document_of(get(service, f"https://{DOMAIN}/.well-known/jwks.json"))["keys"]
    assert jwt.get_unverified_header(document["id_token"])["kid"] in {key["kid"] for key in keys}
    assert all(key["n"] and key["e"] for key in keys)


def test_an_application_that_must_prove_its_key_hears_so(service: Service) -> None:
    web_application(service)

    answer = callback(service, f"https://{DOMAIN}/authorize?{urlencode(REQUEST)}")

    assert answer["error"] == "invalid_request"
    assert answer["error_description"] == "Missing required parameter: code_challenge"
