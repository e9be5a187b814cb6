"""docs/compatibility.md, made of the tests about SDKs: `python -m tests.compatibility` runs them and writes it.

Nothing of it is typed. A module says which SDK its tests are about, the first line of its docstring what was run,
and the names of its tests what passed. With `--collect-only` nothing runs, and what would be written if all passed
goes elsewhere; by that a test tells whether the page in the repository is up to date.
"""

import argparse
import sys
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path
from typing import Final

import pytest

from local.template import ROOT

PAGE: Final = ROOT / "docs/compatibility.md"
FOLDERS: Final = ("tests/sdk", "tests/contracts")

_RUN: Final = "run"
_KINDS: Final = {
    _RUN: """\
## Run

The packages themselves, unchanged, against the service as `make run` serves it: people log in through its pages, and
all goes over HTTP or TLS.
""",
    "replayed": """\
## Replayed

SDKs that do not run on the machine of the tests. The tests send what these send, and check of the answers what these
check, as it was read in their sources at that version.
""",
}
_INTRODUCTION: Final = """\
# Compatibility

Made by `make compatibility`, of tests that passed; `make test` fails when it is not what they make of it.
"""


@dataclass(frozen=True, slots=True)
class Case:
    """A test about an SDK."""

    sdk: str
    version: str
    kind: str
    what: str
    sentence: str
    parameters: str

    @classmethod
    def of(cls, item: pytest.Function) -> "Case":
        """Read what is recorded of a test."""
        recorded = {name: str(value) for name, value in item.user_properties}
        words = item.originalname.removeprefix("test_").replace("_", " ")
        return cls(
            sdk=recorded["sdk"],
            version=recorded["version"],
            kind=recorded.get("kind", _RUN),
            what=recorded["what"],
            sentence=words[:1].upper() + words[1:],
            parameters=item.callspec.id if hasattr(item, "callspec") else "",
        )


class AboutSdks:
    """A pytest plugin: has the tests about SDKs run and no others, and knows them, and which passed."""

    def __init__(self) -> None:
        self.items: list[pytest.Function] = []
        self.passed: set[str] = set()

    def pytest_collection_modifyitems(self, items: list[pytest.Item]) -> None:
        self.items = [item for item in items if isinstance(item, pytest.Function) and _is_about_an_sdk(item)]
        items[:] = self.items

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        if report.when == "call" and report.passed:
            self.passed.add(report.nodeid)


def page(cases: Iterable[Case]) -> str:
    """Return the page about these tests; raise `KeyError` if one is of a kind that there is not."""
    of_kind: dict[str, list[Case]] = {kind: [] for kind in _KINDS}
    for case in sorted(cases, key=lambda case: case.sdk.casefold()):
        of_kind[case.kind].append(case)
    parts = [_INTRODUCTION]
    for kind, introduction in _KINDS.items():
        if of_kind[kind]:
            parts += [introduction, "\n".join(_table(of_kind[kind])) + "\n"]
    return "\n".join(parts)


def main(arguments: Sequence[str]) -> int:
    """Write the page, and return pytest's exit status; unless that is 0, nothing is written."""
    parser = argparse.ArgumentParser(prog="python -m tests.compatibility", description=__doc__.partition("\n")[0])
    parser.add_argument("--collect-only", type=Path, metavar="PAGE", help="run nothing; write elsewhere what would be")
    elsewhere: Path | None = parser.parse_args(arguments).collect_only
    plugin = AboutSdks()
    folders = [folder for folder in FOLDERS if (ROOT / folder).is_dir()]
    switches = ["--collect-only", "--quiet"] if elsewhere else []
    status = pytest.main(["-p", "no:cacheprovider", *switches, *folders], plugins=[plugin])
    if status == pytest.ExitCode.OK:
        items = [item for item in plugin.items if elsewhere or item.nodeid in plugin.passed]
        (elsewhere or PAGE).write_text(page(map(Case.of, items)), "utf-8")
    return status


def _is_about_an_sdk(item: pytest.Item) -> bool:
    return any(name == "sdk" for name, _ in item.user_properties)


def _table(cases: Iterable[Case]) -> Iterator[str]:
    yield "| SDK | version | what was run | what passed |"
    yield "|---|---|---|---|"
    for (sdk, version), of_sdk in groupby(cases, key=lambda case: (case.sdk, case.version)):
        tests = list(of_sdk)
        cells = [sdk, version, "<br>".join(dict.fromkeys(case.what for case in tests)), "<br>".join(_sentences(tests))]
        yield f"| {' | '.join(cell.replace('|', '\\|') for cell in cells)} |"


def _sentences(cases: Iterable[Case]) -> Iterator[str]:
    for sentence, alike in groupby(cases, key=lambda case: case.sentence):
        parameters = ", ".join(case.parameters for case in alike if case.parameters)
        yield f"{sentence} ({parameters})" if parameters else sentence


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
