"""The tables of docs/scale.md."""

from dataclasses import replace
from typing import Final

from benchmarks import page
from benchmarks.scale import burst, quotas
from benchmarks.scale.burst import Crowd, Limits, Morning
from benchmarks.scale.capacity import RATES, Need, Refresh
from local import template

MILLION: Final = 1_000_000
_AT_FIRST: Final = Limits(rate=quotas.API_REQUESTS.amount, burst=quotas.API_BURST.amount)
_RAISED: Final = Limits(rate=20_000, burst=10_000, concurrency=2_000)
_MINUTE: Final = 60


def _as_deployed() -> Limits:
    parameters = template.load().document["Parameters"]
    return replace(
        _AT_FIRST, rate=parameters["ThrottlingRate"]["Default"], burst=parameters["ThrottlingBurst"]["Default"]
    )


def tables() -> dict[str, str]:
    """Return them by their names."""
    refresh = Refresh.counted()
    return {
        "rates": _rates(refresh),
        "raised": _raised(refresh),
        "mornings": _mornings(),
        "waves": _waves(),
        "quotas": _quotas(),
    }


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
    return page.rows(
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
    return page.rows(names, lines)


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
    return page.rows(names, lines)


def _waves() -> str:
    lifetime = 3600
    lines = [
        (f"{jitter:.0%}", *(_rounded(it) for it in burst.peaks(MILLION, _MINUTE, lifetime, jitter=jitter, waves=4)))
        for jitter in (0, 0.02, 0.05, 0.1)
    ]
    return page.rows(("of the lifetime is drawn", "first wave", "second", "third", "fourth"), lines)


def _quotas() -> str:
    lines = [
        (name, f"{it.amount:,}", it.unit, "yes" if it.can_be_raised else "no", f"<{it.source}>")
        for name, it in quotas.ALL.items()
    ]
    return page.rows(("", "at first", "of", "can be raised", "source"), lines)


def _rounded(number: float) -> str:
    """Two digits say all that a simulation knows."""
    if number < 1:
        return "0"
    unit = 10 ** max(0, len(str(int(number))) - 2)
    return f"{round(number / unit) * unit:,}"


def _share(part: float) -> str:
    return "0" if part == 0 else "under 1%" if part < 0.01 else f"{part:.0%}"  # noqa: PLR2004 - one in a hundred
