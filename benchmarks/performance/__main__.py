"""`make bench`: measures, and writes what it saw into docs/performance.md. Ends with 1 when a target does not hold.

ARGS: `--short` is a quick try that writes nothing; `--again` writes what was measured last once more, and measures
nothing.
"""

import argparse
import os
import platform
import subprocess
import sys
import time
from collections.abc import Sequence
from datetime import UTC, datetime
from importlib.metadata import version
from json import loads
from typing import Final

from benchmarks import machine, tables
from benchmarks.performance import measuring, page, stores
from benchmarks.performance.contender import ContenderFailed
from benchmarks.performance.measuring import Effort
from benchmarks.performance.results import MEASURED, Line, Results
from local.processes import NotStarted
from local.template import ROOT

SHORT: Final = Effort(rounds=6, exchanges=20, logins=1, warm_up=100, loads=2, seconds=1.0, counted=10)
_PLOTTING: Final = ROOT / ".tools/benchmarks/bin/python"


def main(arguments: Sequence[str]) -> int:
    """Run the command and return its exit status."""
    parser = argparse.ArgumentParser(prog="make bench", description="Measure, and write docs/performance.md.")
    parser.add_argument("--short", action="store_true", help="a quick try, which writes nothing")
    parser.add_argument("--again", action="store_true", help="write what was measured last, and measure nothing")
    chosen = parser.parse_args(arguments)
    try:
        results = Results.read(MEASURED) if chosen.again else _measured(SHORT if chosen.short else Effort())
    except (NotStarted, ContenderFailed) as failure:
        print(failure, file=sys.stderr)
        return 1
    for name, table in page.tables(results).items():
        print(f"\n{name}\n{table}", end="")
    if not chosen.short:
        _write(results)
    missed = [target.name for target in results.targets if not target.holds]
    print("\nall targets hold" if not missed else f"\ndoes NOT hold: {'; '.join(missed)}")
    return 1 if missed else 0


def _write(results: Results) -> None:
    """Write the page, the pictures, and the figures that they are made of."""
    results.write(MEASURED)
    page.PAGE.write_text(tables.filled(page.PAGE.read_text("utf-8"), page.tables(results)), "utf-8")
    subprocess.run([_PLOTTING, "-m", "benchmarks.performance.plots"], cwd=ROOT, check=True)
    print(f"\n{page.PAGE} has what was measured")


def _say(text: str) -> None:
    print(f"{time.strftime('%H:%M:%S')} {text}", file=sys.stderr, flush=True)


def _measured(effort: Effort) -> Results:
    load_before = os.getloadavg()[0]
    with stores.running() as store:
        measured = measuring.measure(store, effort, _say)
    return Results(
        date=datetime.now(UTC).date().isoformat(),
        machine=machine.described(load_before),
        versions=_versions(),
        exchanges=effort.rounds * effort.exchanges,
        refresh={name: Line.of(one) for name, one in measured.refresh.items()},
        requests={name: Line.of(one) for name, one in measured.requests.items()},
        half_load=measured.half_load,
    )


def _versions() -> str:
    node = subprocess.run([stores.node(), "--version"], capture_output=True, text=True, check=True).stdout.strip()
    peers = loads((ROOT / "benchmarks/performance/peers/package.json").read_text("utf-8"))["dependencies"]
    wanted = ("oidc-provider", "@openauthjs/openauth", "@aws-sdk/client-dynamodb")
    ours = [f"Python {platform.python_version()}", f"cryptography {version('cryptography')}", f"Node {node}"]
    return ", ".join([*ours, *(f"{name} {peers[name]}" for name in wanted)])


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
