"""What a rate of refreshes needs of AWS, from what one refresh was counted to use (docs/cost.md)."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from math import ceil
from typing import Final, Self

from benchmarks import costing, operations
from benchmarks.costing import Costs
from benchmarks.counting import Usage
from benchmarks.operations import Counted
from benchmarks.scale import quotas
from benchmarks.tables import cells
from local import template
from local.template import ROOT

RATES: Final = (10, 1_000, 10_000, 100_000, 1_000_000)
"""Refreshes a second."""

_MONTH: Final = 730 * 3600
_MILLION: Final = 1_000_000


@dataclass(frozen=True, slots=True)
class Refresh:
    """What one refresh uses, with warm caches."""

    write_units: int
    log_bytes: int
    seconds: float
    """For which a function is at work."""
    dollars: float
    """Of a million."""
    configuration_reads: int
    """Read units by which an environment learns anew, once a minute, what it refreshes for."""
    secret_reads: int
    """Calls by which it learns its keys anew."""

    @classmethod
    def counted(cls) -> Self:
        """Return what the page about cost says, which is counted anew by its own test."""
        text = (ROOT / "docs/cost.md").read_text("utf-8")
        uses = _row(text, "calls", operations.REFRESH)
        bill = _row(text, "a million", operations.REFRESH)
        shared = next(row[1] for row in cells(text, "assumptions") if row[0].startswith("what an environment"))
        calls = sum(int(call.split()[0]) for call in uses[2].split(", "))
        usage = Usage(calls=Counter({"dynamodb.UpdateItem": calls}), functions=["token"])
        costs = Costs(template.load(), template.load(), Counted({operations.REFRESH: usage}, 0, 0, 0))
        return cls(
            write_units=int(uses[3]),
            log_bytes=int(uses[7].replace(",", "")),
            seconds=costs.billed_ms(operations.REFRESH) / 1000,
            dollars=float(bill[-1].strip("*")),
            configuration_reads=int(shared.split()[0]),
            secret_reads=int(shared.split(", ")[1].split()[0]),
        )


def _row(text: str, table: str, name: str) -> list[str]:
    return next(row for row in cells(text, table) if row[0] == name)


@dataclass(frozen=True, slots=True)
class Need:
    """What so many refreshes a second need."""

    rate: int
    refresh: Refresh

    @property
    def write_units(self) -> int:
        """Of the families table, a second."""
        return self.rate * self.refresh.write_units

    @property
    def partitions(self) -> int:
        """Of the families table, at least: keys are hashes, so its load is spread evenly."""
        return ceil(self.write_units / quotas.PARTITION_WRITES.amount)

    @property
    def at_work(self) -> int:
        """Functions at the same time: rate × duration."""
        return ceil(self.rate * self.refresh.seconds)

    @property
    def concurrency(self) -> int:
        """The quota of Lambda: for what is at work, and for the requests, of which each is worth ten a second."""
        return max(self.at_work, ceil(self.rate / quotas.REQUESTS_PER_CONCURRENCY.amount))

    @property
    def seconds_to_scale(self) -> float:
        """From no environment to as many as the rate needs."""
        return self.concurrency / quotas.SCALING.amount * quotas.SCALING_SECONDS

    @property
    def configuration_reads(self) -> int:
        """Read units a second of the configuration table, whose caches live for a minute."""
        return ceil(self.concurrency * self.refresh.configuration_reads / 60)

    @property
    def secret_reads(self) -> int:
        """Calls a second of Secrets Manager."""
        return ceil(self.concurrency * self.refresh.secret_reads / (60 * costing.SECRET_CACHE_MINUTES))

    @property
    def log_megabytes(self) -> float:
        """Into CloudWatch Logs, a second."""
        return self.rate * self.refresh.log_bytes / _MILLION

    @property
    def dollars(self) -> float:
        """A month at this rate, day and night, by list prices without discounts."""
        return self.rate * _MONTH / _MILLION * self.refresh.dollars

    @property
    def to_raise(self) -> Mapping[str, int]:
        """The quotas that are too low at first, and what they must be."""
        wanted = {
            "API Gateway": (quotas.API_REQUESTS, self.rate),
            "Lambda concurrency": (quotas.CONCURRENCY, self.concurrency),
            "DynamoDB table": (quotas.TABLE_WRITES, self.write_units),
            "Secrets Manager": (quotas.SECRET_READS, self.secret_reads),
        }
        return {name: needed for name, (quota, needed) in wanted.items() if needed > quota.amount}

    @property
    def stacks(self) -> int:
        """Accounts or Regions over which it must be spread if no quota is raised."""
        shares = {"API Gateway": quotas.API_REQUESTS, "Lambda concurrency": quotas.CONCURRENCY}
        shares |= {"DynamoDB table": quotas.TABLE_WRITES, "Secrets Manager": quotas.SECRET_READS}
        return max([1, *(ceil(needed / shares[name].amount) for name, needed in self.to_raise.items())])
