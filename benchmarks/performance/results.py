"""What was measured, as it is kept in docs/performance/measured.json, and what follows from it."""

import dataclasses
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median
from typing import Any, Final, Self

from benchmarks import prices
from benchmarks.assumptions import CALL_MS, WHOLE_CORE
from benchmarks.performance.summary import Ratio, quantile, ratio

ROOT: Final = Path(__file__).parents[2]
FOLDER: Final = ROOT / "docs/performance"
MEASURED: Final = FOLDER / "measured.json"

FLOOR: Final = "floor"
HANDLER: Final = "handler"
OURS: Final = "Heirloom"
OIDC_PROVIDER: Final = "oidc-provider"
OPENAUTH: Final = "OpenAuth"
PEERS: Final = (OIDC_PROVIDER, OPENAUTH)
SERVERS: Final = (OURS, *PEERS)
"""Contenders over HTTP. The others are called in their own process."""

MILLION: Final = 1_000_000
_WHOLE_CORE_GB: Final = WHOLE_CORE / 1024

_QUANTILES: Final = tuple(share / 100 for share in range(1, 100))


@dataclass(slots=True)
class Measured:
    """One contender, or one kind of request."""

    wall_ms: list[list[float]] = field(default_factory=list)
    """Of each exchange, by rounds."""
    cpu_ms: list[float] = field(default_factory=list)
    """Of one exchange, by rounds: all that the process used, divided by its exchanges."""
    per_second: list[float] = field(default_factory=list)
    """Exchanges with eight chains in parallel, by rounds."""
    resident_mb: float = 0
    calls: Mapping[str, float] = field(default_factory=dict)
    """DynamoDB calls of one exchange, by action."""
    write_units: float = 0
    read_units: float = 0


@dataclass(frozen=True, slots=True)
class Line:
    """What is kept of one contender."""

    p50: float
    p95: float
    p99: float
    cpu_ms: list[float]
    medians: list[float]
    """Of the time of an exchange, by rounds."""
    quantiles: list[float]
    per_second: list[float]
    resident_mb: float
    calls: Mapping[str, float]
    write_units: float
    read_units: float

    @classmethod
    def of(cls, measured: Measured) -> Self:
        """Return the summary of what was measured."""
        every = [one for many in measured.wall_ms for one in many]
        return cls(
            p50=round(quantile(every, 0.5), 3),
            p95=round(quantile(every, 0.95), 3),
            p99=round(quantile(every, 0.99), 3),
            cpu_ms=_rounded(measured.cpu_ms),
            medians=_rounded([median(many) for many in measured.wall_ms]),
            quantiles=_rounded([quantile(every, share) for share in _QUANTILES]),
            per_second=_rounded(measured.per_second),
            resident_mb=round(measured.resident_mb, 1),
            calls=dict(measured.calls),
            write_units=measured.write_units,
            read_units=measured.read_units,
        )

    @property
    def cpu(self) -> float:
        """Milliseconds of processor time of one exchange, the median of all rounds."""
        return median(self.cpu_ms)

    @property
    def rate(self) -> float:
        """Exchanges per second with eight chains in parallel, the median of all rounds."""
        return median(self.per_second)

    @property
    def dynamodb_dollars(self) -> float:
        """What DynamoDB asks for a million exchanges."""
        return self.write_units * prices.DYNAMODB_WRITES.dollars + self.read_units * prices.DYNAMODB_READS.dollars

    @property
    def compute_dollars(self) -> float:
        """What Lambda asks for a million exchanges on a whole core: processor time, and waiting for each call."""
        seconds = (self.cpu + CALL_MS * sum(self.calls.values())) / 1000
        return MILLION * seconds * _WHOLE_CORE_GB * prices.LAMBDA_COMPUTE.dollars


@dataclass(frozen=True, slots=True)
class Target:
    """Something that must hold: what, and what was seen."""

    name: str
    wanted: str
    seen: str
    holds: bool


@dataclass(frozen=True, slots=True)
class Results:
    """All of one run."""

    date: str
    machine: str
    versions: str
    exchanges: int
    """Of each contender, one after another."""
    refresh: Mapping[str, Line]
    requests: Mapping[str, Line]
    """The other kinds of request, by our functions alone."""
    half_load: Sequence[Sequence[float]]
    """p50 and p99 of our exchanges at half of our rate, by rounds."""

    @classmethod
    def read(cls, path: Path) -> Self:
        """Return what `write` wrote."""
        document: dict[str, Any] = json.loads(path.read_text("utf-8"))
        for name in ("refresh", "requests"):
            document[name] = {contender: Line(**line) for contender, line in document[name].items()}
        return cls(**document)

    def write(self, path: Path) -> None:
        """Keep it."""
        path.parent.mkdir(exist_ok=True)
        path.write_text(json.dumps(dataclasses.asdict(self), separators=(",", ":")) + "\n", "utf-8")

    def cpu_ratio(self, ours: str, theirs: str) -> Ratio:
        """Return how much processor time one takes beside another."""
        return ratio(self.refresh[ours].cpu_ms, self.refresh[theirs].cpu_ms)

    def time_ratio(self, ours: str, theirs: str) -> Ratio:
        """Return how long one takes beside another, by the median exchange."""
        return ratio(self.refresh[ours].medians, self.refresh[theirs].medians)

    def rate_ratio(self, ours: str, theirs: str) -> Ratio:
        """Return how many exchanges one does beside another, with eight chains in parallel."""
        return ratio(self.refresh[ours].per_second, self.refresh[theirs].per_second)

    @property
    def tail(self) -> Ratio:
        """p99 ÷ p50 at half load."""
        return ratio([p99 for _, p99 in self.half_load], [p50 for p50, _ in self.half_load])

    @property
    def targets(self) -> list[Target]:
        """What must hold, and whether it does."""
        over_floor, calls = self.cpu_ratio(HANDLER, FLOOR), self.refresh[HANDLER].calls
        targets = [
            Target(
                "processor time of the handler ÷ the floor's",
                f"at most {HANDLER_OVER_FLOOR}",
                str(over_floor),
                over_floor.median <= HANDLER_OVER_FLOOR,
            ),
            Target("DynamoDB calls of a refresh", "1", calls_of(calls), calls == {"UpdateItem": 1}),
        ]
        for peer in PEERS:
            cpu, rate = self.cpu_ratio(OURS, peer), self.rate_ratio(OURS, peer)
            targets += [
                Target(
                    f"processor time over HTTP ÷ {peer}'s",
                    f"at most {SERVER_OVER_PEER:.2f}",
                    str(cpu),
                    cpu.median <= SERVER_OVER_PEER,
                ),
                Target(f"exchanges per second ÷ {peer}'s", "more than 1", str(rate), rate.median > 1),
            ]
        targets.append(Target("p99 ÷ p50 at half load", f"at most {TAIL}", str(self.tail), self.tail.median <= TAIL))
        return targets


HANDLER_OVER_FLOOR: Final = 1.3
SERVER_OVER_PEER: Final = 1 / 3
TAIL: Final = 3


def calls_of(calls: Mapping[str, float]) -> str:
    """Return calls by their number and name."""
    return ", ".join(f"{count:g} {action}" for action, count in sorted(calls.items())) or "none"


def _rounded(values: Sequence[float]) -> list[float]:
    return [round(one, 3) for one in values]
