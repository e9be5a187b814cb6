"""API Gateway events in, answers out (HTTP API, payload format 2.0)."""

import base64
import os
import time
from collections.abc import Callable, Mapping
from functools import cache
from typing import Any

from aws_lambda_powertools import Logger

from heirloom import http
from heirloom.adapters import deadline, edge
from heirloom.adapters.deadline import Invocation, OutOfTime
from heirloom.adapters.edge import Edge
from heirloom.adapters.events import LoggedEvents
from heirloom.domain.errors import Fault
from heirloom.domain.events import Caller, Event, EventType
from heirloom.http import Request, Response

type Endpoint = Callable[[Request], Response]
type Routes = Mapping[str, Callable[[], Endpoint]]
"""Route key to what makes its endpoint, when it is first asked for: importing a function needs no environment."""

logger = Logger()

LARGEST_BODY = 256 * 1024
"""Characters of an event's body, which may be base64; no endpoint takes as much, so more is not even decoded."""

SERVER_ERROR = Response(500, "Something went wrong.", {"content-type": "text/plain; charset=utf-8", **http.NO_STORE})
TOO_LARGE = Response(413, "The request is too large.", {"content-type": "text/plain; charset=utf-8", **http.NO_STORE})
AROUND_THE_EDGE = Response(403, headers=http.NO_STORE)
"""The answer to whoever avoids CloudFront, alike for every route: not a word about what is here."""


@cache
def configured_edge() -> Edge:
    """Return what stands before the API of this environment."""
    return Edge.of(os.environ)


def serve(routes: Routes, event: Mapping[str, Any], invocation: Invocation | None) -> dict[str, Any]:
    """Answer *event* by the endpoint of its route, before the time of its *invocation* is up.

    The last resort is here: a fault is answered 503, a mistake of ours 500, both without a word about the cause.
    """
    try:
        with deadline.of(invocation):
            response = _response(routes, event, configured_edge())
    except (Fault, OutOfTime):
        logger.exception("fault")
        response = http.unavailable()
    except Exception:
        logger.exception("mistake")
        response = SERVER_ERROR
    return answer_of(response)


def request_of(event: Mapping[str, Any], headers: Mapping[str, str], caller: Caller, *, now_ms: int) -> Request:
    """Return the request that an event with *headers* holds, received from *caller* at *now_ms* (epoch ms)."""
    http_context = event["requestContext"]["http"]
    body = event.get("body") or ""
    cookies = event.get("cookies") or headers.get("cookie", "").split(";")
    return Request(
        method=http_context["method"],
        path=http_context["path"],
        caller=caller,
        now_ms=now_ms,
        headers=headers,
        cookies=_cookies(cookies),
        query=event.get("rawQueryString", ""),
        body=base64.b64decode(body) if event.get("isBase64Encoded") else body.encode("utf-8", "surrogatepass"),
    )


def caller_of(event: Mapping[str, Any], headers: Mapping[str, str], before: Edge) -> Caller:
    """Return who sent an event with *headers*: if it came through the edge, whoever the edge heard it from."""
    context = event["requestContext"]
    return Caller(
        address=before.viewer_address(headers) or context["http"].get("sourceIp", ""),
        user_agent=headers.get("user-agent", ""),
        request_id=context.get("requestId", ""),
    )


def headers_of(event: Mapping[str, Any]) -> dict[str, str]:
    """Return the headers of an event, their names in lower case; the API has joined those of one name by commas."""
    return {name.lower(): value for name, value in event.get("headers", {}).items()}


def answer_of(response: Response) -> dict[str, Any]:
    """Return what the API sends for *response*."""
    answer: dict[str, Any] = {
        "statusCode": response.status,
        "headers": {**http.EVERY_ANSWER, **response.headers},
        "body": response.body,
        "isBase64Encoded": False,
    }
    if response.cookies:
        answer["cookies"] = list(response.cookies)
    return answer


def _response(routes: Routes, event: Mapping[str, Any], before: Edge) -> Response:
    headers = headers_of(event)
    caller = caller_of(event, headers, before)
    if not before.admits(headers):
        refused = Event(EventType.REFUSED_REQUEST, caller, reason="did not come through the edge")
        LoggedEvents.of(os.environ).emit(refused)
        return AROUND_THE_EDGE
    if len(event.get("body") or "") > LARGEST_BODY:
        return TOO_LARGE
    headers.pop(edge.PROOF, None)  # it has done its work, and nobody needs to see it further on
    request = request_of(event, headers, caller, now_ms=time.time_ns() // 1_000_000)
    return routes[event["routeKey"]]()(request)


def _cookies(pairs: list[str]) -> dict[str, str]:
    """Return cookies by name; of two with one name the first, which has the narrower path (RFC 6265 §5.4)."""
    cookies: dict[str, str] = {}
    for pair in pairs:
        name, _, value = pair.strip().partition("=")
        cookies.setdefault(name, value)
    return cookies
