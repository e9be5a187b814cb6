"""API Gateway's part on this machine: HTTP in, payload format 2.0 to the functions' own handlers, HTTP out."""

import base64
import contextlib
import errno
import importlib.util
import json
import logging
import secrets
import socket
import sys
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from datetime import UTC, datetime
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import parse_qsl, unquote

import waitress.server
import waitress.trigger
import waitress.wasyncore

from local import template
from local.template import Function, Template

if TYPE_CHECKING:
    from wsgiref.types import StartResponse, WSGIApplication, WSGIEnvironment

type Event = dict[str, Any]
type Handler = Callable[[Event, object], Any]

_THREADS: Final = 16
_LARGEST_HEADERS: Final = 10_240
_LARGEST_BODY: Final = 10 * 2**20
"""Bytes, as HTTP APIs have it."""

_TEXT: Final = ("text/", "application/json", "application/javascript", "application/xml")
"""Content types whose bodies an HTTP API passes on as they are. All others are base64, forms among them."""

_log = logging.getLogger(__name__)


class PortTaken(Exception):
    """Something listens on the port already."""


@dataclass(frozen=True, slots=True)
class Context:
    """What Lambda tells a function about its invocation."""

    function_name: str
    aws_request_id: str
    function_version: str = "$LATEST"
    memory_limit_in_mb: int = 1024

    @property
    def invoked_function_arn(self) -> str:
        """Return an ARN."""
        return f"arn:aws:lambda:local:000000000000:function:{self.function_name}"

    def get_remaining_time_in_millis(self) -> int:
        """Return the milliseconds until Lambda would end the invocation."""
        return 10_000


def handlers(document: Template) -> dict[str, tuple[str, Handler]]:
    """Return the name and the handler of the function behind each routeKey of the template.

    Raise what importing a function raises.
    """
    by_name = {function.name: function for function in template.functions(document).values()}
    routes = template.routes(document)
    loaded = {name: load(by_name[name]) for name in sorted(set(routes.values()))}
    return {route_key: (name, loaded[name]) for route_key, name in routes.items()}


def load(function: Function) -> Handler:
    """Return the handler of a function; each one's `app` is a module of its own."""
    module, _, attribute = function.handler.partition(".")
    name = f"functions.{function.name}.{module}"
    spec = importlib.util.spec_from_file_location(name, template.ROOT / function.folder / f"{module}.py")
    if spec is None or spec.loader is None:
        raise ImportError(f"{function.folder} has no {module}.py")
    sys.modules[name] = loaded = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(loaded)
    handler: Handler = getattr(loaded, attribute)
    return handler


FUNCTION: Final[ContextVar[str]] = ContextVar("function", default="")
"""The function that answers the request at hand: here they share a process, and its standard output."""


@dataclass(frozen=True, slots=True)
class Gateway:
    """The HTTP API as a WSGI application (PEP 3333)."""

    routes: Mapping[str, tuple[str, Handler]]

    def __call__(self, environ: "WSGIEnvironment", start_response: "StartResponse") -> Iterable[bytes]:
        """Answer one request by the function of its route."""
        event = self._routed(event_of(environ))
        route = self.routes.get(event["routeKey"])
        if route is None:
            result: Any = _message(HTTPStatus.NOT_FOUND)
        else:
            name, handler = route
            FUNCTION.set(name)
            try:
                result = handler(event, Context(name, secrets.token_hex(16)))
            except Exception:  # noqa: BLE001 - as Lambda does, whatever it is
                _log.exception("%s failed", name)
                result = _message(HTTPStatus.INTERNAL_SERVER_ERROR)
        status, headers, body = answer_of(result)
        headers.append(("apigw-requestid", event["requestContext"]["requestId"]))
        start_response(status, headers)
        return [body]

    def _routed(self, event: Event) -> Event:
        """Return the event with the greedy route that it takes, where none is called as the request is."""
        for route_key in () if event["routeKey"] in self.routes else self.routes:
            _, _, template_path = route_key.partition("ANY ")
            prefix, greedy, _ = template_path.partition("{proxy+}")
            rest = event["rawPath"].removeprefix(prefix)
            if greedy and rest and rest != event["rawPath"]:
                context = event["requestContext"] | {"routeKey": route_key}
                parameters = {"proxy": rest}
                return event | {"routeKey": route_key, "requestContext": context, "pathParameters": parameters}
        return event


def event_of(environ: "WSGIEnvironment") -> Event:
    """Return the event for a request, its routeKey being what a template would call its route."""
    encoded, _, query = environ["REQUEST_URI"].partition("?")
    # As HTTP APIs have it: all is decoded, but the percent sign itself.
    path = unquote(encoded.replace("%25", "%2525"))
    method, headers = environ["REQUEST_METHOD"], _headers(environ)
    cookies = headers.pop("cookie", None)
    now = time.time()
    event: Event = {
        "version": "2.0",
        "routeKey": f"{method} {encoded}",
        "rawPath": path,
        "rawQueryString": query,
        "headers": headers,
        "requestContext": {
            "accountId": "000000000000",
            "apiId": "local",
            "domainName": headers.get("host", ""),
            "domainPrefix": headers.get("host", "").partition(".")[0],
            "http": {
                "method": method,
                "path": path,
                "protocol": environ["SERVER_PROTOCOL"],
                "sourceIp": environ["REMOTE_ADDR"],
                "userAgent": headers.get("user-agent", ""),
            },
            "requestId": base64.b64encode(secrets.token_bytes(11)).decode(),
            "routeKey": f"{method} {encoded}",
            "stage": "$default",
            "time": datetime.fromtimestamp(now, UTC).strftime("%d/%b/%Y:%H:%M:%S %z"),
            "timeEpoch": int(now * 1000),
        },
        "isBase64Encoded": False,
    }
    if cookies is not None:
        event["cookies"] = [cookie.strip() for cookie in cookies.split(";")]
    if query:
        event["queryStringParameters"] = _joined(parse_qsl(query, keep_blank_values=True))
    if body := environ["wsgi.input"].read():
        event["body"], event["isBase64Encoded"] = _body(body, headers.get("content-type", ""))
    return event


def answer_of(result: Any) -> tuple[str, list[tuple[str, str]], bytes]:  # noqa: ANN401 - whatever a handler returns
    """Return status line, headers and body of what a handler returned.

    Without a `statusCode` the result itself is the body, as HTTP APIs have it.
    """
    if not isinstance(result, dict) or "statusCode" not in result:
        result = {
            "statusCode": HTTPStatus.OK,
            "body": json.dumps(result),
            "headers": {"content-type": "application/json"},
        }
    status = HTTPStatus(result["statusCode"])
    headers = [(name.lower(), str(value)) for name, value in result.get("headers", {}).items()]
    headers += [("set-cookie", cookie) for cookie in result.get("cookies", ())]
    body = result.get("body") or ""
    octets = base64.b64decode(body) if result.get("isBase64Encoded") else body.encode()
    if octets and not any(name == "content-type" for name, _ in headers):
        headers.append(("content-type", "text/plain; charset=UTF-8"))
    return f"{status.value} {status.phrase}", headers, octets


def listen(port: int) -> list[socket.socket]:
    """Listen on a port of the loopback addresses, 0 for any; raise `PortTaken`.

    Browsers try ::1 for localhost as well, where there is one.
    """
    listening = [_listen(socket.AF_INET, "127.0.0.1", port)]
    try:
        listening.append(_listen(socket.AF_INET6, "::1", listening[0].getsockname()[1]))
    except PortTaken:
        listening[0].close()
        raise
    except OSError:
        _log.debug("no IPv6 here")
    return listening


@contextmanager
def serving(application: "WSGIApplication", listening: list[socket.socket]) -> Iterator[str]:
    """Serve an application until the block ends; yield its URL."""
    logging.getLogger("waitress.queue").setLevel(logging.ERROR)  # a full house is no news
    channels: dict[int, Any] = {}
    server: Any = waitress.server.create_server(
        application,
        map=channels,
        sockets=listening,
        threads=_THREADS,
        ident=None,
        max_request_header_size=_LARGEST_HEADERS,
        max_request_body_size=_LARGEST_BODY,
        clear_untrusted_proxy_headers=False,  # an API hands on what callers write into X-Forwarded-…, too
    )
    loop = threading.Thread(target=server.run, name="http", daemon=True)
    loop.start()
    try:
        yield f"http://localhost:{listening[0].getsockname()[1]}/"
    finally:
        server.task_dispatcher.shutdown()
        # The loop owns its sockets: it is asked to close them, and ends when it has none left.
        trigger: Any = next(each for each in channels.values() if isinstance(each, waitress.trigger.trigger))
        asked = threading.Lock()

        def close() -> None:
            # The trigger is one of them, and may still be in use: the loop can be awake for another reason.
            with asked:
                waitress.wasyncore.close_all(channels)

        with asked:
            trigger.pull_trigger(close)
        loop.join()


def _headers(environ: "WSGIEnvironment") -> dict[str, str]:
    headers = {
        name.removeprefix("HTTP_").replace("_", "-").lower(): value
        for name, value in environ.items()
        if name.startswith("HTTP_")
    }
    for name in ("CONTENT_TYPE", "CONTENT_LENGTH"):
        if environ.get(name):
            headers[name.replace("_", "-").lower()] = environ[name]
    # WSGI has header values as Latin-1; an API passes on UTF-8.
    return {name: value.encode("latin-1").decode("utf-8", "replace") for name, value in headers.items()}


def _joined(pairs: Iterable[tuple[str, str]]) -> dict[str, str]:
    joined: dict[str, str] = {}
    for name, value in pairs:
        joined[name] = f"{joined[name]},{value}" if name in joined else value
    return joined


def _body(octets: bytes, content_type: str) -> tuple[str, bool]:
    if content_type.lower().startswith(_TEXT):
        with contextlib.suppress(UnicodeDecodeError):
            return octets.decode(), False
    return base64.b64encode(octets).decode(), True


def _message(status: HTTPStatus) -> dict[str, Any]:
    return {
        "statusCode": status,
        "headers": {"content-type": "application/json"},
        "body": json.dumps({"message": status.phrase}, separators=(",", ":")),
    }


def _listen(family: socket.AddressFamily, host: str, port: int) -> socket.socket:
    listener = socket.socket(family, socket.SOCK_STREAM)
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        if family is socket.AF_INET6:
            listener.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
        listener.bind((host, port))
        listener.listen(128)
    except OSError as error:
        listener.close()
        if error.errno == errno.EADDRINUSE:
            raise PortTaken(f"port {port} is taken") from None
        raise
    return listener
