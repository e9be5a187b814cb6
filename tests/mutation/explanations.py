"""Why some mutants survive: survivors.toml says it of each."""

import tomllib
from functools import cache
from pathlib import Path
from typing import Any

FILE = Path(__file__).parent / "survivors.toml"


@cache
def every() -> list[dict[str, Any]]:
    """Return all explanations."""
    found: list[dict[str, Any]] = tomllib.loads(FILE.read_text()).get("survivor", [])
    return found


def of(module: str) -> set[tuple[str, str, str]]:
    """Return place, line and mutated line of each explained survivor of a module."""
    return {
        (one["place"], one["line"], becomes) for one in every() if one["module"] == module for becomes in one["becomes"]
    }
