"""New hostile inputs, made by a fuzzer that looks for branches which no input has reached."""

import json
import logging
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from local.template import ROOT
from tests import soaking
from tests.hostile_input.targets import TARGETS

SECONDS = 36
"""All targets together; starting takes as long as ten of them."""

KEPT = "FUZZ_FOLDER"
"""The variable with the folder where a soak keeps what reached something new; `.local/fuzz` by default."""

_log = logging.getLogger(__name__)


def fuzzed(seconds: float, folder: Path, *targets: str) -> dict[str, Any]:
    """What was tried and found."""
    if sys.platform != "linux":
        pytest.fail("the fuzzer, atheris, needs Linux; the corpus is replayed everywhere")
    done = subprocess.run(
        [sys.executable, "-m", "tests.hostile_input.fuzz", str(seconds), folder, *targets],
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": os.pathsep.join((str(ROOT), str(ROOT / "layers/shared")))},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.stdout, done.stderr
    result: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    assert result["findings"] == [], done.stderr
    assert done.returncode == 0, done.stderr
    return result


def test_new_inputs_break_nothing(tmp_path: Path) -> None:
    result = fuzzed(SECONDS, tmp_path)

    assert result["tried"].keys() == TARGETS.keys()
    _log.info("%d inputs of %d targets, %d new", sum(result["tried"].values()), len(TARGETS), result["new"])


@pytest.mark.soak
def test_new_inputs_break_nothing_for_long() -> None:
    folder = Path(os.environ.get(KEPT) or ROOT / ".local/fuzz")

    result = fuzzed(soaking.seconds(50), folder)

    for name, tried in result["tried"].items():
        _log.info("%s: %d inputs", name, tried)
    _log.info("%d inputs, %d of them new, in %s", sum(result["tried"].values()), result["new"], folder)
