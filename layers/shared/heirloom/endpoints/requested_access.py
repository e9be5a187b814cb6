"""What an application may be granted: the same for whoever asks in a browser and for a device."""

from dataclasses import dataclass

from heirloom.domain import claims, scope
from heirloom.domain.application import Application
from heirloom.domain.errors import InvalidScope, OAuthError
from heirloom.domain.family import LARGEST_SCOPE_AND_AUDIENCE
from heirloom.domain.ports import Configuration
from heirloom.domain.resource_server import ResourceServer


@dataclass(frozen=True, slots=True)
class RequestedAccess:
    """An audience, its API (`None`: `/userinfo` alone) and what of a requested scope is granted there."""

    audience: str
    api: ResourceServer | None
    scope: frozenset[str]
    offline_access_denied: str | None
    """Why `offline_access` was dropped, if it was."""

    @property
    def size(self) -> int:
        """Return the bytes that scope and audience take in a family's item."""
        return len(scope.render(self.scope)) + len(self.api.identifier if self.api else "")


def requested_access(
    *,
    audience: str | None,
    values: frozenset[str],
    application: Application,
    configuration: Configuration,
    issuer: str,
    unknown: OAuthError,
) -> RequestedAccess:
    """Return what the scope *values* come to at *audience*, or at the tenant's default audience.

    Raise *unknown* for an audience that is no API, `InvalidScope` for more than a family's item can hold.
    """
    userinfo = claims.userinfo_audience(issuer)
    audience = audience or configuration.tenant().default_audience or userinfo
    api = None
    if audience != userinfo:
        api = configuration.resource_server(audience)
        if api is None:
            raise unknown
    granted = scope.grant(values, application, api)
    access = RequestedAccess(audience, api, granted.values, granted.offline_access_denied)
    if access.size > LARGEST_SCOPE_AND_AUDIENCE:
        raise InvalidScope(f"Scope and audience together must have at most {LARGEST_SCOPE_AND_AUDIENCE} characters")
    return access


def consent_required(application: Application, api: ResourceServer | None) -> bool:
    """Tell whether people must agree before the application gets anything; what they agreed to is remembered."""
    return not (application.is_first_party and (api is None or api.skip_consent_for_first_party))
