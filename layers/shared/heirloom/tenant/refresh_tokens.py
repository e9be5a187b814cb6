"""The refresh tokens of a client, as a tenant file has them."""

from heirloom.domain import lifetimes
from heirloom.domain.application import ApplicationType, GrantType, RefreshTokenPolicy
from heirloom.tenant import file
from heirloom.tenant.remarks import Path, Remarks


def of_client(
    client: file.Client, app_type: ApplicationType, grant_types: frozenset[str], path: Path, remarks: Remarks
) -> RefreshTokenPolicy:
    """Return the settings of the client's refresh tokens."""
    tokens = client.refresh_token
    rotating, expiring = tokens.rotation_type == "rotating", tokens.expiration_type == "expiring"
    if app_type is ApplicationType.SINGLE_PAGE and not rotating:
        if GrantType.REFRESH_TOKEN not in grant_types:
            remarks.ignore(path, "has no effect: the application gets no refresh tokens")
            return RefreshTokenPolicy()
        remarks.refuse((*path, "rotation_type"), "must be rotating in a single-page application")
    if rotating and not expiring:
        remarks.refuse((*path, "expiration_type"), "must be expiring when rotation_type is rotating")
    if not client.is_first_party and not expiring:
        remarks.refuse((*path, "expiration_type"), "must be expiring in a third-party application")
    if not client.is_first_party and tokens.infinite_idle_token_lifetime:
        remarks.refuse((*path, "infinite_idle_token_lifetime"), "must be false in a third-party application")
    absolute = _lifetime(tokens.token_lifetime, lifetimes.REFRESH_TOKEN, infinite=tokens.infinite_token_lifetime)
    longest_idle = lifetimes.REFRESH_TOKEN if absolute is None else min(lifetimes.REFRESH_TOKEN, absolute)
    idle = _lifetime(tokens.idle_token_lifetime, longest_idle, infinite=tokens.infinite_idle_token_lifetime)
    if expiring and idle is not None and absolute is not None and idle > absolute:
        remarks.refuse((*path, "idle_token_lifetime"), f"must not be longer than token_lifetime, {absolute} s")
    if rotating and tokens.leeway == 0:
        remarks.warn((*path, "leeway"), "0: one lost answer logs the user out")
    return RefreshTokenPolicy(
        rotating=rotating,
        leeway=tokens.leeway,
        absolute_lifetime=absolute if expiring else None,
        idle_lifetime=idle if expiring else None,
        revoke_on_logout=tokens.revoke_on_logout,
        policies=_policies(client, path, remarks),
    )


def _policies(client: file.Client, path: Path, remarks: Remarks) -> dict[str, frozenset[str]]:
    policies: dict[str, frozenset[str]] = {}
    if client.refresh_token.policies and not client.is_first_party:
        remarks.refuse((*path, "policies"), "are for first-party applications: nobody is asked for consent")
    for index, one in enumerate(client.refresh_token.policies):
        if one.audience in policies:
            remarks.refuse((*path, "policies", index, "audience"), "is given twice")
        policies[one.audience] = frozenset(one.scope)
    return policies


def _lifetime(given: int | None, default: int, *, infinite: bool) -> int | None:
    if infinite:
        return None
    return default if given is None else given
