"""What each import of a function costs, by Python's own account (`-X importtime`)."""

import os
import re
import subprocess
import sys
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

_LINE: Final = re.compile(r"import time: +(\d+) \| +\d+ \| +([\w.]+)")
_OURS: Final = ("heirloom", "app")
_MICROSECONDS: Final = 1000
"""In a millisecond."""


@dataclass(frozen=True, slots=True)
class Imported:
    """A package, or one of our modules, with all that it imports counted elsewhere."""

    name: str
    modules: int
    milliseconds: float


def imports(path: Sequence[Path], *, rounds: int) -> list[Imported]:
    """Return what importing `app` from these folders loads, the dearest first: packages, and each module of ours.

    The least of several rounds: time can only be added by what else the machine does.
    """
    least: dict[str, int] = {}
    for _ in range(rounds):
        for name, microseconds in _once(path).items():
            least[name] = min(microseconds, least.get(name, microseconds))
    loaded: dict[str, list[int]] = defaultdict(list)
    for name, microseconds in least.items():
        top = name.partition(".")[0]
        loaded[name if top in _OURS else top].append(microseconds)
    found = [Imported(name, len(times), sum(times) / _MICROSECONDS) for name, times in loaded.items()]
    return sorted(found, key=lambda one: one.milliseconds, reverse=True)


def is_ours(one: Imported) -> bool:
    """Tell whether it is a module of this project."""
    return one.name.partition(".")[0] in _OURS


def of_python(one: Imported) -> bool:
    """Tell whether it came with Python."""
    return one.name in sys.stdlib_module_names


def _once(path: Sequence[Path]) -> dict[str, int]:
    """Microseconds of each module, without those that it imports."""
    done = subprocess.run(
        [sys.executable, "-S", "-P", "-X", "importtime", "-c", "import app"],
        env={"PYTHONPATH": os.pathsep.join(map(str, path)), "PYTHONDONTWRITEBYTECODE": "1"},
        capture_output=True,
        text=True,
        check=True,
    )
    return {name: int(microseconds) for microseconds, name in _LINE.findall(done.stderr)}
