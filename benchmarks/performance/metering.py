"""A store between a contender and DynamoDB Local that counts the calls, and asks DynamoDB what each consumed.

It is at the network, where every contender looks the same, whatever library it calls with. DynamoDB Local does not
check signatures, so a request may be changed on its way.
"""

import http.client
import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Final
from urllib.parse import urlsplit

_READS: Final = frozenset({"BatchGetItem", "GetItem", "Query", "Scan"})
_PASSED_ON: Final = ("Authorization", "Content-Type", "X-Amz-Date", "X-Amz-Target", "X-Amz-Security-Token")


@dataclass(frozen=True, slots=True)
class Call:
    """One call: its action, such as `UpdateItem`, what was asked, and the capacity units that it consumed."""

    action: str
    document: dict[str, Any]
    units: float

    @property
    def writes(self) -> bool:
        """Whether its units are write units."""
        return self.action not in _READS


@contextmanager
def metered(endpoint: str) -> Iterator[tuple[str, list[Call]]]:
    """Yield the endpoint of a metered DynamoDB, and the list to which every call is added before it is answered."""
    calls: list[Call] = []

    class Handler(_Handler):
        upstream = endpoint
        seen = calls

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        server.daemon_threads = True
        thread = threading.Thread(target=server.serve_forever, name="metering", daemon=True)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_address[1]}", calls
        finally:
            server.shutdown()
            thread.join()


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True
    upstream: str
    seen: list[Call]

    def setup(self) -> None:
        """Open a connection to DynamoDB for this one."""
        super().setup()
        self.connection_upstream = http.client.HTTPConnection(urlsplit(self.upstream).netloc)

    def finish(self) -> None:
        """Close both."""
        self.connection_upstream.close()
        with suppress(OSError):
            super().finish()

    def do_POST(self) -> None:
        """Pass a call on, with the question what it consumed."""
        _, _, action = self.headers["X-Amz-Target"].partition(".")
        document = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        headers = {name: self.headers[name] for name in _PASSED_ON if name in self.headers}
        asked = json.dumps(document | {"ReturnConsumedCapacity": "TOTAL"})
        self.connection_upstream.request("POST", "/", asked, headers)
        response = self.connection_upstream.getresponse()
        body = response.read()
        self.seen.append(Call(action, document, _units(json.loads(body))))
        self.send_response(response.status)
        for name in ("Content-Type", "x-amz-crc32", "x-amzn-RequestId"):
            if name in response.headers:
                self.send_header(name, response.headers[name])
        self.send_header("Content-Length", str(len(body)))
        with suppress(OSError):  # who asked may have lost patience, and asks again
            self.end_headers()
            self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Say nothing."""


def _units(answer: dict[str, Any]) -> float:
    consumed = answer.get("ConsumedCapacity") or []
    return sum(float(one["CapacityUnits"]) for one in (consumed if isinstance(consumed, list) else [consumed]))
