"""Draws what was measured: `python -m benchmarks.performance.plots`, by the Python of `scripts/setup benchmarks`.

The same numbers give the same files. Ink is the reader's: black on light pages, white on dark ones.
"""

import re
from collections.abc import Sequence
from io import StringIO
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import matplotlib as mpl
from matplotlib.figure import Figure

from benchmarks.performance.results import (
    FLOOR,
    FOLDER,
    HANDLER,
    MEASURED,
    OIDC_PROVIDER,
    OPENAUTH,
    OURS,
    SERVERS,
    Results,
)
from benchmarks.performance.summary import quantile

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_INK: Final = "#012345"
"""A colour that nothing else has. Afterwards it is whichever the reader's page has for text."""
_STYLE: Final = "<style>svg{color:#1f2328}@media(prefers-color-scheme:dark){svg{color:#e6edf3}}</style>"
_COLOURS: Final = {
    FLOOR: "#8b949e",
    HANDLER: "#54aeff",
    OURS: "#218bff",
    OIDC_PROVIDER: "#d4762c",
    OPENAUTH: "#bf8700",
}
_LABELS: Final = {HANDLER: "Heirloom, the handler", OURS: "Heirloom over HTTP"}
_WIDTH, _HEIGHT = 7.2, 2.8


def draw(results: Results, folder: Path) -> list[Path]:
    """Write the pictures and return where they are."""
    mpl.rcParams.update(
        {
            "svg.hashsalt": "heirloom",
            "svg.fonttype": "none",
            "font.family": "sans-serif",
            "font.size": 9,
            "text.color": _INK,
            "axes.edgecolor": _INK,
            "axes.labelcolor": _INK,
            "xtick.color": _INK,
            "ytick.color": _INK,
            "axes.spines.top": False,
            "axes.spines.right": False,
        }
    )
    pictures = {"latency": _latency, "processor_time": _processor_time, "cost": _cost}
    return [_written(folder / f"{name}.svg", picture(results)) for name, picture in pictures.items()]


def _latency(results: Results) -> Figure:
    figure, axes = _empty()
    for name, line in results.refresh.items():
        shares = [share / 100 for share in range(1, 100)]
        axes.plot(line.quantiles, shares, color=_COLOURS[name], linewidth=1.8, label=_label(name))
    axes.set_xscale("log")
    axes.set_xticks(ticks := [1, 2, 5, 10, 20, 50, 100, 200, 500], [str(tick) for tick in ticks], minor=False)
    axes.minorticks_off()
    axes.set_xlim(min(line.quantiles[0] for line in results.refresh.values()) * 0.9, _most(results) * 1.1)
    axes.set_xlabel("ms for one exchange (log scale)")
    axes.set_ylabel("share that took no longer")
    axes.set_ylim(0, 1)
    axes.legend(frameon=False, loc="lower right", labelcolor=_INK)
    return figure


def _most(results: Results) -> float:
    return max(line.quantiles[-1] for line in results.refresh.values())


def _processor_time(results: Results) -> Figure:
    figure, axes = _empty()
    names = list(results.refresh)
    values = [results.refresh[name].cpu for name in names]
    spread = [[], []] if not names else _spread(results, names, values)
    colours = [_COLOURS[name] for name in names]
    axes.barh(range(len(names)), values, xerr=spread, color=colours, ecolor=_INK, error_kw={"linewidth": 1})
    _name(axes, names, [f"{value:.1f}" for value in values], [v + s for v, s in zip(values, spread[1], strict=True)])
    axes.set_xlabel("ms of processor time for one exchange: median of the rounds, and their quartiles")
    return figure


def _spread(results: Results, names: Sequence[str], values: Sequence[float]) -> list[list[float]]:
    rounds = [results.refresh[name].cpu_ms for name in names]
    return [
        [value - quantile(many, 0.25) for value, many in zip(values, rounds, strict=True)],
        [quantile(many, 0.75) - value for value, many in zip(values, rounds, strict=True)],
    ]


def _cost(results: Results) -> Figure:
    figure, axes = _empty()
    store = [results.refresh[name].dynamodb_dollars for name in SERVERS]
    compute = [results.refresh[name].compute_dollars for name in SERVERS]
    places, colours = range(len(SERVERS)), [_COLOURS[name] for name in SERVERS]
    axes.barh(places, store, color=colours, label="DynamoDB")
    axes.barh(places, compute, left=store, color=colours, alpha=0.55, label="compute")
    totals = [one + other for one, other in zip(store, compute, strict=True)]
    _name(axes, SERVERS, [f"{total:.2f}" for total in totals], totals)
    axes.set_xlabel("dollars for a million exchanges: DynamoDB (left) and compute (right)")
    return figure


def _empty() -> tuple[Figure, "Axes"]:
    figure = Figure(figsize=(_WIDTH, _HEIGHT), layout="constrained")
    return figure, figure.subplots()


def _name(axes: "Axes", names: Sequence[str], values: Sequence[str], ends: Sequence[float]) -> None:
    axes.set_yticks(range(len(names)), [_label(name) for name in names])
    axes.invert_yaxis()
    for place, (value, end) in enumerate(zip(values, ends, strict=True)):
        axes.annotate(value, (end, place), xytext=(4, 0), textcoords="offset points", va="center", color=_INK)
    axes.margins(x=0.1)


def _label(name: str) -> str:
    return _LABELS.get(name, name)


def _written(path: Path, figure: Any) -> Path:  # noqa: ANN401 - matplotlib is there for whoever draws alone
    """Write a picture without its date and without anything that is there for old viewers."""
    text = StringIO()
    figure.savefig(text, format="svg", transparent=True, metadata={"Date": None, "Creator": None})
    svg = re.sub(
        r"<metadata>.*?</metadata>|<!--.*?-->|<\?xml.*?\?>|<!DOCTYPE.*?>", "", text.getvalue(), flags=re.DOTALL
    )
    svg = svg.replace(_INK, "currentColor").replace("<defs>", f"{_STYLE}<defs>", 1)
    path.write_text("\n".join(line.strip() for line in svg.splitlines() if line.strip()) + "\n", "utf-8")
    return path


if __name__ == "__main__":
    for written in draw(Results.read(MEASURED), FOLDER):
        print(written)
