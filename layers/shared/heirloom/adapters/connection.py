"""A connection to a service of AWS: HTTP/1.1 (RFC 9112), as far as one POST after the other needs it.

The standard library's client parses the head of an answer as an e-mail, which takes a sixth of the time of a refresh.
Here is the little of it that AWS's services use. Whatever else comes is refused, and the connection with it: what was
read wrongly must not become the answer to somebody else's request.
"""

import select
import socket
from collections.abc import Iterator
from ssl import SSLContext
from typing import Final, NamedTuple, Self

_LARGEST_HEAD: Final = 64 * 1024
_MOST_AT_ONCE: Final = 64 * 1024


class Unintelligible(Exception):
    """What came is no answer, or no whole one."""


class Answer(NamedTuple):
    """An answer. Names of headers are in lower case."""

    status: int
    headers: dict[str, str]
    content: bytes


class Connection:
    """An open connection, on which nothing but requests and their answers passes, one after the other."""

    __slots__ = ("_arrival", "_received", "_socket", "lasts")

    def __init__(self, connected: socket.socket) -> None:
        self._socket = connected
        self._received = bytearray()
        self._arrival = select.poll()
        self._arrival.register(connected, select.POLLIN)
        self.lasts = False
        """Whether a next request may be sent: the last answer was whole, and said nothing to the contrary."""

    @classmethod
    def opened(
        cls, host: str, port: int, tls: SSLContext | None, *, connect_timeout: float, read_timeout: float
    ) -> Self:
        """Connect; raise `OSError`. With *tls* the service proves that it is *host*.

        Seconds, of which the first ones are for each step to the connection and the others for each part of an answer.
        """
        connected = socket.create_connection((host, port), connect_timeout)
        try:
            connected.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            connected.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
            if tls is not None:
                connected = tls.wrap_socket(connected, server_hostname=host)
            connected.settimeout(read_timeout)
            return cls(connected)
        except BaseException:
            connected.close()
            raise

    def exchange(self, request: bytes) -> Answer:
        """Return the answer to *request*; raise `OSError`, or `Unintelligible`."""
        self.lasts = False
        self._socket.sendall(request)
        version, status, headers = _head(self._until(b"\r\n\r\n"))
        if "transfer-encoding" in headers:
            if headers["transfer-encoding"].lower() != "chunked" or "content-length" in headers:
                raise Unintelligible("a body of unknown length")
            content = b"".join(self._chunks())
        else:
            content = self._exactly(_number(headers.get("content-length", ""), "0123456789", 10))
        self.lasts = version == "HTTP/1.1" and headers.get("connection", "").lower() != "close" and not self._received
        return Answer(status, headers, content)

    def is_silent(self) -> bool:
        """Tell whether nothing has come since the last answer: else the service has hung up, or speaks unasked."""
        return not self._arrival.poll(0)

    def close(self) -> None:
        """Hang up."""
        self._socket.close()

    def _chunks(self) -> Iterator[bytes]:
        """Yield the parts of a body of which nobody knew the length when it began (RFC 9112 §7.1)."""
        while size := _number(self._until(b"\r\n").partition(b";")[0].decode("latin-1"), "0123456789abcdefABCDEF", 16):
            yield self._exactly(size)
            if self._exactly(2) != b"\r\n":
                raise Unintelligible("a chunk of another length")
        while self._until(b"\r\n"):
            pass  # trailers

    def _until(self, mark: bytes) -> bytes:
        """Return what comes before *mark*, and pass over that."""
        while (end := self._received.find(mark)) < 0:
            if len(self._received) > _LARGEST_HEAD:
                raise Unintelligible("an endless head")
            self._receive()
        found = bytes(self._received[:end])
        del self._received[: end + len(mark)]
        return found

    def _exactly(self, size: int) -> bytes:
        while len(self._received) < size:
            self._receive()
        found = bytes(self._received[:size])
        del self._received[:size]
        return found

    def _receive(self) -> None:
        received = self._socket.recv(_MOST_AT_ONCE)
        if not received:
            raise Unintelligible("the connection ended")
        self._received += received


def _head(octets: bytes) -> tuple[str, int, dict[str, str]]:
    """Return version, status and headers; of two with one name there is no telling which one counts."""
    first, *lines = octets.decode("latin-1").split("\r\n")
    version, _, rest = first.partition(" ")
    headers: dict[str, str] = {}
    for line in lines:
        name, colon, value = line.partition(":")
        if not colon or name != name.strip() or headers.setdefault(name.lower(), value.strip()) != value.strip():
            raise Unintelligible("a malformed header")
    if version not in {"HTTP/1.1", "HTTP/1.0"}:
        raise Unintelligible("no HTTP")
    return version, _number(rest[:3], "0123456789", 10), headers


def _number(text: str, digits: str, base: int) -> int:
    """Return a number that is written in *digits* alone: `int` takes signs, spaces and underscores as well."""
    if not text or text.strip(digits):
        raise Unintelligible("a malformed number")
    return int(text, base)
