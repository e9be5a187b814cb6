"""The time that a refused login takes."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

REFUSAL: Final = 0.4
"""Seconds, from the question who it is to the refusal.

Longer than the check of a hash of ours, or of bcrypt at its usual cost of 10, takes on the function's share of a core.
"""


@dataclass(frozen=True, slots=True)
class SteadyPace:
    """The port `Pace`."""

    refusal: float = REFUSAL
    clock: Callable[[], float] = time.monotonic
    sleep: Callable[[float], None] = time.sleep

    def begin(self) -> float:
        """Return the time."""
        return self.clock()

    def keep(self, begun: float) -> None:
        """Return when a refusal is due."""
        left = begun + self.refusal - self.clock()
        if left > 0:
            self.sleep(left)
