"""`make cold`: measures fresh processes of every function, and writes what it saw into docs/performance.md.

Ends with 1 if the first refreshed token takes as long as importing boto3 and making a DynamoDB client. ARGS:
`--before FOLDER COMMIT` measures the build folder of another commit in turn with this one, and keeps it in before.json;
`--rounds 3` is a quick try, and `--no-page` writes nothing.
"""

import argparse
import os
import shutil
import sys
import sysconfig
from collections.abc import Iterable, Mapping, Sequence
from contextlib import ExitStack
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

from benchmarks import machine, tables
from benchmarks.cold_start import page, requests
from benchmarks.cold_start.imports import imports
from benchmarks.cold_start.measured import BEFORE, Measured
from benchmarks.cold_start.requests import Requests
from benchmarks.cold_start.sizes import sizes
from benchmarks.cold_start.trials import HANDLER, Contender, Times, timed
from local import template
from local.artifacts import Artifacts, built

ROUNDS: Final = 15
IMPORT_ROUNDS: Final = 5
_TEMPLATE: Final = template.load()
FUNCTIONS: Final = {one.name: one for one in template.functions(_TEMPLATE).values()}
SNAPPED: Final = [
    one.name
    for logical_id, one in template.functions(_TEMPLATE).items()
    if "SnapStart" not in _TEMPLATE.resources[logical_id]["Properties"]
]
"""Functions that start from a snapshot: the others say that they do not."""

BOTO3: Final = "import boto3"
CLIENT: Final = "import boto3; boto3.client('dynamodb')"
TARGET: Final = "`import boto3`, and a DynamoDB client"
"""As pip installs it, compiled."""
REFRESHED: Final = "**the first refreshed token**"
NOT_COMPILED: Final = "the first refreshed token, were the layers not compiled"


def main(arguments: Sequence[str]) -> int:
    """Run the command and return its exit status."""
    parser = argparse.ArgumentParser(prog="make cold", description="Measure cold starts; write docs/performance.md.")
    parser.add_argument("--before", nargs=2, metavar=("FOLDER", "COMMIT"), help="another build, to be kept")
    parser.add_argument("--rounds", type=int, default=ROUNDS, help="fresh processes of each")
    parser.add_argument("--no-page", action="store_true", help="print, and write nothing")
    chosen = parser.parse_args(arguments)
    described = machine.described(os.getloadavg()[0])
    with ExitStack() as exits:
        artifacts = exits.enter_context(built())
        plain = Artifacts(_without_compiled(artifacts, Path(exits.enter_context(TemporaryDirectory()))))
        asked = exits.enter_context(requests.served(artifacts))
        environment = asked.environment
        groups = {"now": _answering(artifacts, asked, FUNCTIONS)}
        if chosen.before:
            groups["before"] = _answering(Artifacts(Path(chosen.before[0])), asked, FUNCTIONS)
        groups["restored"] = _answering(artifacts, asked, SNAPPED, restored=True)
        groups["plain"] = _answering(plain, asked, ["token"])
        path = artifacts.import_path(FUNCTIONS["token"])
        installed = [Path(sysconfig.get_path("purelib"))]
        groups["yardsticks"] = {
            "Python alone": Contender("pass", path),
            "`import boto3`": Contender(BOTO3, installed),
            TARGET: Contender(CLIENT, installed),
            f"{TARGET}, from our layer": Contender(CLIENT, path),
        }
        times = timed(groups, environment, rounds=chosen.rounds)
        loaded = imports(path, rounds=IMPORT_ROUNDS)
        now = _measured("HEAD", described, times["now"], artifacts.folder)
    before = _before(chosen.before, described, times) or Measured.read(BEFORE)
    yardsticks = {name: marks[0] for name, marks in times["yardsticks"].items()}
    ours, theirs = times["now"]["token"][1], yardsticks[TARGET]
    beside = yardsticks | {REFRESHED: ours, NOT_COMPILED: times["plain"]["token"][1]}
    command = "make cold" if chosen.rounds == ROUNDS else f'make cold ARGS="--rounds {chosen.rounds}"'
    written = {
        "cold run": page.run(now, before, rounds=chosen.rounds, command=command),
        "cold start": page.yardsticks(beside),
        "cold functions": page.functions(now, times["restored"], before.functions),
        "cold imports": page.imports(loaded),
        "layers": page.layers(now.layers, before.layers),
    }
    for name, text in written.items():
        print(f"\n{name}\n{text}", end="")
    if not chosen.no_page:
        before.write(BEFORE)
        page.PAGE.write_text(tables.filled(page.PAGE.read_text("utf-8"), written), "utf-8")
        print(f"\n{page.PAGE} has what was measured")
    holds = ours.wall < theirs.wall and ours.cpu < theirs.cpu
    print(f"\nA refreshed token before a DynamoDB client is made: {'yes' if holds else 'NO'}")
    return 0 if holds else 1


def _answering(
    artifacts: Artifacts, asked: Requests, functions: Iterable[str], *, restored: bool = False
) -> dict[str, Contender]:
    """Functions of a build."""
    return {
        name: Contender(
            HANDLER,
            artifacts.import_path(FUNCTIONS[name]),
            lambda name=name: asked.of(name),  # type: ignore[misc] # this one's
            lambda answers, name=name: asked.heard(name, answers),  # type: ignore[misc] # this one's
            restored=restored,
        )
        for name in functions
    }


def _without_compiled(artifacts: Artifacts, folder: Path) -> Path:
    """Make links to a build's sources, and return where."""
    build = folder / "build"
    shutil.copytree(artifacts.folder, build, copy_function=os.link, ignore=shutil.ignore_patterns("__pycache__"))
    return build


def _measured(commit: str, described: str, functions: Mapping[str, tuple[Times, ...]], build: Path) -> Measured:
    return Measured(datetime.now(UTC).date().isoformat(), commit, described, functions, sizes(build))


def _before(
    chosen: Sequence[str] | None, described: str, times: Mapping[str, Mapping[str, tuple[Times, ...]]]
) -> Measured | None:
    return _measured(chosen[1], described, times["before"], Path(chosen[0])) if chosen else None


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
