"""`/.well-known/…`: what clients learn about this server (OpenID Connect Discovery 1.0 §3, RFC 8414 §2)."""

import json
from collections.abc import Callable
from dataclasses import dataclass

from heirloom.domain import dpop, lifetimes, scope, user
from heirloom.domain.application import AuthenticationMethod, GrantType
from heirloom.domain.authorization import Prompt, ResponseMode
from heirloom.domain.client_key import SigningAlgorithm
from heirloom.domain.pkce import METHOD
from heirloom.http import Request, Response

METADATA_CACHE_LIFETIME = 3600

EVERYBODY = {"access-control-allow-origin": "*"}
"""Public documents without cookies: any page may read them."""


def metadata(issuer: str, ui_locales: tuple[str, ...]) -> dict[str, object]:
    """Return the server's metadata: what is listed works, what works is listed."""
    claims = [claim for value in scope.PROFILE_SCOPES for claim in user.CLAIMS_BY_SCOPE[value]]
    algorithms = [algorithm.value for algorithm in SigningAlgorithm]
    return {
        "issuer": issuer,
        "authorization_endpoint": f"{issuer}authorize",
        "pushed_authorization_request_endpoint": f"{issuer}oauth/par",
        "token_endpoint": f"{issuer}oauth/token",
        "device_authorization_endpoint": f"{issuer}oauth/device/code",
        "revocation_endpoint": f"{issuer}oauth/revoke",
        "introspection_endpoint": f"{issuer}oauth/introspect",
        "userinfo_endpoint": f"{issuer}userinfo",
        "end_session_endpoint": f"{issuer}oidc/logout",
        "jwks_uri": f"{issuer}.well-known/jwks.json",
        "response_types_supported": ["code"],
        "response_modes_supported": [mode.value for mode in ResponseMode],
        "grant_types_supported": [grant.value for grant in GrantType],
        "subject_types_supported": ["public"],
        "id_token_signing_alg_values_supported": ["RS256"],
        "token_endpoint_auth_methods_supported": [method.value for method in AuthenticationMethod],
        "token_endpoint_auth_signing_alg_values_supported": algorithms,
        "revocation_endpoint_auth_methods_supported": [method.value for method in AuthenticationMethod],
        "revocation_endpoint_auth_signing_alg_values_supported": algorithms,
        "introspection_endpoint_auth_methods_supported": [
            method.value for method in AuthenticationMethod if method is not AuthenticationMethod.NONE
        ],
        "introspection_endpoint_auth_signing_alg_values_supported": algorithms,
        "code_challenge_methods_supported": [METHOD],
        "dpop_signing_alg_values_supported": list(dpop.ALGORITHMS),
        "prompt_values_supported": [prompt.value for prompt in Prompt],
        "scopes_supported": sorted(scope.STANDARD_SCOPES),
        "claims_supported": sorted({*claims, "sub", "iss", "aud", "iat", "exp", "auth_time", "nonce", "sid"}),
        "ui_locales_supported": list(ui_locales),
        "authorization_response_iss_parameter_supported": True,
        "backchannel_logout_supported": True,
        "backchannel_logout_session_supported": True,
        "claims_parameter_supported": True,
        "require_pushed_authorization_requests": False,
        "request_parameter_supported": False,
        "request_uri_parameter_supported": False,
    }


@dataclass(frozen=True, slots=True)
class DiscoveryEndpoint:
    """Serves the metadata."""

    issuer: str
    ui_locales: tuple[str, ...]

    def __call__(self, _request: Request) -> Response:
        """Answer with the metadata."""
        return _cacheable(json.dumps(metadata(self.issuer, self.ui_locales)), METADATA_CACHE_LIFETIME)


@dataclass(frozen=True, slots=True)
class JwksEndpoint:
    """Serves the published keys: this function cannot read a private one."""

    published_keys: Callable[[], str]

    def __call__(self, _request: Request) -> Response:
        """Answer with the JWK set (RFC 7517 §5)."""
        return _cacheable(self.published_keys(), lifetimes.CACHED_JWKS)


def _cacheable(document: str, lifetime: int) -> Response:
    headers = {"content-type": "application/json", "cache-control": f"public, max-age={lifetime}", **EVERYBODY}
    return Response(200, document, headers)
