"""AppAuth-Android: `AuthorizationServiceConfiguration.fetchFromIssuer`, `AuthState.performActionWithFreshTokens`.

It checks the age of every ID token, also at a refresh, and keeps its tokens unless an answer is JSON with an `error`.
"""

import json
from typing import Any
from urllib.parse import quote_plus, urlsplit

import pytest

from heirloom.domain.application import Application
from heirloom.domain.lifetimes import DAY
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
    native_application,
    post_form,
    same_login,
    store_down,
    web_application,
)
from tests.endpoints.hands import basic
from tests.service import CALLBACK as WEB_CALLBACK
from tests.service import CHALLENGE, ISSUER, VERIFIER, Service

SDK = {"sdk": "AppAuth-Android", "version": "4df1eba", "kind": "replayed"}

CALLBACK = "com.example.notes:/oauth2redirect"
HEADERS = {"Accept": "application/json"}


class AppAuth:
    """An `AuthState`, with the client authentication that the application chose."""

    def __init__(self, service: Service, application: Application, *, secret: str | None = None) -> None:
        self.service, self.application = service, application
        (self.redirect_uri,) = application.callbacks
        self.headers = HEADERS
        self.client: dict[str, str] = {"client_id": application.client_id}
        if secret is not None:
            self.headers, self.client = HEADERS | basic(application.client_id, quote_plus(secret)), {}
        # The path is appended to the issuer's, whose trailing slash disappears.
        self.metadata = document_of(get(service, f"{ISSUER}.well-known/openid-configuration"))

    def log_in(self) -> dict[str, Any]:
        request = {
            "redirect_uri": self.redirect_uri,
            "client_id": self.application.client_id,
            "response_type": "code",
            "state": STATE,
            "nonce": NONCE,
            "scope": "openid profile offline_access",
            "code_challenge": CHALLENGE,
            "code_challenge_method": "S256",
        }
        answer = callback(self.service, authorization_url(self.metadata["authorization_endpoint"], request))
        assert answer["state"] == STATE
        form = {"grant_type": "authorization_code", "redirect_uri": self.redirect_uri, "code": answer["code"]}
        document = self.checked(self.send(form | {"code_verifier": VERIFIER}))
        assert document["claims"]["nonce"] == NONCE
        return document

    def refresh(self, refresh_token: str) -> Response:
        """Send the refresh token, and no scope."""
        return self.send({"grant_type": "refresh_token", "refresh_token": refresh_token})

    def send(self, form: dict[str, str]) -> Response:
        return post_form(self.service, self.metadata["token_endpoint"], form | self.client, self.headers)

    def checked(self, response: Response) -> dict[str, Any]:
        """Return the answer with the checked claims of its ID token."""
        document = document_of(response)
        assert document["token_type"]
        assert isinstance(document["expires_in"], int)
        claims = claims_of(self.service, document["id_token"], self.application)
        issuer = urlsplit(claims["iss"])
        assert claims["iss"] == self.metadata["issuer"]
        assert issuer.scheme == "https"
        assert issuer.hostname
        assert not issuer.query + issuer.fragment
        assert abs(self.service.now - claims["iat"]) <= 600, "also at a refresh"
        return document | {"claims": claims}


def remembered_error(response: Response) -> str | None:
    """Return the error for which `AuthState` stops using its tokens, if this answer is one."""
    try:
        document = json.loads(response.body)
    except ValueError:
        return None
    error: str | None = document.get("error")
    return error


@pytest.fixture(name="native")
def _native(service: Service) -> AppAuth:
    return AppAuth(service, native_application(service, CALLBACK))


def test_it_finds_all_that_it_needs_in_the_metadata(native: AppAuth) -> None:
    mandatory = {"issuer", "authorization_endpoint", "jwks_uri", "response_types_supported", "subject_types_supported"}

    assert mandatory | {"id_token_signing_alg_values_supported"} <= native.metadata.keys()


def test_it_logs_in_and_refreshes_much_later(native: AppAuth) -> None:
    login = native.log_in()
    native.service.wait(DAY)

    document = native.checked(native.refresh(login["refresh_token"]))

    assert same_login(login["claims"], document["claims"])
    assert document["refresh_token"] != login["refresh_token"]


def test_it_sends_a_secret_of_odd_characters_in_a_basic_header(service: Service) -> None:
    application = web_application(service, callbacks=frozenset({WEB_CALLBACK}))
    client = AppAuth(service, application, secret=ODD_SECRET)

    client.checked(client.refresh(client.log_in()["refresh_token"]))


def test_a_fault_is_forgotten_and_a_refusal_remembered(native: AppAuth) -> None:
    token = native.log_in()["refresh_token"]

    with store_down(native.service):
        assert remembered_error(native.refresh(token)) is None
    live = native.checked(native.refresh(token))["refresh_token"]
    native.service.families.end_logins("auth0|alice", because="test", now=native.service.now)
    refused = native.refresh(live)

    assert remembered_error(refused) == "invalid_grant"
