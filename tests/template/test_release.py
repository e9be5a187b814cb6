"""How a change reaches callers: versions, the alias before them, CodeDeploy. ministack refuses the last of these."""

import json
import re
from collections.abc import Iterator
from typing import Any

import pytest

from local.template import Template, functions, load
from tests.template.transformed import Variant, of, transformed

FUNCTIONS = "AWS::Serverless::Function"
CANARY = Variant((("Canary", "Canary10Percent5Minutes"),))
UNATTENDED = {"BackchannelLogoutFunction", "RotateKeysFunction"}
"""Nobody waits for these: a cold start does no harm, and a tenth of their callers is nobody."""


def versions(template: Template) -> dict[str, str]:
    """Logical id of the version of each function."""
    return {
        one["FunctionName"]["Ref"]: logical_id for logical_id, one in template.of_type("AWS::Lambda::Version").items()
    }


def moved(before: Template, after: Template) -> set[str]:
    """The functions whose alias leads to another version."""
    return {name for name, version in versions(before).items() if versions(after)[name] != version}


def references(node: Any) -> Iterator[str]:
    """What the node hangs on: `Logical`, `Logical.Attribute`, names of conditions and parameters."""
    if isinstance(node, list):
        for one in node:
            yield from references(one)
    elif isinstance(node, dict):
        for name, argument in node.items():
            match name:
                case "Ref" | "Condition" if isinstance(argument, str):
                    yield argument
                case "Fn::GetAtt":
                    yield ".".join(argument)
                case "Fn::If":
                    yield argument[0]
                    yield from references(argument[1:])
                case "Fn::Sub":
                    text = argument if isinstance(argument, str) else argument[0]
                    yield from re.findall(r"\$\{([\w:.]+)\}", text)
                    yield from references(argument)
                case _:
                    yield from references(argument)


def test_callers_reach_every_function_by_its_alias(template: Template) -> None:
    """An address without it is the newest code, whether it has been published or not."""
    callers = {
        logical_id: one["Properties"]
        for logical_id, one in template.resources.items()
        if one["Type"] not in {FUNCTIONS, "AWS::CloudWatch::Alarm", "AWS::CloudWatch::Dashboard", "AWS::IAM::Role"}
    }
    called = {
        reference
        for reached in (*callers.values(), template.document["Outputs"])
        for reference in references(reached)
        if reference.partition(".")[0] in functions(template)
    }

    assert called == {f"{name}.Alias" for name in functions(template)}


def test_a_layer_alone_brings_a_new_version_of_every_function() -> None:
    """Else the alias would keep the old rules of rotation."""
    before, dependencies, shared = transformed(
        Variant(), Variant(contents=(("DependenciesLayer", "new"),)), Variant(contents=(("SharedLayer", "new"),))
    )

    assert moved(before, dependencies) == moved(before, shared) == set(versions(before))


def test_without_being_told_to_it_would_bring_none(template: Template) -> None:
    """So the test above shows what it says."""
    document = json.loads(json.dumps(template.document))
    for name in ("DependenciesLayer", "SharedLayer"):
        del document["Resources"][name]["Properties"]["PublishLambdaVersion"]

    before, after = of(Template(document), Variant(), Variant(contents=(("SharedLayer", "new"),)))

    assert moved(before, after) == set()


def test_a_function_s_own_change_brings_a_version_of_that_alone() -> None:
    """A version of what did not change is refused by Lambda, and the whole update with it."""
    before, after = transformed(Variant(), Variant(contents=(("TokenFunction", "new"),)))

    assert moved(before, after) == {"TokenFunction"}


def test_a_changed_property_brings_a_version(template: Template) -> None:
    document = json.loads(json.dumps(template.document))
    document["Resources"]["TokenFunction"]["Properties"]["MemorySize"] = 2048
    (before,) = transformed(Variant())

    (after,) = of(Template(document), Variant())

    assert moved(before, after) == {"TokenFunction"}


@pytest.mark.parametrize("function", functions(load()))
def test_a_version_is_described_by_the_parameters_that_its_function_depends_on(
    template: Template, function: str
) -> None:
    """SAM does not see their values. The description of a version is part of it: with another comes another version.

    And by none that the function does not depend on: Lambda refuses a version of what did not change.
    """
    common = template.document["Globals"]["Function"]
    own = template.of_type(FUNCTIONS)[function]
    versioned = {
        name: own.get(name, common.get(name))
        for name in {*own, *common} - {"DeploymentPreference", "VersionDescription"}
    }
    versioned["LoggingConfig"] = common["LoggingConfig"] | own["LoggingConfig"]
    versioned["Environment"] = [common["Environment"], own.get("Environment")]
    found: set[str] = set()
    pending = set(references(versioned))
    while pending:
        name = pending.pop()
        found.add(name)
        pending |= set(references(template.document["Conditions"].get(name))) - found
    hanging_on = found & set(template.document["Parameters"])

    described = set(references(own["VersionDescription"]))

    # A domain comes with its certificate, and functions know nothing of the one that it is.
    assert described == hanging_on - {"CertificateArn"}


def test_a_description_is_never_longer_than_lambda_takes(template: Template) -> None:
    """There is an issuer or a domain, not both."""
    parameters = template.document["Parameters"]
    longest = {
        name: one.get("MaxLength") or max(len(str(it)) for it in one.get("AllowedValues", [one.get("MaxValue")]))
        for name, one in parameters.items()
    }
    assert longest["Issuer"] == longest["DomainName"]
    longest["DomainName"] = 0
    for one in template.of_type(FUNCTIONS).values():
        around = re.sub(r"\$\{\w+\}", "", one["VersionDescription"]["Fn::Sub"])
        assert len(around) + sum(longest[name] for name in references(one["VersionDescription"])) <= 256


def test_a_version_goes_when_the_alias_has_left_it() -> None:
    """Layers too. What nobody calls any more is neither kept nor, as a snapshot, paid for."""
    (deployed,) = transformed(Variant())
    kinds = {"AWS::Lambda::Version", "AWS::Lambda::LayerVersion"}
    policies = {
        logical_id: (one["DeletionPolicy"], one.get("UpdateReplacePolicy", "Delete"))
        for logical_id, one in deployed.resources.items()
        if one["Type"] in kinds
    }

    assert set(policies.values()) == {("Delete", "Delete")}


def test_whom_people_wait_for_starts_from_a_snapshot_unless_a_parameter_says_no() -> None:
    (deployed,) = transformed(Variant())
    started = {name: one["SnapStart"]["ApplyOn"] for name, one in deployed.of_type("AWS::Lambda::Function").items()}

    assert {name for name, when in started.items() if when == "None"} == UNATTENDED
    assert {json.dumps(started[name]) for name in set(started) - UNATTENDED} == {'{"Ref": "SnapStart"}'}
    assert deployed.document["Parameters"]["SnapStart"]["Default"] == "PublishedVersions"


def test_without_a_canary_there_is_nothing_of_codedeploy() -> None:
    (deployed,) = transformed(Variant())

    assert not [name for name, one in deployed.resources.items() if "CodeDeploy" in one["Type"]]
    assert not [name for name, one in deployed.resources.items() if "UpdatePolicy" in one]


def test_with_a_canary_a_tenth_of_the_callers_go_ahead_and_an_alarm_sends_them_back() -> None:
    (deployed,) = transformed(CANARY)
    groups = deployed.of_type("AWS::CodeDeploy::DeploymentGroup")
    attended = set(deployed.of_type("AWS::Lambda::Function")) - UNATTENDED

    assert {name.removesuffix("DeploymentGroup") for name in groups} == attended
    assert "CodeDeployServiceRole" not in deployed.resources, "SAM's own, which may move any function's alias"
    for function in attended:
        group = groups[f"{function}DeploymentGroup"]
        alias = deployed.resources[f"{function}Aliaslive"]["UpdatePolicy"]["CodeDeployLambdaAliasUpdate"]
        alarms = group["AlarmConfiguration"]["Alarms"]
        assert alias["DeploymentGroupName"] == {"Ref": f"{function}DeploymentGroup"}
        assert "Canary10Percent5Minutes" in json.dumps(group["DeploymentConfigName"])
        assert group["AlarmConfiguration"]["Enabled"] is True
        assert {one["Name"]["Ref"] for one in alarms} == {
            "ApiServerErrorsAlarm",
            f"{function.removesuffix('Function')}ErrorsAlarm",
        }
        assert "DEPLOYMENT_STOP_ON_ALARM" in group["AutoRollbackConfiguration"]["Events"]
        assert group["ServiceRoleArn"]["Fn::If"][:2] == ["HasCanary", {"Fn::GetAtt": ["CanaryRole", "Arn"]}]


def test_codedeploy_may_move_these_aliases_and_nothing_else() -> None:
    (deployed,) = transformed(CANARY)
    roles = deployed.of_type("AWS::IAM::Role")
    (policy,) = roles["CanaryRole"]["Policies"]
    moving, asking = policy["PolicyDocument"]["Statement"]
    attended = set(deployed.of_type("AWS::Lambda::Function")) - UNATTENDED

    assert deployed.resources["CanaryRole"]["Condition"] == "HasCanary"
    assert not [name for name, role in roles.items() if "ManagedPolicyArns" in role]
    assert set(moving["Action"]) == {"lambda:GetAlias", "lambda:UpdateAlias", "lambda:GetProvisionedConcurrencyConfig"}
    assert set(references(moving["Resource"])) == {f"{function}.Arn" for function in attended}
    assert (asking["Action"], asking["Resource"]) == (["cloudwatch:DescribeAlarms"], "*")


def test_a_canary_is_one_that_codedeploy_knows(template: Template) -> None:
    """The mapping says of every value of the parameter whether it is one at all."""
    allowed = template.document["Parameters"]["Canary"]["AllowedValues"]
    enabled = {name: one["Enabled"] for name, one in template.document["Mappings"]["Canary"].items()}

    assert enabled == {name: str(name != "off").lower() for name in allowed}
    assert all(re.fullmatch(r"off|Canary10Percent(5|10|15|30)Minutes", name) for name in allowed)
