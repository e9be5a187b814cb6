"""Everybody comes at once: devices whose access tokens ran out overnight, against what lets so many through.

Each device sends one refresh and repeats it, as SDKs and applications do, until it is answered. On the way are, in this
order, the API's token bucket, Lambda's environments and DynamoDB's table. The draw is seeded: the same in every run.
"""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from enum import Enum
from heapq import heappop, heappush
from random import Random
from typing import Final

from benchmarks.scale import quotas

TICK: Final = 0.02
"""Seconds: about as long as a function is at work for one refresh."""
COLD: Final = 0.5
"""Seconds that a fresh environment takes before its first answer (SnapStart)."""
STORE_ATTEMPTS: Final = 3
"""Of the functions' own clients; the pause before each further one is drawn from 0 to 1 s, then from 0 to 2 s."""
AT_ONCE: Final = 3
"""Attempts without a pause, where an answer does not reach the SDK: auth0-spa-js, a browser, the gateway's errors."""
ROUND_TRIP: Final = 0.06
FIRST_PAUSE: Final = 1.0
LONGEST_PAUSE: Final = 60.0
"""Seconds of an application between its attempts, doubled each time."""
_GOLDEN: Final = 0.6180339887498949
"""Its multiples fill an interval evenly."""
_DRAWN: Final = 10_000
"""Devices that are simulated; each stands for as many as it takes."""


@dataclass(frozen=True, slots=True)
class Limits:
    """What lets so many through, a second; *burst* at once."""

    rate: int
    burst: int
    concurrency: int = quotas.CONCURRENCY.amount
    table_writes: int = quotas.NEW_TABLE_WRITES.amount


@dataclass(frozen=True, slots=True)
class Crowd:
    """Devices that wake within *spread* seconds, and wait for a drawn part of *jitter* seconds before they ask."""

    devices: int
    spread: float
    jitter: float = 0
    pauses_drawn: bool = True
    """Whether pauses between attempts are drawn from a half to one and a half of their length."""


@dataclass(slots=True)
class Outcome:
    """What became of them. All numbers are of devices or requests, not of those drawn."""

    peak: float = 0
    """Requests in the busiest second, repetitions included."""
    turned_away: float = 0
    """Requests that the gateway answered 429."""
    not_started: float = 0
    """Requests that the gateway answered 503, since Lambda started no environment."""
    not_stored: float = 0
    """Requests that a function answered 503, in plain text, since the table throttled."""
    waited: float = 0
    """Devices that had their tokens more than a second after they first asked."""
    last: float = 0
    """Seconds until the last one had them."""
    met_json: float = 0
    """Devices that met an answer of the gateway: logged out, if their SDK takes any JSON for the end of the session.

    None of the others is: whatever is answered here is tried again, and no try spends a token without an answer.
    """


class _Step(Enum):
    ASK = "ask"
    STORE = "store"
    DONE = "done"


@dataclass(slots=True)
class _Bucket:
    """A token bucket (AWS's word for it)."""

    rate: float
    size: float
    tokens: float = field(init=False)
    filled_at: float = 0

    def __post_init__(self) -> None:
        self.tokens = self.size

    def take(self, now: float) -> bool:
        """Take a token, if there is one."""
        self.tokens = min(self.size, self.tokens + (now - self.filled_at) * self.rate)
        self.filled_at = now
        if self.tokens < 1:
            return False
        self.tokens -= 1
        return True


class Morning:
    """One simulation."""

    def __init__(self, crowd: Crowd, limits: Limits, seed: int = 9) -> None:
        self.crowd = crowd
        self.random = Random(seed)  # noqa: S311 - a simulation
        self.drawn = min(crowd.devices, _DRAWN)
        self.weight = crowd.devices / self.drawn
        self.api = self._bucket(limits.rate, limits.burst)
        requests = limits.concurrency * quotas.REQUESTS_PER_CONCURRENCY.amount
        self.requests = self._bucket(requests, requests)
        self.scaling = self._bucket(quotas.SCALING.amount / quotas.SCALING_SECONDS, quotas.SCALING.amount)
        self.table = self._bucket(limits.table_writes, limits.table_writes)
        self.most = limits.concurrency / self.weight
        self.environments = self.free = 0
        self.outcome = Outcome()
        self.attempts = [0] * self.drawn
        self.asked = [0.0] * self.drawn
        self.met_json: set[int] = set()
        self.waited = 0
        self.events: dict[int, list[tuple[_Step, int, int]]] = defaultdict(list)
        self.ticks: list[int] = []
        self.seconds: dict[int, int] = defaultdict(int)

    def _bucket(self, rate: float, size: float) -> _Bucket:
        return _Bucket(rate / self.weight, max(1, size / self.weight))

    def run(self) -> Outcome:
        """Let everybody come, until the last one is answered."""
        wide, narrow = sorted((self.crowd.spread, self.crowd.jitter), reverse=True)
        for device in range(self.drawn):
            # Evenly over both: few are drawn, and their chance meetings would be counted many times.
            at = wide * (device + self.random.random()) / self.drawn + narrow * (device * _GOLDEN % 1)
            self.asked[device] = at
            self._at(at, _Step.ASK, device)
        while self.ticks:
            tick = heappop(self.ticks)
            batch = self.events.pop(tick)
            self.random.shuffle(batch)
            for step, device, attempt in batch:
                self._take(step, device, attempt, tick * TICK)
        outcome = self.outcome
        outcome.peak = max(self.seconds.values()) * self.weight
        outcome.waited, outcome.met_json = self.waited * self.weight, len(self.met_json) * self.weight
        return outcome

    def _at(self, at: float, step: _Step, device: int, attempt: int = 0) -> None:
        tick = int(at / TICK) + 1
        if tick not in self.events:
            heappush(self.ticks, tick)
        self.events[tick].append((step, device, attempt))

    def _take(self, step: _Step, device: int, attempt: int, now: float) -> None:
        match step:
            case _Step.ASK:
                self._ask(device, now)
            case _Step.STORE:
                self._store(device, attempt, now)
            case _Step.DONE:
                self.free += 1

    def _ask(self, device: int, now: float) -> None:
        self.attempts[device] += 1
        self.seconds[int(now)] += 1
        if not self.api.take(now):
            self.outcome.turned_away += self.weight
            self._refused_by_the_gateway(device, now)
        elif not self.requests.take(now):
            self.outcome.not_started += self.weight
            self._refused_by_the_gateway(device, now)
        elif self.free:
            self.free -= 1
            self._store(device, 1, now)
        elif self.environments + 1 <= self.most and self.scaling.take(now):
            self.environments += 1
            self._at(now + COLD, _Step.STORE, device, 1)
        else:
            self.outcome.not_started += self.weight
            self._refused_by_the_gateway(device, now)

    def _store(self, device: int, attempt: int, now: float) -> None:
        if self.table.take(now):
            self._at(now, _Step.DONE, device)
            self.outcome.last = max(self.outcome.last, now)
            self.waited += now - self.asked[device] > 1
        elif attempt < STORE_ATTEMPTS:
            self._at(now + self.random.uniform(0, 2 ** (attempt - 1)), _Step.STORE, device, attempt + 1)
        else:
            self._at(now, _Step.DONE, device)
            self.outcome.not_stored += self.weight
            self._again(device, now, self._pause(self.attempts[device]))

    def _refused_by_the_gateway(self, device: int, now: float) -> None:
        self.met_json.add(device)
        rounds, left = divmod(self.attempts[device], AT_ONCE)
        self._again(device, now, ROUND_TRIP if left else self._pause(rounds))

    def _pause(self, rounds: int) -> float:
        pause = min(LONGEST_PAUSE, FIRST_PAUSE * (1 << min(rounds - 1, 10)))
        return pause * (self.random.uniform(0.5, 1.5) if self.crowd.pauses_drawn else 1)

    def _again(self, device: int, now: float, pause: float) -> None:
        self._at(now + ROUND_TRIP + pause, _Step.ASK, device)


def peaks(devices: int, spread: float, lifetime: float, *, jitter: float, waves: int, seed: int = 9) -> Sequence[float]:
    """Return the requests in the busiest second of each wave.

    They follow each other by the access token's *lifetime*, seconds, from which a drawn part of *jitter* (a share of
    it) is taken each time.
    """
    random = Random(seed)  # noqa: S311 - a simulation
    drawn = min(devices, 10 * _DRAWN)
    counted: list[dict[int, int]] = [defaultdict(int) for _ in range(waves)]
    for device in range(drawn):
        at = spread * (device + random.random()) / drawn
        for wave in counted:
            wave[int(at)] += 1
            at += lifetime * (1 - random.uniform(0, jitter))
    return [max(wave.values()) * devices / drawn for wave in counted]
