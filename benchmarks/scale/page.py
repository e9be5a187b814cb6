"""The tables of docs/scale.md."""

from dataclasses import replace
from math import ceil
from typing import Final

from benchmarks.scale import burst, quotas
from benchmarks.scale.burst import Crowd, Limits, Morning
from benchmarks.scale.capacity import RATES, Need, Refresh
from benchmarks.scale.revoking import CALL_MS, FAMILIES, WAYS
from benchmarks.tables import cells, table
from heirloom.adapters.deadline import MARGIN
from local import template
from local.template import ROOT

MILLION: Final = 1_000_000
_AT_FIRST: Final = Limits(rate=quotas.API_REQUESTS.amount, burst=quotas.API_BURST.amount)
_RAISED: Final = Limits(rate=20_000, burst=10_000, concurrency=2_000)
_MINUTE: Final = 60
_READ_UNIT: Final = 4096
"""Bytes."""


def _as_deployed() -> Limits:
    parameters = template.load().document["Parameters"]
    return replace(
        _AT_FIRST, rate=parameters["ThrottlingRate"]["Default"], burst=parameters["ThrottlingBurst"]["Default"]
    )


def tables() -> dict[str, str]:
    """Return them by their names."""
    refresh = Refresh.counted()
    return {
        "limits": _limits(),
        "ends": _ends(),
        "rates": _rates(refresh),
        "raised": _raised(refresh),
        "mornings": _mornings(),
        "waves": _waves(),
        "quotas": _quotas(),
    }


def _limits() -> str:
    size = _family_bytes()
    listing = ceil(FAMILIES * size / _READ_UNIT)
    deployed, requests = _as_deployed(), quotas.CONCURRENCY.amount * quotas.REQUESTS_PER_CONCURRENCY.amount
    writes, reads = quotas.PARTITION_WRITES.amount, quotas.PARTITION_READS.amount
    stage = f"`ThrottlingRate`, {deployed.burst:,} at once: the gateway answers 429"
    lines = [
        ("one family", f"{writes:,} refreshes", "its partition; its holder sooner, who waits for each answer"),
        ("one person", f"{writes:,} refreshes", "the partition in which all their families begin"),
        (
            "one person, at an application where they have 200 families",
            f"{reads // listing:,} logins",
            f"the partition: each login lists these families, {listing} read units",
        ),
        ("one application", "what its tenant can", "nothing of its own: it is in every environment's cache"),
        ("one tenant, as deployed", f"{deployed.rate:,} requests", stage),
        (
            "one tenant, `ThrottlingRate` raised, a new table",
            f"{quotas.NEW_TABLE_WRITES.amount:,} refreshes",
            "the table, until it has grown; functions try three times, then answer 503",
        ),
        (
            "the same, the table grown or warmed",
            f"{min(quotas.API_REQUESTS.amount, requests):,} refreshes",
            "API Gateway (429) and Lambda (503), both of the account",
        ),
        (
            "the same, these two raised",
            f"{quotas.TABLE_WRITES.amount:,} refreshes",
            "the quota of a table on demand: 503 by us",
        ),
    ]
    return table(("", "a second", "what throttles first"), lines)


def _ends() -> str:
    timeout = template.load().document["Globals"]["Function"]["Timeout"] - MARGIN
    lines = [
        (
            name,
            way.calls(),
            way.writes * FAMILIES,
            f"{way.seconds():.1f}",
            f"{most:,}" if (most := way.within(timeout)) else "any number",
        )
        for name, way in WAYS.items()
    ]
    names = ("200 families", "calls", "write units", f"s, at {CALL_MS} ms a call", f"families within {timeout:.0f} s")
    return table(names, lines)


def _family_bytes() -> int:
    text = (ROOT / "docs/cost.md").read_text("utf-8")
    return int(cells(text, "idle families")[0][1])


def _rates(refresh: Refresh) -> str:
    names = (
        "refreshes a second",
        "write units a second",
        "partitions, at least",
        "functions at work",
        "concurrency to ask for",
        "from cold, s",
        "configuration, read units a second",
        "logs, MB a second",
        "dollars a month",
    )
    needs = [Need(rate, refresh) for rate in RATES]
    return table(
        names,
        [
            (
                f"{it.rate:,}",
                f"{it.write_units:,}",
                it.partitions,
                f"{it.at_work:,}",
                f"{it.concurrency:,}",
                f"{it.seconds_to_scale:,.0f}",
                f"{it.configuration_reads:,}",
                f"{it.log_megabytes:,.2f}",
                f"{it.dollars:,.0f}",
            )
            for it in needs
        ],
    )


def _raised(refresh: Refresh) -> str:
    lines = []
    for rate in RATES:
        need = Need(rate, refresh)
        raised = ", ".join(f"{name} to {amount:,}" for name, amount in need.to_raise.items())
        warm = (
            f"{need.write_units:,} write units" if need.write_units > quotas.NEW_TABLE_WRITES.amount else "not needed"
        )
        lines.append((f"{rate:,}", raised or "nothing", warm, f"{need.stacks:,}"))
    names = ("refreshes a second", "quotas to raise", "warm throughput of a new table", "or accounts, raising nothing")
    return table(names, lines)


def _mornings() -> str:
    deployed = _as_deployed()
    small, large = 100_000, MILLION
    scenes = {
        f"{small:,} within a minute; the stack's own `ThrottlingRate` {deployed.rate}": (
            Crowd(small, _MINUTE),
            deployed,
        ),
        "the same, each waits for up to 5 minutes": (Crowd(small, _MINUTE, jitter=5 * _MINUTE), deployed),
        f"{small:,} within a minute; `ThrottlingRate` {_AT_FIRST.rate:,}": (Crowd(small, _MINUTE), _AT_FIRST),
        f"{large:,} within a minute; quotas and a table as AWS gives them at first": (
            Crowd(large, _MINUTE),
            _AT_FIRST,
        ),
        "the same, all pauses of one length": (Crowd(large, _MINUTE, pauses_drawn=False), _AT_FIRST),
        f"the same; API and Lambda raised to {_RAISED.rate:,}, a new table": (Crowd(large, _MINUTE), _RAISED),
        "the same, the table warmed to as much": (
            Crowd(large, _MINUTE),
            replace(_RAISED, table_writes=_RAISED.rate),
        ),
        "the same, within a second (a push message)": (Crowd(large, 1), replace(_RAISED, table_writes=_RAISED.rate)),
        "as AWS gives them at first, each waits for up to 5 minutes": (
            Crowd(large, _MINUTE, jitter=5 * _MINUTE),
            _AT_FIRST,
        ),
        "within a second, each waits for up to 5 minutes": (Crowd(large, 1, jitter=5 * _MINUTE), _AT_FIRST),
    }
    names = (
        "devices",
        "busiest second",
        "answered 429 by the gateway",
        "503 by the gateway (Lambda)",
        "503 by us (table)",
        "waited over 1 s",
        "all done after",
        "met the gateway's JSON",
    )
    lines = []
    for name, scene in scenes.items():
        outcome = Morning(*scene).run()
        counts = (outcome.turned_away, outcome.not_started, outcome.not_stored)
        lines.append(
            (
                name,
                _rounded(outcome.peak),
                *map(_rounded, counts),
                _share(outcome.waited / scene[0].devices),
                f"{outcome.last:,.0f} s",
                _share(outcome.met_json / scene[0].devices),
            )
        )
    return table(names, lines)


def _waves() -> str:
    lifetime = 3600
    lines = [
        (f"{jitter:.0%}", *(_rounded(it) for it in burst.peaks(MILLION, _MINUTE, lifetime, jitter=jitter, waves=4)))
        for jitter in (0, 0.02, 0.05, 0.1)
    ]
    return table(("of the lifetime is drawn", "first wave", "second", "third", "fourth"), lines)


def _quotas() -> str:
    lines = [
        (name, f"{it.amount:,}", it.unit, "yes" if it.can_be_raised else "no", f"<{it.source}>")
        for name, it in quotas.ALL.items()
    ]
    return table(("", "at first", "of", "can be raised", "source"), lines)


def _rounded(number: float) -> str:
    """Two digits say all that a simulation knows."""
    if number < 1:
        return "0"
    unit = 10 ** max(0, len(str(int(number))) - 2)
    return f"{round(number / unit) * unit:,}"


def _share(part: float) -> str:
    return "0" if part == 0 else "under 1%" if part < 0.01 else f"{part:.0%}"  # noqa: PLR2004 - one in a hundred
