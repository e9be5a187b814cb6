"""A source of advisories on this machine: answers OSV's query and npm's bulk request as a test says."""

import gzip
import json
import threading
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

ADVISORY = "GHSA-aaaa-bbbb-cccc"


@contextmanager
def advisories(vulnerable: Collection[str], *, status: int = HTTPStatus.OK) -> Iterator[tuple[str, list[str]]]:
    """Yield the URL, and the names that were asked about so far. Of a vulnerable package every version is."""
    asked: list[str] = []

    class Source(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            if self.headers.get("Content-Encoding") == "gzip":
                body = gzip.decompress(body)
            question = json.loads(body)
            names = [question["package"]["name"]] if self.path == "/v1/query" else sorted(question)
            asked.extend(names)
            found = [name for name in names if name in vulnerable]
            self.answer({"vulns": list(map(_of_osv, found))} if self.path == "/v1/query" and found else _of_npm(found))

        def do_GET(self) -> None:
            """Answer what npm asks about a package that it was warned of: its versions."""
            name = self.path.strip("/")
            self.answer({"name": name, "versions": {}, "dist-tags": {}})

        def answer(self, document: dict[str, Any]) -> None:
            body = json.dumps(document).encode()
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            """Keep quiet."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Source) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}", asked
        finally:
            server.shutdown()
            thread.join()


def _of_osv(name: str) -> dict[str, Any]:
    ranges = [{"type": "ECOSYSTEM", "events": [{"introduced": "0"}, {"fixed": "999.1"}]}]
    affected = [{"package": {"name": name, "ecosystem": "PyPI"}, "ranges": ranges}]
    return {"id": ADVISORY, "aliases": ["CVE-2026-1"], "summary": "anybody may do anything", "affected": affected}


def _of_npm(names: Collection[str]) -> dict[str, Any]:
    return {
        name: [
            {
                "id": 1,
                "url": f"https://github.com/advisories/{ADVISORY}",
                "title": "anybody may do anything",
                "severity": "high",
                "vulnerable_versions": ">=0.0.0",
            }
        ]
        for name in names
    }
