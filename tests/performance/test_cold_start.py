"""How cold starts are measured: the program, and not the times."""

from pathlib import Path
from typing import Any

import pytest

from benchmarks.cold_start import trials
from benchmarks.cold_start.imports import imports, is_ours, of_python
from benchmarks.cold_start.sizes import sizes
from benchmarks.cold_start.trials import HANDLER, Contender, Failed

APP = """
import colorsys

asked = []

def handler(event, invocation):
    print("a line of log")
    asked.append(event)
    return {"asked": list(asked), "left": invocation.get_remaining_time_in_millis()}
"""
ENVIRONMENT = {"PATH": "/usr/bin:/bin"}


@pytest.fixture
def function(tmp_path: Path) -> Path:
    (tmp_path / "app.py").write_text(APP)
    return tmp_path


def answers_of(function: Path, *, restored: bool) -> list[list[Any]]:
    heard: list[list[Any]] = []
    contender = Contender(HANDLER, [function], lambda: ["first", "second"], heard.append, restored=restored)
    times = trials.timed({"group": {"function": contender}}, ENVIRONMENT, rounds=2)["group"]["function"]
    imported, first, second = times
    assert imported.wall <= first.wall <= second.wall
    assert imported.cpu <= first.cpu <= second.cpu
    assert (imported.wall == 0) == restored
    return heard


@pytest.mark.parametrize("restored", [False, True])
def test_each_trial_is_a_process_of_its_own_that_answers_what_it_is_asked(function: Path, restored: bool) -> None:  # noqa: FBT001 - a case
    trial = [{"asked": ["first"], "left": 10_000}, {"asked": ["first", "second"], "left": 10_000}]

    assert answers_of(function, restored=restored) == [trial, trial]


def test_a_yardstick_is_measured_when_it_was_imported() -> None:
    contenders = {"Python": Contender("pass", []), "more": Contender("import asyncio, unittest.mock", [])}
    times = trials.timed({"": contenders}, ENVIRONMENT, rounds=3)[""]

    assert [len(marks) for marks in times.values()] == [1, 1]
    assert 0 < times["Python"][0].cpu < times["more"][0].cpu


def test_a_process_that_ends_badly_is_no_figure(tmp_path: Path) -> None:
    with pytest.raises(Failed, match="ModuleNotFoundError"):
        trials.timed({"": {"": Contender("import nothing_of_the_kind", [tmp_path])}}, ENVIRONMENT, rounds=1)


def test_imports_are_summed_by_package_and_ours_told_one_by_one(function: Path) -> None:
    (function / "heirloom").mkdir()
    (function / "heirloom/__init__.py").write_text("")
    (function / "heirloom/domain.py").write_text("import json")
    (function / "app.py").write_text("import heirloom.domain")
    found = {one.name: one for one in imports([function], rounds=1)}

    assert {"app", "heirloom", "heirloom.domain"} == {name for name, one in found.items() if is_ours(one)}
    assert found["json"].modules >= 3
    assert of_python(found["json"])


def test_the_size_of_a_layer_says_how_much_of_it_is_compiled(tmp_path: Path) -> None:
    for layer in ("DependenciesLayer", "SharedLayer"):
        (tmp_path / layer / "python/__pycache__").mkdir(parents=True)
        (tmp_path / layer / "python/one.py").write_bytes(b"#" * 1000)
        (tmp_path / layer / "python/__pycache__/one.pyc").write_bytes(b"#" * 500)

    size = sizes(tmp_path)["SharedLayer"]

    assert (size.unpacked, size.compiled) == (1500, 500)
    assert size.zipped < 1000
