"""A proxy before DynamoDB that counts what it is asked for, and the capacity units that this consumes."""

import http.client
import json
from collections import Counter
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from urllib.parse import urlsplit

_HOP_BY_HOP = frozenset({"connection", "content-length", "date", "server", "transfer-encoding"})

_READS = frozenset({"BatchGetItem", "GetItem", "Query", "Scan"})


@dataclass
class Meter:
    """What was counted since it was last cleared."""

    upstream: str
    calls: Counter[str] = field(default_factory=Counter)
    """By operation, such as `UpdateItem`."""
    write_units: float = 0
    read_units: float = 0
    allowed: int | None = None
    """Calls that are answered yet; then none is any more, as for a function whose time is up."""

    @contextmanager
    def counting(self) -> Iterator["Meter"]:
        """Count what happens meanwhile."""
        self.calls, self.write_units, self.read_units = Counter(), 0, 0
        yield self

    def forward(self, handler: BaseHTTPRequestHandler) -> None:
        """Ask for the units too, pass the request on, and send the answer back as it came."""
        request = json.loads(handler.rfile.read(int(handler.headers["content-length"])))
        if self.allowed is not None:
            if self.allowed == 0:
                handler.close_connection = True
                return
            self.allowed -= 1
        request["ReturnConsumedCapacity"] = "TOTAL"
        headers = {name: value for name, value in handler.headers.items() if name.lower() not in _HOP_BY_HOP}
        address = urlsplit(self.upstream)
        with closing(http.client.HTTPConnection(address.hostname or "", address.port, timeout=60)) as connection:
            connection.request("POST", "/", json.dumps(request).encode(), headers)
            answer = connection.getresponse()
            body = answer.read()
        operation = handler.headers["x-amz-target"].partition(".")[2]
        self.calls[operation] += 1
        consumed = json.loads(body).get("ConsumedCapacity", [])
        units = sum(each["CapacityUnits"] for each in (consumed if isinstance(consumed, list) else [consumed]))
        if operation in _READS:
            self.read_units += units
        else:
            self.write_units += units or 1  # a condition that failed costs what the write would have
        kept = {name: value for name, value in answer.getheaders() if name.lower() not in _HOP_BY_HOP}
        lines = [f"HTTP/1.1 {answer.status} {answer.reason}", *(f"{name}: {it}" for name, it in kept.items())]
        head = "\r\n".join([*lines, f"content-length: {len(body)}", "", ""]).encode()
        handler.wfile.write(head + body)


@contextmanager
def before(upstream: str) -> Iterator[tuple[Meter, str]]:
    """Run one on loopback; yield it and its URL."""
    meter = Meter(upstream)

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        disable_nagle_algorithm = True

        def do_POST(self) -> None:
            meter.forward(self)

        def log_message(self, *_: object) -> None:
            pass

    class Server(ThreadingHTTPServer):
        daemon_threads = True
        block_on_close = False

    with Server(("127.0.0.1", 0), Handler) as server:
        thread = Thread(target=server.serve_forever, name="meter", args=(0.05,))
        thread.start()
        try:
            yield meter, f"http://127.0.0.1:{server.server_address[1]}"
        finally:
            server.shutdown()
            thread.join()
