"""What one refresh token is worth at another API."""

from dataclasses import replace

import pytest

from heirloom.domain import multi_resource
from heirloom.domain.application import Application, ApplicationType, AuthenticationMethod, RefreshTokenPolicy
from heirloom.domain.resource_server import ResourceServer
from tests.domain.lines import GRANT

FIRST = ResourceServer(GRANT.audience, "First", {"read": "", "write": ""})
SECOND = ResourceServer("https://second.example/", "Second", {"read": "", "export": ""})
APP = Application(
    "app",
    "App",
    ApplicationType.NATIVE,
    AuthenticationMethod.NONE,
    refresh_token=RefreshTokenPolicy(
        policies={FIRST.identifier: frozenset({"write"}), SECOND.identifier: frozenset({"export", "gone"})}
    ),
)
NOTHING: frozenset[str] = frozenset()


def test_a_policy_adds_the_scope_that_the_api_still_has() -> None:
    assert multi_resource.adds(APP, SECOND) == {"export"}
    assert multi_resource.adds(APP, FIRST) == {"write"}


@pytest.mark.parametrize(
    ("application", "api"),
    [
        (APP, None),
        (APP, ResourceServer("https://third.example/", "Third", {"export": ""})),
        (replace(APP, is_first_party=False), SECOND),
        (APP, replace(SECOND, skip_consent_for_first_party=False)),
        (replace(APP, refresh_token=RefreshTokenPolicy()), SECOND),
    ],
    ids=["no API", "no policy for it", "a third party's", "an API that asks for consent", "no policy at all"],
)
def test_nothing_is_added_where_somebody_would_have_to_be_asked(
    application: Application, api: ResourceServer | None
) -> None:
    assert multi_resource.adds(application, api) == NOTHING


def test_at_the_api_of_the_login_the_grant_stands_and_the_policy_adds_to_it() -> None:
    assert multi_resource.granted(GRANT, NOTHING, APP, FIRST) == (GRANT, GRANT.scope | {"write"})


def test_without_an_api_the_grant_stands() -> None:
    assert multi_resource.granted(GRANT, NOTHING, APP, None) == (GRANT, GRANT.scope)


def test_at_another_api_only_the_standard_values_of_the_grant_count() -> None:
    """`read` at one is not `read` at the next."""
    there, values = multi_resource.granted(GRANT, NOTHING, APP, SECOND)

    assert there == replace(GRANT, audience=SECOND.identifier)
    assert values == {"openid", "offline_access", "export"}


@pytest.mark.parametrize(
    ("requested", "values"), [({"export"}, {"export"}), ({"openid", "read"}, {"openid"}), ({"read"}, set())]
)
def test_what_is_requested_is_left_out_unless_it_is_granted(requested: set[str], values: set[str]) -> None:
    assert multi_resource.granted(GRANT, frozenset(requested), APP, SECOND)[1] == values
