"""The measurement: every contender does a few exchanges in each round, so that a noisy machine treats all alike."""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from statistics import median
from typing import Final

from benchmarks.performance import chains, contender, stores
from benchmarks.performance.chains import Chain
from benchmarks.performance.contender import Contender
from benchmarks.performance.metering import Call, metered
from benchmarks.performance.results import FLOOR, HANDLER, OIDC_PROVIDER, OPENAUTH, OURS, SERVERS, Measured
from benchmarks.performance.stores import Stores
from benchmarks.performance.summary import quantile
from local.template import ROOT

PARALLEL: Final = 8
_PEERS: Final = ROOT / "benchmarks/performance/peers"


@dataclass(frozen=True, slots=True)
class Effort:
    """How much is measured."""

    rounds: int = 30
    exchanges: int = 40
    """Of each contender in each round."""
    logins: int = 2
    warm_up: int = 300
    """Exchanges before the first round: caches fill, and node compiles what is called often."""
    loads: int = 8
    """Rounds with several chains in parallel."""
    seconds: float = 2.0
    counted: int = 20
    """Exchanges whose calls are counted."""


@dataclass(slots=True)
class Runners:
    """All contenders on one store."""

    functions: Contender
    inside: dict[str, Contender]
    """Those that are called in their own process."""
    servers: dict[str, Contender]
    chains: dict[str, list[Chain]]

    @classmethod
    def start(cls, running: ExitStack, store: Stores, environment: Mapping[str, str]) -> "Runners":
        """Start them all, each with tokens to begin with; *environment* says by which endpoint they reach the store."""

        def ours(module: str) -> Contender:
            return running.enter_context(contender.ours(module, environment))

        def peer(program: str) -> Contender:
            counted = {**environment, "CHAINS": str(PARALLEL)}
            return running.enter_context(contender.running([stores.node(), _PEERS / program], counted))

        functions = ours("functions")
        tokens = functions.ask("log_in", times=PARALLEL + 1)["tokens"]
        inside = {FLOOR: ours("floor"), HANDLER: ours("handler")}
        inside[FLOOR].ask("begin", item=store.family())
        inside[HANDLER].ask("begin", token=tokens.pop())
        servers = {OURS: ours("http_server"), OIDC_PROVIDER: peer("oidc_provider.js"), OPENAUTH: peer("openauth.js")}
        chains_of = {
            name: [Chain(server.hello["url"], token) for token in server.hello.get("tokens") or tokens]
            for name, server in servers.items()
        }
        return cls(functions, inside, servers, chains_of)

    def exchange(self, name: str, times: int) -> tuple[list[float], float]:
        """Let a contender do so many exchanges; return the milliseconds of each, and all processor time of its own."""
        if name in self.inside:
            answer = self.inside[name].ask("refresh", times=times)
            return answer["wall_ms"], answer["cpu_ms"]
        before = self.servers[name].ask("usage")["cpu_ms"]
        wall = chains.one_after_another(self.chains[name][0], times)
        return wall, self.servers[name].ask("usage")["cpu_ms"] - before

    @property
    def names(self) -> list[str]:
        """All contenders."""
        return [*self.inside, *self.servers]


@dataclass(slots=True)
class Measurement:
    """What was measured so far."""

    refresh: dict[str, Measured] = field(
        default_factory=lambda: {name: Measured() for name in (FLOOR, HANDLER, *SERVERS)}
    )
    requests: dict[str, Measured] = field(default_factory=dict)
    half_load: list[tuple[float, float]] = field(default_factory=list)


def measure(store: Stores, effort: Effort, say: Callable[[str], None]) -> Measurement:
    """Measure everything."""
    measurement = Measurement()
    say("counting calls")
    _count(store, effort, measurement)
    with ExitStack() as running:
        runners = Runners.start(running, store, store.environment)
        say("warming up")
        for name in runners.names:
            runners.exchange(name, effort.warm_up)
        runners.functions.ask("log_in", times=effort.logins)
        for number in range(effort.rounds):
            say(f"round {number + 1} of {effort.rounds}")
            _round(runners, effort, measurement, number)
        for number in range(effort.loads):
            say(f"under load, round {number + 1} of {effort.loads}")
            for name in _turned(SERVERS, number):
                rate = chains.as_fast_as_they_can(runners.chains[name], effort.seconds)
                measurement.refresh[name].per_second.append(rate)
        half = median(measurement.refresh[OURS].per_second) / 2
        for number in range(effort.loads):
            say(f"at half load, round {number + 1} of {effort.loads}")
            took = chains.at_a_rate(runners.chains[OURS], effort.seconds, half)
            measurement.half_load.append((median(took), quantile(took, 0.99)))
        for name, one in (runners.inside | runners.servers).items():
            measurement.refresh[name].resident_mb = one.resident_mb()
    return measurement


def _round(runners: Runners, effort: Effort, measurement: Measurement, number: int) -> None:
    for name in _turned(runners.names, number):
        wall, cpu = runners.exchange(name, effort.exchanges)
        measurement.refresh[name].wall_ms.append(wall)
        measurement.refresh[name].cpu_ms.append(cpu / effort.exchanges)
    for name, took in runners.functions.ask("log_in", times=effort.logins)["took"].items():
        measured = measurement.requests.setdefault(name, Measured())
        measured.wall_ms.append(took["wall_ms"])
        measured.cpu_ms.append(sum(took["cpu_ms"]) / len(took["cpu_ms"]))


def _turned[T](values: Sequence[T], number: int) -> list[T]:
    """Return the values, beginning with another one in each round: being first is no one's advantage."""
    first = number % len(values)
    return [*values[first:], *values[:first]]


def _count(store: Stores, effort: Effort, measurement: Measurement) -> None:
    """Count the calls of every contender's exchanges, and the units that they consume, at the network."""
    with metered(store.dynamodb) as (endpoint, calls), ExitStack() as running:
        runners = Runners.start(running, store, store.through(endpoint))
        for name in runners.names:
            runners.exchange(name, 1)  # fills caches
            exchanges = []
            for _ in range(effort.counted):
                calls.clear()
                runners.exchange(name, 1)
                exchanges.append([*calls])
            _note(measurement.refresh[name], exchanges)


def _note(measured: Measured, exchanges: Sequence[Sequence[Call]]) -> None:
    """Note what most exchanges did: a busy machine may make one of them try a call again."""
    kinds = Counter(tuple(sorted((call.action, call.writes, call.units) for call in calls)) for calls in exchanges)
    ((usual, _),) = kinds.most_common(1)
    measured.calls = dict(Counter(action for action, _, _ in usual))
    measured.write_units = sum(units for _, writes, units in usual if writes)
    measured.read_units = sum(units for _, writes, units in usual if not writes)
