"""league/oauth2-client: `GenericProvider` with PKCE, the secret in the body or raw in a Basic header.

Its `scopeSeparator` must be set to a space: the default is a comma.
"""

import json
from typing import Any
from urllib.parse import quote, urlencode

import pytest

from heirloom.http import Response
from tests.contracts.replay import (
    ODD_SECRET,
    STATE,
    callback,
    document_of,
    get,
    native_application,
    post_form,
    store_down,
    web_application,
)
from tests.endpoints.hands import basic
from tests.service import CALLBACK, CHALLENGE, ISSUER, VERIFIER, Service

SDK = {"sdk": "league/oauth2-client", "version": "4902949", "kind": "replayed"}

NATIVE_CALLBACK = "http://127.0.0.1:8080/callback"
BODY, BASIC, PUBLIC = "in the body", "in a Basic header", "none"


class Provider:
    """A provider, with its way of authentication."""

    def __init__(self, service: Service, how: str) -> None:
        self.service = service
        self.headers = basic("web", ODD_SECRET) if how == BASIC else {}
        self.redirect_uri = CALLBACK
        if how == PUBLIC:
            self.redirect_uri = NATIVE_CALLBACK
            native_application(service, NATIVE_CALLBACK)
            self.client = {"client_id": "native", "client_secret": ""}
        else:
            web_application(service)
            self.client = {"client_id": "web", "client_secret": ODD_SECRET}

    def log_in(self) -> dict[str, Any]:
        request = {
            "state": STATE,
            "scope": "openid profile offline_access",
            "response_type": "code",
            "approval_prompt": "auto",
            "code_challenge": CHALLENGE,
            "code_challenge_method": "S256",
            "redirect_uri": self.redirect_uri,
            "client_id": self.client["client_id"],
        }
        answer = callback(self.service, f"{ISSUER}authorize?{urlencode(request, quote_via=quote)}")
        assert answer["state"] == STATE
        return access_token(self.send(grant_type="authorization_code", code=answer["code"], code_verifier=VERIFIER))

    def refresh(self, refresh_token: str, **more: str) -> Response:
        return self.send(grant_type="refresh_token", refresh_token=refresh_token, **more)

    def send(self, **form: str) -> Response:
        """Send a request for tokens, always with the redirect URI."""
        form["redirect_uri"] = self.redirect_uri
        client = {} if self.headers else self.client
        return post_form(self.service, f"{ISSUER}oauth/token", client | form, self.headers)


class IdentityProviderError(Exception):
    """An answer that is JSON with an `error`, whatever its type and status."""


def access_token(response: Response) -> dict[str, Any]:
    """Read an answer as `getParsedResponse` and `AccessToken` do; raise `ValueError` for what is no JSON."""
    document: dict[str, Any] = json.loads(response.body)
    if document.get("error"):
        raise IdentityProviderError(document["error"])
    assert document["access_token"]
    assert document["refresh_token"]
    assert float(document["expires_in"]) > 0
    return document


@pytest.mark.parametrize("how", [BODY, BASIC, PUBLIC])
def test_it_logs_in_refreshes_and_learns_who_it_was(service: Service, how: str) -> None:
    provider = Provider(service, how)

    refreshed = access_token(provider.refresh(provider.log_in()["refresh_token"], scope="openid offline_access"))

    bearer = {"Authorization": f"Bearer {refreshed['access_token']}"}
    assert document_of(get(service, f"{ISSUER}userinfo", bearer))["sub"] == "auth0|alice"


def test_a_fault_is_no_error_of_the_identity_provider_and_a_refusal_is(service: Service) -> None:
    provider = Provider(service, BODY)
    token = provider.log_in()["refresh_token"]

    with store_down(service):
        failed = provider.refresh(token)
    with pytest.raises(ValueError, match="Expecting value"):
        access_token(failed)
    live = access_token(provider.refresh(token))["refresh_token"]
    service.families.end_logins("auth0|alice", because="test", now=service.now)

    with pytest.raises(IdentityProviderError, match="invalid_grant"):
        access_token(provider.refresh(live))
