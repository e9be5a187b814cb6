"""The corpus: a folder for each target, a file for each input that reaches something which no smaller one does.

`python -m tests.hostile_input.corpus FOLDER` adds what a fuzzer has found there, target by target, as far as it reaches
new branches.
"""

import hashlib
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import CodeType
from typing import Final

import heirloom
from tests.hostile_input.targets import TARGETS, world

CORPUS: Final = Path(__file__).parent / "corpus"
OURS: Final = (str(Path(next(iter(heirloom.__path__)))), str(CORPUS.parents[2] / "cli"))

LONGEST: Final = 2.0
"""Seconds of CPU, whatever the input: usual are milliseconds. A busy machine counts no others' work."""


class TooLong(AssertionError):
    """An input kept the processor busy."""


def inputs(target: str, folder: Path = CORPUS) -> list[Path]:
    """Return the inputs that are kept for a target, the smallest first."""
    return sorted((folder / target).glob("*"), key=lambda path: (path.stat().st_size, path.name))


def run(target: str, data: bytes) -> None:
    """Give an input to a target; raise whatever that raises, and `TooLong`."""
    began = time.process_time()
    TARGETS[target](data)
    if (took := time.process_time() - began) > LONGEST:
        raise TooLong(f"{took:.1f} s")


def named(data: bytes) -> str:
    """Return the name of an input's file."""
    return hashlib.sha256(data).hexdigest()[:16]


def keep(folder: Path, into: Path = CORPUS) -> int:
    """Add the inputs of *folder* that reach what none does that is there; return how many."""
    world()
    kept = 0
    for target in sorted(TARGETS):
        reached = set[object]().union(*(branches_of(target, path.read_bytes()) for path in inputs(target, into)))
        found = {path.read_bytes(): set[object]() for path in inputs(target, folder)}
        found = {data: branches_of(target, data) for data in found}
        # The one that adds most comes first: it makes others needless.
        while found and found[best := max(found, key=lambda data: len(found[data] - reached))] - reached:
            (into / target).mkdir(parents=True, exist_ok=True)
            (into / target / named(best)).write_bytes(best)
            reached |= found.pop(best)
            kept += 1
    return kept


def branches_of(target: str, data: bytes) -> set[object]:
    """Return the branches of our code that an input takes."""
    with branches() as taken:
        TARGETS[target](data)
    return taken


@contextmanager
def branches() -> Iterator[set[object]]:
    """Yield a set that fills with the branches of our code that are taken meanwhile."""
    monitoring, taken = sys.monitoring, set[object]()

    def note(code: CodeType, start: int, end: int) -> object:
        if not code.co_filename.startswith(OURS):
            return None
        taken.add((code, start, end))
        return None

    callback: Callable[[CodeType, int, int], object] = note
    monitoring.use_tool_id(monitoring.COVERAGE_ID, "corpus")
    try:
        monitoring.register_callback(monitoring.COVERAGE_ID, monitoring.events.BRANCH, callback)
        monitoring.set_events(monitoring.COVERAGE_ID, monitoring.events.BRANCH)
        yield taken
    finally:
        monitoring.set_events(monitoring.COVERAGE_ID, 0)
        monitoring.free_tool_id(monitoring.COVERAGE_ID)


if __name__ == "__main__":
    print(f"{keep(Path(sys.argv[1]))} inputs kept in {CORPUS}")  # noqa: T201 - to whoever ran the fuzzer
