"""Coverage-guided fuzzing (atheris): inputs that reach new branches are kept and changed further. Linux only.

`python -m tests.hostile_input.fuzz SECONDS FOLDER [TARGET…]` gives each target a process of its own and its part of
the time. What is new goes to `FOLDER/<target>/`; an input that breaks a target goes to `FOLDER/findings/<target>-…`,
and the last line says how much was tried. `python -m tests.hostile_input.corpus FOLDER` adds to the corpus what is
worth it.
"""

import json
import os
import re
import sys
import tempfile
from collections.abc import Iterable
from pathlib import Path
from typing import Final

HANG: Final = 30
"""Seconds for one input, which a busy machine may take tens of milliseconds for."""
LARGEST: Final = 4096
"""Bytes of an input."""

_DONE: Final = re.compile(rb"^Done (\d+) runs", re.MULTILINE)
_EXECUTED: Final = re.compile(rb"stat::number_of_executed_units: *(\d+)")


def main(seconds: float, folder: Path, names: Iterable[str]) -> int:
    """Fuzz each target for its part of the time; return 1 if there are findings."""
    import atheris  # type: ignore[import-not-found, import-untyped, unused-ignore] # noqa: PLC0415 - wheels for Linux alone

    with atheris.instrument_imports(include=["heirloom", "cli"], enable_loader_override=False):
        from tests.hostile_input import corpus, targets  # noqa: PLC0415 - instrumented as they are imported

    targets.world()
    chosen = list(names) or sorted(targets.TARGETS)
    findings = folder / "findings"
    findings.mkdir(parents=True, exist_ok=True)
    tried = {}
    for name in chosen:
        grown = folder / name
        grown.mkdir(exist_ok=True)
        arguments = [
            f"-max_total_time={max(1, round(seconds / len(chosen)))}",
            f"-max_len={LARGEST}",
            f"-timeout={HANG}",
            "-rss_limit_mb=2048",
            "-print_final_stats=1",
            "-verbosity=0",
            f"-artifact_prefix={findings}/{name}-",
            *(str(each) for each in (grown, corpus.CORPUS / name) if each.exists()),
        ]
        with tempfile.TemporaryFile() as output:
            child = os.fork()
            if child == 0:
                for stream in (1, 2):
                    os.dup2(output.fileno(), stream)
                atheris.Setup(["fuzz", *arguments], lambda data, name=name: corpus.run(name, data))
                atheris.Fuzz()
                os._exit(0)
            _, status = os.waitpid(child, 0)
            output.seek(0)
            printed = output.read()
        executed = _EXECUTED.search(printed)
        tried[name] = int(executed[1]) if executed else 0
        if status or not tried[name]:
            sys.stderr.write(
                f"{name}: ended with {os.waitstatus_to_exitcode(status)}\n{printed.decode(errors='replace')}"
            )
            if not any(findings.glob(f"{name}-*")):
                (findings / f"{name}-without-input").write_bytes(printed)
    found = sorted(path.name for path in findings.iterdir())
    new = sum(1 for name in chosen for _ in (folder / name).iterdir())
    print(json.dumps({"tried": tried, "new": new, "findings": found}))  # noqa: T201 - for whoever started it
    return bool(found)


if __name__ == "__main__":
    sys.exit(main(float(sys.argv[1]), Path(sys.argv[2]), sys.argv[3:]))
