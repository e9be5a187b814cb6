"""The tables of docs/performance.md."""

from collections.abc import Mapping
from typing import Final

from benchmarks.performance.results import (
    FLOOR,
    HANDLER,
    OIDC_PROVIDER,
    OPENAUTH,
    OURS,
    PEERS,
    ROOT,
    SERVERS,
    Line,
    Results,
    calls_of,
)
from benchmarks.tables import table

PAGE: Final = ROOT / "docs/performance.md"

_NAMES: Final[Mapping[str, str]] = {
    FLOOR: "the floor",
    HANDLER: "Heirloom, the handler",
    OURS: "**Heirloom** over HTTP",
    OIDC_PROVIDER: "oidc-provider",
    OPENAUTH: "OpenAuth",
}


def tables(results: Results) -> dict[str, str]:
    """Return the tables by their names."""
    return {
        "run": _run(results),
        "targets": _targets(results),
        "ratios": _ratios(results),
        "a refresh": _refresh(results),
        "what it costs": _costs(results),
        "requests": _requests(results),
    }


def _run(results: Results) -> str:
    rows = [
        ("when", results.date),
        ("machine", results.machine),
        ("versions", results.versions),
        (
            "exchanges of each, one after another",
            f"{results.exchanges:,} in {len(results.refresh[FLOOR].cpu_ms)} rounds",
        ),
    ]
    return table(("", ""), rows)


def _targets(results: Results) -> str:
    rows = [(one.name, one.wanted, one.seen, "yes" if one.holds else "**no**") for one in results.targets]
    return table(("", "wanted", "seen", "holds"), rows)


def _ratios(results: Results) -> str:
    rows = []
    for ours, theirs in ((HANDLER, FLOOR), *((OURS, peer) for peer in PEERS)):
        one, other = results.refresh[ours], results.refresh[theirs]
        rate = results.rate_ratio(ours, theirs) if theirs in PEERS else ""
        rows.append(
            (
                f"{_NAMES[ours]} ÷ {_NAMES[theirs]}",
                results.cpu_ratio(ours, theirs),
                results.time_ratio(ours, theirs),
                rate,
                f"{sum(one.calls.values()) / sum(other.calls.values()):.2f}",
                f"{one.write_units / other.write_units:.2f}",
            )
        )
    return table(("", "processor time", "time", "exchanges per second", "DynamoDB calls", "write units"), rows)


def _refresh(results: Results) -> str:
    rows = []
    for name, line in results.refresh.items():
        rate = f"{line.rate:.0f}" if name in SERVERS else ""
        rows.append((_NAMES[name], *_times(line), f"{line.cpu:.2f}", rate, f"{line.resident_mb:.0f}"))
    p50s, p99s = zip(*results.half_load, strict=True)
    half = f"{sorted(p50s)[len(p50s) // 2]:.1f}", "", f"{sorted(p99s)[len(p99s) // 2]:.1f}"
    rows.append(
        (f"{_NAMES[OURS]}, eight chains at half of that rate", *half, "", f"{results.refresh[OURS].rate / 2:.0f}", "")
    )
    names = ("", "ms, p50", "p95", "p99", "ms of processor time", "exchanges per second, eight chains", "MB")
    return table(names, rows)


def _costs(results: Results) -> str:
    rows = [
        (
            _NAMES[name],
            calls_of(line.calls),
            f"{line.write_units:g}",
            f"{line.read_units:g}",
            f"{line.dynamodb_dollars:.3f}",
            f"{line.compute_dollars:.2f}",
            f"**{line.dynamodb_dollars + line.compute_dollars:.2f}**",
        )
        for name, line in results.refresh.items()
        if name != HANDLER
    ]
    names = ("", "DynamoDB calls", "write units", "read units", "DynamoDB, dollars a million", "compute", "together")
    return table(names, rows)


def _requests(results: Results) -> str:
    rows = [(name, *_times(line)[:2], f"{line.cpu:.2f}") for name, line in results.requests.items()]
    return table(("", "ms, p50", "p95", "ms of processor time"), rows)


def _times(line: Line) -> tuple[str, ...]:
    return tuple(f"{one:.1f}" for one in (line.p50, line.p95, line.p99))
