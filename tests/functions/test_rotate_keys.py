"""The keeper of the keys: whatever happens, CloudFormation hears something, and nobody a secret."""

import importlib.util
import json
import os
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from heirloom.adapters import custom_resource, key_documents
from heirloom.adapters.key_rotation import Unsettled
from heirloom.adapters.versioned_secret import Version
from local import template
from local.cloudformation import CloudFormation, listening
from tests.keys import PERIOD, SIGNING, TOKEN, Keys

NOW = 1_800_000_000
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
def app(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    monkeypatch.setenv("POWERTOOLS_METRICS_NAMESPACE", "Heirloom")
    return imported()


@pytest.fixture
def keys(monkeypatch: pytest.MonkeyPatch, app: ModuleType) -> Keys:
    """The keys of a stack that has none yet."""
    keys = Keys()
    monkeypatch.setattr(app, "rotation", lambda: keys.rotation)
    return keys


def event(case: str, url: str) -> dict[str, Any]:
    sample: dict[str, Any] = json.loads(Path(ROOT, f"events/rotate_keys/{case}.json").read_text())
    return sample | {"ResponseURL": url}


@pytest.mark.parametrize("case", ["create", "update"])
def test_a_new_or_changed_stack_gets_what_keys_it_lacks(
    case: str, app: ModuleType, keys: Keys, cloudformation: CloudFormation
) -> None:
    request = event(case, cloudformation.url)

    app.handler(request, None)

    assert list(keys.states(SIGNING).values()) == list(keys.states(TOKEN).values()) == ["current", "next"]
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


def test_the_end_of_the_stack_touches_no_key(app: ModuleType, keys: Keys, cloudformation: CloudFormation) -> None:
    app.handler(event("delete", cloudformation.url), None)

    assert keys.writes == 0
    assert [one["Status"] for one in cloudformation.heard] == ["SUCCESS"]


@pytest.mark.usefixtures("keys")
def test_the_resource_keeps_its_id_so_that_no_update_deletes_it(
    app: ModuleType, cloudformation: CloudFormation
) -> None:
    for case in ("create", "update", "delete"):
        app.handler(event(case, cloudformation.url), None)

    assert {one["PhysicalResourceId"] for one in cloudformation.heard} == {"first-keys"}


def test_a_failure_is_told_without_what_was_in_it(
    app: ModuleType, monkeypatch: pytest.MonkeyPatch, cloudformation: CloudFormation
) -> None:
    """Everybody who sees the stack reads the reason."""

    def fails() -> None:
        raise Unsettled("-----BEGIN PRIVATE KEY-----")

    monkeypatch.setattr(app, "rotation", fails)

    answer = app.handler(event("create", cloudformation.url), None)

    assert answer == {"status": "FAILED"}
    assert [one["Status"] for one in cloudformation.heard] == ["FAILED"]
    assert "Unsettled" in cloudformation.heard[0]["Reason"]
    assert "PRIVATE" not in json.dumps(cloudformation.heard)


# ---- The schedule, and an operator


def sample(case: str) -> dict[str, Any]:
    request: dict[str, Any] = json.loads(Path(ROOT, f"events/rotate_keys/{case}.json").read_text())
    return request


def test_the_schedule_says_what_the_sample_says() -> None:
    (rule,) = template.load().of_type("AWS::Events::Rule").values()

    assert json.loads(rule["Targets"][0]["Input"]) == sample("rotate")


def test_a_run_moves_what_is_due_and_tells_how_old_the_keys_are(
    app: ModuleType,
    keys: Keys,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    caplog: pytest.LogCaptureFixture,
) -> None:
    monkeypatch.setattr(app.time, "time", lambda: NOW)
    app.handler(sample("rotate"), None)
    monkeypatch.setattr(app.time, "time", lambda: NOW + PERIOD - 1)
    app.handler(sample("rotate"), None)
    capsys.readouterr()
    caplog.clear()
    monkeypatch.setattr(app.time, "time", lambda: NOW + PERIOD)

    answer = app.handler(sample("rotate"), None)

    said = capsys.readouterr().out
    metrics = [json.loads(line) for line in said.splitlines() if '"_aws"' in line]
    assert {name: one[name] for one in metrics for name in one if name.endswith("KeyAge")} == {
        "SigningKeyAge": [0],
        "TokenKeyAge": [0],
    }
    definitions = [one["_aws"]["CloudWatchMetrics"][0] for one in metrics]
    assert {(it["Namespace"], it["Metrics"][0]["Unit"]) for it in definitions} == {("Heirloom", "Seconds")}
    assert caplog.messages == ["key_moved"] * len(answer["moved"]) == ["key_moved"] * 6
    assert list(keys.states(SIGNING).values()) == ["retired", "current", "next"]


def test_a_run_that_moves_nothing_tells_the_ages_too(
    app: ModuleType, keys: Keys, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    keys.rotation.rotate(NOW)
    monkeypatch.setattr(app.time, "time", lambda: NOW + 1000)
    app.handler(sample("rotate"), None)

    said = capsys.readouterr().out
    assert '"SigningKeyAge":[1000' in said.replace(" ", "")
    assert '"TokenKeyAge":[1000' in said.replace(" ", "")


def test_keys_that_an_earlier_release_made_are_shown_before_any_run(app: ModuleType, keys: Keys) -> None:
    for secret, ring in (
        (keys.rotation.signing_secret, [key_documents.new_signing_key(), key_documents.new_signing_key()]),
        (keys.rotation.token_secret, [key_documents.new_token_key(1), key_documents.new_token_key(2)]),
    ):
        made = [key | {"state": state, "created_at": NOW} for key, state in zip(ring, ["current", "next"], strict=True)]
        assert secret.replace(Version(None, None), {"keys": made})

    answer = app.handler(sample("show"), None)

    assert [key["state"] for key in answer["signing_keys"]] == ["current", "next"]
    assert [key["moves_at"] for key in answer["token_keys"]] == [NOW + PERIOD] * 2
    assert [key["moves_at"] for key in answer["signing_keys"]] == [None] * 2, "nobody has seen it published yet"


def test_no_answer_and_no_line_holds_a_secret(
    app: ModuleType, keys: Keys, capsys: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture
) -> None:
    for request in (
        sample("show"),
        sample("rotate"),
        sample("show"),
        {"action": "revoke", "ring": "signing"},
        sample("revoke"),
    ):
        answer = app.handler(request, None)
        json.dumps(answer)
        told = json.dumps(answer) + capsys.readouterr().out + str([vars(record) for record in caplog.records])
        for name in ("PRIVATE", 'mac"', 'derivation"', "private_key"):
            assert name not in told
    assert keys.states(TOKEN)[1] == "retired"


@pytest.mark.parametrize(
    "request_",
    [
        {},
        {"action": "provision"},
        {"action": "show", "ring": "signing"},
        {"action": "rotate", "ahead": "signing"},
        {"action": "rotate", "ahead": ["signing", "others"]},
        {"action": "rotate", "now": 1},
        {"action": "revoke"},
        {"action": "revoke", "ring": "others"},
        {"action": "revoke", "ring": "signing", "keys": []},
        {"action": "revoke", "ring": "signing", "keys": "all"},
        {"action": "revoke", "ring": "signing", "key": ["a slip"]},
        {"action": "revoke", "ring": "signing", "keys": ["unknown"]},
        {"action": "revoke", "ring": "token", "keys": ["1"]},
        {"action": "revoke", "ring": "token", "keys": [True]},
        {"action": "revoke", "ring": "token", "keys": [99]},
    ],
)
def test_what_is_not_understood_changes_nothing(app: ModuleType, keys: Keys, request_: dict[str, Any]) -> None:
    """Least of all does a slip revoke all keys."""
    keys.rotation.rotate(NOW)
    writes = keys.writes

    answer = app.handler(request_, None)

    assert set(answer) == {"error", "reason"}
    assert keys.writes == writes


def test_a_run_that_fails_is_an_error_so_that_lambda_calls_again(
    app: ModuleType, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fails() -> None:
        raise Unsettled

    monkeypatch.setattr(app, "rotation", fails)

    with pytest.raises(Unsettled):
        app.handler(sample("rotate"), None)


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
