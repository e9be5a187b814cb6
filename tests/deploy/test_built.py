"""What `sam build` made, run without anything else of this project."""

import ast
import filecmp
import json
import os
import subprocess
import sys
from collections.abc import Iterator
from importlib.metadata import distributions
from importlib.util import source_hash
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
from supply_chain import finish, layer

FUNCTIONS = {one.name: one for one in functions(template.load()).values()}
SERVICES = sorted(
    {
        call.args[0].value
        for path in (ROOT / "layers/shared").rglob("*.py")
        for call in ast.walk(ast.parse(path.read_text("utf-8")))
        if isinstance(call, ast.Call) and ast.unparse(call.func).endswith("client") and call.args
        if isinstance(call.args[0], ast.Constant) and isinstance(call.args[0].value, str)
    }
)
"""What clients are made for anywhere in our code: `boto3.client("dynamodb", …)` and the like."""
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


def test_the_shared_layer_is_the_package_as_it_stands(artifacts: Artifacts) -> None:
    built = artifacts.folder / finish.SHARED
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


@pytest.mark.parametrize("layer_folder", [finish.SHARED, finish.DEPENDENCIES])
def test_every_module_of_a_layer_is_compiled_and_from_the_source_beside_it(
    artifacts: Artifacts, layer_folder: str
) -> None:
    """Nobody compares them when they are loaded, so it is done here: the header has the source's hash (PEP 552)."""
    built = artifacts.folder / layer_folder
    sources = {path: path.parent / "__pycache__" / f"{path.stem}.cpython-313.pyc" for path in built.rglob("*.py")}

    assert len(sources) > 100
    assert set(built.rglob("*.pyc")) == set(sources.values())
    for source, compiled in sources.items():
        header = compiled.read_bytes()[:16]
        assert (header[4:8], header[8:]) == (b"\1\0\0\0", source_hash(source.read_bytes())), source


def test_the_services_that_we_call_are_described_in_the_layer_and_others_are_not(artifacts: Artifacts) -> None:
    """A client of a service whose description was left out could not be made, and only at its first call."""
    clients = "import boto3, json, sys\nfor name in json.loads(sys.argv[1]): boto3.client(name, 'eu-central-1')"
    path = os.pathsep.join(map(str, artifacts.import_path(FUNCTIONS["token"])))

    def made(services: list[str]) -> str:
        done = subprocess.run(
            [sys.executable, "-S", "-P", "-c", clients, json.dumps(services)],
            env={"PYTHONPATH": path},
            capture_output=True,
            text=True,
            check=False,
        )
        return done.stderr

    assert len(SERVICES) >= 5
    assert made(SERVICES) == ""
    assert "UnknownServiceError" in made(["ec2"])


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
