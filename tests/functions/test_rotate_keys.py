"""The custom resource: whatever happens, CloudFormation hears something, and never a secret."""

import importlib.util
import json
import os
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from heirloom.adapters import custom_resource, provisioning
from local.cloudformation import CloudFormation, listening

ROOT = Path(__file__).parents[2]


@pytest.fixture
def cloudformation() -> Iterator[CloudFormation]:
    with listening() as server:
        yield server


def imported() -> ModuleType:
    """The function's module, imported anew."""
    spec = importlib.util.spec_from_file_location("rotate_keys_app", ROOT / "functions/rotate_keys/app.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture
def app() -> ModuleType:
    return imported()


@pytest.fixture
def provisioned(monkeypatch: pytest.MonkeyPatch, app: ModuleType) -> list[bool]:
    """One entry for each run of the provisioning, which does nothing."""
    runs: list[bool] = []
    monkeypatch.setattr(app, "_provision", lambda: runs.append(True))
    return runs


def event(case: str, url: str) -> dict[str, Any]:
    sample: dict[str, Any] = json.loads(Path(ROOT, f"events/rotate_keys/{case}.json").read_text())
    return sample | {"ResponseURL": url}


@pytest.mark.parametrize("case", ["create", "update"])
def test_a_new_or_changed_stack_gets_what_keys_it_lacks(
    case: str, app: ModuleType, provisioned: list[bool], cloudformation: CloudFormation
) -> None:
    request = event(case, cloudformation.url)

    app.handler(request, None)

    assert provisioned == [True]
    assert cloudformation.heard == [
        {
            "Status": "SUCCESS",
            "Reason": "done",
            "PhysicalResourceId": "first-keys",
            "StackId": request["StackId"],
            "RequestId": request["RequestId"],
            "LogicalResourceId": "FirstKeys",
        }
    ]


def test_the_end_of_the_stack_touches_no_key(
    app: ModuleType, provisioned: list[bool], cloudformation: CloudFormation
) -> None:
    app.handler(event("delete", cloudformation.url), None)

    assert provisioned == []
    assert [one["Status"] for one in cloudformation.heard] == ["SUCCESS"]


def test_the_resource_keeps_its_id_so_that_no_update_deletes_it(
    app: ModuleType, provisioned: list[bool], cloudformation: CloudFormation
) -> None:
    for case in ("create", "update", "delete"):
        app.handler(event(case, cloudformation.url), None)

    assert {one["PhysicalResourceId"] for one in cloudformation.heard} == {"first-keys"}
    assert len(provisioned) == 2


def test_a_failure_is_told_without_what_was_in_it(
    app: ModuleType, monkeypatch: pytest.MonkeyPatch, cloudformation: CloudFormation
) -> None:
    """Everybody who sees the stack reads the reason."""

    def fails() -> None:
        raise provisioning.Unsettled("-----BEGIN PRIVATE KEY-----")

    monkeypatch.setattr(app, "_provision", fails)

    answer = app.handler(event("create", cloudformation.url), None)

    assert answer == {"status": "FAILED"}
    assert [one["Status"] for one in cloudformation.heard] == ["FAILED"]
    assert "Unsettled" in cloudformation.heard[0]["Reason"]
    assert "PRIVATE" not in json.dumps(cloudformation.heard)


def test_by_hand_it_makes_keys_and_answers_nobody_else(app: ModuleType, provisioned: list[bool]) -> None:
    sample = json.loads(Path(ROOT, "events/rotate_keys/provision.json").read_text())

    assert app.handler(sample, None) == {"status": "SUCCESS"}
    assert provisioned == [True]


def test_by_hand_a_failure_is_raised(app: ModuleType, monkeypatch: pytest.MonkeyPatch) -> None:
    def fails() -> None:
        raise provisioning.Unsettled

    monkeypatch.setattr(app, "_provision", fails)

    with pytest.raises(provisioning.Unsettled):
        app.handler({"action": "provision"}, None)


def test_importing_the_function_asks_nothing_of_its_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [name for name in os.environ if name.startswith(("AWS_", "POWERTOOLS_")) or name == "ISSUER"]:
        monkeypatch.delenv(name)

    assert callable(imported().handler)


@pytest.mark.parametrize(
    "url",
    [
        "http://example.com/",
        "http://169.254.169.254/latest/",
        "http://localhost.example.com/",
        "http://127.0.0.1@example.com/",
        "file:///etc/passwd",
        "ftp://127.0.0.1/",
        "",
    ],
)
def test_answers_go_to_https_or_to_this_machine(url: str) -> None:
    with pytest.raises(ValueError, match="https"):
        custom_resource.answer(event("create", url), resource_id="first-keys")


def test_the_answer_has_no_content_type_since_the_address_is_signed_for_none(cloudformation: CloudFormation) -> None:
    custom_resource.answer(event("create", cloudformation.url), resource_id="first-keys")

    assert cloudformation.content_types == [""]


@pytest.mark.parametrize("status", [302, 307, 403, 500])
def test_an_answer_that_is_not_taken_is_an_error_so_that_lambda_calls_again(
    status: int, cloudformation: CloudFormation
) -> None:
    cloudformation.status = status

    with pytest.raises(OSError, match=str(status)):
        custom_resource.answer(event("create", cloudformation.url), resource_id="first-keys")
    assert len(cloudformation.heard) == 1
