"""openid-client in Node.js as a machine with a key of its own."""

import json
import subprocess
from collections.abc import Iterator

import pytest

from local.template import ROOT
from tests.sdk import machines, running
from tests.sdk.running import API, World
from tests.sdk.story import npm_version
from tests.service import claims_of

SDK = {"sdk": "openid-client", "version": npm_version("tests/sdk", "openid-client")}


@pytest.fixture(scope="module", name="world")
def _world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    with running.world(tmp_path_factory.mktemp("machines"), machines.tenant_file) as world:
        yield world


@pytest.mark.parametrize(("client_id", "algorithm"), [("ec", "ES256"), ("rsa", "PS256")])
def test_openid_client_gets_tokens_for_itself_by_private_key_jwt(world: World, client_id: str, algorithm: str) -> None:
    """For discovery says that it may: it reads the algorithms there."""
    command = ["node", "machine.mjs", world.issuer, client_id, algorithm, API]
    done = subprocess.run(
        command,
        cwd=ROOT / "tests/sdk",
        input=machines.private_pem(client_id),
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert done.returncode == 0, done.stderr
    answer = json.loads(done.stdout)

    claims = claims_of(answer["tokens"]["access_token"])
    assert (claims["sub"], claims["aud"], claims["scope"]) == (f"{client_id}@clients", API, machines.SCOPE)
    assert answer["tokens"]["token_type"] == "bearer"
    assert "refresh_token" not in answer["tokens"]
    assert (answer["introspected"]["active"], answer["introspected"]["client_id"]) == (True, client_id)
    assert answer["refused"] == {
        "name": "ResponseBodyError",
        "error": "invalid_scope",
        "description": "Client has not been granted scopes: write:notes",
        "status": 400,
    }
