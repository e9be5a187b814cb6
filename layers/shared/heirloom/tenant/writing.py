"""From what the store holds back to the properties of a tenant file, which are those of Auth0's Management API.

Reading what is made here gives the same objects again, but for what no store knows: secrets and passwords.
"""

import json
from collections.abc import Mapping
from typing import Any

from heirloom.domain import lifetimes
from heirloom.domain.application import Application, RefreshTokenPolicy, Tenant
from heirloom.domain.client_grant import ClientGrant
from heirloom.domain.client_key import ClientKey
from heirloom.domain.resource_server import ProofRequirement, ResourceServer
from heirloom.domain.user import User

type Properties = dict[str, Any]


def client_of(application: Application) -> Properties:
    """Return an application as an element of `clients`."""
    properties: Properties = {
        "name": application.name,
        "client_id": application.client_id,
        "app_type": application.app_type.value,
        "is_first_party": application.is_first_party,
        "oidc_conformant": application.oidc_conformant,
        "token_endpoint_auth_method": application.token_endpoint_auth_method.value,
        "require_proof_key": application.require_proof_key,
        "require_proof_of_possession": application.require_proof_of_possession,
        "require_pushed_authorization_requests": application.require_pushed_authorization_requests,
        "callbacks": sorted(application.callbacks),
        "allowed_logout_urls": sorted(application.allowed_logout_urls),
        "web_origins": sorted(application.web_origins),
        "allowed_origins": sorted(application.allowed_origins),
        "grant_types": sorted(application.grant_types),
        "refresh_token": _refresh_tokens(application.refresh_token),
        "jwt_configuration": {"lifetime_in_seconds": application.id_token_lifetime, "alg": "RS256"},
    }
    if application.public_keys:
        properties["jwks"] = {"keys": [_jwk(key) for key in application.public_keys]}
    if application.backchannel_logout_url is not None:
        properties["oidc_logout"] = {"backchannel_logout_urls": [application.backchannel_logout_url]}
    if application.logo_uri is not None:
        properties["logo_uri"] = application.logo_uri
    if application.not_before:
        properties["not_before"] = application.not_before
    return properties


def resource_server_of(api: ResourceServer) -> Properties:
    """Return an API as an element of `resourceServers`."""
    properties: Properties = {
        "identifier": api.identifier,
        "name": api.name,
        "scopes": [{"value": value, "description": description} for value, description in api.scopes.items()],
        "allow_offline_access": api.allow_offline_access,
        "token_lifetime": api.token_lifetime,
        "token_dialect": api.token_dialect.value,
        "signing_alg": "RS256",
        "skip_consent_for_verifiable_first_party_clients": api.skip_consent_for_first_party,
    }
    if api.proof_required_for is not ProofRequirement.NOBODY:
        required_for = api.proof_required_for.value
        properties["proof_of_possession"] = {"mechanism": "dpop", "required": True, "required_for": required_for}
    return properties


def client_grant_of(grant: ClientGrant) -> Properties:
    """Return what an application may get for itself as an element of `clientGrants`."""
    return {"client_id": grant.client_id, "audience": grant.audience, "scope": sorted(grant.scope)}


def tenant_of(tenant: Tenant) -> Properties:
    """Return the tenant's settings as the section `tenant`."""
    properties: Properties = {
        "friendly_name": tenant.friendly_name,
        "session_lifetime": _hours(tenant.session_lifetime),
        "idle_session_lifetime": _hours(tenant.idle_session_lifetime),
        "allowed_logout_urls": sorted(tenant.allowed_logout_urls),
        "flags": {
            "revoke_refresh_token_grant": tenant.revocation_ends_grant,
            "require_pushed_authorization_requests": tenant.require_pushed_requests,
        },
        "device_flow": {"charset": tenant.user_code_charset.value, "mask": tenant.user_code_mask},
    }
    if tenant.support_url is not None:
        properties["support_url"] = tenant.support_url
    if tenant.default_audience is not None:
        properties["default_audience"] = tenant.default_audience
    if tenant.not_before:
        properties["not_before"] = tenant.not_before
    return properties


def user_of(user: User) -> Properties:
    """Return a user as an element of `users`."""
    return {"user_id": user.user_id, "email": user.email, "blocked": user.blocked, **user.claims}


def _hours(seconds: int) -> float | int:
    return seconds / lifetimes.HOUR if seconds % lifetimes.HOUR else seconds // lifetimes.HOUR


def _refresh_tokens(policy: RefreshTokenPolicy) -> Properties:
    endless = not policy.rotating and policy.absolute_lifetime is None and policy.idle_lifetime is None
    properties: Properties = {
        "rotation_type": "rotating" if policy.rotating else "non-rotating",
        "expiration_type": "non-expiring" if endless else "expiring",
        "leeway": policy.leeway,
        "infinite_token_lifetime": policy.absolute_lifetime is None,
        "infinite_idle_token_lifetime": policy.idle_lifetime is None,
        "revoke_on_logout": policy.revoke_on_logout,
    }
    if policy.absolute_lifetime is not None:
        properties["token_lifetime"] = policy.absolute_lifetime
    if policy.idle_lifetime is not None:
        properties["idle_token_lifetime"] = policy.idle_lifetime
    if policy.policies:
        properties["policies"] = _policies(policy.policies)
    return properties


def _policies(policies: Mapping[str, frozenset[str]]) -> list[Properties]:
    return [{"audience": audience, "scope": sorted(scope)} for audience, scope in policies.items()]


def _jwk(key: ClientKey) -> Properties:
    jwk: Properties = json.loads(key.jwk)
    if key.key_id is not None:
        jwk["kid"] = key.key_id
    if len(key.algorithms) == 1:
        (jwk["alg"],) = key.algorithms
    return jwk
