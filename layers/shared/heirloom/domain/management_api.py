"""The Management API as an API that access tokens are made for: every stack has it, and no tenant file declares it."""

import re
from collections.abc import Mapping
from typing import Final

from heirloom.domain.resource_server import ResourceServer

AUDIENCE: Final = "api/v2/"
"""Its audience relative to the issuer. Client grants are kept under it: a stack may get another address."""

SCOPES: Final[Mapping[str, str]] = {
    "read:clients": "Read applications",
    "create:clients": "Create applications",
    "update:clients": "Change applications",
    "delete:clients": "Delete applications",
    "update:client_keys": "Give applications new secrets",
    "read:resource_servers": "Read APIs",
    "create:resource_servers": "Create APIs",
    "update:resource_servers": "Change APIs",
    "delete:resource_servers": "Delete APIs",
    "read:client_grants": "Read what applications may get for themselves",
    "create:client_grants": "Let applications get something for themselves",
    "update:client_grants": "Change what applications may get for themselves",
    "delete:client_grants": "Take from applications what they may get for themselves",
    "read:users": "Read users",
    "create:users": "Create users",
    "update:users": "Change users",
    "delete:users": "Delete users",
    "read:refresh_tokens": "Read what is known of refresh tokens",
    "update:refresh_tokens": "Change the metadata of refresh tokens",
    "delete:refresh_tokens": "Revoke refresh tokens",
    "read:sessions": "Read sessions",
    "delete:sessions": "End sessions",
    "read:grants": "Read what people agreed to",
    "delete:grants": "Withdraw what people agreed to",
    "read:device_credentials": "Read device credentials",
    "delete:device_credentials": "Revoke device credentials",
    "read:logs": "Read the log",
    "read:tenant_settings": "Read the tenant's settings",
}
"""Auth0's, of those resources that there are."""

TOKEN_LIFETIME: Final = 24 * 60 * 60
"""Seconds, Auth0's default. A client grant that is taken away ends a token within a minute all the same."""

_AUDIENCE_OF_SOME_STACK: Final = re.compile(r"(https?://[^/\s?#]+/)?api/v2/", re.ASCII)


def audience(issuer: str) -> str:
    """Return the audience of this stack's Management API."""
    return issuer + AUDIENCE


def is_meant_by(text: str) -> bool:
    """Tell whether an audience is that of a Management API, be it another stack's or an Auth0 tenant's.

    A tenant file is applied to several stacks, and an export comes from elsewhere: each means its own.
    """
    return _AUDIENCE_OF_SOME_STACK.fullmatch(text) is not None


def api(issuer: str) -> ResourceServer:
    """Return this stack's Management API."""
    return ResourceServer(
        identifier=audience(issuer), name="Management API", scopes=SCOPES, token_lifetime=TOKEN_LIFETIME
    )
