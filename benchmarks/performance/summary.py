"""Numbers of many numbers: quantiles, and ratios with their spread."""

from collections.abc import Sequence
from dataclasses import dataclass
from math import ceil
from statistics import median


@dataclass(frozen=True, slots=True)
class Ratio:
    """The median of the ratios of all rounds, and the quartiles between which half of them lie."""

    median: float
    low: float
    high: float

    def __str__(self) -> str:
        """Say it in a cell of a table."""
        return f"{self.median:.2f} ({self.low:.2f} to {self.high:.2f})"


def quantile(values: Sequence[float], share: float) -> float:
    """Return the smallest of the values that is not exceeded by this share of them (nearest rank)."""
    return sorted(values)[max(0, ceil(share * len(values)) - 1)]


def ratio(ours: Sequence[float], theirs: Sequence[float]) -> Ratio:
    """Return ours ÷ theirs, round by round: what slows the machine down in one round slows both."""
    ratios = [one / other for one, other in zip(ours, theirs, strict=True)]
    return Ratio(median(ratios), quantile(ratios, 0.25), quantile(ratios, 0.75))
