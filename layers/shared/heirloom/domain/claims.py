"""The claims of access tokens and ID tokens."""

import json
from collections.abc import Mapping
from dataclasses import dataclass

from heirloom.domain import lifetimes, scope
from heirloom.domain.client_grant import ClientGrant
from heirloom.domain.family import Grant
from heirloom.domain.resource_server import ResourceServer, TokenDialect

CLIENT_SUBJECT = "@clients"
"""Ends the `sub` of an application in Auth0's profile, and of nobody else."""

type Claims = dict[str, object]


@dataclass(frozen=True, slots=True)
class UnsignedToken:
    """Claims, and the `typ` header that says what they are."""

    claims: Claims
    token_type: str


@dataclass(frozen=True, slots=True)
class Issue:
    """The circumstances of one answer. Times are epoch seconds."""

    issuer: str
    now: int
    token_id: str
    refreshed: bool
    family_id: str | None = None
    key_thumbprint: str | None = None
    """Of the key to which the access token is bound, if it is."""


def userinfo_audience(issuer: str) -> str:
    """Return the audience that makes an access token good for `/userinfo`."""
    return f"{issuer}userinfo"


def access_token_lifetime(api: ResourceServer | None) -> int:
    """Return the seconds for which an access token for *api* is good."""
    return api.token_lifetime if api else lifetimes.USERINFO_TOKEN


def access_token(
    grant: Grant | ClientGrant, values: frozenset[str], api: ResourceServer | None, issue: Issue
) -> UnsignedToken:
    """Return the access token for *values* of the grant's scope, in the API's dialect.

    Auth0's profile names the client `azp`; RFC 9068 §2.2 names it `client_id` and has the type `at+jwt`. A token that
    an application gets for itself tells of no login.
    """
    userinfo = userinfo_audience(issue.issuer)
    audience: str | list[str] = userinfo
    if api:
        audience = [api.identifier, userinfo] if scope.OPENID in values else api.identifier
    claims: Claims = {
        "iss": issue.issuer,
        "sub": _subject(grant, api),
        "aud": audience,
        "iat": issue.now,
        "exp": issue.now + access_token_lifetime(api),
        "scope": scope.render(values),
        "jti": issue.token_id,
    }
    if issue.family_id is not None:
        claims["family_id"] = issue.family_id
    if issue.key_thumbprint is not None:
        claims["cnf"] = {"jkt": issue.key_thumbprint}  # RFC 9449 §6.1
    if isinstance(grant, Grant) and grant.userinfo_claims and scope.OPENID in values:
        claims["userinfo_claims"] = sorted(grant.userinfo_claims)
    if api and api.token_dialect is TokenDialect.RFC9068:
        login = {"auth_time": grant.auth_time} if isinstance(grant, Grant) else {}
        return UnsignedToken(claims | {"client_id": grant.client_id} | login, "at+jwt")
    claims["azp"] = grant.client_id
    if isinstance(grant, ClientGrant):
        claims["gty"] = "client-credentials"
    elif issue.refreshed:
        claims["gty"] = "refresh_token"
    return UnsignedToken(claims, "JWT")


def _subject(grant: Grant | ClientGrant, api: ResourceServer | None) -> str:
    """Return the person, or the application itself: by its id in RFC 9068 §2.2, with a suffix in Auth0's profile."""
    if isinstance(grant, Grant):
        return grant.user_id
    if api and api.token_dialect is TokenDialect.RFC9068:
        return grant.client_id
    return f"{grant.client_id}{CLIENT_SUBJECT}"


def id_token(grant: Grant, lifetime: int, issue: Issue, nonce: str | None = None) -> UnsignedToken:
    """Return the ID token of *grant* (OpenID Connect Core §2).

    A refreshed one repeats `iss`, `sub`, `aud`, `auth_time` and `sid`, and carries no `nonce` (§12.2).
    """
    claims: Claims = {
        **grant.profile,
        "iss": issue.issuer,
        "sub": grant.user_id,
        "aud": grant.client_id,
        "iat": issue.now,
        "exp": issue.now + lifetime,
        "auth_time": grant.auth_time,
        "sid": grant.session_id,
    }
    if nonce is not None:
        claims["nonce"] = nonce
    return UnsignedToken(claims, "JWT")


def fitting(profile: Mapping[str, object], room: int) -> dict[str, object]:
    """Return the *profile* claims, in their order, whose JSON fits into *room* bytes; a large one is passed over.

    A family's item must stay under 1 KB to cost one write unit, and ID tokens must not change their claims from
    one refresh to the next; `/userinfo` has the rest.
    """
    chosen: dict[str, object] = {}
    for name, value in profile.items():
        if len(json.dumps({**chosen, name: value}, separators=(",", ":")).encode()) <= room:
            chosen[name] = value
    return chosen
