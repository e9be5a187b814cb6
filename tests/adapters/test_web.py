"""What holds for every event and every answer."""

from typing import Any

import pytest

from heirloom import http
from heirloom.adapters import web
from heirloom.domain.errors import StoreUnavailable
from heirloom.http import Request, Response


def event(body: str = "", *, is_base64: bool = False) -> dict[str, Any]:
    return {
        "routeKey": "POST /it",
        "headers": {},
        "requestContext": {"http": {"method": "POST", "path": "/it"}},
        "body": body,
        "isBase64Encoded": is_base64,
    }


def raising(error: Exception) -> web.Endpoint:
    def endpoint(_request: Request) -> Response:
        raise error

    return endpoint


@pytest.mark.parametrize(
    ("endpoint", "status"),
    [
        (lambda _: Response(204), 204),
        (lambda _: http.answer({}), 200),
        (raising(StoreUnavailable("down")), 503),
        (raising(KeyError("ours")), 500),
    ],
)
def test_every_answer_asks_for_https_and_for_its_content_type_to_be_believed(
    endpoint: web.Endpoint, status: int
) -> None:
    answer = web.serve({"POST /it": lambda: endpoint}, event(), None)

    assert answer["statusCode"] == status
    assert answer["headers"]["strict-transport-security"] == "max-age=63072000; includeSubDomains"
    assert answer["headers"]["x-content-type-options"] == "nosniff"


@pytest.mark.parametrize("is_base64", [True, False])
def test_what_is_too_large_for_every_endpoint_is_not_even_decoded(*, is_base64: bool) -> None:
    """The last character is none of base64's: decoding would fail."""
    sizes: list[int] = []

    def endpoint(request: Request) -> Response:
        sizes.append(len(request.body))
        return Response(200)

    routes: web.Routes = {"POST /it": lambda: endpoint}
    assert web.serve(routes, event("A" * web.LARGEST_BODY, is_base64=is_base64), None)["statusCode"] == 200

    answer = web.serve(routes, event("A" * web.LARGEST_BODY + "=", is_base64=is_base64), None)

    assert answer["statusCode"] == 413
    assert answer["headers"]["content-type"].startswith("text/plain"), "SDKs take JSON for the end of the session"
    assert len(sizes) == 1


def test_what_endpoints_take_is_less_than_what_is_decoded() -> None:
    """Else an endpoint would have no say about what it finds too large."""
    assert http.LARGEST_BODY * 4 / 3 < web.LARGEST_BODY / 2
