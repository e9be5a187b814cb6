"""Functions, their logs, their environment, their routes."""

import dataclasses
import json
from collections import defaultdict
from pathlib import Path

import pytest

from heirloom.adapters.settings import Settings
from heirloom.domain.backchannel_logout import MOST_ATTEMPTS
from local.template import ROOT, Template, environment, functions, routes

FUNCTIONS = "AWS::Serverless::Function"
ROTATION = {"SIGNING_KEY_ROTATION_DAYS", "TOKEN_KEY_ROTATION_DAYS"}


def test_every_function_logs_into_a_group_that_forgets(template: Template) -> None:
    groups = template.of_type("AWS::Logs::LogGroup")
    used = {one["LoggingConfig"]["LogGroup"]["Ref"] for one in template.of_type(FUNCTIONS).values()}

    assert used | {"ApiLogs"} == set(groups)
    assert len(used) == len(template.of_type(FUNCTIONS))
    for name, group in groups.items():
        assert group["RetentionInDays"] == {"Ref": "LogRetentionDays"}, name


def test_the_environment_is_what_settings_reads_and_how_powertools_names_us(template: Template) -> None:
    settings = {field.name.upper() for field in dataclasses.fields(Settings)}
    powertools = {"POWERTOOLS_SERVICE_NAME", "POWERTOOLS_METRICS_NAMESPACE", "POWERTOOLS_LOG_LEVEL"}
    edge = {"EDGE_SECRET_DIGESTS", "DIRECT_ACCESS"}

    assert set(environment(template, issuer="http://localhost/")) == settings | powertools | edge | ROTATION


def test_no_function_has_an_environment_of_its_own_but_the_one_that_keeps_the_keys(template: Template) -> None:
    """How long keys last is no matter of those who use them: they get no new version for it."""
    own = {
        name: one["Environment"]["Variables"]
        for name, one in template.of_type(FUNCTIONS).items()
        if "Environment" in one
    }

    assert {name: set(variables) for name, variables in own.items()} == {"RotateKeysFunction": ROTATION}


def test_every_function_gives_up_before_the_api_does(template: Template) -> None:
    """An HTTP API waits for 30 s, and nobody waits for rotate_keys."""
    common = template.document["Globals"]["Function"]["Timeout"]
    timeouts = {name: one.get("Timeout", common) for name, one in template.of_type(FUNCTIONS).items()}

    assert all(timeout <= 15 for name, timeout in timeouts.items() if name != "RotateKeysFunction")
    assert timeouts["RotateKeysFunction"] < template.of_type("Custom::FirstKeys")["FirstKeys"]["ServiceTimeout"]


def test_a_logout_comes_again_as_often_as_the_function_counts_and_never_while_it_works(template: Template) -> None:
    queue = template.of_type("AWS::SQS::Queue")["BackchannelLogoutQueue"]
    common = template.document["Globals"]["Function"]["Timeout"]
    (mapping,) = template.of_type("AWS::Lambda::EventSourceMapping").values()

    assert queue["RedrivePolicy"]["maxReceiveCount"] == MOST_ATTEMPTS
    assert queue["VisibilityTimeout"] >= 6 * common
    assert mapping["FunctionResponseTypes"] == ["ReportBatchItemFailures"]


def test_every_function_is_a_folder_with_a_handler(template: Template) -> None:
    folders = {path.parent for path in Path(ROOT, "functions").glob("*/app.py")}

    assert {ROOT / one.folder for one in functions(template).values()} == folders


def test_routes_and_events_are_the_same(template: Template) -> None:
    """Every route has a sample event in its function's folder, and no event asks for a route that there is not."""
    sampled: dict[str, set[str]] = defaultdict(set)
    for path in Path(ROOT, "events").glob("*/*.json"):
        route = json.loads(path.read_text()).get("routeKey")
        if route:
            sampled[route].add(path.parent.name)

    assert sampled == {route: {name} for route, name in routes(template).items()}


def test_every_function_has_an_event(template: Template) -> None:
    named = {path.parent.name for path in Path(ROOT, "events").glob("*/*.json")}

    assert named == {one.name for one in functions(template).values()}


def test_both_layers_are_under_every_function_and_built_for_its_processor(template: Template) -> None:
    layers = template.of_type("AWS::Serverless::LayerVersion")
    common = template.document["Globals"]["Function"]

    assert [one["Ref"] for one in common["Layers"]] == ["DependenciesLayer", "SharedLayer"]
    assert not [name for name, one in template.of_type(FUNCTIONS).items() if "Layers" in one]
    assert common["Architectures"] == [{"Ref": "Architecture"}]
    for name, layer in layers.items():
        built = template.resources[name]["Metadata"]
        assert built == {"BuildMethod": "python3.13", "BuildArchitecture": {"Ref": "Architecture"}}, name
        assert layer["CompatibleArchitectures"] == [{"Ref": "Architecture"}], name


@pytest.mark.parametrize("stray", ["requirements.txt", "python", "src"])
def test_the_package_lies_directly_in_its_layer(stray: str) -> None:
    """Each of these would make SAM put the package where Lambda does not look, or ship what is not ours."""
    assert Path(ROOT, "layers/shared/heirloom/__init__.py").is_file()
    assert not Path(ROOT, "layers/shared", stray).exists()
