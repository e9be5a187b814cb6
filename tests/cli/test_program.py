"""`bin/heirloom` runs from anywhere, and every command tells what it does."""

import argparse
import os
import subprocess
from collections.abc import Iterator
from pathlib import Path
from unittest.mock import Mock

import pytest

from cli.__main__ import main, parser
from local.template import ROOT


def test_it_runs_from_any_directory_and_through_a_link_and_takes_no_file_of_that_directory_for_its_own(
    tmp_path: Path,
) -> None:
    (tmp_path / "yaml.py").write_text("raise SystemExit('not mine')")
    (tmp_path / "cli").mkdir()
    (tmp_path / "cli/__main__.py").write_text("raise SystemExit('not mine')")
    (tmp_path / "tenant.yaml").write_text("clients: [")
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin/heirloom").symlink_to(ROOT / "bin/heirloom")

    done = subprocess.run(
        ["heirloom", "tenant", "plan", "tenant.yaml", "--stack", "none"],  # noqa: S607 - found by PATH is what is tried
        cwd=tmp_path,
        env={**os.environ, "PATH": f"{tmp_path / 'bin'}:{os.environ['PATH']}"},
        capture_output=True,
        text=True,
        check=False,
    )

    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith("tenant.yaml:1: expected the node content")


def commands(under: argparse.ArgumentParser, name: str = "heirloom") -> Iterator[tuple[str, argparse.ArgumentParser]]:
    inner = [action for action in under._actions if isinstance(action, argparse._SubParsersAction)]  # noqa: SLF001
    if not inner:
        yield name, under
    for action in inner:
        for verb, one in action.choices.items():
            yield from commands(one, f"{name} {verb}")


@pytest.mark.parametrize(("name", "command"), [*commands(parser())], ids=lambda it: it if isinstance(it, str) else "")
def test_every_command_explains_itself_and_speaks_to_programs(name: str, command: argparse.ArgumentParser) -> None:
    assert command.description, name
    assert all(action.help for action in command._actions), name  # noqa: SLF001
    assert "--json" in command.format_help()


def test_the_version_is_the_projects(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["--version"])
    assert ended.value.code == 0
    assert capsys.readouterr().out.startswith("heirloom 0.")


def test_a_stack_that_was_deployed_from_another_release_is_told(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    cloudformation = Mock(**{"describe_stacks.return_value": {"Stacks": [{"Outputs": []}]}})
    monkeypatch.setattr("boto3.client", lambda *_, **__: cloudformation)

    assert main(["user", "end", "auth0|alice", "--stack", "old"]) == 1
    assert "it has no FamiliesTable; deploy this release first" in capsys.readouterr().err
