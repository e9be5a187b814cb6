"""auth0-python as a machine. Its assertions are for https alone, so it meets the endpoints in this process."""

import dataclasses
import time
from typing import Any
from urllib.parse import urlsplit

import pytest
import requests
from auth0.authentication import GetToken, RevokeToken
from auth0.authentication.exceptions import Auth0Error

from heirloom.domain.application import ApplicationType, AuthenticationMethod
from heirloom.domain.client_grant import ClientGrant
from tests.endpoints.assertions import registered, rsa
from tests.sdk.machines import private_pem
from tests.sdk.story import python_version
from tests.service import API, ISSUER, SECRET, WEB, Service, claims_of

SDK = {"sdk": "auth0-python", "version": python_version("auth0-python")}
DOMAIN = urlsplit(ISSUER).netloc

pytestmark = pytest.mark.filterwarnings("ignore:datetime.datetime.utcnow:DeprecationWarning")


@pytest.fixture(name="service")
def _service(service: Service, monkeypatch: pytest.MonkeyPatch) -> Service:
    """The service, reached by whatever goes through requests, at the time that the SDK reads."""
    grant_types = frozenset({"client_credentials"})
    machine = dataclasses.replace(WEB, app_type=ApplicationType.NON_INTERACTIVE, grant_types=grant_types)
    signing = dataclasses.replace(
        machine,
        token_endpoint_auth_method=AuthenticationMethod.PRIVATE_KEY_JWT,
        secret_digest=None,
        public_keys=(registered(rsa("rsa"), "RS256", "PS256"),),
    )
    for client_id, application in (("secret", machine), ("rsa", signing)):
        service.declare(dataclasses.replace(application, client_id=client_id))
        service.configuration.client_grants.append(ClientGrant(client_id, API, frozenset({"read:notes"})))
    service.now_ms = time.time_ns() // 1_000_000

    def send(_: object, request: requests.PreparedRequest, **__: object) -> requests.Response:
        address = urlsplit(request.url or "")
        assert f"{address.scheme}://{address.netloc}/" == ISSUER
        assert isinstance(request.body, bytes)
        headers = {name: str(value) for name, value in request.headers.items()}
        answer = service.send(str(request.method), str(address.path), headers=headers, body=request.body)
        response = requests.Response()
        response.status_code, response.headers = answer.status, requests.structures.CaseInsensitiveDict(answer.headers)
        response._content, response.encoding = answer.body.encode(), "utf-8"  # noqa: SLF001 - there is no other way
        return response

    monkeypatch.setattr(requests.adapters.HTTPAdapter, "send", send)
    return service


def test_auth0_python_gets_tokens_for_itself_with_its_secret(service: Service) -> None:
    answer = GetToken(DOMAIN, "secret", SECRET).client_credentials(API)

    assert claims_of(answer["access_token"])["sub"] == "secret@clients"
    assert service.events.types == ["seccft"]


@pytest.mark.parametrize("algorithm", [None, "RS256", "PS256"])
def test_auth0_python_gets_tokens_for_itself_with_its_key(service: Service, algorithm: str | None) -> None:
    signing: Any = {
        "client_assertion_signing_key": private_pem("rsa"),
        "client_assertion_signing_alg": algorithm,
    }
    get_token = GetToken(DOMAIN, "rsa", **signing)

    for _ in range(2):
        answer = get_token.client_credentials(API)
        assert claims_of(answer["access_token"])["sub"] == "rsa@clients"
        assert answer["scope"] == "read:notes"
    assert RevokeToken(DOMAIN, "rsa", **signing).revoke_refresh_token("none of ours") == ""
    assert len(service.items("SingleUseTable")) == 3


def test_another_key_is_refused_in_the_words_of_any_refusal(service: Service) -> None:
    stranger = GetToken(DOMAIN, "rsa", client_assertion_signing_key=private_pem("rsa stranger"))

    with pytest.raises(Auth0Error) as refused:
        stranger.client_credentials(API)

    assert (refused.value.status_code, refused.value.error_code) == (401, "invalid_client")
    assert service.items("SingleUseTable") == []
