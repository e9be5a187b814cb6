"""Microsoft.AspNetCore.Authentication.OpenIdConnect with `ResponseType = "code"`, on Microsoft.IdentityModel.

Code with PKCE comes back by form_post; the ID token must have a nonce. It has no refresh of its own.
"""

import base64
import json
from typing import Any
from urllib.parse import urlencode

import pytest

from heirloom.http import Response
from tests.contracts.replay import (
    ODD_SECRET,
    callback,
    claims_of,
    document_of,
    get,
    post_form,
    store_down,
    web_application,
)
from tests.service import CHALLENGE, ISSUER, VERIFIER, Service

SDK = {
    "sdk": "Microsoft.AspNetCore.Authentication.OpenIdConnect",
    "version": "00d9b4c, Microsoft.IdentityModel 8.2.0",
    "kind": "replayed",
}

CALLBACK = "https://app.example/signin-oidc"
NONCE = "638400000000000000." + base64.b64encode(b"0f8fad5b-d9cb-469f-a165-70867728950e" * 2).decode()
STATE = "CfDJ8" + "x" * 900
"""Its properties, encrypted."""


def configuration(service: Service, authority: str) -> dict[str, Any]:
    """Fetch metadata and keys as the configuration manager does; a slash is added to an authority that lacks one."""
    slash = "" if authority.endswith("/") else "/"
    metadata = document_of(get(service, f"{authority}{slash}.well-known/openid-configuration"))
    keys = document_of(get(service, metadata["jwks_uri"]))["keys"]
    assert [key["kid"] for key in keys if key["kty"] == "RSA" and key.get("use", "sig") == "sig"]
    return metadata


def challenge(service: Service, metadata: dict[str, Any], *, pushes: bool = False) -> dict[str, str]:
    """Send the person to log in; return what is posted back. From .NET 9 on it pushes its request, where it can."""
    request = {
        "client_id": "web",
        "redirect_uri": CALLBACK,
        "response_type": "code",
        "scope": "openid profile offline_access",
        "code_challenge": CHALLENGE,
        "code_challenge_method": "S256",
        "response_mode": "form_post",
        "nonce": NONCE,
        "state": STATE,
        "x-client-SKU": "ID_NET8_0",
        "x-client-ver": "8.2.0.0",
    }
    if pushes:
        form = request | {"client_secret": ODD_SECRET}
        pushed = document_of(post_form(service, metadata["pushed_authorization_request_endpoint"], form), 201)
        assert pushed["expires_in"] > 0
        request = {"client_id": "web", "request_uri": pushed["request_uri"]}
    return callback(service, f"{metadata['authorization_endpoint']}?{urlencode(request)}")


def redeem(service: Service, metadata: dict[str, Any], code: str) -> Response:
    """Send the code, the secret in the form."""
    form = {"client_id": "web", "client_secret": ODD_SECRET, "code": code, "redirect_uri": CALLBACK}
    form |= {"grant_type": "authorization_code", "code_verifier": VERIFIER}
    return post_form(service, metadata["token_endpoint"], form)


@pytest.mark.parametrize("pushes", [False, True], ids=["NET 8", "NET 9"])
@pytest.mark.parametrize("authority", [ISSUER, ISSUER.removesuffix("/")], ids=["with a slash", "without a slash"])
def test_it_logs_in(service: Service, authority: str, *, pushes: bool) -> None:
    application = web_application(service, callbacks=frozenset({CALLBACK}))
    metadata = configuration(service, authority)

    answer = challenge(service, metadata, pushes=pushes)
    document = document_of(redeem(service, metadata, answer["code"]))

    assert answer["state"] == STATE
    claims = claims_of(service, document["id_token"], application)
    assert claims["iss"] == metadata["issuer"]
    assert claims["nonce"] == NONCE
    assert claims["sub"].strip()
    assert claims.get("azp", "web") == "web"
    assert "at_hash" not in claims
    assert int(document["expires_in"]) > 0
    user = get(service, metadata["userinfo_endpoint"], {"Authorization": f"Bearer {document['access_token']}"})
    assert document_of(user)["sub"] == claims["sub"]


def test_a_fault_at_the_redemption_is_an_exception_without_an_error(service: Service) -> None:
    """It reads every body as JSON and throws when it is none; the code is good still."""
    web_application(service, callbacks=frozenset({CALLBACK}))
    metadata = configuration(service, ISSUER)
    code = challenge(service, metadata)["code"]

    with store_down(service):
        failed = redeem(service, metadata, code)

    assert failed.status == 503
    with pytest.raises(ValueError, match="Expecting value"):
        json.loads(failed.body)
    assert redeem(service, metadata, code).status == 200
