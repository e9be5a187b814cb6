"""Which API a request asks for, under either of its names."""

import pytest

from heirloom.domain.errors import AccessDenied, InvalidTarget
from heirloom.domain.resource_indicator import requested_audience, unknown_audience


@pytest.mark.parametrize(
    "resource",
    ["https://api.example/", "https://api.example/v1?x=1", "urn:example:api", "https://[::1]:8443/%C3%A4"],
)
def test_a_resource_is_an_audience(resource: str) -> None:
    assert requested_audience({"resource": resource}) == resource
    assert requested_audience({"audience": resource, "resource": resource}) == resource


def test_without_one_the_audience_stands_whatever_it_is() -> None:
    assert requested_audience({}) is None
    assert requested_audience({"audience": "no URI"}) == "no URI"


@pytest.mark.parametrize(
    ("resource", "audience", "reason"),
    [
        ("https://api.example/#fragment", None, "absolute URI"),
        ("https://api.example/#", None, "absolute URI"),
        ("//api.example/", None, "absolute URI"),
        ("/api", None, "absolute URI"),
        ("api", None, "absolute URI"),
        ("", None, "absolute URI"),
        ("https:", None, "absolute URI"),
        ("https://api.example/%zz", None, "absolute URI"),
        ("https://äpi.example/", None, "absolute URI"),
        ("https://api.example/\n", None, "absolute URI"),
        ("https://api.example/ https://other.example/", None, "Only one resource"),
        ("https://api.example/ https://api.example/", None, "Only one resource"),
        ("https://api.example/", "https://other.example/", "different APIs"),
        ("https://api.example/", "https://api.example", "different APIs"),
        ("https://api.example/", "", "different APIs"),
    ],
)
def test_anything_else_is_no_target(resource: str, audience: str | None, reason: str) -> None:
    parameters = {"resource": resource} | ({} if audience is None else {"audience": audience})

    with pytest.raises(InvalidTarget, match=reason):
        requested_audience(parameters)


def test_an_unknown_api_is_refused_in_the_words_of_whoever_named_it() -> None:
    """RFC 8707 §2 has `invalid_target`; for its own parameter Auth0 has `access_denied`."""
    assert type(unknown_audience({"audience": "api"})) is AccessDenied
    assert type(unknown_audience({"audience": "urn:api", "resource": "urn:api"})) is InvalidTarget
