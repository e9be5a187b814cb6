"""What becomes of a family at its next exchange after its application's refresh token settings were changed.

Auth0's rules. An absolute lifetime is fixed at login, but one that was infinite ends once the setting is finite. A
token that did not rotate begins to; and as copies of such tokens may lie about that nobody is ever seen to use, the
others of its kind end.
"""

from collections.abc import Iterable
from dataclasses import dataclass

from heirloom.domain import lifetimes
from heirloom.domain.application import RefreshTokenPolicy
from heirloom.domain.family import Family


@dataclass(frozen=True, slots=True)
class Migration:
    """What is to change: `absolute_expires_at` (epoch seconds) of a family that had no end, and its kind."""

    absolute_expires_at: int | None
    begins_to_rotate: bool


def due(family: Family, policy: RefreshTokenPolicy, *, now: int) -> Migration | None:
    """Return what an exchange of *family* at epoch second *now* has to migrate; `None` nearly always."""
    ends = family.absolute_expires_at == lifetimes.NEVER and policy.absolute_lifetime is not None
    begins_to_rotate = family.non_rotating is not None and policy.rotating
    if not ends and not begins_to_rotate:
        return None
    # From this exchange on, not from the login: that may be longer ago, and nobody should be logged out by a setting.
    return Migration(lifetimes.ends_at(now, policy.absolute_lifetime) if ends else None, begins_to_rotate)


def left_behind(families: Iterable[Family], migrating: Family) -> list[Family]:
    """Return the families that end when *migrating* begins to rotate: non-rotating ones of its application and API."""
    return [
        family
        for family in families
        if family.non_rotating
        and family.key != migrating.key
        and family.grant.client_id == migrating.grant.client_id
        and family.grant.audience == migrating.grant.audience
    ]
