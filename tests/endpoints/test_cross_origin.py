"""Scripts of registered origins may ask and read; scripts of others hear nothing (Fetch standard, CORS)."""

from typing import Any

import pytest

from tests.endpoints.hands import declare
from tests.service import ORIGIN, SPA, THIRD_PARTY, Service

OTHER = "https://other.example"
FOREIGN = [
    "https://evil.example",
    "https://app.example.evil.example",
    "https://evil-app.example",
    "http://app.example",
    "https://app.example:8443",
    "https://app.example/",
    "HTTPS://APP.EXAMPLE",
    "null",
    "*",
    "",
    f"{ORIGIN}, {ORIGIN}",
    f"{ORIGIN} https://evil.example",
    f"{ORIGIN}\x00",
]
POSTED = ["/oauth/par", "/oauth/token", "/oauth/revoke", "/userinfo"]


def ask(service: Service, path: str, origin: str | None) -> Any:
    """A preflight as a browser sends it."""
    headers = {"Access-Control-Request-Method": "POST", "Access-Control-Request-Headers": "auth0-client,content-type"}
    return service.send("OPTIONS", path, headers=headers | ({} if origin is None else {"Origin": origin}))


@pytest.mark.parametrize("path", POSTED)
def test_a_registered_origin_may_ask(service: Service, path: str) -> None:
    """auth0-spa-js sends `Auth0-Client`, so browsers always ask first."""
    response = ask(service, path, ORIGIN)
    allowed = {name.strip() for name in response.headers["access-control-allow-headers"].split(",")}

    assert (response.status, response.body) == (204, "")
    assert response.headers["access-control-allow-origin"] == ORIGIN
    assert "POST" in response.headers["access-control-allow-methods"]
    assert {"content-type", "auth0-client", "authorization", "dpop"} == allowed
    assert response.headers["vary"] == "origin"
    assert response.headers["access-control-max-age"] == "3600"
    assert "access-control-allow-credentials" not in response.headers


def test_userinfo_may_be_asked_with_get(service: Service) -> None:
    assert ask(service, "/userinfo", ORIGIN).headers["access-control-allow-methods"] == "GET, POST"


@pytest.mark.parametrize("origin", [*FOREIGN, None])
@pytest.mark.parametrize("path", POSTED)
def test_a_foreign_origin_hears_nothing(service: Service, path: str, origin: str | None) -> None:
    response = ask(service, path, origin)

    assert (response.status, response.body) == (204, "")
    assert set(response.headers) == {"vary"}


def test_a_request_without_an_origin_looks_none_up(service: Service, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is no script's, and each look would be a read of the store."""
    asked: list[str] = []
    monkeypatch.setattr(service.configuration, "is_web_origin", asked.append)

    assert ask(service, "/oauth/token", None).status == 204

    assert asked == []


def test_an_origin_that_is_allowed_to_ask_and_no_web_origin_may_ask_too(service: Service) -> None:
    declare(service, SPA, allowed_origins=frozenset({OTHER}))

    assert ask(service, "/oauth/token", OTHER).headers["access-control-allow-origin"] == OTHER


@pytest.mark.parametrize("path", ["/oauth/par", "/oauth/token", "/oauth/revoke"])
def test_an_answer_is_for_the_origins_of_its_application_alone(service: Service, path: str) -> None:
    """The preflight names no application; the request does."""
    declare(service, THIRD_PARTY, web_origins=frozenset({OTHER}))
    form = {"grant_type": "refresh_token", "client_id": "spa", "refresh_token": "x", "token": "x"}

    mine = service.send("POST", path, form, {"Origin": ORIGIN})
    others = service.send("POST", path, form, {"Origin": OTHER})

    assert mine.headers["access-control-allow-origin"] == ORIGIN
    assert mine.headers["vary"] == "origin"
    assert "access-control-allow-origin" not in others.headers
    assert others.body == mine.body, "it is the browser that withholds it"


@pytest.mark.parametrize("origin", FOREIGN)
def test_no_answer_is_for_a_foreign_origin(service: Service, origin: str) -> None:
    token = service.login_tokens()["access_token"]
    headers = {"Origin": origin, "Authorization": f"Bearer {token}"}

    for response in (
        service.send("POST", "/oauth/token", {"client_id": "spa"}, headers),
        service.send("POST", "/oauth/revoke", {"client_id": "spa"}, headers),
        service.send("GET", "/userinfo", headers=headers),
    ):
        assert "access-control-allow-origin" not in response.headers


def test_without_an_origin_there_is_nothing_to_allow(service: Service) -> None:
    assert "access-control-allow-origin" not in service.send("POST", "/oauth/token", {"client_id": "spa"}).headers


def test_an_unknown_client_has_no_origins(service: Service) -> None:
    response = service.send("POST", "/oauth/token", {"client_id": "nobody"}, {"Origin": ORIGIN})

    assert "access-control-allow-origin" not in response.headers
