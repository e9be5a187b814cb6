"""The service behind HTTP, as the local gateway speaks it: for attacks that HTTP or a browser makes possible."""

import re
import socket
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

from heirloom.adapters import web
from heirloom.http import Request, Response
from local import gateway
from local.gateway import Gateway
from tests.service import Service

TIMEOUT = 10
"""Seconds; every answer here comes at once."""


@dataclass(frozen=True, slots=True)
class Answer:
    """One answer as it came over the wire. Header names are in lower case; of one name the values stand in a list."""

    status: int
    headers: dict[str, list[str]]
    body: bytes

    def header(self, name: str) -> str:
        """The one value of a header."""
        (value,) = self.headers[name]
        return value


@dataclass(frozen=True, slots=True)
class Wire:
    """Where the service listens on this machine."""

    port: int

    def send(self, octets: bytes) -> list[Answer]:
        """Send exactly these octets, close our half, and return what came back until the other half was closed."""
        with socket.create_connection(("127.0.0.1", self.port), timeout=TIMEOUT) as connection:
            connection.sendall(octets)
            connection.shutdown(socket.SHUT_WR)
            received = b""
            while chunk := connection.recv(65536):
                received += chunk
        return list(_answers(received))

    def ask(self, method: str, target: str, *headers: tuple[str, str], body: bytes = b"") -> Answer:
        """Send one request with exactly these headers, in this order, however often one is repeated."""
        lines = [f"{method} {target} HTTP/1.1", *(f"{name}: {value}" for name, value in headers)]
        if not any(name.lower() == "host" for name, _ in headers):
            lines.append("Host: login.example")
        lines += [f"Content-Length: {len(body)}"] if body else []
        (answer,) = self.send("\r\n".join([*lines, "Connection: close", "", ""]).encode() + body)
        return answer

    def post(self, target: str, form: Mapping[str, str], *headers: tuple[str, str]) -> Answer:
        """Send a form."""
        kind = ("Content-Type", "application/x-www-form-urlencoded")
        return self.ask("POST", target, kind, *headers, body=urlencode(form).encode())


ADDRESSES = (
    "x-forwarded-for", "x-real-ip", "x-client-ip", "true-client-ip", "cf-connecting-ip", "fastly-client-ip",
    "x-cluster-client-ip", "x-originating-ip", "x-remote-addr", "forwarded", "client-ip", "via",
    "cloudfront-viewer-address", "x-origin-verify", "x-azure-clientip", "x-amzn-source-ip",
)  # fmt: skip
"""Headers in which some proxy writes whom it had the request from."""


def caller_named(address: str) -> list[tuple[str, str]]:
    """Headers that say a request is from *address*."""
    return [(name, address) for name in ADDRESSES]


def application(service: Service) -> Gateway:
    """The gateway before the endpoints of a test's service, whose requests go into its transcript like any others."""

    def recorded(endpoint: Any) -> web.Endpoint:
        def answer(request: Request) -> Response:
            response: Response = endpoint(request)
            service.transcript.append((request, response))
            return response

        return answer

    routes: web.Routes = {
        f"{method} {path}": lambda endpoint=endpoint: recorded(endpoint)  # type: ignore[misc] # bound now
        for (method, path), endpoint in service.routes.items()
    }
    return Gateway(dict.fromkeys(routes, ("service", lambda event, _: web.serve(routes, event, None))))


@contextmanager
def serving(service: Service) -> Iterator[Wire]:
    """Serve on a port of the loopback address until the block ends."""
    sockets = gateway.listen(0)
    with gateway.serving(application(service), sockets):
        yield Wire(sockets[0].getsockname()[1])


def _answers(received: bytes) -> Iterator[Answer]:
    while received:
        head, _, rest = received.partition(b"\r\n\r\n")
        status, *lines = head.decode("latin-1").split("\r\n")
        match = re.match(r"HTTP/1\.[01] (\d{3})", status)
        assert match, received
        headers: dict[str, list[str]] = {}
        for line in lines:
            name, _, value = line.partition(":")
            headers.setdefault(name.lower(), []).append(value.strip())
        length = int(headers.get("content-length", [str(len(rest))])[0])
        yield Answer(int(match[1]), headers, rest[:length])
        received = rest[length:]
