"""What a changed setting makes of the families that there are."""

from dataclasses import replace
from typing import Any

import pytest

from heirloom.domain import migration
from heirloom.domain.application import RefreshTokenPolicy
from heirloom.domain.lifetimes import NEVER
from heirloom.domain.migration import Migration
from heirloom.domain.refresh_token import FamilyKey
from tests.domain.lines import GRANT, NOW, line

FAMILY = line(0).family
ENDLESS = replace(FAMILY, absolute_expires_at=NEVER)
FINITE = RefreshTokenPolicy(absolute_lifetime=600)
INFINITE = RefreshTokenPolicy(absolute_lifetime=None)


@pytest.mark.parametrize(
    ("family", "policy", "due"),
    [
        (FAMILY, FINITE, None),
        (FAMILY, INFINITE, None),
        (ENDLESS, INFINITE, None),
        (ENDLESS, FINITE, Migration(NOW + 600, begins_to_rotate=False)),
        (replace(FAMILY, non_rotating=True), FINITE, Migration(None, begins_to_rotate=True)),
        (replace(FAMILY, non_rotating=False), FINITE, Migration(None, begins_to_rotate=True)),
        (replace(FAMILY, non_rotating=True), replace(FINITE, rotating=False), None),
        (replace(ENDLESS, non_rotating=True), FINITE, Migration(NOW + 600, begins_to_rotate=True)),
        (replace(ENDLESS, non_rotating=True), INFINITE, Migration(None, begins_to_rotate=True)),
        (
            replace(ENDLESS, non_rotating=True),
            replace(FINITE, rotating=False),
            Migration(NOW + 600, begins_to_rotate=False),
        ),
    ],
)
def test_a_family_gets_an_end_and_begins_to_rotate_when_its_application_says_so(
    family: Any, policy: RefreshTokenPolicy, due: Migration | None
) -> None:
    """An end once given stays: nobody is logged out by a setting, and nobody stays for ever by one."""
    assert migration.due(family, policy, now=NOW) == due


def test_the_others_of_a_kind_that_began_to_rotate_are_left_behind() -> None:
    def other(number: int, **changes: Any) -> Any:
        grant = {name: value for name, value in changes.items() if name != "non_rotating"}
        key = FamilyKey(FAMILY.key.user_key, bytes([number]) * 16)
        marks = {"non_rotating": changes.get("non_rotating", True)}
        return replace(FAMILY, key=key, grant=replace(GRANT, **grant), **marks)

    migrating = replace(FAMILY, non_rotating=True)
    first, second = other(1), other(2, session_id="another", scope=frozenset({"openid"}))
    others = [
        migrating,
        other(3, non_rotating=None),
        other(4, non_rotating=False),
        other(5, client_id="another"),
        other(6, audience="https://other.example/"),
    ]

    assert migration.left_behind([first, *others, second], migrating) == [first, second]
