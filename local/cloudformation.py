"""The address at which CloudFormation waits for what a custom resource answers."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from threading import Thread
from typing import Any


class CloudFormation(HTTPServer):
    """Takes answers at `url`; `heard` are their documents, and `status` is what it says to them."""

    def __init__(self) -> None:
        """Take a free port of this machine."""
        super().__init__(("127.0.0.1", 0), _Hears)
        self.status = 200
        self.heard: list[dict[str, Any]] = []
        self.content_types: list[str | None] = []

    @property
    def url(self) -> str:
        """The address, with a query as S3 signs it."""
        return f"http://127.0.0.1:{self.server_port}/answer?X-Amz-Signature=sample"


@contextmanager
def listening() -> Iterator[CloudFormation]:
    """Listen until the block ends."""
    with CloudFormation() as server:
        thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        try:
            yield server
        finally:
            server.shutdown()
            thread.join()


class _Hears(BaseHTTPRequestHandler):
    server: CloudFormation

    def do_PUT(self) -> None:
        self.server.heard.append(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
        self.server.content_types.append(self.headers["Content-Type"])
        self.send_response(self.server.status)
        self.send_header("Location", "/elsewhere")
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *_: object) -> None:
        """Say nothing."""
