"""auth0-python as a machine, over TLS for its assertions' sake: with its secret, and with a key of its own."""

from collections.abc import Iterator
from typing import Any
from urllib.parse import urlsplit

import pytest
from auth0.authentication import GetToken, RevokeToken
from auth0.authentication.exceptions import Auth0Error

from tests.sdk import machines, running
from tests.sdk.running import API, SECRET, World
from tests.sdk.story import python_version
from tests.service import claims_of

SDK = {"sdk": "auth0-python", "version": python_version("auth0-python")}

pytestmark = pytest.mark.filterwarnings("ignore:datetime.datetime.utcnow:DeprecationWarning")  # the SDK's


@pytest.fixture(scope="module", name="machine_world")
def _machine_world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    with running.secure_world(tmp_path_factory.mktemp("machines"), machines.tenant_file) as world:
        yield world


@pytest.fixture(name="domain")
def _domain(machine_world: World, monkeypatch: pytest.MonkeyPatch) -> str:
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(machine_world.authority))
    return urlsplit(machine_world.issuer).netloc


def test_it_gets_tokens_for_itself_with_its_secret(domain: str) -> None:
    answer = GetToken(domain, "secret", SECRET).client_credentials(API)

    assert claims_of(answer["access_token"])["sub"] == "secret@clients"


@pytest.mark.parametrize("algorithm", ["RS256", "PS256"])
def test_it_gets_tokens_for_itself_with_its_key(domain: str, algorithm: str) -> None:
    key: dict[str, Any] = {"client_assertion_signing_key": machines.private_pem("rsa")}
    get_token = GetToken(domain, "rsa", **key, client_assertion_signing_alg=algorithm)

    for _ in range(2):
        answer = get_token.client_credentials(API)
        assert claims_of(answer["access_token"])["sub"] == "rsa@clients"
        assert answer["scope"] == machines.SCOPE
    assert RevokeToken(domain, "rsa", **key).revoke_refresh_token("none of ours") == ""


def test_another_key_is_refused(domain: str) -> None:
    stranger = GetToken(domain, "rsa", client_assertion_signing_key=machines.private_pem("rsa of a stranger"))

    with pytest.raises(Auth0Error) as refused:
        stranger.client_credentials(API)

    assert (refused.value.status_code, refused.value.error_code) == (401, "invalid_client")
