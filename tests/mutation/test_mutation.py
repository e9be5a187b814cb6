"""Faults put into the rules on purpose: a test notices each, or it makes no difference and says why."""

import json
import logging
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tests import soaking
from tests.mutation import explanations
from tests.mutation.__main__ import MODULES
from tests.mutation.mutants import ROOT, mutants_of, path_of

LOG = logging.getLogger(__name__)
REPLAYS = "tests/domain/test_replays.py"


def mutate(*arguments: str, report: Path) -> tuple[int, dict[str, Any]]:
    """Run `python -m tests.mutation`; return its exit code and its report."""
    with subprocess.Popen(
        [sys.executable, "-m", "tests.mutation", *arguments, "--report", report],
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": "layers/shared"},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stderr is not None
        for line in process.stderr:
            LOG.info(line.rstrip())
    return process.returncode, json.loads(report.read_text())


def test_what_is_mutated_is_what_a_rule_says() -> None:
    source = '''\
"""What `a | b` is."""

from dataclasses import dataclass
LIMIT: int | None = 3


@dataclass(frozen=True)
class Rule:
    """A rule."""

    def holds(self, age: int | None, *, now: int = 7) -> bool:
        """Tell whether it is 1."""
        if age is None:
            raise ValueError(age)
        return age < LIMIT and self.known

    def names(self) -> bool:
        return self.name in NAMES if self.known else None

    def ends(self) -> int:
        return max(self.ends)
'''

    mutants = {
        (one.place, one.was, one.becomes.replace("= ", "=").replace("  ", " "))
        for one in mutants_of("domain.x", source)
    }

    assert {(place, " ".join(becomes.split())) for place, _, becomes in mutants} == {
        ("LIMIT", "LIMIT: int | None =4"),
        ("LIMIT", "LIMIT: int | None =2"),
        ("Rule", "def holds(self, age: int | None, *, now: int =8) -> bool:"),
        ("Rule", "def holds(self, age: int | None, *, now: int =6) -> bool:"),
        ("Rule.holds", "if True:"),
        ("Rule.holds", "if False:"),
        ("Rule.holds", "if age is not None:"),
        ("Rule.holds", "pass"),
        ("Rule.holds", "return age <=LIMIT and self.known"),
        ("Rule.holds", "return True and self.known"),
        ("Rule.holds", "return age < LIMIT"),
        ("Rule.names", "return self.name not in NAMES if self.known else None"),
        ("Rule.names", "return self.name in NAMES if True else None"),
        ("Rule.names", "return self.name in NAMES if False else None"),
        ("Rule.ends", "return min(self.ends)"),
    }


def test_a_mutant_is_killed_by_the_test_that_notices_it_and_survives_without_that_test(tmp_path: Path) -> None:
    code, all_tests = mutate("domain.replays", "--outside", "--tests", REPLAYS, report=tmp_path / "all")
    assert code == 0
    assert all_tests["domain.replays"] == {
        "killed": all_tests["domain.replays"]["killed"],
        "explained": 2,
        "unexplained": [],
    }

    one_test = f"{REPLAYS}::test_three_in_a_row_are_what_is_called_a_row"
    code, few_tests = mutate("domain.replays", "--outside", "--tests", one_test, report=tmp_path / "few")
    assert code == 1
    assert few_tests["domain.replays"]["killed"] == 2  # those of the constant
    assert few_tests["domain.replays"]["survived"] == len(few_tests["domain.replays"]["unexplained"]) > 2

    code, again = mutate(
        "domain.replays", "--tests", REPLAYS, "--again", str(tmp_path / "few"), report=tmp_path / "more"
    )
    assert code == 0
    assert again["domain.replays"] == {"killed": few_tests["domain.replays"]["survived"], "unexplained": []}


@pytest.mark.parametrize("survivor", explanations.every(), ids=lambda one: f"{one['module']}: {one['line']}")
def test_an_explained_survivor_is_in_the_source(survivor: dict[str, Any]) -> None:
    source = " ".join(path_of(survivor["module"]).read_text().split())

    assert " ".join(survivor["line"].split()) in source
    assert survivor["line"] not in survivor["becomes"]
    assert survivor["why"]


@pytest.mark.soak
def test_no_fault_in_the_rules_goes_unnoticed(tmp_path: Path) -> None:
    code, report = mutate("--minutes", str(soaking.seconds(30) / 60), report=tmp_path / "report")

    tried = {module: found for module, found in report.items() if "not tried" not in found}
    mutants = sum(number for found in report.values() for what, number in found.items() if what != "unexplained")
    noticed = sum(found.get("killed", 0) + found.get("timeout", 0) for found in report.values())
    LOG.info("%d modules, %d mutants, %d killed", len(tried), mutants, noticed)
    assert [module for module in MODULES if module in tried] == list(tried) != []
    assert noticed
    assert [one for found in report.values() for one in found["unexplained"]] == []
    assert code == 0
