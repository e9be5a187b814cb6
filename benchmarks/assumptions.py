"""What cannot be counted on this machine, and is assumed wherever Lambda's bill is estimated."""

from typing import Final

CALL_MS: Final = 8
"""Milliseconds that a function waits for one AWS call."""

WHOLE_CORE: Final = 1769
"""MB of memory at which Lambda gives one core (its developer guide)."""
