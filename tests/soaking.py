"""How long the tests of `make soak` may take."""

import os

MINUTES = float(os.environ.get("MINUTES") or 60)
"""How long the whole soak takes, on two cores."""


def seconds(minutes: float) -> float:
    """Return what a test gets, seconds, that takes so many minutes of a soak of an hour."""
    return minutes * MINUTES
