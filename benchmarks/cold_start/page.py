"""The tables of docs/performance.md about cold starts and the layers."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Final

from benchmarks.cold_start import requests
from benchmarks.cold_start.imports import Imported, is_ours, of_python
from benchmarks.cold_start.measured import Measured
from benchmarks.cold_start.sizes import Size
from benchmarks.cold_start.trials import Times
from benchmarks.tables import table
from local.template import ROOT

PAGE: Final = ROOT / "docs/performance.md"
_DEAREST: Final = 12
_MB: Final = 1e6


def run(now: Measured, before: Measured, *, rounds: int, command: str) -> str:
    """Return when, where and how it was measured."""
    rows = [
        ("when", now.date),
        ("machine", now.machine),
        ("command", f"`{command}`"),
        ("fresh processes of each", rounds),
        ("before", f"commit {before.commit}, measured {before.date} on {before.machine}"),
    ]
    return table(("", ""), rows)


def yardsticks(times: Mapping[str, Times]) -> str:
    """Return what is measured beside the functions, in the order in which it is given."""
    return table(("", "ms", "ms of processor time"), [(name, *_cells(one)) for name, one in times.items()])


def functions(now: Measured, restored: Mapping[str, tuple[Times, ...]], before: Mapping[str, tuple[Times, ...]]) -> str:
    """Return when each function had been imported and had answered, with and without SnapStart."""
    rows = []
    for name, (imported, first, second) in now.functions.items():
        again = Times(second.wall - first.wall, second.cpu - first.cpu)
        old = before.get(name, ())
        rows.append(
            (
                f"`{name}`",
                f"`{requests.title(name)}`",
                _told(old[1]) if old else "",
                _told(imported),
                f"**{_told(first)}**",
                _told(restored[name][1]) if name in restored else "",
                _told(again),
            )
        )
    names = (
        "",
        "asked",
        "first answer, before",
        "imported",
        "first answer",
        "restored, to the first answer",
        "second answer",
    )
    return table(names, rows)


def imports(loaded: Sequence[Imported]) -> str:
    """Return the dearest imports, and the sums of all."""
    ours = [one for one in loaded if is_ours(one)]
    packages = [one for one in loaded if not is_ours(one) and not of_python(one)]
    standard = [one for one in loaded if of_python(one)]
    rows: list[Sequence[object]] = []
    for title, group in (("packages of others", packages), ("our modules", ours), ("Python's own", standard)):
        rows.append((f"**{title}**", sum(one.modules for one in group), f"**{_sum(group):.0f}**"))
        rows += [(f"`{one.name}`", one.modules, f"{one.milliseconds:.1f}") for one in group[:_DEAREST]]
    return table(("", "modules", "ms"), rows)


def layers(now: Mapping[str, Size], before: Mapping[str, Size]) -> str:
    """Return the sizes of the layers."""
    rows = [
        (
            name,
            *(f"{number / _MB:.1f}" for size in (before[name], one) for number in (size.unpacked, size.zipped)),
            f"{one.compiled / _MB:.1f}",
        )
        for name, one in now.items()
    ]
    return table(("MB", "before, unpacked", "zipped", "unpacked", "zipped", "of it compiled"), rows)


def _sum(group: Iterable[Imported]) -> float:
    return sum(one.milliseconds for one in group)


def _cells(times: Times) -> tuple[str, str]:
    return f"{times.wall:.0f}", f"{times.cpu:.0f}"


def _told(times: Times) -> str:
    return f"{times.wall:.0f} ({times.cpu:.0f})"
