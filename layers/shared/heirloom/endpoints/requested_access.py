"""What an application may be granted: the same for whoever asks in a browser and for a device."""

from dataclasses import dataclass

from heirloom.domain import claims, scope
from heirloom.domain.application import Application
from heirloom.domain.errors import AccessDenied, InvalidScope
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


def requested_access(
    *,
    audience: str | None,
    values: frozenset[str],
    application: Application,
    configuration: Configuration,
    issuer: str,
) -> RequestedAccess:
    """Return what the scope *values* come to at *audience*, or at the tenant's default audience.

    Raise `AccessDenied` for an unknown audience, `InvalidScope` for more than a family's item can hold.
    """
    userinfo = claims.userinfo_audience(issuer)
    audience = audience or configuration.tenant().default_audience or userinfo
    api = None
    if audience != userinfo:
        api = configuration.resource_server(audience)
        if api is None:
            # The audience stays out of the answer: RFC 6749 §4.1.2.1 lets few characters into `error_description`.
            raise AccessDenied("Service not found: the audience is no API of this tenant")
    granted = scope.grant(values, application, api)
    if len(scope.render(granted.values)) + len(api.identifier if api else "") > LARGEST_SCOPE_AND_AUDIENCE:
        raise InvalidScope(f"Scope and audience together must have at most {LARGEST_SCOPE_AND_AUDIENCE} characters")
    return RequestedAccess(audience, api, granted.values, granted.offline_access_denied)


def consent_required(application: Application, api: ResourceServer | None) -> bool:
    """Tell whether people must agree before the application gets anything; what they agreed to is remembered."""
    return not (application.is_first_party and (api is None or api.skip_consent_for_first_party))
