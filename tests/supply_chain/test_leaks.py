"""`make check` finds a secret in a file that git tracks, and says how to go on."""

import base64
import json
import secrets
import shutil
import string
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec

from supply_chain import leaks, locks

type Repository = Path


@pytest.fixture
def repository(tmp_path: Path) -> Repository:
    """A repository of one file, with our detectors and what was judged in this one."""
    for file in (".secrets.baseline", "supply_chain/detectors.py", "README.md"):
        (tmp_path / file).parent.mkdir(exist_ok=True)
        shutil.copy(locks.ROOT / file, tmp_path / file)
    for command in (["git", "init", "--quiet"], ["git", "add", "--all"]):
        subprocess.run(command, cwd=tmp_path, check=True)
    return tmp_path


def drawn(length: int, letters: str = string.ascii_letters + string.digits) -> str:
    return "".join(secrets.choice(letters) for _ in range(length))


def private_key() -> str:
    form = (serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    return ec.generate_private_key(ec.SECP256R1()).private_bytes(*form).decode()


SECRETS: dict[str, tuple[Callable[[], str], str]] = {
    "a refresh token of ours": (lambda: f"token: hrt_{drawn(104)}", "Heirloom Refresh Token"),
    "a key of AWS": (lambda: f"AKIA{drawn(16, string.ascii_uppercase + '234567')}", "AWS Access Key"),
    "a token of GitHub": (lambda: f"see ghp_{drawn(36)}", "GitHub Token"),
    "a private key": (private_key, "Private Key"),
    "a random string": (
        lambda: f'x = "{base64.b64encode(secrets.token_bytes(48)).decode()}"',
        "Base64 High Entropy String",
    ),
    "a password of ours": (lambda: f'client_secret = "{drawn(20)}1"', "Secret Keyword"),
    "a password in an address": (lambda: f"https://alice:{drawn(12)}@db.example.com/", "Basic Auth Credentials"),
}


@pytest.mark.parametrize("planted", SECRETS)
def test_a_planted_secret_is_found_in_its_line(planted: str, repository: Repository) -> None:
    make, kind = SECRETS[planted]
    assert leaks.complaints(repository) == []

    (repository / "README.md").write_text(f"# Heirloom\n\n{make()}\n", "utf-8")

    assert f"README.md:3: {kind}" in leaks.complaints(repository)


def test_what_somebody_called_a_secret_or_has_not_looked_at_fails(repository: Repository) -> None:
    """A baseline that was only written, or that admits a leak, lets nothing pass."""
    (repository / "README.md").write_text(f"hrt_{drawn(104)}\n", "utf-8")
    leaks.record(repository)
    document = json.loads((repository / leaks.JUDGED).read_text("utf-8"))
    (one,) = document["results"]["README.md"]
    verdicts: dict[str, bool] = {}
    for verdict in (None, True, False):
        one["is_secret"] = verdict
        (repository / leaks.JUDGED).write_text(json.dumps(document), "utf-8")
        verdicts[str(verdict)] = bool(leaks.complaints(repository))

    assert verdicts == {"None": True, "True": True, "False": False}


def test_a_judgement_moves_with_its_line_and_not_to_another_file(repository: Repository) -> None:
    line = f"hrt_{drawn(104)}\n"
    (repository / "README.md").write_text(line, "utf-8")
    leaks.record(repository)
    judged = (
        (repository / leaks.JUDGED)
        .read_text("utf-8")
        .replace('"line_number": 1', '"line_number": 1, "is_secret": false')
    )
    (repository / leaks.JUDGED).write_text(judged, "utf-8")

    (repository / "README.md").write_text("\n\n" + line, "utf-8")
    assert leaks.complaints(repository) == []

    (repository / "supply_chain/detectors.py").write_text(f"# {line}", "utf-8")
    assert leaks.complaints(repository) == ["supply_chain/detectors.py:1: Heirloom Refresh Token"]


def test_a_finding_ends_the_check_and_says_how_to_go_on(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    answers: list[list[str]] = [["README.md:3: Private Key"], []]
    complaints: Callable[[], list[str]] = lambda: answers.pop(0)  # noqa: E731
    monkeypatch.setattr(leaks, "complaints", complaints)

    assert leaks.main([]) == 1
    assert "Revoke it first" in capsys.readouterr().out
    assert leaks.main([]) == 0


def test_each_that_was_judged_is_still_there() -> None:
    """A judgement about something that is gone would let it come back unseen."""
    judged = {(file, one.type, one.secret_hash) for file, one in leaks.judged()}
    still = {(file, one.type, one.secret_hash) for file, one in leaks.found({file for file, _, _ in judged})}

    assert judged == still
    assert [one.is_secret for _, one in leaks.judged() if one.is_secret is not False] == []
