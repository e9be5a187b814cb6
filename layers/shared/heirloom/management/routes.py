"""All routes of the Management API."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any

from heirloom.domain.ports import Consents, Events, Log, RefreshTokenMetadata, Users
from heirloom.endpoints.operator import Operator
from heirloom.endpoints.session_ending import SessionEnding
from heirloom.management import openapi
from heirloom.management.client_grants import ClientGrants
from heirloom.management.clients import Clients
from heirloom.management.declaring import Declarations
from heirloom.management.device_credentials import DeviceCredentials
from heirloom.management.grants import Grants
from heirloom.management.known_logins import KnownLogins
from heirloom.management.logs import Logs
from heirloom.management.refresh_tokens import RefreshTokens
from heirloom.management.resource_servers import ResourceServers
from heirloom.management.route import Route
from heirloom.management.sessions import SessionRoutes
from heirloom.management.tenants import Tenants
from heirloom.management.users import UserRoutes


@dataclass(frozen=True, slots=True)
class Resources:
    """What the routes work on."""

    issuer: str
    declarations: Declarations
    logins: KnownLogins
    metadata: RefreshTokenMetadata
    users: Users
    consents: Consents
    operator: Operator
    ending: SessionEnding
    log: Log
    events: Events


def routes(on: Resources) -> tuple[Route, ...]:
    """Return all routes, the document about them last."""
    refresh_tokens = RefreshTokens(on.logins, on.metadata, on.declarations, on.events)
    described = (
        *Clients(on.declarations).routes(),
        *ResourceServers(on.declarations, on.issuer).routes(),
        *ClientGrants(on.declarations, on.issuer).routes(),
        *UserRoutes(on.declarations, on.users, on.operator).routes(),
        *refresh_tokens.routes(),
        *SessionRoutes(on.logins, on.ending).routes(),
        *Grants(on.consents, on.logins.families, on.events).routes(),
        *DeviceCredentials(on.logins, refresh_tokens).routes(),
        *Logs(on.log, on.issuer).routes(),
        *Tenants(on.declarations).routes(),
    )

    @cache
    def document() -> Mapping[str, Any]:
        return openapi.document(on.issuer, (*described, own))

    own = Route(
        method="GET",
        path="openapi.json",
        scope=None,
        summary="Read this document",
        handler=lambda _: document(),
        answer=dict[str, Any],
        cached_for=openapi.CACHE_LIFETIME,
    )
    return (*described, own)
