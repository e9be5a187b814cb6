"""API Gateway events in, answers out (HTTP API, payload format 2.0)."""

import base64
import time
from collections.abc import Callable, Mapping
from typing import Any

from aws_lambda_powertools import Logger

from heirloom import http
from heirloom.domain.errors import Fault
from heirloom.domain.events import Caller
from heirloom.http import Request, Response

type Endpoint = Callable[[Request], Response]
type Routes = Mapping[str, Callable[[], Endpoint]]
"""Route key to what makes its endpoint, when it is first asked for: importing a function needs no environment."""

logger = Logger()

SERVER_ERROR = Response(500, "Something went wrong.", {"content-type": "text/plain; charset=utf-8", **http.NO_STORE})


def serve(routes: Routes, event: Mapping[str, Any]) -> dict[str, Any]:
    """Answer *event* by the endpoint of its route.

    The last resort is here: a fault is answered 503, a mistake of ours 500, both without a word about the cause.
    """
    try:
        response = routes[event["routeKey"]]()(request_of(event, now_ms=time.time_ns() // 1_000_000))
    except Fault:
        logger.exception("fault")
        response = http.unavailable()
    except Exception:
        logger.exception("mistake")
        response = SERVER_ERROR
    return answer_of(response)


def request_of(event: Mapping[str, Any], *, now_ms: int) -> Request:
    """Return the request that an event holds, received at *now_ms* (epoch milliseconds)."""
    context = event["requestContext"]
    headers = {name.lower(): value for name, value in event.get("headers", {}).items()}
    body = event.get("body") or ""
    cookies = event.get("cookies") or headers.get("cookie", "").split(";")
    return Request(
        method=context["http"]["method"],
        path=context["http"]["path"],
        caller=Caller(
            address=context["http"].get("sourceIp", ""),
            user_agent=headers.get("user-agent", ""),
            request_id=context.get("requestId", ""),
        ),
        now_ms=now_ms,
        headers=headers,
        cookies=_cookies(cookies),
        query=event.get("rawQueryString", ""),
        body=base64.b64decode(body) if event.get("isBase64Encoded") else body.encode("utf-8", "surrogatepass"),
    )


def answer_of(response: Response) -> dict[str, Any]:
    """Return what the API sends for *response*."""
    answer: dict[str, Any] = {
        "statusCode": response.status,
        "headers": dict(response.headers),
        "body": response.body,
        "isBase64Encoded": False,
    }
    if response.cookies:
        answer["cookies"] = list(response.cookies)
    return answer


def _cookies(pairs: list[str]) -> dict[str, str]:
    """Return cookies by name; of two with one name the first, which has the narrower path (RFC 6265 §5.4)."""
    cookies: dict[str, str] = {}
    for pair in pairs:
        name, _, value = pair.strip().partition("=")
        cookies.setdefault(name, value)
    return cookies
