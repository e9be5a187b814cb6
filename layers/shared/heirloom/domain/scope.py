"""Scopes: parsing, and what of the requested ones is granted (RFC 6749 §3.3)."""

import re
from dataclasses import dataclass
from functools import lru_cache

from heirloom.domain.application import Application, GrantType
from heirloom.domain.errors import InvalidScope
from heirloom.domain.resource_server import ResourceServer

OPENID = "openid"
OFFLINE_ACCESS = "offline_access"
PROFILE_SCOPES = frozenset({"profile", "email", "address", "phone"})
STANDARD_SCOPES = PROFILE_SCOPES | {OPENID, OFFLINE_ACCESS}
LONGEST = 1024
MOST_VALUES = 100

_TOKEN = re.compile(r"[\x21\x23-\x5B\x5D-\x7E]+", re.ASCII)


@dataclass(frozen=True, slots=True)
class GrantedScope:
    """What is granted, and why not `offline_access`, where that was asked for and dropped."""

    values: frozenset[str]
    offline_access_denied: str | None = None


def parse(text: str | None) -> frozenset[str]:
    """Return the scope values of a space-separated list; none for a missing or empty one. Raise `InvalidScope`."""
    if not text:
        return frozenset()
    values = frozenset(value for value in text.split(" ") if value)
    if len(text) > LONGEST or len(values) > MOST_VALUES or any(_TOKEN.fullmatch(value) is None for value in values):
        raise InvalidScope("scope is malformed or too long")
    return values


@lru_cache(256)  # applications ask for the same ones again and again
def render(values: frozenset[str]) -> str:
    """Return scope values as the wire has them, the standard ones first."""
    return " ".join(sorted(values, key=lambda value: (value not in STANDARD_SCOPES, value != OPENID, value)))


def grant(requested: frozenset[str], application: Application, api: ResourceServer | None) -> GrantedScope:
    """Return what of *requested* this application may have at this API (`None`: only `/userinfo`).

    What is unknown is dropped, and so is `offline_access` where a rule forbids it; the answer's `scope` shows it.
    """
    known = STANDARD_SCOPES.union(api.scopes if api else ())
    values = requested & known
    if OFFLINE_ACCESS not in values:
        return GrantedScope(values)
    denied = _offline_access_denied(application, api)
    return GrantedScope(values - {OFFLINE_ACCESS} if denied else values, denied)


def narrow(granted: frozenset[str], requested: frozenset[str]) -> frozenset[str]:
    """Return the scope of one refresh: *requested* within *granted*, all of it if nothing is requested.

    Raise `InvalidScope` only if nothing remains. What stays is this answer's alone: the grant keeps its scope.
    """
    if not requested:
        return granted
    remaining = granted & requested
    if not remaining:
        raise InvalidScope("None of the requested scopes was granted")
    return remaining


def _offline_access_denied(application: Application, api: ResourceServer | None) -> str | None:
    if GrantType.REFRESH_TOKEN not in application.grant_types:
        return "the application lacks the refresh_token grant"
    if api is not None and not api.allow_offline_access:
        return "the API does not allow offline access"
    if api is None and not application.oidc_conformant:
        return "the application is not OIDC-conformant and asked for no audience"
    return None
