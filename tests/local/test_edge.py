"""What a caller sends over the wire under the name of the edge's proof, and what becomes of it at the gateway."""

import hashlib
import http.client
from collections.abc import Iterator
from typing import Any

import pytest

from heirloom.adapters import web
from heirloom.http import Request, Response
from local import gateway
from local.gateway import Gateway

SECRET = "the-secret-of-the-edge_43-characters-or-more"
VIEWER = "203.0.113.9"

type Headers = list[tuple[str, str]]


class Api:
    """A function with one route behind the gateway."""

    def __init__(self) -> None:
        self.requests: list[Request] = []
        self.address = ("", 0)

    def __call__(self, event: gateway.Event, _context: object) -> dict[str, Any]:
        def endpoint(request: Request) -> Response:
            self.requests.append(request)
            return Response(200)

        return web.serve({"GET /one": lambda: endpoint}, event, None)

    def send(self, *headers: tuple[str, str]) -> int:
        connection = http.client.HTTPConnection(*self.address, timeout=30)
        connection.putrequest("GET", "/one")
        for name, value in headers:
            connection.putheader(name, value)
        connection.endheaders()
        status = connection.getresponse().status
        connection.close()
        return status


@pytest.fixture
def api(monkeypatch: pytest.MonkeyPatch) -> Iterator[Api]:
    monkeypatch.setenv("EDGE_SECRET_DIGESTS", hashlib.sha256(SECRET.encode()).hexdigest())
    monkeypatch.setenv("DIRECT_ACCESS", "refused")
    monkeypatch.setenv("POWERTOOLS_SERVICE_NAME", "stack")
    monkeypatch.setenv("POWERTOOLS_METRICS_NAMESPACE", "Heirloom")
    web.configured_edge.cache_clear()
    api = Api()
    sockets = gateway.listen(0)
    api.address = sockets[0].getsockname()[:2]
    with gateway.serving(Gateway({"GET /one": ("one", api)}), sockets):
        yield api
    web.configured_edge.cache_clear()


@pytest.mark.parametrize("name", ["X-Origin-Verify", "x-origin-verify", "X-ORIGIN-VERIFY"])
def test_the_secret_is_the_way_in_and_brings_the_viewer_s_address(api: Api, name: str) -> None:
    assert api.send((name, SECRET), ("CloudFront-Viewer-Address", f"{VIEWER}:46532")) == 200

    (request,) = api.requests
    assert request.caller.address == VIEWER
    assert "x-origin-verify" not in request.headers


@pytest.mark.parametrize(
    "headers",
    [
        [],
        [("X-Origin-Verify", "")],
        [("X-Origin-Verify", "guess")],
        [("X-Origin-Verify", "guess"), ("X-Origin-Verify", SECRET)],
        [("X-Origin-Verify", SECRET), ("x-origin-verify", "guess")],
        [("X-Origin-Verify", SECRET), ("X-ORIGIN-VERIFY", SECRET)],
        [("X-Origin-Verify", f"guess,{SECRET}")],
        [("X_Origin_Verify", SECRET)],
        [("X-Origin-Verify-", SECRET)],
    ],
)
def test_nothing_else_is(api: Api, headers: Headers) -> None:
    assert api.send(*headers, ("CloudFront-Viewer-Address", f"{VIEWER}:46532")) == 403

    assert api.requests == []


@pytest.mark.parametrize(
    "headers",
    [
        [("CloudFront-Viewer-Address", f"{VIEWER}:1"), ("CloudFront-Viewer-Address", "192.0.2.66:1")],
        [("CloudFront_Viewer_Address", f"{VIEWER}:1")],
        [("X-Forwarded-For", VIEWER)],
    ],
)
def test_an_address_that_cloudfront_would_not_write_is_none(api: Api, headers: Headers) -> None:
    assert api.send(("X-Origin-Verify", SECRET), *headers) == 200

    (request,) = api.requests
    assert request.caller.address == "127.0.0.1"
