"""The layer holds what the functions import and nothing else, and says so to people and to programs."""

import hashlib
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from packaging.utils import canonicalize_name

from supply_chain import layer, locks, sbom


@pytest.fixture(scope="module")
def shipped() -> dict[str, layer.Shipped]:
    return {one.name: one for one in layer.shipped()}


@pytest.fixture(scope="module")
def bill() -> dict[str, Any]:
    return sbom.sbom()


def test_no_package_is_in_the_layer_that_nothing_imports(shipped: dict[str, layer.Shipped]) -> None:
    """In a process that imported all of our modules, and what they import late."""
    assert shipped.keys() - layer.imported() == set()


def test_each_has_somebody_of_ours_to_answer_for_it(shipped: dict[str, layer.Shipped]) -> None:
    """It is imported by us, or wanted by a package that is."""
    answered = {name for name, one in shipped.items() if one.ours}
    while more := {name for name, one in shipped.items() if answered & set(one.through)} - answered:
        answered |= more

    assert shipped.keys() == answered


def test_the_page_lists_what_the_layer_holds(shipped: dict[str, layer.Shipped]) -> None:
    """All but the sizes, which differ between processors. `make sbom` writes it."""

    def without_sizes(table: str) -> list[str]:
        return [line.rsplit("|", 2)[0] for line in table.splitlines()]

    page = sbom.PAGE.read_text("utf-8").partition("<!-- table: layer -->\n")[2].partition("<!-- end -->")[0]

    assert len(shipped) == page.count("\n") - 2
    assert without_sizes(page) == without_sizes(sbom.table(shipped.values()))


def test_the_bill_of_materials_is_the_layer_s_lock(bill: dict[str, Any]) -> None:
    components = {
        (canonicalize_name(one["name"]), one["version"]): {
            f"sha256:{each['content']}" for reference in one["externalReferences"] for each in reference["hashes"]
        }
        for one in bill["components"]
    }

    assert components == {(one.name, one.version): set(one.hashes) for one in layer.pins().values()}
    assert [one["purl"] for one in bill["components"] if not one["purl"].startswith("pkg:pypi/")] == []
    assert [one["name"] for one in bill["components"] if not one.get("licenses")] == []


def test_the_bill_of_materials_leads_from_us_to_every_package(bill: dict[str, Any]) -> None:
    edges = {one["ref"]: one["dependsOn"] for one in bill["dependencies"]}
    reached, waiting = set[str](), [bill["metadata"]["component"]["bom-ref"]]
    while waiting:
        reached.add(ref := waiting.pop())
        waiting.extend(set(edges[ref]) - reached)

    assert (
        reached
        == edges.keys()
        == {bill["metadata"]["component"]["bom-ref"], *(one["bom-ref"] for one in bill["components"])}
    )


def test_what_is_no_cyclonedx_is_not_written() -> None:
    """`bill` went through the same check."""
    fine = {"bomFormat": "CycloneDX", "specVersion": "1.6", "components": [{"type": "library", "name": "jinja2"}]}
    sbom.validate(fine)

    with pytest.raises(sbom.Invalid, match="sandwich"):
        sbom.validate({**fine, "components": [{"type": "sandwich", "name": "jinja2"}]})


def test_the_wheels_that_sam_may_use_are_files_of_the_lock_for_both_processors() -> None:
    """SAM asks for another processor's wheels by name alone, and finds these and no others."""
    hashes = {each: one.name for one in locks.python(locks.LAYER) for each in one.hashes}
    wheels = sorted((locks.ROOT / ".tools/layer").glob("*.whl"))
    compiled = {processor: set[str]() for processor in ("aarch64", "x86_64")}
    for wheel in wheels:
        name = hashes[f"sha256:{hashlib.sha256(wheel.read_bytes()).hexdigest()}"]
        for processor, names in compiled.items():
            if processor in wheel.name:
                names.add(name)

    assert compiled["aarch64"] == compiled["x86_64"] >= {"cryptography", "bcrypt", "cffi"}
    assert {canonicalize_name(wheel.name.partition("-")[0]) for wheel in wheels} == {
        one.name for one in locks.python(locks.LAYER)
    }


@pytest.fixture
def told(tmp_path: Path) -> Callable[..., set[str]]:
    """What `scripts/sam` tells the programs below it, said by a `sam` and a `python` that print it."""
    for file in ("scripts/sam", "scripts/setup", "requirements/sam.txt", "layers/dependencies/requirements.txt"):
        (tmp_path / file).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(locks.ROOT / file, tmp_path / file)
    for made, lock in (
        (".tools/sam", "requirements/sam.txt"),
        (".tools/layer", "layers/dependencies/requirements.txt"),
    ):
        (tmp_path / made / "bin").mkdir(parents=True)
        shutil.copy(locks.ROOT / lock, tmp_path / made / "lock.txt")
    for program in ("python", "sam"):
        (tmp_path / ".tools/sam/bin" / program).write_text(f'#!/bin/sh\necho {program} "$@"\nenv\n')
        (tmp_path / ".tools/sam/bin" / program).chmod(0o755)

    def run(*arguments: str) -> set[str]:
        done = subprocess.run([tmp_path / "scripts/sam", *arguments], capture_output=True, text=True, check=True)
        return {*done.stdout.splitlines()}

    return run


def test_sam_builds_of_these_wheels_alone(told: Callable[..., set[str]], tmp_path: Path) -> None:
    assert {"PIP_NO_INDEX=1", f"PIP_FIND_LINKS=file://{tmp_path}/.tools/layer"} <= told("build")


@pytest.mark.parametrize(
    ("arguments", "folder"),
    [
        (["build"], ".aws-sam/build"),
        (["build", "-b", "made"], "made"),
        (["build", "--build-dir", "made", "--cached"], "made"),
        (["build", "--build-dir=made"], "made"),
    ],
)
def test_what_sam_built_is_finished(told: Callable[..., set[str]], arguments: list[str], folder: str) -> None:
    assert f"python -m supply_chain.finish {folder}" in told(*arguments)


def test_nothing_is_finished_by_what_builds_nothing(told: Callable[..., set[str]]) -> None:
    assert "python -m" not in " ".join(told("validate", "--lint"))
