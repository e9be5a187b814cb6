"""`make audit`: asks OSV about every Python package of the locks, and npm's registry about every npm package.

It ends with 0 only when every package was asked about and none has a known vulnerability. A source that cannot be
reached, that leaves out a package, or that knows nothing of a package which is famous for its holes fails the audit:
silence is no clean bill. `PIP_AUDIT_OSV_URL` and `npm_config_registry` name mirrors.
"""

import json
import subprocess
import sys
import tempfile
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from supply_chain import locks

ACCEPTED: Final[Mapping[str, str]] = {}
"""Vulnerabilities that do not concern us, each by its id (`GHSA-…`, `PYSEC-…`, `CVE-…`) with the reason."""

KNOWN_ON_PYPI: Final = ("pillow", "5.0.0")
KNOWN_ON_NPM: Final = ("lodash", "4.17.11")
"""Versions with holes, which no lock has. Whoever does not know of them cannot be asked about ours."""

_PIP_AUDIT: Final = locks.ROOT / ".tools/audit/bin/pip-audit"
_PATIENCE: Final = 600  # seconds for one lock


class NotAudited(Exception):
    """Nothing can be said about some packages; the message says why."""


@dataclass(frozen=True, slots=True)
class Finding:
    """A known vulnerability of a package: the ids under which it is known."""

    package: str
    ids: tuple[str, ...]
    advice: str

    @property
    def accepted(self) -> str | None:
        """Why it does not concern us, if it does not."""
        return next((ACCEPTED[one] for one in self.ids if one in ACCEPTED), None)

    def __str__(self) -> str:
        """Say it on one line."""
        text = f"{self.package}: {', '.join(self.ids)} {self.advice}"
        return f"{text} (accepted: {self.accepted})" if self.accepted else text


@dataclass(frozen=True, slots=True)
class Audit:
    """How many packages were asked about, and what is known of them."""

    packages: int
    findings: tuple[Finding, ...]


def python(lock: Path) -> Audit:
    """Ask OSV about every package of a lock that this machine would install. Raise `NotAudited`."""
    known, version = KNOWN_ON_PYPI
    with tempfile.TemporaryDirectory() as folder:
        probe = Path(folder, "known.txt")
        probe.write_text(f"{known}=={version} --hash=sha256:{'0' * 64}\n", "utf-8")  # is asked about, never fetched
        flags = ["--strict", "--disable-pip", "--require-hashes", "--vulnerability-service", "osv"]
        files = ["--requirement", str(lock), "--requirement", str(probe)]
        done = _run([str(_PIP_AUDIT), *flags, *files, "--format", "json", "--progress-spinner", "off"], locks.ROOT)
    try:
        answers = {one["name"]: one for one in json.loads(done.stdout)["dependencies"] if "skip_reason" not in one}
    except (ValueError, KeyError) as error:
        raise NotAudited(_last_line(done.stderr)) from error
    if not answers.pop(known, {}).get("vulns"):
        raise NotAudited(f"OSV knows no vulnerability of {known} {version}, so what it says of others means nothing")
    wanted = {one.name: one.version for one in locks.python(lock) if one.wanted}
    if wanted != {name: one["version"] for name, one in answers.items()}:
        raise NotAudited(
            f"was not asked about: {', '.join(sorted(wanted.keys() ^ answers.keys())) or 'other versions'}"
        )
    findings = [
        Finding(
            f"{name} {one['version']}",
            (vulnerability["id"], *vulnerability["aliases"]),
            f"fixed in {', '.join(vulnerability['fix_versions']) or 'no version yet'}",
        )
        for name, one in answers.items()
        for vulnerability in one["vulns"]
    ]
    return Audit(len(answers), tuple(findings))


def npm(lock: Path) -> Audit:
    """Ask npm's registry about every package of a lock. Raise `NotAudited`."""
    name, version = KNOWN_ON_NPM
    with tempfile.TemporaryDirectory() as folder:
        package: dict[str, Any] = {"name": "known", "version": "1.0.0", "dependencies": {name: version}}
        entry = {"version": version, "resolved": f"https://registry.npmjs.org/{name}/-/{name}-{version}.tgz"}
        packages = {"": package, f"node_modules/{name}": entry}
        Path(folder, "package.json").write_text(json.dumps(package), "utf-8")
        known = {**package, "lockfileVersion": 3, "requires": True, "packages": packages}
        Path(folder, "package-lock.json").write_text(json.dumps(known), "utf-8")
        if not _npm(Path(folder)):
            raise NotAudited(f"npm knows no vulnerability of {name} {version}, so what it says of others means nothing")
    return Audit(len(locks.npm(lock)), _npm(lock.parent))


def _npm(folder: Path) -> tuple[Finding, ...]:
    """Ask about the lock in a folder, all of it in one request. Raise `NotAudited`."""
    done = _run(["npm", "audit", "--package-lock-only", "--json", "--fetch-retries=1"], folder)
    try:
        vulnerable = json.loads(done.stdout)["vulnerabilities"]
    except (ValueError, KeyError) as error:
        raise NotAudited(_last_line(done.stderr)) from error
    return tuple(
        Finding(f"{name} {via['range']}", (via["url"].rpartition("/")[2],), f"{via['severity']}: {via['title']}")
        for name, one in vulnerable.items()
        for via in one["via"]
        if isinstance(via, dict)  # what is vulnerable only through another package is named with that one
    )


def _run(command: Sequence[str], folder: Path) -> subprocess.CompletedProcess[str]:
    """Run a tool, which ends with 1 for a finding and for a failure alike. Raise `NotAudited`."""
    try:
        return subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False, timeout=_PATIENCE)
    except (OSError, subprocess.TimeoutExpired) as error:
        raise NotAudited(str(error)) from error


def _last_line(text: str) -> str:
    lines = [line for line in text.splitlines() if line.strip() and "complete log of this run" not in line]
    return lines[-1] if lines else "said nothing"


def main(files: Sequence[str]) -> int:
    """Audit these locks, or all of them, and say what came of it."""
    given = [Path(file).resolve() for file in files] or [*locks.PYTHON, *locks.NPM]
    with ThreadPoolExecutor(4) as pool:  # it waits for the network, mostly
        reports = list(pool.map(_report, given))
    print(*(text for _, text in reports), sep="\n")
    audited = [audit for audit, _ in reports if audit]
    packages = sum(audit.packages for audit in audited)
    findings = [one for audit in audited for one in audit.findings if not one.accepted]
    missing = len(given) - len(audited)
    print(f"audit: {packages} packages of {len(audited)} locks asked about, {len(findings)} vulnerabilities")
    if missing or not packages:
        print(
            f"audit: {missing} of {len(given)} locks could NOT be audited; nothing is known about them", file=sys.stderr
        )
    return 1 if findings or missing or not packages else 0


def _report(lock: Path) -> tuple[Audit | None, str]:
    """What is known about a lock, None if nothing is, and the lines that say it."""
    ask: Callable[[Path], Audit] = npm if lock.name == "package-lock.json" else python
    name = lock.relative_to(locks.ROOT) if lock.is_relative_to(locks.ROOT) else lock
    try:
        audit = ask(lock)
    except NotAudited as error:
        return None, f"{name}: NOT audited: {error}"
    lines = [f"{name}: {audit.packages} packages, {len(audit.findings)} vulnerabilities", *map(str, audit.findings)]
    return audit, "\n    ".join(lines)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
