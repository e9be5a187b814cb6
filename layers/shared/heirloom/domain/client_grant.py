"""What an application may get for itself, without a person (RFC 6749 §4.4): Auth0's "client grant"."""

from dataclasses import dataclass, replace

from heirloom.domain import scope
from heirloom.domain.errors import AccessDenied, InvalidScope
from heirloom.domain.resource_server import ResourceServer


@dataclass(frozen=True, slots=True)
class ClientGrant:
    """The scope that an application may have at an API."""

    client_id: str
    audience: str
    scope: frozenset[str]


def narrowed(grant: ClientGrant | None, api: ResourceServer | None, requested: frozenset[str]) -> ClientGrant:
    """Return what one token is for: *requested* within *grant*, all of it if nothing is requested.

    Raise `AccessDenied` without a grant, in one text whether there is such an API or not, and `InvalidScope` for a
    request that goes beyond it: a program cannot ask anybody why it may do less than it should. Scopes of people's
    logins, such as `openid` and `offline_access`, are in no grant.
    """
    if grant is None or api is None:
        raise AccessDenied(
            "Client is not authorized to access this API",
            reason="no client grant" if api else "no such API",
        )
    granted = grant.scope.intersection(api.scopes)
    missing = requested - granted
    if missing:
        raise InvalidScope(f"Client has not been granted scopes: {scope.render(missing)}")
    return replace(grant, scope=requested or granted)
