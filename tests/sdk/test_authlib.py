"""Authlib's two clients: on requests, with Basic as it sends it, and asynchronous on httpx."""

import asyncio
import warnings
from collections.abc import Callable

import pytest
from authlib.deprecate import AuthlibDeprecationWarning
from authlib.integrations.base_client import OAuthError
from authlib.integrations.requests_client import OAuth2Session

from tests.sdk.running import API, CALLBACK, SECRET, World, log_in
from tests.sdk.story import Client, Tokens, python_version, tell

with warnings.catch_warnings(action="ignore", category=AuthlibDeprecationWarning):
    # It would rather be used with a package that succeeds httpx.
    from authlib.integrations.httpx_client import AsyncOAuth2Client

SDK = {"sdk": "Authlib", "version": python_version("authlib")}
SCOPE = "openid profile offline_access"
VERIFIER = "v" * 48


class Synchronous:
    """`OAuth2Session`, which puts id and secret into a Basic header unescaped."""

    secret = SECRET

    def __init__(self, world: World, client_id: str, method: str) -> None:
        self.client_id = client_id
        self.session = OAuth2Session(
            client_id,
            SECRET,
            token_endpoint_auth_method=method,
            revocation_endpoint_auth_method=method,
            scope=SCOPE,
            redirect_uri=CALLBACK,
            code_challenge_method="S256",
            token_endpoint=f"{world.issuer}oauth/token",
            revocation_endpoint=f"{world.issuer}oauth/revoke",
        )
        url, state = self.session.create_authorization_url(
            f"{world.issuer}authorize", code_verifier=VERIFIER, audience=API
        )
        answer = log_in(url)
        self.endpoint = f"{world.issuer}oauth/token"
        self.session.fetch_token(self.endpoint, authorization_response=answer, state=state, code_verifier=VERIFIER)

    def tokens(self) -> Tokens:
        token = self.session.token
        return Tokens(token["access_token"], token["refresh_token"], token["id_token"])

    def refresh(self) -> None:
        self.session.refresh_token(self.endpoint)

    def revoke(self) -> None:
        answer = self.session.revoke_token(  # type: ignore[no-untyped-call] # its stubs leave this one out
            self.endpoint.replace("token", "revoke"), self.tokens().refresh_token, token_type_hint="refresh_token"
        )
        assert answer.status_code == 200

    def refusal(self) -> str:
        with pytest.raises(OAuthError) as refused:
            self.refresh()
        error: str = refused.value.error
        return error


class Asynchronous:
    """`AsyncOAuth2Client`, each step in an event loop of its own."""

    secret = SECRET

    def __init__(self, world: World, client_id: str, method: str) -> None:
        self.world, self.client_id, self.method = world, client_id, method
        self.token: dict[str, str] = {}
        asyncio.run(self._log_in())

    def tokens(self) -> Tokens:
        return Tokens(self.token["access_token"], self.token["refresh_token"], self.token["id_token"])

    def refresh(self) -> None:
        asyncio.run(self._refresh())

    def revoke(self) -> None:
        asyncio.run(self._revoke())

    def refusal(self) -> str:
        with pytest.raises(OAuthError) as refused:
            self.refresh()
        error: str = refused.value.error
        return error

    def _client(self) -> AsyncOAuth2Client:
        return AsyncOAuth2Client(
            self.client_id,
            SECRET,
            token_endpoint_auth_method=self.method,
            revocation_endpoint_auth_method=self.method,
            scope=SCOPE,
            redirect_uri=CALLBACK,
            token=self.token or None,
        )

    async def _log_in(self) -> None:
        async with self._client() as client:
            url, state = client.create_authorization_url(f"{self.world.issuer}authorize", nonce="n")
            answer = log_in(url)
            self.token = await client.fetch_token(
                f"{self.world.issuer}oauth/token", authorization_response=answer, state=state
            )

    async def _refresh(self) -> None:
        async with self._client() as client:
            self.token = await client.refresh_token(f"{self.world.issuer}oauth/token")

    async def _revoke(self) -> None:
        async with self._client() as client:
            answer = await client.revoke_token(f"{self.world.issuer}oauth/revoke", self.tokens().refresh_token)
            assert answer.status_code == 200


@pytest.mark.parametrize("client_id", ["basic", "post"])
@pytest.mark.parametrize("log_in_with", [Synchronous, Asynchronous], ids=["OAuth2Session", "AsyncOAuth2Client"])
def test_it_logs_in_refreshes_revokes_and_is_refused(
    world: World, log_in_with: Callable[[World, str, str], Client], client_id: str
) -> None:
    tell(log_in_with(world, client_id, f"client_secret_{client_id}"), world)
