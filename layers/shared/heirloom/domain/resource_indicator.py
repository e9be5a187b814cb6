"""Resource indicators (RFC 8707): the API of an access token, under the standard's name for Auth0's `audience`."""

import re
from collections.abc import Mapping

from heirloom.domain.errors import AccessDenied, InvalidTarget, OAuthError

# RFC 3986 §4.3; a fragment is what RFC 8707 §2 forbids.
_ABSOLUTE_URI = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*:(?:[A-Za-z0-9._~!$&'()*+,;=:@/?\[\]-]|%[0-9A-Fa-f]{2})+", re.ASCII)


def requested_audience(parameters: Mapping[str, str]) -> str | None:
    """Return the API that a request asks for by `audience` or `resource`, `None` if by neither.

    It is compared as it stands: a trailing slash makes another API. Raise `InvalidTarget` for a malformed `resource`,
    for several, and for one beside another `audience`: a token of ours is for one API.
    """
    audience, resource = parameters.get("audience"), parameters.get("resource")
    if resource is None:
        return audience
    if " " in resource:  # how `http.parameters_of` joins a parameter that may be repeated
        raise InvalidTarget("Only one resource may be requested: an access token is for one API")
    if _ABSOLUTE_URI.fullmatch(resource) is None:
        raise InvalidTarget("resource must be an absolute URI without a fragment")
    if audience is not None and audience != resource:
        raise InvalidTarget("audience and resource name different APIs")
    return resource


def unknown_audience(parameters: Mapping[str, str]) -> OAuthError:
    """Return the refusal of a request whose `requested_audience` is no API: Auth0's for `audience`, RFC 8707's else.

    The name stays out of it: RFC 6749 §4.1.2.1 lets few characters into `error_description`.
    """
    if "resource" in parameters:
        return InvalidTarget("The resource is no API of this tenant")
    return AccessDenied("Service not found: the audience is no API of this tenant")
