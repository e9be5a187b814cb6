"""What is done to a built layer: only what is loaded is left, and it is compiled to the same bytes every time."""

import os
import shutil
import subprocess
import sys
from importlib.util import source_hash
from pathlib import Path

import pytest

from supply_chain import finish, locks


@pytest.fixture
def build(tmp_path: Path) -> Path:
    """A build folder with a part of our package, a little of botocore, and what cffi compiles with."""
    folder = tmp_path / "build"
    dependencies = folder / finish.DEPENDENCIES
    shutil.copytree(
        locks.ROOT / "layers/shared/heirloom/domain",
        folder / finish.SHARED / "heirloom/domain",
        ignore=shutil.ignore_patterns("__pycache__"),
    )
    for name in ("dynamodb", "secretsmanager", "s3", "ec2"):
        (dependencies / "botocore/data" / name).mkdir(parents=True)
    (dependencies / "botocore/data/endpoints.json").write_text("{}")
    for name in ("pycparser", "pycparser-3.12.dist-info", "cffi"):
        (dependencies / name).mkdir()
    return folder


def finished(folder: Path, seed: int = 0) -> Path:
    """Finish it in a process of its own, as `scripts/sam build` does."""
    subprocess.run(
        [sys.executable, "-m", "supply_chain.finish", folder],
        cwd=locks.ROOT,
        env={"PATH": os.environ["PATH"], "PYTHONHASHSEED": str(seed)},
        check=True,
    )
    return folder


def compiled(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*.pyc")}


def test_services_that_we_call_are_described_and_no_others(build: Path) -> None:
    left = {path.name for path in (finished(build) / finish.DEPENDENCIES / "botocore/data").iterdir()}

    assert left == {"dynamodb", "secretsmanager", "endpoints.json"}


def test_what_only_compiles_is_left_out(build: Path) -> None:
    left = {path.name for path in (finished(build) / finish.DEPENDENCIES).iterdir()}

    assert left == {"botocore", "cffi"}


def test_every_module_is_compiled_from_the_source_beside_it(build: Path) -> None:
    """PEP 552: flags 1 is a hash that is not checked when it is loaded; so it is checked here."""
    finished(build)
    sources = list(build.rglob("*.py"))

    assert len(sources) > 30
    for source in sources:
        octets = (source.parent / "__pycache__" / f"{source.stem}.cpython-313.pyc").read_bytes()
        assert octets[4:8] == b"\1\0\0\0"
        assert octets[8:16] == source_hash(source.read_bytes())


def test_the_same_sources_make_the_same_bytes_elsewhere_and_later(build: Path, tmp_path: Path) -> None:
    """Else each build would be a new version of the layer, and of every function."""
    elsewhere = tmp_path / "quite/another/folder"
    shutil.copytree(build, elsewhere)
    for path in elsewhere.rglob("*.py"):
        os.utime(path, (1, 1))

    assert compiled(finished(build)) == compiled(finished(elsewhere, seed=1)) != {}
    assert all(str(build).encode() not in octets for octets in compiled(build).values())


def test_finishing_twice_changes_nothing(build: Path) -> None:
    once = compiled(finished(build))

    assert compiled(finished(build)) == once


def test_a_build_of_one_function_has_no_layers_to_finish(tmp_path: Path) -> None:
    assert list(finished(tmp_path).iterdir()) == []


def test_what_does_not_compile_ends_the_build(build: Path) -> None:
    (build / finish.SHARED / "heirloom/domain/broken.py").write_text("def")

    with pytest.raises(subprocess.CalledProcessError):
        finished(build)
