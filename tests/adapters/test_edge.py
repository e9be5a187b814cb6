"""Who is let in when CloudFront stands before the API, and whose address a request is taken to have."""

import hashlib
import json
from collections.abc import Iterator, Mapping
from typing import Any

import pytest

from heirloom.adapters import web
from heirloom.adapters.edge import Edge
from heirloom.http import Request, Response

SECRET, NEXT_SECRET = "the-secret-of-the-edge_43-characters-or-more", "the-one-that-will-replace-it"
CLOUDFRONT, VIEWER, ELSEWHERE = "198.51.100.7", "203.0.113.9", "192.0.2.66"


def digest(secret: str) -> str:
    return hashlib.sha256(secret.encode()).hexdigest()


def edge(*secrets: str, direct_access: str = "refused") -> Edge:
    return Edge.of({"EDGE_SECRET_DIGESTS": ",".join(map(digest, secrets)), "DIRECT_ACCESS": direct_access})


def event(headers: Mapping[str, str], **more: object) -> dict[str, Any]:
    """What API Gateway makes of a request of CloudFront's, or of somebody who found the API's own address."""
    return {
        "routeKey": "GET /it",
        "headers": dict(headers),
        "requestContext": {"requestId": "r", "http": {"method": "GET", "path": "/it", "sourceIp": CLOUDFRONT}},
        **more,
    }


class Function:
    """A function with one route, and what reaches it."""

    def __init__(self) -> None:
        self.requests: list[Request] = []

    def answer(self, event: Mapping[str, Any]) -> dict[str, Any]:
        def it(request: Request) -> Response:
            self.requests.append(request)
            return Response(200)

        return web.serve({"GET /it": lambda: it}, event, None)


@pytest.fixture
def function(monkeypatch: pytest.MonkeyPatch) -> Iterator[Function]:
    """One whose stack has an edge, which is the only way in."""
    web.configured_edge.cache_clear()
    monkeypatch.setenv("EDGE_SECRET_DIGESTS", digest(SECRET))
    monkeypatch.setenv("DIRECT_ACCESS", "refused")
    monkeypatch.setenv("POWERTOOLS_SERVICE_NAME", "stack")
    monkeypatch.setenv("POWERTOOLS_METRICS_NAMESPACE", "Heirloom")
    yield Function()
    web.configured_edge.cache_clear()


# ---- Who is let in


def test_without_an_edge_everybody_is_let_in_and_nobody_is_believed() -> None:
    for environment in ({}, {"EDGE_SECRET_DIGESTS": "", "DIRECT_ACCESS": "refused"}):
        nothing = Edge.of(environment)
        for headers in ({}, {"x-origin-verify": ""}, {"x-origin-verify": SECRET}):
            assert nothing.admits(headers)
            assert not nothing.sent(headers)


def test_the_secret_lets_a_request_in(function: Function) -> None:
    assert function.answer(event({"x-origin-verify": SECRET}))["statusCode"] == 200


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"x-origin-verify": ""},
        {"x-origin-verify": "guess"},
        {"x-origin-verify": SECRET.upper()},
        {"x-origin-verify": SECRET[:-1]},
        {"x-origin-verify": f"{SECRET} "},
        {"x-origin-verify": digest(SECRET)},
        {"x-origin-verify": f"guess,{SECRET}"},
        {"x-origin-verify": f"{SECRET},{SECRET}"},
        {"x-origin-verify": f"{SECRET}, {SECRET}"},
        {"x-origin-verify": "\ud800"},
        {"x_origin_verify": SECRET},
        {"x-origin-verify ": SECRET},
        {"x-origin-verify-": SECRET},
        {"authorization": SECRET, "cookie": f"x-origin-verify={SECRET}"},
    ],
)
def test_anything_else_is_refused_before_it_is_a_request(function: Function, headers: dict[str, str]) -> None:
    """Values of one name come joined by commas: a guess beside the secret is none."""
    answer = function.answer(event(headers, body="not base64!", isBase64Encoded=True))

    assert function.requests == []
    assert (answer["statusCode"], answer["body"]) == (403, "")


@pytest.mark.parametrize("name", ["X-Origin-Verify", "X-ORIGIN-VERIFY", "x-Origin-verify"])
def test_the_name_of_the_header_is_the_same_in_any_case(function: Function, name: str) -> None:
    assert function.answer(event({name: SECRET}))["statusCode"] == 200


def test_every_route_is_refused_alike_and_no_route_is_told_from_none(function: Function) -> None:
    known, unknown = event({}), event({}, routeKey="GET /other")

    assert function.answer(known) == function.answer(unknown)
    assert function.answer(known)["headers"] == {
        "cache-control": "no-store",
        "pragma": "no-cache",
        "strict-transport-security": "max-age=63072000; includeSubDomains",
        "x-content-type-options": "nosniff",
    }


def test_two_secrets_are_taken_while_one_replaces_the_other() -> None:
    replacing = edge(SECRET, NEXT_SECRET)

    assert replacing.admits({"x-origin-verify": SECRET})
    assert replacing.admits({"x-origin-verify": NEXT_SECRET})
    assert not edge(NEXT_SECRET).admits({"x-origin-verify": SECRET})


def test_where_direct_access_is_allowed_still_it_is_told_apart() -> None:
    changing = edge(SECRET, direct_access="allowed")

    assert changing.admits({})
    assert not changing.sent({})
    assert changing.sent({"x-origin-verify": SECRET})


@pytest.mark.parametrize("digests", ["no digest", "abcd", digest(SECRET)[:-2], f"{digest(SECRET)},abcd"])
def test_a_digest_that_is_none_lets_nobody_in(
    function: Function, monkeypatch: pytest.MonkeyPatch, digests: str
) -> None:
    monkeypatch.setenv("EDGE_SECRET_DIGESTS", digests)

    assert function.answer(event({"x-origin-verify": SECRET}))["statusCode"] == 500
    assert function.requests == []


def test_the_digest_of_nothing_is_no_way_in() -> None:
    assert not edge("").admits({})
    assert not edge("").admits({"x-origin-verify": ""})


def test_nobody_further_on_sees_the_secret(function: Function, capsys: pytest.CaptureFixture[str]) -> None:
    function.answer(event({"X-Origin-Verify": SECRET}))
    function.answer(event({"x-origin-verify": f"{SECRET},guess"}))

    (request,) = function.requests
    assert SECRET not in repr(request)
    log = capsys.readouterr().out
    assert log
    assert SECRET not in log


def test_a_refusal_is_logged_with_its_reason_and_the_address_that_asked(
    function: Function, capsys: pytest.CaptureFixture[str]
) -> None:
    function.answer(event({"cloudfront-viewer-address": f"{VIEWER}:443"}))

    (line,) = capsys.readouterr().out.splitlines()
    logged = json.loads(line)
    assert (logged["type"], logged["reason"], logged["ip"]) == ("fapi", "did not come through the edge", CLOUDFRONT)


# ---- Whose address it is


@pytest.mark.parametrize(
    ("written", "address"),
    [
        (f"{VIEWER}:46532", VIEWER),
        ("2001:db8:85a3::8a2e:370:7334:46532", "2001:db8:85a3::8a2e:370:7334"),
        ("2001:db8:85a3:0:0:8a2e:370:7334:46532", "2001:db8:85a3::8a2e:370:7334"),
        ("2001:db8::1:443", "2001:db8::1"),
        ("[2001:db8::1]:443", "2001:db8::1"),
        ("::ffff:203.0.113.9:443", "::ffff:203.0.113.9"),
    ],
)
def test_through_the_edge_the_address_is_the_viewer_s(function: Function, written: str, address: str) -> None:
    function.answer(event({"x-origin-verify": SECRET, "cloudfront-viewer-address": written}))

    (request,) = function.requests
    assert request.caller.address == address


@pytest.mark.parametrize(
    "written",
    [None, "", ":", ":443", VIEWER, f"{VIEWER}:", f"{VIEWER}:http", "localhost:443", "203.0.113.9:1, 192.0.2.66:1"],
)
def test_what_is_no_address_and_port_leaves_the_one_that_reached_the_api(
    function: Function, written: str | None
) -> None:
    headers = {} if written is None else {"cloudfront-viewer-address": written}
    function.answer(event({"x-origin-verify": SECRET, **headers}))

    (request,) = function.requests
    assert request.caller.address == CLOUDFRONT


@pytest.mark.parametrize("direct_access", ["allowed", "refused"])
@pytest.mark.parametrize("digests", ["", digest(SECRET)])
def test_without_the_proof_no_header_changes_the_address(
    function: Function, monkeypatch: pytest.MonkeyPatch, direct_access: str, digests: str
) -> None:
    """Else whoever reaches the API guesses passwords from a new address each time."""
    monkeypatch.setenv("EDGE_SECRET_DIGESTS", digests)
    monkeypatch.setenv("DIRECT_ACCESS", direct_access)
    spoofed = {
        "cloudfront-viewer-address": f"{ELSEWHERE}:443",
        "x-forwarded-for": ELSEWHERE,
        "forwarded": f"for={ELSEWHERE}",
        "true-client-ip": ELSEWHERE,
        "x-real-ip": ELSEWHERE,
    }
    for proof in ({}, {"x-origin-verify": "guess"}):
        function.answer(event({**spoofed, **proof}))

    assert {request.caller.address for request in function.requests} <= {CLOUDFRONT}
    assert len(function.requests) == (0 if digests and direct_access == "refused" else 2)


def test_through_the_edge_no_other_header_changes_the_address(function: Function) -> None:
    forwarded = {"x-forwarded-for": ELSEWHERE, "forwarded": f"for={ELSEWHERE}", "true-client-ip": ELSEWHERE}
    function.answer(
        event({"x-origin-verify": SECRET, "cloudfront-viewer-address": f"{VIEWER}:1", **forwarded}),
    )

    (request,) = function.requests
    assert request.caller.address == VIEWER
