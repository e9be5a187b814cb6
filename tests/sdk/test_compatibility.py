"""The page about SDKs is what their tests make of it."""

import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

from local.template import ROOT
from tests.compatibility import PAGE, Case, page


def test_the_table_of_compatibility_is_up_to_date(tmp_path: Path) -> None:
    """Whatever part of the tests runs here, it is compared with what all of them make."""
    made = tmp_path / "compatibility.md"
    command = [sys.executable, "-m", "tests.compatibility", "--collect-only", str(made)]
    environment = {name: value for name, value in os.environ.items() if name != "PYTEST_ADDOPTS"}
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr

    assert PAGE.read_text("utf-8") == made.read_text("utf-8"), "make compatibility writes it anew"


def test_tests_of_one_sdk_share_a_row() -> None:
    case = Case("Some SDK", "1.0", "run", "in a|b", "It works", "")
    cases = [
        case,
        replace(case, sentence="It lasts", parameters="short"),
        replace(case, sentence="It lasts", parameters="long", what="elsewhere"),
        replace(case, sdk="another", kind="replayed", version="abc"),
    ]

    rows = [line for line in page(cases).splitlines() if line.startswith("| ") and not line.startswith("| SDK |")]

    assert rows == [
        r"| Some SDK | 1.0 | in a\|b<br>elsewhere | It works<br>It lasts (short, long) |",
        r"| another | abc | in a\|b | It works |",
    ]
