"""The API that every stack has."""

import pytest

from heirloom.domain import management_api

ISSUER = "https://issuer.example/"


def test_the_api_of_a_stack_is_under_its_issuer_and_nobody_stays_logged_in_there() -> None:
    api = management_api.api(ISSUER)

    assert api.identifier == management_api.audience(ISSUER) == "https://issuer.example/api/v2/"
    assert api.scopes == management_api.SCOPES
    assert api.token_lifetime == 86_400
    assert not api.allow_offline_access


@pytest.mark.parametrize(
    ("text", "meant"),
    [
        ("api/v2/", True),
        ("https://issuer.example/api/v2/", True),
        ("https://tenant.eu.auth0.com/api/v2/", True),
        ("http://localhost:8080/api/v2/", True),
        ("", False),
        ("/api/v2/", False),
        ("api/v2", False),
        ("api/v2/users", False),
        ("https://issuer.example/x/api/v2/", False),
        ("https:///api/v2/", False),
        ("ftp://issuer.example/api/v2/", False),
        ("xhttps://issuer.example/api/v2/", False),
        ("https://issuer.example/api/v2/\n", False),
    ],
)
def test_the_api_of_any_stack_is_known_by_its_path(text: str, *, meant: bool) -> None:
    assert management_api.is_meant_by(text) is meant
