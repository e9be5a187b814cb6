"""An application's end of the back channel: a real HTTP server on loopback."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from ssl import SSLContext
from urllib.parse import parse_qs


@dataclass
class Receiver:
    """What an application was sent, and what it answers."""

    url: str = ""
    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)
    silent: bool = False
    """Whether it takes the request and says nothing."""
    received: list[tuple[str, dict[str, list[str]], dict[str, str]]] = field(default_factory=list)
    """Path, form and headers of each request."""
    arrived: threading.Semaphore = field(default_factory=lambda: threading.Semaphore(0))

    @property
    def tokens(self) -> list[str]:
        """The logout tokens that came."""
        return [form["logout_token"][0] for _, form, _ in self.received]


@contextmanager
def receiver(tls: SSLContext | None = None) -> Iterator[Receiver]:
    """Run one until the block ends."""
    state, ended = Receiver(), threading.Event()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["content-length"])).decode()
            headers = {name.lower(): value for name, value in self.headers.items()}
            state.received.append((self.path, parse_qs(body), headers))
            state.arrived.release()
            if state.silent:
                ended.wait(30)
                return
            self.send_response(state.status)
            for name, value in state.headers.items():
                self.send_header(name, value)
            self.send_header("content-length", "0")
            self.end_headers()

        def log_message(self, *_: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        server.daemon_threads = True
        if tls is not None:
            server.socket = tls.wrap_socket(server.socket, server_side=True)
        scheme = "https" if tls else "http"
        state.url = f"{scheme}://localhost:{server.server_address[1]}/logged-out"
        thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
        thread.start()
        yield state
        ended.set()
        server.shutdown()
        thread.join()
