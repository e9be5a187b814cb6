"""`make check` looks for secrets in the files that git tracks; `make secrets` asks about each that it found.

`.secrets.baseline` has what looks like one and is none, each judged by a person: samples, examples of RFCs, keys of
tests. Line numbers do not count, so that an edit elsewhere in the file costs no new judgement.
"""

import contextlib
import json
import subprocess
import sys
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any, Final

from detect_secrets.audit.audit import audit_baseline
from detect_secrets.core import baseline
from detect_secrets.core.secrets_collection import SecretsCollection
from detect_secrets.settings import transient_settings

from supply_chain.locks import ROOT

JUDGED: Final = ".secrets.baseline"
DETECTORS: Final = "file://supply_chain/detectors.py"
SETTINGS: Final[dict[str, Any]] = {
    "plugins_used": [
        {"name": "HeirloomRefreshTokenDetector", "path": DETECTORS},
        {"name": "ArtifactoryDetector"},
        {"name": "AWSKeyDetector"},
        {"name": "AzureStorageKeyDetector"},
        {"name": "Base64HighEntropyString", "limit": 4.5},
        {"name": "BasicAuthDetector"},
        {"name": "CloudantDetector"},
        {"name": "DiscordBotTokenDetector"},
        {"name": "GitHubTokenDetector"},
        {"name": "GitLabTokenDetector"},
        {"name": "HexHighEntropyString", "limit": 3.0},
        {"name": "JwtTokenDetector"},
        {"name": "KeywordDetector"},
        {"name": "MailchimpDetector"},
        {"name": "NpmDetector"},
        {"name": "OpenAIDetector"},
        {"name": "PrivateKeyDetector"},
        {"name": "PypiTokenDetector"},
        {"name": "SendGridDetector"},
        {"name": "SlackDetector"},
        {"name": "SquareOAuthDetector"},
        {"name": "StripeDetector"},
        {"name": "TelegramBotTokenDetector"},
        {"name": "TwilioKeyDetector"},
    ],
    "filters_used": [
        {"path": f"{DETECTORS}::is_plain"},
        # Hashes of packages, by the thousand; scripts/lock sees to it that no lock names a place, nor a user there.
        # And what a fuzzer made up, which looks like tokens because it is to.
        {
            "path": "detect_secrets.filters.regex.should_exclude_file",
            "pattern": [r"^(requirements|layers/dependencies)/[^/]+\.txt$", r"^tests/hostile_input/corpus/"],
        },
        {"path": "detect_secrets.filters.common.is_baseline_file", "filename": JUDGED},
        {"path": "detect_secrets.filters.heuristic.is_indirect_reference"},
        {"path": "detect_secrets.filters.heuristic.is_lock_file"},
        {"path": "detect_secrets.filters.heuristic.is_potential_uuid"},
        {"path": "detect_secrets.filters.heuristic.is_prefixed_with_dollar_sign"},
        {"path": "detect_secrets.filters.heuristic.is_sequential_string"},
        {"path": "detect_secrets.filters.heuristic.is_templated_secret"},
    ],
}

HOW_TO_GO_ON: Final = """\
A secret? Revoke it first: git remembers. Then take it out, of the history too.
None, but a sample? `make secrets` shows each one and asks; the answers are in .secrets.baseline, to be reviewed."""


def found(files: Iterable[str], root: Path = ROOT) -> SecretsCollection:
    """Return what looks like a secret in these files, which are named as seen from the root."""
    secrets = SecretsCollection()
    with contextlib.chdir(root), transient_settings(SETTINGS):
        for file in files:
            secrets.scan_file(file)
    return secrets


def judged(root: Path = ROOT) -> SecretsCollection:
    """Return what somebody has looked at."""
    document = json.loads((root / JUDGED).read_text("utf-8"))
    return SecretsCollection.load_from_baseline({"results": document["results"]})


def complaints(root: Path = ROOT) -> list[str]:
    """Return a line for each thing that looks like a secret, unless somebody said that it is none."""
    innocent = {(file, one.type, one.secret_hash) for file, one in judged(root) if one.is_secret is False}
    return [
        f"{file}:{one.line_number}: {one.type}"
        for file, one in found(tracked(root), root)
        if (file, one.type, one.secret_hash) not in innocent
    ]


def tracked(root: Path = ROOT) -> list[str]:
    """Return the files that git tracks, without those that are deleted and links that lead nowhere."""
    command = ["git", "ls-files", "-z"]
    listed = subprocess.run(command, cwd=root, capture_output=True, text=True, check=True)
    return [name for name in listed.stdout.split("\0") if name and (root / name).is_file()]


def record(root: Path = ROOT) -> None:
    """Write what looks like a secret beside what was judged, and drop what is gone."""
    secrets = found(tracked(root), root)
    secrets.merge(judged(root))
    with contextlib.chdir(root), transient_settings(SETTINGS):
        baseline.save_to_file(secrets, str(root / JUDGED))


def judge() -> None:
    """Ask, at the terminal, about each that was not judged yet: whether it may be committed."""
    record()
    with contextlib.chdir(ROOT), transient_settings(SETTINGS):
        audit_baseline(JUDGED)


def main(arguments: Sequence[str]) -> int:
    """Check what is tracked, or with `--judge` ask."""
    if "--judge" in arguments:
        judge()
        return 0
    lines = complaints()
    if lines:
        print(*lines, HOW_TO_GO_ON, sep="\n")
        return 1
    print(f"no secret in {len(tracked())} files")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
