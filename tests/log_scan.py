"""At the end of a run: no secret stands in any line that the product logged, whichever test or process either is of."""

import base64
import json
import os
import shutil
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final
from urllib.parse import quote, quote_plus

import pytest

from tests import log_recorder
from tests.log_recorder import FOLDER, RUN

BLOCK: Final = 10
"""Characters. Secrets are cut into blocks: any 19 characters of one hold a whole block, in whatever company."""

CLAIMS_BLOCK: Final = 80
"""Characters, of the claims in a JWT: what is as long as a user's id may be one, in the same base64."""

FEWEST_DIFFERENT: Final = 5
"""Characters of a block: `ssssssssss` of a test's secret says nothing; such a secret is looked for as a whole."""


@dataclass
class Scan:
    """What was noted, and what of it should not have been logged."""

    lines: int = 0
    secrets: int = 0
    found: list[str] = field(default_factory=list)


def scan(folder: Path) -> Scan:
    """Look for all secrets that are noted in a folder in all lines that are."""
    result = Scan()
    noted: dict[str, str] = {}
    for path in sorted(folder.glob("*.jsonl")):
        counted = {"lines": 0, "secrets": 0}
        for members in _read(path):
            counted = {name: max(counted[name], members.get(name, 0)) for name in counted}
            if "line" in members:
                noted.setdefault(members["line"], members["where"])
        result.lines += counted["lines"]
        result.secrets += counted["secrets"]
    text = "\n".join(noted)
    runs = set(RUN.findall(text))
    windows = {
        run[start : start + size]
        for size in (BLOCK, CLAIMS_BLOCK)
        for run in runs
        for start in range(len(run) - size + 1)
    }
    for path in sorted(folder.glob("*.jsonl")):
        for members in _read(path):
            if "secret" in members and (piece := _leaked(members["secret"], windows, text)):
                where = sorted({at for line, at in noted.items() if piece in line})
                result.found.append(f"{members['secret'][:6]}… of {len(members['secret'])} characters, in {where[:5]}")
    return result


def _leaked(secret: str, windows: set[str], text: str) -> str | None:
    """Return what of a secret was logged, `None` for nothing."""
    encoded = _base64(secret)
    blocks = _blocks(secret)
    if piece := next((block for block in (*blocks, *_blocks(encoded)) if block in windows), None):
        return piece
    if blocks:
        return None
    forms = (secret, quote(secret), quote_plus(secret), json.dumps(secret)[1:-1], encoded.rstrip("="))
    return next((form for form in forms if form in text), None)


def _blocks(text: str) -> list[str]:
    sizes = [(run, CLAIMS_BLOCK if run.startswith("eyJ") else BLOCK) for run in RUN.findall(text)]
    blocks = [run[at : at + size] for run, size in sizes for at in range(0, len(run) - size + 1, size)]
    return [block for block in blocks if len(set(block)) >= FEWEST_DIFFERENT]


def _base64(secret: str) -> str:
    return base64.b64encode(secret.encode("utf-8", "surrogatepass")).decode()


def _read(path: Path) -> Iterator[dict[str, Any]]:
    with path.open(encoding="utf-8") as file:
        for line in file:
            if line.endswith("\n"):  # a process that was killed may have written half a line
                yield json.loads(line)


class Plugin:
    """Makes the folder before the run, and looks through it after: in the process that speaks to the terminal."""

    def __init__(self, config: pytest.Config) -> None:
        self._worker = hasattr(config, "workerinput")
        if not self._worker:
            os.environ[FOLDER] = tempfile.mkdtemp(prefix="heirloom-log-scan-")
        self.folder = Path(os.environ[FOLDER])
        self.result: Scan | None = None
        log_recorder.start()

    @pytest.hookimpl(trylast=True)
    def pytest_sessionfinish(self, session: pytest.Session) -> None:
        """Fail the run for what was found, and a whole run that noted nothing."""
        log_recorder.count()
        if self._worker:
            return
        self.result = scan(self.folder)
        shutil.rmtree(self.folder, ignore_errors=True)
        os.environ.pop(FOLDER)
        blind = _is_whole(session.config) and not (self.result.lines and self.result.secrets)
        if (self.result.found or blind) and session.exitstatus == pytest.ExitCode.OK:
            session.exitstatus = pytest.ExitCode.TESTS_FAILED

    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> None:
        """Say how much was looked through, and what was found."""
        if self.result is None:
            return
        result = self.result
        for found in result.found[:20]:
            terminalreporter.write_line(f"log scan: a secret was logged: {found}", red=True)
        if _is_whole(terminalreporter.config) and not (result.lines and result.secrets):
            terminalreporter.write_line("log scan: nothing was noted, so nothing is known", red=True)
        terminalreporter.write_line(
            f"log scan: {result.lines} lines, {result.secrets} secrets, {len(result.found)} found"
        )


def _is_whole(config: pytest.Config) -> bool:
    """Tell whether all tests were asked for, or all long forms."""
    return config.args_source is pytest.Config.ArgsSource.TESTPATHS and not config.option.keyword
