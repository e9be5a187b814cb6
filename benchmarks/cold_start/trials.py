"""Fresh processes, one after the other, with the contenders in turn: what disturbs the machine disturbs them alike."""

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median
from typing import Any, Final

PROGRAM: Final = Path(__file__).parent / "process.py"
_NANOSECONDS: Final = 1_000_000
"""In a millisecond."""


class Failed(RuntimeError):
    """A process ended badly; the message is what it printed."""


@dataclass(frozen=True, slots=True)
class Times:
    """Milliseconds: of one trial, or the medians of several."""

    wall: float
    cpu: float


@dataclass(frozen=True, slots=True)
class Contender:
    """A statement to run in a fresh process, with these folders to import from, and the requests to answer then."""

    statement: str
    path: Sequence[Path]
    requests: Callable[[], list[Any]] = list
    heard: Callable[[list[Any]], None] = field(default=lambda _: None)
    restored: bool = False
    """Whether the process is frozen after its import, and what is measured is an environment that continues it."""


HANDLER: Final = "from app import handler"


def timed(
    groups: Mapping[str, Mapping[str, Contender]], environment: Mapping[str, str], *, rounds: int
) -> dict[str, dict[str, tuple[Times, ...]]]:
    """Return the medians of each contender at its marks: when it was imported, and after each answer."""
    trials: dict[str, dict[str, list[list[Times]]]] = {}
    for number in range(rounds):
        print(f"round {number + 1} of {rounds}", file=sys.stderr, flush=True)
        for group, contenders in groups.items():
            for name, contender in contenders.items():
                seen = trials.setdefault(group, {}).setdefault(name, [])
                seen.append(_trial(contender, environment))
    return {
        group: {name: tuple(map(_median, zip(*marks, strict=True))) for name, marks in contenders.items()}
        for group, contenders in trials.items()
    }


def _trial(contender: Contender, environment: Mapping[str, str]) -> list[Times]:
    asked = [contender.requests(), []] if contender.restored else [contender.requests()]
    lines = _run(contender, environment, json.dumps(asked))
    told = json.loads(lines[0])
    contender.heard(told["answers"])
    return [Times(wall / _NANOSECONDS, cpu / _NANOSECONDS) for wall, cpu in told["marks"]]


def _run(contender: Contender, environment: Mapping[str, str], asked: str) -> list[str]:
    # Not `python -c`, nor with our site-packages: only the built code and Python's own library are there.
    command = [sys.executable, "-S", "-P", str(PROGRAM)]
    variables = {
        "PYTHONPATH": os.pathsep.join(map(str, contender.path)),
        "PYTHONDONTWRITEBYTECODE": "1",  # Lambda's file system is read-only
        "AWS_LAMBDA_FUNCTION_NAME": "function",
        "AWS_LAMBDA_INITIALIZATION_TYPE": "snap-start" if contender.restored else "on-demand",
    }
    done = subprocess.run(
        [*command, str(time.monotonic_ns()), contender.statement],
        env={**environment, **variables},
        input=asked,
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
    )
    if done.returncode:
        raise Failed(done.stderr)
    lines: list[str] = done.stdout.splitlines()
    return lines


def _median(times: Iterable[Times]) -> Times:
    seen = list(times)
    return Times(median(one.wall for one in seen), median(one.cpu for one in seen))
