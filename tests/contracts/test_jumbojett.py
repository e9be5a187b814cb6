"""jumbojett/OpenID-Connect-PHP: `authenticate`, `refreshToken`, `revokeToken`, `requestUserInfo`.

Its refresh asks for the added scopes alone, never for `openid`, and perhaps for none.
"""

import json
from typing import Any
from urllib.parse import quote_plus, urlencode

import jwt
import pytest

from heirloom.http import Response
from tests.contracts.replay import (
    NONCE,
    ODD_SECRET,
    STATE,
    UNKNOWN,
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
from tests.service import CALLBACK, CHALLENGE, ISSUER, VERIFIER, Service

SDK = {"sdk": "jumbojett/OpenID-Connect-PHP", "version": "d18f81f", "kind": "replayed"}

NATIVE_CALLBACK = "http://127.0.0.1:8080/callback"


class Client:
    """A client with its added scopes; without a secret it is a public one."""

    def __init__(self, service: Service, scopes: list[str], *, public: bool = False) -> None:
        self.service, self.scopes, self.public = service, scopes, public
        self.redirect_uri = NATIVE_CALLBACK if public else CALLBACK
        self.application = native_application(service, NATIVE_CALLBACK) if public else web_application(service)
        # The provider's URL loses its slash at the end, and the path has one at its beginning.
        self.metadata = document_of(get(service, f"{ISSUER.rstrip('/')}/.well-known/openid-configuration"))
        methods = self.metadata["token_endpoint_auth_methods_supported"]
        assert "client_secret_basic" in methods
        assert "client_secret_jwt" not in methods, "its refresh would become a token exchange"
        secret = "" if public else quote_plus(ODD_SECRET).replace("~", "%7E")
        self.headers = basic(self.application.client_id, secret)

    def authenticate(self) -> dict[str, Any]:
        assert "S256" in self.metadata["code_challenge_methods_supported"]
        request = {
            "response_type": "code",
            "redirect_uri": self.redirect_uri,
            "client_id": self.application.client_id,
            "nonce": NONCE,
            "state": STATE,
            "scope": " ".join([*self.scopes, "openid"]),
            "code_challenge": CHALLENGE,
            "code_challenge_method": "S256",
        }
        answer = callback(self.service, f"{self.metadata['authorization_endpoint']}?{urlencode(request)}")
        assert answer["state"] == STATE
        form = {"grant_type": "authorization_code", "code": answer["code"], "redirect_uri": self.redirect_uri}
        form |= {"client_id": self.application.client_id, "code_verifier": VERIFIER}
        # With a secret the header comes on top of the id in the body; without one it stays away, here alone.
        document = document_of(self._post("token", form, {} if self.public else self.headers))
        claims = claims_of(self.service, document["id_token"], self.application)
        assert claims["iss"] in (self.metadata["issuer"], self.metadata["issuer"] + "/")
        assert claims["nonce"] == NONCE
        assert type(claims["exp"]) is int
        assert "at_hash" not in claims
        return document | {"claims": claims}

    def refresh(self, refresh_token: str) -> Response:
        form = {"grant_type": "refresh_token", "refresh_token": refresh_token, "scope": " ".join(self.scopes)}
        return self._post("token", form, self.headers)

    def revoke(self, refresh_token: str) -> Response:
        headers = {**self.headers, "Accept": "application/json"}
        return self._post("revocation", {"token": refresh_token, "token_type_hint": "refresh_token"}, headers)

    def _post(self, endpoint: str, form: dict[str, str], headers: dict[str, str]) -> Response:
        return post_form(self.service, self.metadata[f"{endpoint}_endpoint"], form, headers)


def test_it_finds_the_key_of_an_id_token(service: Service) -> None:
    """Of RSA keys it takes the one of that id; of others it would ask for more."""
    client = Client(service, ["offline_access"])
    document = client.authenticate()
    keys = document_of(get(service, client.metadata["jwks_uri"]))["keys"]

    (key,) = [key for key in keys if key["kid"] == jwt.get_unverified_header(document["id_token"])["kid"]]
    assert key["kty"] == "RSA"
    assert {"n", "e"} <= key.keys()


@pytest.mark.parametrize("public", [False, True], ids=["with a secret", "without a secret"])
def test_it_logs_in_refreshes_twice_revokes_and_is_refused(service: Service, public: bool) -> None:  # noqa: FBT001
    """Narrowed twice, the grant keeps `openid` and the answer its ID token."""
    client = Client(service, ["profile", "offline_access"], public=public)
    token, first = (login := client.authenticate())["refresh_token"], login["claims"]

    for _ in range(2):
        document = document_of(client.refresh(token))
        token = document["refresh_token"]
        assert same_login(first, claims_of(service, document["id_token"], client.application))
        assert document["scope"] == "offline_access profile"

    assert client.revoke(token).status == 200
    assert document_of(client.refresh(token), 400) == UNKNOWN


def test_a_refresh_of_no_scope_keeps_the_scope(service: Service) -> None:
    client = Client(service, ["offline_access"])
    token = client.authenticate()["refresh_token"]
    client.scopes = []

    document = document_of(client.refresh(token))

    assert document["scope"] == "openid offline_access"
    user = get(service, client.metadata["userinfo_endpoint"], {"Authorization": f"Bearer {document['access_token']}"})
    assert document_of(user)["sub"] == "auth0|alice"


def test_a_fault_leaves_the_tokens_alone(service: Service) -> None:
    """What is no JSON reads as null, which has neither token."""
    client = Client(service, ["offline_access"])
    token = client.authenticate()["refresh_token"]

    with store_down(service):
        failed = client.refresh(token)

    with pytest.raises(ValueError, match="Expecting value"):
        json.loads(failed.body)
    assert client.refresh(token).status == 200
