"""What `sam build` made, run without anything else of this project."""

import filecmp
import json
from collections.abc import Iterator
from importlib.metadata import distributions
from pathlib import Path
from typing import Any

import pytest
from packaging.utils import canonicalize_name

from cli import tenant_file
from local import processes, stack, template
from local.artifacts import ARCHITECTURE, Artifacts
from local.cloudformation import listening
from local.stack import Endpoints
from local.template import ROOT, functions
from supply_chain import layer

FUNCTIONS = {one.name: one for one in functions(template.load()).values()}
ANSWERING = sorted(set(FUNCTIONS) - {"rotate_keys", "backchannel_logout"})


@pytest.fixture(scope="module")
def environment() -> Iterator[dict[str, str]]:
    """The environment of the functions, on a local AWS as `make run` seeds it."""
    with processes.ministack() as aws:
        environment = stack.create(Endpoints(aws, aws), issuer="http://localhost:8400/")
        tenant_file.seed(tenant_file.load(ROOT / "examples/tenant.yaml"), stack.store(aws, environment))
        yield environment


def events(function: str) -> dict[str, dict[str, Any]]:
    """The sample events of a function, by case."""
    return {path.stem: json.loads(path.read_text()) for path in sorted(ROOT.glob(f"events/{function}/*.json"))}


@pytest.mark.parametrize("function", ANSWERING)
def test_the_built_handler_answers_every_sample_event(
    function: str, artifacts: Artifacts, environment: dict[str, str]
) -> None:
    """None as if there were no such route, and none with a mistake of ours."""
    samples = events(function)

    answers = artifacts.answers(FUNCTIONS[function], samples.values(), environment)

    statuses = {case: answer["statusCode"] for case, answer in zip(samples, answers, strict=True)}
    assert statuses
    assert not {case: status for case, status in statuses.items() if status in {404, 405} or status >= 500}


def test_the_built_keeper_of_the_keys_answers_cloudformation_and_operators(
    artifacts: Artifacts, environment: dict[str, str]
) -> None:
    with listening() as cloudformation:
        samples = {
            case: event | ({"ResponseURL": cloudformation.url} if "ResponseURL" in event else {})
            for case, event in events("rotate_keys").items()
        }
        answers = artifacts.answers(FUNCTIONS["rotate_keys"], samples.values(), environment)

    to_cloudformation = [answer for answer in answers if answer == {"status": "SUCCESS"}]
    assert [one["Status"] for one in cloudformation.heard] == ["SUCCESS"] * len(to_cloudformation) == ["SUCCESS"] * 3
    assert all("moved" in answer for answer in answers if answer not in to_cloudformation)


def test_the_built_worker_of_the_queue_takes_its_sample_event(
    artifacts: Artifacts, environment: dict[str, str]
) -> None:
    """The example's application hears of no logouts, so there is nothing to send and nothing to try again."""
    samples = events("backchannel_logout")

    answers = artifacts.answers(FUNCTIONS["backchannel_logout"], samples.values(), environment)

    assert answers == [{"batchItemFailures": []}]


def test_a_function_s_zip_is_its_handler_alone(artifacts: Artifacts) -> None:
    for function in FUNCTIONS.values():
        built = artifacts.import_path(function)[0]
        assert [path.name for path in built.iterdir()] == ["app.py"]


def test_the_shared_layer_is_the_package_as_it_stands_and_nothing_compiled(artifacts: Artifacts) -> None:
    """Compiled files differ from run to run, and each would be a new version of the layer."""
    built = artifacts.folder / "SharedLayer/python"
    source = ROOT / "layers/shared"

    def files(folder: Path) -> set[str]:
        paths = {path.relative_to(folder) for path in folder.rglob("*") if path.is_file()}
        return {str(path) for path in paths if "__pycache__" not in path.parts}

    # What somebody saves while the tests run is not in the build.
    built_at = artifacts.template.stat().st_mtime
    saved_since = {name for name in files(source) if (source / name).stat().st_mtime > built_at}
    _, differing, missing = filecmp.cmpfiles(source, built, files(source) - saved_since, shallow=False)
    assert not differing + missing
    assert files(built) - files(source) == set()
    assert not list(built.rglob("*.pyc"))


def test_the_layer_of_dependencies_is_its_lock_to_the_version(artifacts: Artifacts) -> None:
    """No more, such as a dependency that nobody listed or what nothing imports, and no less."""
    built = distributions(path=[str(artifacts.folder / "DependenciesLayer/python")])

    assert {canonicalize_name(one.metadata["Name"]): one.version for one in built} == {
        one.name: one.version for one in layer.pins().values()
    }


def test_the_dependencies_are_built_for_this_processor(artifacts: Artifacts) -> None:
    """From the same lock; another processor's would only fail when the function is first called."""
    machine = {"x86_64": b"\x3e\x00", "arm64": b"\xb7\x00"}[ARCHITECTURE]  # e_machine of the ELF header
    libraries = list(artifacts.folder.glob("DependenciesLayer/python/**/*.so"))

    assert libraries
    assert {path.read_bytes()[18:20] for path in libraries} == {machine}
