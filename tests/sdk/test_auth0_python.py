"""auth0-python's authentication part: tokens, revocation, verification of ID tokens, the person."""

import asyncio
from functools import cached_property
from urllib.parse import urlencode, urlsplit

import pytest
from auth0.authentication import GetToken, RevokeToken, Users
from auth0.authentication.async_token_verifier import AsyncAsymmetricSignatureVerifier, AsyncTokenVerifier
from auth0.authentication.exceptions import Auth0Error
from auth0.authentication.token_verifier import AsymmetricSignatureVerifier, TokenVerifier

from tests.sdk.running import API, CALLBACK, EMAIL, SECRET, SUBJECT, World, log_in, parameter
from tests.sdk.story import Tokens, python_version, tell

SDK = {"sdk": "auth0-python", "version": python_version("auth0-python")}
NONCE = "nonce-of-this-login"


class Auth0Python:
    """The SDK in a web application that keeps its secret and leaves out PKCE, as this SDK does."""

    client_id, secret = "post", SECRET

    def __init__(self, world: World) -> None:
        self.issuer = world.issuer
        self.domain = urlsplit(world.issuer).netloc
        query = {
            "response_type": "code",
            "client_id": self.client_id,
            "redirect_uri": CALLBACK,
            "scope": "openid profile email offline_access",
            "audience": API,
            "nonce": NONCE,
        }
        answer = log_in(f"{world.issuer}authorize?{urlencode(query)}")
        self.answer = self._get_token.authorization_code(parameter(answer, "code"), CALLBACK)

    @cached_property
    def _get_token(self) -> GetToken:
        return GetToken(self.domain, self.client_id, SECRET, protocol="http")

    @property
    def jwks_url(self) -> str:
        return f"{self.issuer}.well-known/jwks.json"

    def tokens(self) -> Tokens:
        return Tokens(self.answer["access_token"], self.answer["refresh_token"], self.answer["id_token"])

    def refresh(self) -> None:
        self.answer = self._get_token.refresh_token(self.answer["refresh_token"])

    def revoke(self) -> None:
        revoke = RevokeToken(self.domain, self.client_id, SECRET, protocol="http")
        assert revoke.revoke_refresh_token(self.answer["refresh_token"]) == ""

    def refusal(self) -> str:
        with pytest.raises(Auth0Error) as refused:
            self.refresh()
        assert refused.value.message == "Unknown or invalid refresh token."
        error: str = refused.value.error_code
        return error


@pytest.fixture(name="client")
def _client(world: World) -> Auth0Python:
    return Auth0Python(world)


def test_it_logs_in_refreshes_revokes_and_is_refused(world: World, client: Auth0Python) -> None:
    tell(client, world)


def test_its_verifier_accepts_the_id_tokens_of_a_login_and_of_a_refresh(client: Auth0Python) -> None:
    verifier = TokenVerifier(AsymmetricSignatureVerifier(client.jwks_url), client.issuer, client.client_id)

    assert verifier.verify(client.tokens().id_token, nonce=NONCE, max_age=600)["sub"] == SUBJECT
    client.refresh()
    assert verifier.verify(client.tokens().id_token, max_age=600)["sub"] == SUBJECT


def test_its_asynchronous_verifier_accepts_an_id_token(client: Auth0Python) -> None:
    async def verified() -> str:
        verifier = AsyncTokenVerifier(
            AsyncAsymmetricSignatureVerifier(client.jwks_url), client.issuer, client.client_id
        )
        claims = await verifier.verify(client.tokens().id_token, nonce=NONCE)
        subject: str = claims["sub"]
        return subject

    assert asyncio.run(verified()) == SUBJECT


def test_its_signature_verifier_accepts_the_access_token(client: Auth0Python) -> None:
    claims = AsymmetricSignatureVerifier(client.jwks_url).verify_signature(client.tokens().access_token)

    assert (claims["iss"], claims["aud"][0]) == (client.issuer, API)


def test_it_learns_who_logged_in(client: Auth0Python) -> None:
    person = Users(client.domain, protocol="http").userinfo(client.tokens().access_token)

    assert (person["sub"], person["email"]) == (SUBJECT, EMAIL)
