"""What an application gets for itself."""

import pytest

from heirloom.domain import client_grant
from heirloom.domain.client_grant import ClientGrant
from heirloom.domain.errors import AccessDenied, InvalidScope
from heirloom.domain.resource_server import ResourceServer

API = ResourceServer("https://api.example/", "API", {"read": "", "write": "", "export": ""})
GRANT = ClientGrant("app", API.identifier, frozenset({"read", "write", "gone"}))


@pytest.mark.parametrize(
    ("requested", "scope"), [(set(), {"read", "write"}), ({"read"}, {"read"}), ({"read", "write"}, {"read", "write"})]
)
def test_a_token_is_for_what_is_requested_of_what_is_granted(requested: set[str], scope: set[str]) -> None:
    narrowed = client_grant.narrowed(GRANT, API, frozenset(requested))

    assert narrowed == ClientGrant("app", API.identifier, frozenset(scope))


@pytest.mark.parametrize("requested", [{"export"}, {"read", "export"}, {"gone"}, {"openid"}, {"offline_access"}])
def test_a_request_that_goes_beyond_the_grant_is_refused(requested: set[str]) -> None:
    """Nobody is there who could be asked why a program may do less than it should."""
    with pytest.raises(InvalidScope, match=f"not been granted scopes: {min(requested - {'read'})}$"):
        client_grant.narrowed(GRANT, API, frozenset(requested))


def test_without_a_grant_nobody_learns_whether_there_is_such_an_api() -> None:
    refusals = []
    for grant, api in ((None, API), (GRANT, None), (None, None)):
        with pytest.raises(AccessDenied) as refused:
            client_grant.narrowed(grant, api, frozenset())
        refusals.append(refused.value)

    assert len({refusal.description for refusal in refusals}) == 1
    assert [refusal.reason for refusal in refusals] == ["no client grant", "no such API", "no such API"]
