"""Authlib as a machine: with its secret, and with a key of its own."""

from collections.abc import Iterator
from typing import Any

import pytest
from authlib.integrations.base_client import OAuthError
from authlib.integrations.requests_client import OAuth2Session
from authlib.oauth2.rfc7523 import PrivateKeyJWT

from tests.sdk import machines, running
from tests.sdk.running import API, SECRET, World
from tests.sdk.story import python_version
from tests.service import claims_of

SDK = {"sdk": "Authlib", "version": python_version("authlib")}


@pytest.fixture(scope="module", name="machine_world")
def _machine_world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    with running.world(tmp_path_factory.mktemp("machines"), machines.tenant_file) as world:
        yield world


def session(client_id: str, secret: str, method: Any) -> OAuth2Session:
    session = OAuth2Session(client_id, secret, token_endpoint_auth_method=getattr(method, "name", method))
    if not isinstance(method, str):
        session.register_client_auth_method(method)
    return session


def fetch(world: World, client: OAuth2Session) -> dict[str, Any]:
    token: dict[str, Any] = client.fetch_token(
        f"{world.issuer}oauth/token", grant_type="client_credentials", audience=API
    )
    return token


@pytest.mark.parametrize("method", ["client_secret_basic", "client_secret_post"])
def test_it_gets_tokens_for_itself_with_its_secret(machine_world: World, method: str) -> None:
    token = fetch(machine_world, session("secret", SECRET, method))

    assert claims_of(token["access_token"])["sub"] == "secret@clients"
    assert token["scope"] == machines.SCOPE


def test_it_gets_tokens_for_itself_with_its_key(machine_world: World) -> None:
    """Its assertions live for an hour and name the token endpoint for their audience, as this standard first had it."""
    token = fetch(machine_world, session("rsa", machines.private_pem("rsa"), PrivateKeyJWT()))

    assert claims_of(token["access_token"])["sub"] == "rsa@clients"


def test_another_key_is_refused(machine_world: World) -> None:
    with pytest.raises(OAuthError) as refused:
        fetch(machine_world, session("rsa", machines.private_pem("rsa of somebody else"), PrivateKeyJWT()))

    assert refused.value.error == "invalid_client"
