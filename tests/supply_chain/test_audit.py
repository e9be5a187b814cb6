"""`make audit` says nothing good about what it could not ask about."""

import json
from collections.abc import Collection
from pathlib import Path
from typing import Any

import pytest

from local.processes import free_port
from supply_chain import audit, locks
from tests.supply_chain.advisories import ADVISORY, advisories

type Output = pytest.CaptureFixture[str]

PYTHON_LOCK = locks.ROOT / "requirements/uv.txt"
NPM_LOCK = locks.ROOT / "local/dynamodb/package-lock.json"
VERSION = locks.python(PYTHON_LOCK)[0].version
LOCKS = [str(PYTHON_LOCK), str(NPM_LOCK)]
KNOWN = {audit.KNOWN_ON_PYPI[0], audit.KNOWN_ON_NPM[0]}
LOCKED = {"uv", "amplify-dynamodb-simulator"}


@pytest.fixture(autouse=True)
def _nowhere(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """No test asks the real sources, through whatever proxy, nor is answered by npm's cache."""
    for name in (
        "http_proxy",
        "https_proxy",
        "HTTP_PROXY",
        "HTTPS_PROXY",
        "npm_config_https_proxy",
        "npm_config_proxy",
    ):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("npm_config_cache", str(tmp_path))
    ask(monkeypatch, f"http://127.0.0.1:{free_port()}")


def ask(monkeypatch: pytest.MonkeyPatch, url: str) -> None:
    monkeypatch.setenv("PIP_AUDIT_OSV_URL", f"{url}/v1/query")
    monkeypatch.setenv("npm_config_registry", url)


def asking(monkeypatch: pytest.MonkeyPatch, vulnerable: Collection[str]) -> tuple[int, list[str]]:
    """Audit two small locks with a source that knows these packages to be vulnerable; return also what it was asked."""
    with advisories(vulnerable) as (url, asked):
        ask(monkeypatch, url)
        return audit.main(LOCKS), asked


def test_no_answer_fails_and_says_that_nothing_is_known(monkeypatch: pytest.MonkeyPatch, capsys: Output) -> None:
    """Nobody listens, or a mirror has the packages and no advisories."""
    with advisories(KNOWN, status=405) as (mirror, _):
        monkeypatch.setenv("npm_config_registry", mirror)

        assert audit.main(LOCKS) == 1

    said = capsys.readouterr()
    assert said.out.count("NOT audited") == 2
    assert "2 of 2 locks could NOT be audited" in said.err
    assert "audit: 0 packages of 0 locks" in said.out


def test_clean_locks_pass_and_every_package_was_asked_about(monkeypatch: pytest.MonkeyPatch, capsys: Output) -> None:
    status, asked = asking(monkeypatch, KNOWN)

    assert status == 0
    assert set(asked) == KNOWN | LOCKED
    assert "audit: 2 packages of 2 locks asked about, 0 vulnerabilities" in capsys.readouterr().out


def test_a_vulnerable_package_of_either_kind_fails(monkeypatch: pytest.MonkeyPatch, capsys: Output) -> None:
    status, _ = asking(monkeypatch, KNOWN | LOCKED)

    assert status == 1
    said = capsys.readouterr().out
    assert f"uv {VERSION}: CVE-2026-1, {ADVISORY} fixed in 999.1" in said
    assert f"amplify-dynamodb-simulator >=0.0.0: {ADVISORY} high: anybody may do anything" in said
    assert "audit: 2 packages of 2 locks asked about, 2 vulnerabilities" in said


def test_what_was_looked_at_and_does_not_concern_us_passes_with_its_reason(
    monkeypatch: pytest.MonkeyPatch, capsys: Output
) -> None:
    finding = audit.Finding("uv 1", ("CVE-2026-1", ADVISORY), "fixed in 2")
    monkeypatch.setattr(audit, "python", lambda _lock: audit.Audit(1, (finding,)))
    assert audit.main([str(PYTHON_LOCK)]) == 1

    monkeypatch.setattr(audit, "ACCEPTED", {ADVISORY: "we never call it"})

    assert audit.main([str(PYTHON_LOCK)]) == 0
    assert "(accepted: we never call it)" in capsys.readouterr().out


def test_npm_s_source_that_has_heard_of_no_vulnerability_at_all_is_not_believed(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    with advisories(()) as (url, _):
        ask(monkeypatch, url)

        with pytest.raises(audit.NotAudited, match="what it says of others means nothing"):
            audit.npm(NPM_LOCK)


@pytest.mark.parametrize(
    ("known", "ours", "why"),
    [
        ({"vulns": []}, {"name": "uv", "version": VERSION, "vulns": []}, "what it says of others means nothing"),
        ({"vulns": [{}]}, {"name": "uv", "skip_reason": "was not found"}, "was not asked about: uv"),
        ({"vulns": [{}]}, {"name": "uv", "version": "0.0.1", "vulns": []}, "was not asked about: other versions"),
    ],
)
def test_a_source_of_python_s_that_knows_nothing_or_leaves_out_a_package_is_not_believed(
    known: dict[str, Any], ours: dict[str, Any], why: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """pip-audit takes an empty answer for a clean bill, and ends with 0."""
    name, version = audit.KNOWN_ON_PYPI
    tool = tmp_path / "pip-audit"
    said = json.dumps({"dependencies": [{"name": name, "version": version, **known}, ours]})
    tool.write_text(f"#!/bin/sh\necho '{said}'\n")
    tool.chmod(0o755)
    monkeypatch.setattr(audit, "_PIP_AUDIT", tool)

    with pytest.raises(audit.NotAudited, match=why):
        audit.python(PYTHON_LOCK)


def test_without_a_word_every_lock_is_audited(monkeypatch: pytest.MonkeyPatch) -> None:
    """The locks that are there, found by looking and not by another list."""
    tracked = {path for path in locks.ROOT.glob("**/package-lock.json") if "node_modules" not in path.parts}
    asked: list[Path] = []

    def recorded(lock: Path) -> audit.Audit:
        asked.append(lock)
        return audit.Audit(1, ())

    monkeypatch.setattr(audit, "python", recorded)
    monkeypatch.setattr(audit, "npm", recorded)

    assert audit.main([]) == 0
    assert set(asked) == {*locks.ROOT.glob("requirements/*.txt")} | tracked
