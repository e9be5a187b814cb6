"""A proxy before AWS that a test makes unreliable: it loses, delays and garbles requests and answers.

Whether a request meets a fault, and which one, is drawn from a seed: the same requests fare the same in every run.
"""

import http.client
import json
import socket
import struct
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from random import Random
from threading import Lock, Thread
from typing import Final, Self
from urllib.parse import urlsplit

HTML: Final = b"<html><body><h1>Service Unavailable</h1></body></html>"
_HOP_BY_HOP: Final = frozenset({"connection", "transfer-encoding", "date", "server"})


@dataclass(frozen=True, slots=True)
class Answer:
    """What the proxy sends, if it sends one."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    @classmethod
    def of(cls, status: int, body: bytes, content_type: str) -> Self:
        """An answer that is no service's: it has no request id."""
        return cls(status, {"content-type": content_type, "content-length": str(len(body))}, body)

    @classmethod
    def error(cls, status: int, code: str) -> Self:
        """An error as AWS words it."""
        body = json.dumps({"__type": f"com.amazonaws.dynamodb.v20120810#{code}", "message": "secret detail"}).encode()
        answer = cls.of(status, body, "application/x-amz-json-1.0")
        return cls(status, {**answer.headers, "x-amzn-requestid": "of-the-proxy"}, body)

    def with_body(self, body: bytes, **headers: str) -> "Answer":
        """The same with another body, whose length is told truly."""
        more = {name.replace("_", "-"): value for name, value in headers.items()}
        return Answer(self.status, {**self.headers, "content-length": str(len(body)), **more}, body)


class Exchange:
    """One request of which the proxy has heard, and the ways in which it can end."""

    def __init__(self, handler: BaseHTTPRequestHandler, upstream: str, patience: float) -> None:
        self.handler, self._upstream, self.patience = handler, upstream, patience
        """Seconds for which the caller waits for a byte."""
        self._body = handler.rfile.read(int(handler.headers.get("content-length", 0)))

    def forwarded(self) -> Answer:
        """Ask the service, and return its answer: from here on, what was asked for is done."""
        address = urlsplit(self._upstream)
        with closing(http.client.HTTPConnection(address.hostname or "", address.port, timeout=60)) as connection:
            connection.request(self.handler.command, self.handler.path, self._body, dict(self.handler.headers))
            answer = connection.getresponse()
            headers = {name.lower(): value for name, value in answer.getheaders()}
            kept = {name: value for name, value in headers.items() if name not in _HOP_BY_HOP}
            body = answer.read()
            return Answer(answer.status, {**kept, "content-length": str(len(body))}, body)  # long ones came in chunks

    def send(self, answer: Answer, *, upto: int | None = None) -> None:
        """Send an answer, or so many bytes of its body."""
        self.handler.wfile.write(self._head(answer) + answer.body[:upto])

    def drip(self, answer: Answer) -> None:
        """Send an answer byte by byte, always in time for the next one."""
        for octet in self._head(answer) + answer.body:
            self.handler.wfile.write(bytes([octet]))
            time.sleep(self.patience / 3)

    def close(self) -> None:
        """Say nothing more, and close the connection."""
        self.handler.close_connection = True

    def reset(self) -> None:
        """Tear the connection down (TCP RST)."""
        self.handler.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.close()

    def silence(self) -> None:
        """Say nothing until the caller has given up."""
        time.sleep(self.patience * 1.5)
        self.close()

    def _head(self, answer: Answer) -> bytes:
        lines = [f"HTTP/1.1 {answer.status} {http.client.responses[answer.status]}"]
        lines += [f"{name}: {value}" for name, value in answer.headers.items()]
        return "\r\n".join([*lines, "", ""]).encode()


type Fault = Callable[[Exchange], None]


def _answer_before(answer: Answer) -> Fault:
    return lambda exchange: exchange.send(answer)


def _answer_after(answer: Answer) -> Fault:
    def fault(exchange: Exchange) -> None:
        exchange.forwarded()
        exchange.send(answer)

    return fault


def _after(ends: Fault) -> Fault:
    def fault(exchange: Exchange) -> None:
        exchange.forwarded()
        ends(exchange)

    return fault


def _garbled(garble: Callable[[Answer], Answer]) -> Fault:
    return lambda exchange: exchange.send(garble(exchange.forwarded()))


def _breaks_off(ends: Fault) -> Fault:
    def fault(exchange: Exchange) -> None:
        answer = exchange.forwarded()
        exchange.send(answer, upto=len(answer.body) // 2)
        ends(exchange)

    return fault


def _without_checksum(answer: Answer) -> Answer:
    half = answer.with_body(answer.body[: len(answer.body) // 2])
    return Answer(half.status, {name: text for name, text in half.headers.items() if "crc" not in name}, half.body)


def _delayed(exchange: Exchange) -> None:
    answer = exchange.forwarded()
    time.sleep(exchange.patience / 2)
    exchange.send(answer)


def _longer(exchange: Exchange) -> None:
    answer = exchange.forwarded()
    exchange.send(answer.with_body(answer.body, content_length=str(len(answer.body) + 64)))
    exchange.close()


def _shorter(exchange: Exchange) -> None:
    answer = exchange.forwarded()
    exchange.send(answer.with_body(answer.body, content_length=str(len(answer.body) // 2)))


def _dripped(exchange: Exchange) -> None:
    exchange.drip(exchange.forwarded())


FAULTS: Final[Mapping[str, Fault]] = {
    # Nothing was done.
    "throttled": _answer_before(Answer.error(400, "ThrottlingException")),
    "table throttled": _answer_before(Answer.error(400, "ProvisionedThroughputExceededException")),
    "500 before": _answer_before(Answer.error(500, "InternalServerError")),
    "503 in HTML": _answer_before(Answer.of(503, HTML, "text/html")),
    "413": _answer_before(Answer.of(413, HTML, "text/html")),
    "301": _answer_before(Answer.of(301, HTML, "text/html")),
    "dropped before": Exchange.close,
    "reset before": Exchange.reset,
    "silence before": Exchange.silence,
    # All of it was done, and the answer got lost.
    "500 after": _answer_after(Answer.error(500, "InternalServerError")),
    "dropped after": _after(Exchange.close),
    "reset after": _after(Exchange.reset),
    "silence after": _after(Exchange.silence),
    # All of it was done, and the answer is garbage.
    "200 in HTML": _answer_after(Answer.of(200, HTML, "text/html")),
    "200, empty": _answer_after(Answer.of(200, b"", "application/x-amz-json-1.0")),
    "200, an empty object": _answer_after(Answer.of(200, b"{}", "application/x-amz-json-1.0")),
    "200, a list": _garbled(lambda answer: answer.with_body(b"[]")),
    "200, no UTF-8": _garbled(lambda answer: answer.with_body(b'{"Item": "\xff"}')),
    "truncated": _garbled(_without_checksum),
    "truncated object": _garbled(lambda answer: answer.with_body(b"{}")),
    "wrong checksum": _garbled(lambda answer: answer.with_body(answer.body, x_amz_crc32="1")),
    "half, then closed": _breaks_off(Exchange.close),
    "half, then reset": _breaks_off(Exchange.reset),
    "length too long": _longer,
    "length too short": _shorter,
    # All of it is done, sooner or later.
    "delayed": _delayed,
    "dripped": _dripped,
}

SLOW: Final = ("silence before", "silence after", "delayed", "dripped")
MOSTLY_QUICK: Final = (*(kind for kind in FAULTS if kind not in SLOW for _ in range(4)), *SLOW[:-1])
"""What is drawn from where time is short: waiting shows nothing new after the first few times."""


@dataclass
class Proxy:
    """Faults, by name and at a rate, before a service; nothing happens to a request at rate 0."""

    upstream: str
    random: Random
    patience: float
    rate: float = 0
    kinds: tuple[str, ...] = tuple(FAULTS)
    injected: Counter[str] = field(default_factory=Counter)
    calls: int = 0
    repeated: int = 0
    """Calls that the SDK made again."""
    script: list[str | None] = field(default_factory=list)
    """What the next requests meet, before chance has a say."""
    _lock: Lock = field(default_factory=Lock)

    def serve(self, handler: BaseHTTPRequestHandler) -> None:
        """Pass a request on, or let it meet a fault."""
        exchange = Exchange(handler, self.upstream, self.patience)
        kind = self._next(handler.headers.get("amz-sdk-request", ""))
        with suppress(ConnectionError):  # whoever asked may have gone
            if kind is None:
                exchange.send(exchange.forwarded())
            else:
                FAULTS[kind](exchange)

    def _next(self, attempt: str) -> str | None:
        with self._lock:
            self.calls += 1
            self.repeated += not attempt.startswith("attempt=1")
            if self.script:
                kind = self.script.pop(0)
            else:
                kind = self.random.choice(self.kinds) if self.random.random() < self.rate else None
            if kind is not None:
                self.injected[kind] += 1
            return kind


@contextmanager
def before(upstream: str, random: Random, *, patience: float) -> Iterator[tuple[Proxy, str]]:
    """Run a proxy on loopback; yield it and its URL. Callers wait *patience* seconds for a byte."""
    proxy = Proxy(upstream, random, patience)

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        disable_nagle_algorithm = True

        def do_POST(self) -> None:
            proxy.serve(self)

        def log_message(self, *_: object) -> None:
            pass

    class Server(ThreadingHTTPServer):
        daemon_threads = True
        block_on_close = False

        def handle_error(self, *_: object) -> None:
            """Say nothing of a caller that has gone."""

    with Server(("127.0.0.1", 0), Handler) as server:
        thread = Thread(target=server.serve_forever, name="proxy", args=(0.05,))
        thread.start()
        try:
            yield proxy, f"http://127.0.0.1:{server.server_address[1]}"
        finally:
            server.shutdown()
            thread.join()
