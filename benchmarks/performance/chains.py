"""Refreshes over HTTP: chains that hand one token on, one after another or several at a time."""

import http.client
import json
import select
import socket
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Final
from urllib.parse import urlencode, urlsplit

_CLIENT: Final = "notes-spa"
_DOTS: Final = 2
_ATTEMPTS: Final = 3


@dataclass(slots=True)
class Chain:
    """One application: its connection, which is kept alive, and its refresh token."""

    url: str
    token: str
    connection: http.client.HTTPConnection = field(init=False)

    def __post_init__(self) -> None:
        """Prepare the connection."""
        self.connection = http.client.HTTPConnection(urlsplit(self.url).netloc)

    def refresh(self) -> None:
        """Exchange the token for the next one and a JWT; raise `RuntimeError` for anything else.

        Who hears 503 tries again, and what that takes counts.
        """
        form = {"grant_type": "refresh_token", "client_id": _CLIENT, "refresh_token": self.token}
        status, body = self._post(form)
        for _ in range(_ATTEMPTS - 1):
            if status == http.HTTPStatus.SERVICE_UNAVAILABLE:
                status, body = self._post(form)
        if status != http.HTTPStatus.OK:
            raise RuntimeError(f"{self.url}: {status} {body.decode(errors='replace')}")
        answer = json.loads(body)
        if answer["refresh_token"] == self.token or answer["access_token"].count(".") != _DOTS:
            raise RuntimeError(f"{self.url} does not rotate, or makes no JWT")
        self.token = answer["refresh_token"]

    def _post(self, form: Mapping[str, str]) -> tuple[int, bytes]:
        """Send a form in one piece, as clients do: `http.client` would send its head first."""
        address, body = urlsplit(self.url), urlencode(form).encode()
        head = (
            f"POST {address.path} HTTP/1.1\r\nHost: {address.netloc}\r\nContent-Length: {len(body)}\r\n"
            "Content-Type: application/x-www-form-urlencoded\r\n\r\n"
        )
        if self.connection.sock is not None and _has_hung_up(self.connection.sock):
            self.connection.close()  # while others had their turn: Node's servers wait five seconds
        if self.connection.sock is None:
            self.connection.connect()
        self.connection.send(head.encode() + body)
        with http.client.HTTPResponse(self.connection.sock, method="POST") as response:
            response.begin()
            return response.status, response.read()


def _has_hung_up(connection: socket.socket) -> bool:
    """Tell whether something is to be read, though nothing was asked."""
    waiting = select.poll()
    waiting.register(connection, select.POLLIN)
    return bool(waiting.poll(0))


def one_after_another(chain: Chain, times: int) -> list[float]:
    """Return the milliseconds of each of so many exchanges of one chain."""
    took = []
    for _ in range(times):
        began = time.perf_counter()
        chain.refresh()
        took.append((time.perf_counter() - began) * 1000)
    return took


def as_fast_as_they_can(chains: list[Chain], seconds: float) -> float:
    """Return the exchanges per second of all chains in parallel, each beginning the next one when one is done."""
    counts = [0] * len(chains)
    end = time.perf_counter() + seconds

    def work(number: int) -> None:
        while time.perf_counter() < end:
            chains[number].refresh()
            counts[number] += 1

    began = time.perf_counter()
    _in_parallel(work, len(chains))
    return sum(counts) / (time.perf_counter() - began)


def at_a_rate(chains: list[Chain], seconds: float, rate: float) -> list[float]:
    """Return the milliseconds of exchanges that begin at a constant *rate* per second, evenly over all chains.

    Each is measured from when it was due: a slow answer counts for those that had to wait behind it as well.
    """
    took: list[list[float]] = [[] for _ in chains]
    began = time.perf_counter()

    def work(number: int) -> None:
        due = began + number / rate
        while due < began + seconds:
            time.sleep(max(0.0, due - time.perf_counter()))
            chains[number].refresh()
            took[number].append((time.perf_counter() - due) * 1000)
            due += len(chains) / rate

    _in_parallel(work, len(chains))
    return [one for many in took for one in many]


def _in_parallel(work: Callable[[int], None], count: int) -> None:
    failures: list[BaseException] = []

    def run(number: int) -> None:
        try:
            work(number)
        except BaseException as failure:  # noqa: BLE001 - is raised below, where somebody sees it
            failures.append(failure)

    threads = [threading.Thread(target=run, args=(number,)) for number in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if failures:
        raise failures[0]
