"""What oauth4webapi checks, and openid-client on it, and the SDKs that are built on these two."""

from collections.abc import Mapping
from typing import Any

from heirloom.domain.application import Application
from heirloom.http import Response
from tests.contracts.replay import Document, callback, claims_of, document_of, get
from tests.service import ISSUER, Service


def discovered(service: Service, server: str) -> Document:
    """Return the metadata of *server*, whose URL must be the issuer but for its spelling."""
    metadata = document_of(get(service, f"{server.removesuffix('/')}/.well-known/openid-configuration"))
    assert metadata["issuer"].removesuffix("/") == server.removesuffix("/")
    return metadata


def authorized(service: Service, metadata: Document, url: str, state: str) -> dict[str, str]:
    """Return the authorization response: with the state that was sent, and from this issuer."""
    answer = callback(service, url)
    assert answer["state"] == state
    assert "response" not in answer
    if metadata["authorization_response_iss_parameter_supported"]:
        assert answer["iss"] == metadata["issuer"]
    return answer


def granted(service: Service, response: Response, application: Application, nonce: str | None = None) -> dict[str, Any]:
    """Return a token response and the claims of its ID token; a nonce may be there only if one was sent."""
    document = document_of(response)
    assert "www-authenticate" not in response.headers
    assert document["access_token"]
    assert document["token_type"].lower() == "bearer"
    assert document["expires_in"] >= 0
    assert isinstance(document["scope"], str)
    claims = claims_of(service, document["id_token"], application)
    assert claims["iss"] == ISSUER
    assert claims.get("nonce") == nonce
    assert claims.get("azp", application.client_id) == application.client_id
    assert {type(claims[name]) for name in ("exp", "iat", "auth_time")} == {int}
    return document | {"claims": claims}


def error_of(response: Response) -> Mapping[str, str] | None:
    """Return the error that an application sees: none behind a challenge, of a 5xx, or where there is no JSON."""
    if "www-authenticate" in response.headers or not 400 <= response.status < 500:
        return None
    return document_of(response, response.status)
