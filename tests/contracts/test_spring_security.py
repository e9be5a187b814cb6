"""Spring Security: `ClientRegistrations.fromIssuerLocation`, OIDC login, and the refresh of a logged-in `OidcUser`.

It chooses Basic when that is advertised, reads an error code from a 400 alone, and removes the authorized client at
`invalid_grant`.
"""

import json
from hashlib import sha256
from typing import Any
from urllib.parse import quote_plus, urlsplit

import pytest

from heirloom.domain import encoding
from heirloom.http import Response
from tests.contracts.replay import (
    NONCE,
    ODD_SECRET,
    STATE,
    authorization_url,
    callback,
    claims_of,
    document_of,
    get,
    post_form,
    same_login,
    store_down,
    web_application,
)
from tests.endpoints.hands import basic
from tests.service import CHALLENGE, ISSUER, VERIFIER, Service

SDK = {"sdk": "Spring Security", "version": "d449950", "kind": "replayed"}

CALLBACK = "https://app.example/login/oauth2/code/heirloom"
CLOCK_SKEW = 60


class Spring:
    """A client registration made from the issuer, and a user who is logged in with it."""

    def __init__(self, service: Service) -> None:
        self.service = service
        self.application = web_application(service, callbacks=frozenset({CALLBACK}))
        self.metadata = document_of(get(service, f"{ISSUER}.well-known/openid-configuration"))
        methods = self.metadata["token_endpoint_auth_methods_supported"]
        assert "client_secret_basic" in methods
        encoded = quote_plus(ODD_SECRET, safe="*").replace("~", "%7E")
        self.headers = {"Accept": "application/json", **basic("web", encoded)}

    def log_in(self) -> dict[str, Any]:
        """Log in, with PKCE and the digest of a nonce."""
        nonce = encoding.encode(sha256(NONCE.encode()).digest())
        request = {
            "response_type": "code",
            "client_id": "web",
            "scope": "openid profile email offline_access",
            "state": STATE + "=",
            "redirect_uri": CALLBACK,
            "nonce": nonce,
            "code_challenge": CHALLENGE,
            "code_challenge_method": "S256",
        }
        answer = callback(self.service, authorization_url(self.metadata["authorization_endpoint"], request))
        assert answer["state"] == STATE + "="
        form = {"grant_type": "authorization_code", "code": answer["code"], "redirect_uri": CALLBACK}
        document = self.checked(self.send(form | {"code_verifier": VERIFIER}))
        assert document["claims"]["nonce"] == nonce
        return document

    def refresh(self, refresh_token: str) -> Response:
        """Send the refresh token, and no scope."""
        return self.send({"grant_type": "refresh_token", "refresh_token": refresh_token})

    def send(self, form: dict[str, str]) -> Response:
        return post_form(self.service, self.metadata["token_endpoint"], form, self.headers)

    def checked(self, response: Response) -> dict[str, Any]:
        """Return the answer with the claims of its ID token, checked by `OidcIdTokenValidator` and against userinfo."""
        document = document_of(response)
        assert document["token_type"].lower() == "bearer"
        assert document["expires_in"] > 0
        assert "openid" in document["scope"].split(" "), "else the user stays as they were at login"
        claims = claims_of(self.service, document["id_token"], self.application)
        assert claims["iss"] == self.metadata["issuer"]
        assert claims.get("azp", "web") == "web"
        bearer = {"Authorization": f"Bearer {document['access_token']}", "Accept": "application/json"}
        user = document_of(get(self.service, self.metadata["userinfo_endpoint"], bearer))
        assert user["sub"] == claims["sub"]
        return document | {"claims": claims}


def error_code(response: Response) -> str | None:
    """Return the error that an answer means to it: of any other status than 400, none."""
    if response.status != 400:
        return None
    assert "www-authenticate" not in response.headers, "it would look there, and find server_error"
    error: str = json.loads(response.body)["error"]
    return error


@pytest.fixture(name="spring")
def _spring(service: Service) -> Spring:
    return Spring(service)


def test_it_finds_all_that_it_needs_in_the_metadata(spring: Spring) -> None:
    """The issuer must be the configured string, and Nimbus wants each member to be of its type."""
    metadata = spring.metadata

    assert metadata["issuer"] == ISSUER
    assert "public" in metadata["subject_types_supported"]
    assert {"none", "login", "consent", "select_account", "create"} >= set(metadata["prompt_values_supported"])
    for name, value in metadata.items():
        if name.endswith(("_endpoint", "_uri")):
            assert urlsplit(value).scheme == "https", name
            assert not urlsplit(value).fragment
        elif name.endswith(("_parameter_supported", "_required")) or "channel_logout" in name:
            assert isinstance(value, bool), name
        elif name.endswith("_supported"):
            assert isinstance(value, list), name
            assert all(isinstance(each, str) for each in value), name
    assert "none" not in metadata.get("token_endpoint_auth_signing_alg_values_supported", [])


def test_it_finds_a_key_to_verify_with(spring: Spring) -> None:
    """Nimbus refuses a key whose certificate is of another one; the tests of the keys compare the two."""
    keys = document_of(get(spring.service, spring.metadata["jwks_uri"]))["keys"]

    assert [(key["kty"], key["use"], key["alg"]) for key in keys] == [("RSA", "sig", "RS256")]


def test_it_logs_in_and_refreshes(spring: Spring) -> None:
    """The refreshed ID token has the same audience, nothing earlier, and no other nonce."""
    login = spring.log_in()
    spring.service.wait(3600)

    document = spring.checked(spring.refresh(login["refresh_token"]))

    first, refreshed = login["claims"], document["claims"]
    assert same_login(first, refreshed)
    assert refreshed["iat"] > first["iat"] - CLOCK_SKEW
    assert refreshed.get("nonce") in (None, first["nonce"])
    assert document["refresh_token"] != login["refresh_token"]


def test_a_fault_keeps_the_client_and_a_refusal_removes_it(spring: Spring) -> None:
    token = spring.log_in()["refresh_token"]

    with store_down(spring.service):
        assert error_code(spring.refresh(token)) is None
    live = spring.checked(spring.refresh(token))["refresh_token"]
    spring.service.families.end_logins("auth0|alice", because="test", now=spring.service.now)

    assert error_code(spring.refresh(live)) == "invalid_grant"
