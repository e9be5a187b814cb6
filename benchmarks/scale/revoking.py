"""What it takes to end what a person has, each way of it: counted by tests/scale/test_ending_logins.py."""

from dataclasses import dataclass
from typing import Final

FAMILIES: Final = 200
"""As many as one application may have of one person."""
CALL_MS: Final = 5
"""Assumed for one call."""


@dataclass(frozen=True, slots=True)
class Way:
    """Calls to AWS: some in any case, others for each family."""

    fixed: int
    each: int

    def calls(self, families: int = FAMILIES) -> int:
        """Return how many it takes."""
        return self.fixed + self.each * families

    def seconds(self, families: int = FAMILIES) -> float:
        """Return how long they take, one after the other."""
        return self.calls(families) * CALL_MS / 1000

    def within(self, seconds: float) -> int:
        """Return how many families one request ends in that time."""
        return int((seconds * 1000 / CALL_MS - self.fixed) // self.each)
