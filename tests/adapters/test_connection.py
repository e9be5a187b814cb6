"""What comes on a connection is the answer to what was sent, or the connection is given up."""

import itertools
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from http.client import HTTPResponse

import pytest
from hypothesis import given
from hypothesis import strategies as st

from heirloom.adapters.connection import Answer, Connection, Unintelligible

WELL = b"HTTP/1.1 200 OK\r\nx-amzn-RequestId: 1\r\nContent-Length: 2\r\n\r\n{}"


@contextmanager
def pair() -> Iterator[tuple[Connection, socket.socket]]:
    """A connection, and the service's end of it."""
    ours, theirs = socket.socketpair()
    ours.settimeout(1)
    with ours, theirs:
        yield Connection(ours), theirs


def answered(sent: bytes, *, hang_up: bool = True) -> tuple[Answer, bool]:
    """What is heard of an answer, and whether the connection lasts."""
    with pair() as (connection, service):
        service.sendall(sent)
        if hang_up:
            service.shutdown(socket.SHUT_WR)
        answer = connection.exchange(b"request")
        assert service.recv(100) == b"request"
        return answer, connection.lasts


def test_an_answer_is_read() -> None:
    answer, lasts = answered(WELL, hang_up=False)

    assert answer == Answer(200, {"x-amzn-requestid": "1", "content-length": "2"}, b"{}")
    assert lasts


TOKEN = st.text("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-", min_size=1, max_size=12)
VALUE = st.text(st.characters(min_codepoint=0x21, max_codepoint=0x7E), max_size=20)
SPECIAL = {"content-length", "transfer-encoding", "connection"}


@st.composite
def responses(draw: st.DrawFn) -> bytes:
    """Answers as servers write them, with or without a length in advance."""
    status = draw(st.integers(200, 599).filter(lambda status: status not in {204, 304}))
    headers = draw(st.dictionaries(TOKEN.filter(lambda name: name.lower() not in SPECIAL), VALUE, max_size=6))
    body = draw(st.binary(max_size=200))
    lines = [f"HTTP/1.1 {status} {draw(VALUE)}", *(f"{name}: {value}" for name, value in headers.items())]
    if len({name.lower() for name in headers}) < len(headers):
        headers.clear()
        lines = lines[:1]
    if draw(st.booleans()):
        head = "\r\n".join([*lines, f"Content-Length: {len(body)}"])
        return head.encode() + b"\r\n\r\n" + body
    cuts = sorted({0, len(body), *draw(st.lists(st.integers(0, len(body)), max_size=4))})
    chunks = [body[begin:end] for begin, end in itertools.pairwise(cuts)]
    parts = b"".join(b"%x;extension=1\r\n%b\r\n" % (len(chunk), chunk) for chunk in chunks)
    trailer = draw(st.sampled_from((b"", b"x-trailer: 1\r\n")))
    return (
        "\r\n".join([*lines, "Transfer-Encoding: chunked"]).encode()
        + b"\r\n\r\n"
        + parts
        + b"0\r\n"
        + trailer
        + b"\r\n"
    )


@given(response=responses())
def test_what_is_read_is_what_the_standard_library_reads(response: bytes) -> None:
    ours, lasts = answered(response)
    reading, writing = socket.socketpair()
    with reading, writing:
        writing.sendall(response)
        writing.shutdown(socket.SHUT_WR)
        with HTTPResponse(reading, method="POST") as theirs:
            theirs.begin()
            content = theirs.read()
            assert (ours.status, ours.content) == (theirs.status, content)
            assert ours.headers == {name.lower(): value for name, value in theirs.getheaders()}
    assert lasts


@pytest.mark.parametrize("size", [1, 3, 7])
def test_an_answer_may_come_in_pieces(size: int) -> None:
    with pair() as (connection, service):

        def trickle() -> None:
            for begin in range(0, len(WELL), size):
                service.sendall(WELL[begin : begin + size])

        thread = threading.Thread(target=trickle)
        thread.start()
        assert connection.exchange(b"request").content == b"{}"
        thread.join()
        assert connection.lasts


def head(*lines: str, body: bytes = b"{}", first: str = "HTTP/1.1 200 OK") -> bytes:
    return "\r\n".join([first, *lines]).encode("latin-1") + b"\r\n\r\n" + body


UNINTELLIGIBLE = {
    "nothing": b"",
    "half a head": WELL[:30],
    "half a body": WELL[:-1],
    "no length": head("x: 1"),
    "no number": head("content-length: two"),
    "a signed number": head("content-length: +2"),
    "a negative number": head("content-length: -2"),
    "a number with an underscore": head("content-length: 0_2"),
    "a number of other digits": head("content-length: \xb2"),
    "an empty number": head("content-length:"),
    "two lengths": head("content-length: 2", "content-length: 1"),
    "a length and chunks": head("content-length: 2", "transfer-encoding: chunked", body=b"0\r\n\r\n"),
    "chunks in something": head("transfer-encoding: gzip, chunked", body=b"0\r\n\r\n"),
    "a chunk that is longer": head("transfer-encoding: chunked", body=b"1\r\n{}\r\n0\r\n\r\n"),
    "a chunk of a signed size": head("transfer-encoding: chunked", body=b"+2\r\n{}\r\n0\r\n\r\n"),
    "chunks without an end": head("transfer-encoding: chunked", body=b"2\r\n{}\r\n"),
    "a header without a colon": head("nonsense", "content-length: 2"),
    "a folded header": head("content-length: 2", " 1"),
    "a space before the colon": head("content-length : 2"),
    "another protocol": head("content-length: 2", first="HTTP/2 200 OK"),
    "no protocol": head("content-length: 2", first="200 OK"),
    "no status": head("content-length: 2", first="HTTP/1.1 OK"),
    "an endless head": head("x: " + "x" * 1_000_000, "content-length: 2"),
}


@pytest.mark.parametrize("sent", UNINTELLIGIBLE.values(), ids=UNINTELLIGIBLE.keys())
def test_what_is_no_answer_is_refused_and_the_connection_given_up(sent: bytes) -> None:
    with pair() as (connection, service):

        def send() -> None:
            with suppress(OSError):  # who has heard enough hangs up
                service.sendall(sent)
                service.shutdown(socket.SHUT_WR)

        thread = threading.Thread(target=send)
        thread.start()
        with pytest.raises(Unintelligible):
            connection.exchange(b"request")
        assert not connection.lasts
        connection.close()
        thread.join()


@pytest.mark.parametrize(
    "sent",
    [
        WELL + b"HTTP/1.1 200 OK",
        head("content-length: 2", "connection: close"),
        head("content-length: 2", "Connection: Close"),
        head("content-length: 2", first="HTTP/1.0 200 OK"),
    ],
    ids=["more than one answer", "an end", "an end in capitals", "an old protocol"],
)
def test_after_an_answer_that_need_not_be_the_last_word_the_connection_is_given_up(sent: bytes) -> None:
    """What was sent unasked would else be the answer to the next request, which may be somebody else's."""
    answer, lasts = answered(sent)

    assert answer.content == b"{}"
    assert not lasts


def test_what_comes_unasked_is_noticed_before_the_next_request() -> None:
    with pair() as (connection, service):
        service.sendall(WELL)
        connection.exchange(b"request")
        assert connection.is_silent()

        service.sendall(b"x")

        assert not connection.is_silent()


def test_who_waits_longer_than_a_part_may_take_gives_up() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        host, port = listener.getsockname()
        connection = Connection.opened(host, port, None, connect_timeout=60, read_timeout=0.05)
        service, _ = listener.accept()
        with service:
            service.sendall(WELL[:-1])
            rest = threading.Timer(5, service.sendall, (WELL[-1:],))
            rest.start()
            with pytest.raises(TimeoutError):
                connection.exchange(b"request")
            rest.cancel()
            assert not connection.lasts
            connection.close()


def test_two_requests_have_each_their_answer() -> None:
    with pair() as (connection, service):
        for number in range(3):
            body = str(number).encode()
            service.sendall(head("content-length: 1", body=body))
            assert connection.exchange(b"request").content == body
            assert connection.lasts
