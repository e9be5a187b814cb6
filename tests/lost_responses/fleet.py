"""Devices that exchange refresh tokens over a network that loses requests and answers; the clock is the simulation's.

What the network does, and what people do, is drawn per device and renewal from a seed: the same for every server.
"""

import heapq
import itertools
import math
from collections.abc import Callable, Generator, Sequence
from dataclasses import dataclass, field
from enum import Enum
from random import Random
from typing import Final, Protocol, Self

from tests.service import START

ACCESS_TOKEN: Final = 7200
"""Seconds that an access token lives. Longer than the longest leeway, as every application's must be."""

LATENCY: Final = (0.02, 0.4)
"""Seconds, one way."""

LOST_REQUESTS: Final = 0.25
"""So many requests are lost for each answer that is."""

RESETS: Final = 0.5
"""How many losses are heard of at once, as a broken connection. The others are silence, until the client gives up."""


class Outcome(Enum):
    """What a client sees in the place of tokens."""

    REFUSED = "invalid_grant"
    BROKEN = "the connection broke"
    SILENCE = "no answer in time"


@dataclass(frozen=True, slots=True)
class Exchange:
    """A client presents a token, and waits for so many seconds."""

    token: str
    patience: float


type Reply = str | Outcome | None
type Behaviour = Generator[Exchange | float, Reply]
"""What a client does: exchanges, and pauses in seconds. It is sent a new token, or what came instead."""


class Server(Protocol):
    """Whoever rotates. Times are epoch seconds."""

    def log_in(self, kind: str, now: float) -> str:
        """Return the first refresh token of a new session of a kind of client."""

    def present(self, token: str, kind: str, now: float) -> str | None:
        """Return the refresh token that this one is exchanged for; `None`: it is refused."""


@dataclass(frozen=True, slots=True)
class Loss:
    """A session that ended although nobody wanted it to."""

    kind: str
    spent_ago: float | None
    """Seconds from the spending of the token until it came again; `None` if another token of the session did that."""
    overtaken: bool
    """Whether the client had stored an older answer over a newer one."""


@dataclass(slots=True)
class Counts:
    """What happened to a fleet."""

    renewals: int = 0
    requests: int = 0
    lost_requests: int = 0
    lost_answers: int = 0
    losses: list[Loss] = field(default_factory=list)
    thefts: int = 0
    thieves_stopped_after: list[float] = field(default_factory=list)
    """Seconds from a thief's first presentation to its refusal, of each thief who was refused."""

    def __iadd__(self, other: "Counts") -> Self:
        """Count these as well."""
        self.renewals += other.renewals
        self.requests += other.requests
        self.lost_requests += other.lost_requests
        self.lost_answers += other.lost_answers
        self.losses += other.losses
        self.thefts += other.thefts
        self.thieves_stopped_after += other.thieves_stopped_after
        return self


@dataclass(slots=True)
class Device:
    """One login on one device: what its clients share."""

    name: str
    kind: str
    token: str = ""
    """What its storage holds."""
    copies: dict[str, str] = field(default_factory=dict)
    """Tokens that parts of the client hold by themselves."""
    login: int = 0
    """How often somebody had to log in."""
    ended: dict[int, float | None] = field(default_factory=dict)
    """By login, when the token that was refused first had been spent before, seconds; `None`: it had not been."""
    newest: int = 0
    """Which of the server's answers, counted from 1, was the newest that its storage ever had."""
    overtaken: bool = False
    """Whether an older answer took its place."""
    finished: bool = False

    def keep(self, token: str) -> None:
        """Store an answer's token."""
        self.token = token


@dataclass(slots=True)
class Renewal:
    """One time that a part of a device needs a new access token: its luck, and how its exchanges end."""

    device: Device
    random: Random
    expired: str
    """The token that its storage held when the access token expired."""

    def log_uniform(self, shortest: float, longest: float) -> float:
        """Draw a time whose order of magnitude is anybody's guess, seconds."""
        return shortest * math.exp(self.random.random() * math.log(longest / shortest))


type Client = Callable[[Renewal], Behaviour]


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of client, and the parts of it that renew by themselves: tabs, requests, processes."""

    name: str
    parts: Sequence[Client]
    apart: float
    """Seconds within which all its parts begin a renewal."""


@dataclass(slots=True)
class Fleet:
    """Devices with clients of all *kinds*, and one *server*; *rate* is the share of answers that get lost."""

    server: Server
    kinds: Sequence[Kind]
    seed: int
    rate: float
    devices: int = 20
    renewals: int = 50
    """How often each device needs a new access token."""
    thieves: bool = False
    """Whether somebody copies the token of each device, once."""
    now: float = float(START)
    counts: Counts = field(default_factory=Counts)
    _agenda: list[tuple[float, int, Callable[[], None]]] = field(default_factory=list)
    _order: "itertools.count[int]" = field(default_factory=itertools.count)
    _spent: dict[str, float] = field(default_factory=dict)
    """When the server first exchanged a token."""
    _answers: dict[str, int] = field(default_factory=dict)
    """The tokens that the server answered with, by the order of their first time."""
    _logins: dict[str, int] = field(default_factory=dict)
    """Which of its device's logins a token came from."""

    def run(self) -> Counts:
        """Let it all happen, and return what did."""
        for number in range(self.devices):
            kind = self.kinds[number % len(self.kinds)]
            self._begin(Device(f"device {number}", kind.name), kind)
        while self._agenda:
            self.now, _, action = heapq.heappop(self._agenda)
            action()
        return self.counts

    def _begin(self, device: Device, kind: Kind) -> None:
        self._log_in(device)
        self._pause(device, kind, self.renewals)
        if self.thieves:
            random = self._random(device.name, "thief")
            theft = ACCESS_TOKEN * self.renewals / 2 * random.random()
            self._in(theft, self._stepping(self._thief(device, random), device, random, None))

    def _pause(self, device: Device, kind: Kind, left: int) -> None:
        """Let the access token run out, and renew it; one renewal after the other."""
        if left == 0:
            device.finished = True
            return
        luck = self._random(device.name, left)
        self._in(ACCESS_TOKEN * luck.uniform(1, 1.5), lambda: self._renew(device, kind, left))

    def _renew(self, device: Device, kind: Kind, left: int) -> None:
        self.counts.renewals += 1
        at_it, expired = len(kind.parts), device.token

        def finish() -> None:
            nonlocal at_it
            at_it -= 1
            if at_it == 0:
                self._pause(device, kind, left - 1)

        for part, client in enumerate(kind.parts):
            luck = self._random(device.name, left, part)
            renewal = Renewal(device, luck, expired)
            at = renewal.log_uniform(0.01, kind.apart) if part else 0
            self._in(at, self._stepping(client(renewal), device, luck, None, finish))

    def _random(self, *what: object) -> Random:
        return Random("/".join(map(str, (self.seed, self.rate, *what))))  # noqa: S311 - the same in every run

    def _in(self, seconds: float, action: Callable[[], None]) -> None:
        heapq.heappush(self._agenda, (self.now + seconds, next(self._order), action))

    def _log_in(self, device: Device) -> None:
        device.token = self.server.log_in(device.kind, self.now)
        device.copies.clear()
        device.login += 1
        device.newest, device.overtaken = 0, False
        self._logins[device.token] = device.login

    def _stepping(
        self,
        behaviour: Behaviour,
        device: Device,
        luck: Random,
        reply: Reply,
        finish: Callable[[], None] = lambda: None,
    ) -> Callable[[], None]:
        """Return the next step of a client: up to its next pause or exchange, or its end."""

        def step() -> None:
            try:
                wish = behaviour.send(reply)
            except StopIteration:
                self._note_storage(device)
                finish()
                return
            self._note_storage(device)

            def go_on(reply: Reply, after: float) -> None:
                self._in(after, self._stepping(behaviour, device, luck, reply, finish))

            if isinstance(wish, Exchange):
                self._send(wish, device, luck, go_on)
            else:
                go_on(None, wish)

        return step

    def _note_storage(self, device: Device) -> None:
        stored = self._answers.get(device.token, 0)
        device.overtaken |= stored < device.newest
        device.newest = max(stored, device.newest)

    def _send(self, exchange: Exchange, device: Device, luck: Random, deliver: Callable[[Reply, float], None]) -> None:
        """Let a request travel: it gets lost, or the server answers, and the answer gets lost, or arrives."""
        there, back = luck.uniform(*LATENCY), luck.uniform(*LATENCY)
        request_is_lost = luck.random() < self.rate * LOST_REQUESTS
        answer_is_lost = luck.random() < self.rate
        loss = Outcome.BROKEN if luck.random() < RESETS else Outcome.SILENCE
        login = self._logins[exchange.token]
        self.counts.requests += 1

        def lose() -> None:
            deliver(loss, back if loss is Outcome.BROKEN else max(0, exchange.patience - there))

        def arrive() -> None:
            answer = self._present(exchange.token, device, login)
            if answer_is_lost:
                self.counts.lost_answers += 1
                lose()
            else:
                self._in(back, lambda: hear(answer))

        def hear(answer: str | None) -> None:
            if answer is None:
                self._hear_of_the_end(device, login)
            deliver(answer if answer is not None and device.login == login else Outcome.REFUSED, 0)

        self.counts.lost_requests += request_is_lost
        self._in(there, lose if request_is_lost else arrive)

    def _present(self, token: str, device: Device, login: int) -> str | None:
        answer = self.server.present(token, device.kind, self.now)
        if answer is not None:
            self._spent.setdefault(token, self.now)
            self._answers.setdefault(answer, len(self._answers) + 1)
            self._logins[answer] = login
        elif device.login == login:
            spent = self._spent.get(token)
            device.ended.setdefault(login, None if spent is None else self.now - spent)
        return answer

    def _hear_of_the_end(self, device: Device, login: int) -> None:
        """Log in again, when the first part of a session's client hears that it has ended."""
        if device.login == login:
            self.counts.losses.append(Loss(device.kind, device.ended[login], device.overtaken))
            self._log_in(device)

    def _thief(self, device: Device, random: Random) -> Behaviour:
        """Copy what is stored, come with it some time later, and go on while it may. Nothing of a thief gets lost."""
        token = device.token
        yield 10 * math.exp(random.random() * math.log(12 * 3600 / 10))
        self.counts.thefts += 1
        began = self.now
        while not device.finished:
            answer = self.server.present(token, device.kind, self.now)
            if answer is None:
                self.counts.thieves_stopped_after.append(self.now - began)
                return
            token = answer
            yield ACCESS_TOKEN * random.uniform(1, 1.5)
