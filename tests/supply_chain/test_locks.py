"""Whatever is installed is a file that a lock names by its hash, from whichever registry."""

import re
import shutil
import subprocess
from importlib.metadata import distributions
from pathlib import Path

import pytest
from packaging.utils import canonicalize_name

from supply_chain import locks

INSTALLED = {"dev": ".venv", "sam": ".tools/sam", "ministack": ".tools/ministack", "audit": ".tools/audit"}


@pytest.mark.parametrize("lock", [*locks.PYTHON, locks.LAYER], ids=lambda lock: f"{lock.parent.name}/{lock.name}")
def test_every_python_package_is_pinned_and_has_hashes(lock: Path) -> None:
    entries = locks.python(lock)

    assert entries
    assert not [one.pin for one in entries if not one.hashes]
    assert not [each for one in entries for each in one.hashes if not re.fullmatch(r"sha256:[0-9a-f]{64}", each)]


@pytest.mark.parametrize("lock", locks.NPM, ids=lambda lock: lock.parent.name)
def test_every_npm_package_has_its_hash(lock: Path) -> None:
    entries = locks.npm(lock)

    assert entries
    assert not [place for place, one in entries.items() if not str(one.get("integrity", "")).startswith("sha512-")]


@pytest.mark.parametrize(
    "lock", [*locks.PYTHON, locks.LAYER, *locks.NPM], ids=lambda lock: str(lock.relative_to(locks.ROOT))
)
def test_no_lock_names_a_registry(lock: Path) -> None:
    """A mirror will do, and no lock leads to somebody's private one. What npm's has about sponsors is no source."""
    text = lock.read_text("utf-8")

    assert not re.findall(r"^\s*(?:-i|-f|--\S*index\S*|--find-links|--trusted-host).*|\S+ @ \S+", text, re.MULTILINE)
    assert not re.findall(r'"resolved": "[a-z+]+:.*', text)
    assert not [line for line in text.splitlines() if "://" in line and lock not in locks.NPM]


def test_the_product_is_a_part_of_what_the_tests_run_with() -> None:
    """To the version: what was tested is what is shipped."""
    product, dev = (
        {one.pin: one.hashes for one in locks.python(locks.ROOT / f"requirements/{name}.txt")}
        for name in ("product", "dev")
    )

    assert product.items() <= dev.items()


def test_the_layer_is_built_of_the_product() -> None:
    assert locks.LAYER.read_bytes() == (locks.ROOT / "requirements/product.txt").read_bytes()


@pytest.mark.parametrize("name", INSTALLED)
def test_what_is_installed_is_what_is_locked(name: str) -> None:
    """No more and no less: what somebody installed by hand would make a test pass here alone."""
    (library,) = Path(locks.ROOT, INSTALLED[name]).glob("lib/python3.*/site-packages")
    installed = {canonicalize_name(one.metadata["Name"]): one.version for one in distributions(path=[str(library)])}

    assert installed == {
        one.name: one.version for one in locks.python(locks.ROOT / f"requirements/{name}.txt") if one.wanted
    }


@pytest.mark.parametrize("lock", locks.NPM, ids=lambda lock: lock.parent.name)
def test_no_npm_package_runs_its_scripts_and_none_of_ours_needs_to(lock: Path) -> None:
    """Npm reads the settings that lie beside package.json, and no others of ours."""
    settings = (lock.parent / ".npmrc").read_text("utf-8").splitlines()

    assert "ignore-scripts=true" in settings
    assert "omit-lockfile-registry-resolved=true" in settings


@pytest.mark.parametrize("hashes", [f"--hash=sha256:{'0' * 64}", ""], ids=["another hash", "no hash"])
def test_a_file_with_another_hash_is_not_installed(hashes: str, tmp_path: Path) -> None:
    """The setup's own script, with a lock whose hash is another file's, or that has none."""
    for folder in ("scripts", "requirements"):
        shutil.copytree(locks.ROOT / folder, tmp_path / folder)
    shutil.copy(locks.ROOT / ".python-version", tmp_path)
    (tmp_path / ".tools").mkdir()
    (tmp_path / ".tools/uv").symlink_to(locks.ROOT / ".tools/uv")
    one = next(one for one in locks.python(locks.ROOT / "requirements/audit.txt") if one.name == "idna")
    (tmp_path / "requirements/audit.txt").write_text(f"{one.pin} {hashes}\n", "utf-8")

    done = subprocess.run(
        [tmp_path / "scripts/setup", "audit"], capture_output=True, text=True, check=False, cwd=tmp_path
    )

    assert done.returncode != 0
    assert "hash" in done.stderr.lower()
    assert not (tmp_path / ".tools/audit/lock.txt").exists()
