"""openid-client in Node.js as a machine with a key of its own."""

from collections.abc import Iterator

import pytest

from tests.sdk import machines, running
from tests.sdk.node import Node
from tests.sdk.running import API, World
from tests.sdk.story import npm_version
from tests.service import claims_of

SDK = {"sdk": "openid-client", "version": npm_version("tests/sdk", "openid-client")}


@pytest.fixture(scope="module", name="machine_world")
def _machine_world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    with running.world(tmp_path_factory.mktemp("machines"), machines.tenant_file) as world:
        yield world


@pytest.mark.parametrize(("client_id", "algorithm"), [("ec", "ES256"), ("rsa", "PS256")], ids=["ES256", "PS256"])
def test_it_gets_tokens_for_itself_with_its_key(machine_world: World, client_id: str, algorithm: str) -> None:
    environment = {"PRIVATE_KEY": machines.private_pem(client_id)}
    with Node.running("machine.mjs", machine_world.issuer, client_id, algorithm, environment=environment) as node:
        tokens = node.do("tokens", {"resource": API, "scope": machines.SCOPE})
        introspected = node.do("introspection", tokens["access_token"])
        failure = node.failure("tokens", {"audience": API, "scope": "write:notes"})

    claims = claims_of(tokens["access_token"])
    assert (claims["sub"], claims["aud"], claims["scope"]) == (f"{client_id}@clients", API, machines.SCOPE)
    assert tokens["token_type"] == "bearer"
    assert "refresh_token" not in tokens
    assert (introspected["active"], introspected["client_id"]) == (True, client_id)
    assert (failure["status"], failure["error"]) == (400, "invalid_scope")
    assert failure["description"] == "Client has not been granted scopes: write:notes"
