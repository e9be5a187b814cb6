"""Parameters, the API, the order of things, outputs, and what `sam deploy` is told."""

import re
import tomllib
from pathlib import Path

import pytest

from local.template import ROOT, Template, environment


def accepted(template: Template, parameter: str, value: str) -> bool:
    """Whether CloudFormation, which matches the whole value, takes it."""
    return re.fullmatch(template.document["Parameters"][parameter]["AllowedPattern"], value) is not None


@pytest.mark.parametrize("issuer", ["", "https://login.example.com/", "https://login.example.com:8443/"])
def test_an_issuer_is_a_host_and_a_slash(template: Template, issuer: str) -> None:
    assert accepted(template, "Issuer", issuer)


@pytest.mark.parametrize(
    "issuer",
    [
        "https://login.example.com",
        "http://login.example.com/",
        "http://localhost:8400/",
        "https://login.example.com/tenant/",
        "https://login.example.com/?a=b",
        "https://Login.example.com/",
        "https:///",
        "https://login.example.com//",
        "https://a@b/",
    ],
)
def test_any_other_issuer_is_refused_before_anything_is_made(template: Template, issuer: str) -> None:
    assert not accepted(template, "Issuer", issuer)


@pytest.mark.parametrize(
    ("domain", "right"),
    [
        ("login.example.com", True),
        ("", True),
        ("localhost", False),
        ("https://login.example.com", False),
        ("-a.b", False),
    ],
)
def test_a_domain_name_is_a_host_name(template: Template, domain: str, *, right: bool) -> None:
    assert accepted(template, "DomainName", domain) is right


def test_the_issuer_given_wins_then_the_domain_then_the_address_of_the_api(template: Template) -> None:
    issuer = template.document["Globals"]["Function"]["Environment"]["Variables"]["ISSUER"]
    _, given, otherwise = issuer["Fn::If"]
    condition, domain, own = otherwise["Fn::If"]

    assert environment(template, issuer="https://given.example/")["ISSUER"] == "https://given.example/"
    assert given == {"Ref": "Issuer"}
    assert (condition, domain) == ("HasDomain", {"Fn::Sub": "https://${DomainName}/"})
    assert own == {"Fn::Sub": "https://${Api}.execute-api.${AWS::Region}.${AWS::URLSuffix}/"}
    assert template.document["Outputs"]["Issuer"]["Value"] == issuer


def test_the_api_serves_nothing_before_there_are_keys(template: Template) -> None:
    assert "FirstKeys" in template.resources["Stage"]["DependsOn"]


def test_the_api_has_no_path_before_the_routes_and_tells_who_called(template: Template) -> None:
    (stage,) = template.of_type("AWS::ApiGatewayV2::Stage").values()

    assert stage["StageName"] == "$default"
    assert stage["AutoDeploy"] is True
    assert set(stage["DefaultRouteSettings"]) == {"ThrottlingRateLimit", "ThrottlingBurstLimit"}
    assert stage["AccessLogSettings"]["DestinationArn"] == {"Fn::GetAtt": ["ApiLogs", "Arn"]}


def test_a_flood_of_logins_leaves_the_exchanges_alone(template: Template) -> None:
    (stage,) = template.of_type("AWS::ApiGatewayV2::Stage").values()
    rates = {route: settings["ThrottlingRateLimit"]["Ref"] for route, settings in stage["RouteSettings"].items()}

    assert rates.pop("POST /oauth/token") == "ThrottlingRate"
    assert set(rates.values()) == {"LoginThrottlingRate"}
    management = "ANY /api/v2/{proxy+}"
    assert set(rates) == {"POST /login", "POST /activate", "POST /oauth/device/code", "POST /oauth/par", management}
    parameters = template.document["Parameters"]
    for limit in ("Rate", "Burst"):
        assert parameters[f"LoginThrottling{limit}"]["Default"] < parameters[f"Throttling{limit}"]["Default"]


def test_settings_are_for_routes_that_there_are_before_the_stage(template: Template) -> None:
    """AWS refuses the stage for a route that it cannot find."""
    (stage,) = template.of_type("AWS::ApiGatewayV2::Stage").values()
    made_before = {
        template.resources[name]["Properties"]["RouteKey"]
        for name in template.resources["Stage"]["DependsOn"]
        if template.resources[name]["Type"] == "AWS::ApiGatewayV2::Route"
    }

    assert set(stage["RouteSettings"]) == made_before


def test_the_access_log_keeps_no_secret(template: Template) -> None:
    """Codes and tokens come in queries, cookies, bodies and headers; of these it takes the user agent alone."""
    (stage,) = template.of_type("AWS::ApiGatewayV2::Stage").values()
    taken = set(re.findall(r"\$context\.([\w.]+)", stage["AccessLogSettings"]["Format"]["Fn::Sub"]))

    assert taken == {
        "requestId",
        "requestTimeEpoch",
        "identity.sourceIp",
        "identity.userAgent",
        "routeKey",
        "path",
        "status",
        "responseLatency",
        "integrationLatency",
        "integrationErrorMessage",
    }


def test_no_secret_is_born_with_a_value(template: Template) -> None:
    """A generated string in its place would be taken for a key."""
    for name, secret in template.of_type("AWS::SecretsManager::Secret").items():
        assert set(secret) == {"Description"}, name


def test_first_keys_are_made_again_for_a_new_secret_or_table(template: Template) -> None:
    properties = template.of_type("Custom::FirstKeys")["FirstKeys"]

    assert properties["SigningKeys"] == {"Fn::GetAtt": ["SigningKeysSecret", "Id"]}
    assert properties["TokenKeys"] == {"Fn::GetAtt": ["TokenKeysSecret", "Id"]}
    assert properties["Configuration"] == {"Ref": "ConfigurationTable"}


def test_a_closed_address_is_closed_only_where_there_is_another(template: Template) -> None:
    (api,) = template.of_type("AWS::ApiGatewayV2::Api").values()

    assert api["ProtocolType"] == "HTTP"
    assert api["DisableExecuteApiEndpoint"] == {"Fn::If": ["HasDomain", True, False]}


@pytest.mark.parametrize("section", ["Parameters", "Outputs"])
def test_everything_a_user_sees_is_described(template: Template, section: str) -> None:
    assert not [name for name, one in template.document[section].items() if not one.get("Description")]


def test_outputs_name_what_the_tenant_command_and_a_client_need(template: Template) -> None:
    needed = {"Issuer", "ApiEndpoint", "ApiId", "JwksUrl", "ConfigurationTable", "UsersTable", "FamiliesTable"}

    assert needed | {"SigningKeysSecret", "TokenKeysSecret"} <= set(template.document["Outputs"])


def test_every_parameter_is_in_the_console_form(template: Template) -> None:
    groups = template.document["Metadata"]["AWS::CloudFormation::Interface"]["ParameterGroups"]

    assert sorted(name for group in groups for name in group["Parameters"]) == sorted(template.document["Parameters"])


def test_what_sam_deploy_is_told_exists_and_production_is_protected(template: Template) -> None:
    told = tomllib.loads(Path(ROOT, "samconfig.toml").read_text())
    overrides = {
        name: dict(one.split("=", 1) for one in section["global"]["parameters"]["parameter_overrides"])
        for name, section in told.items()
        if name != "version"
    }

    assert set(overrides) == {"dev", "prod"}
    for values in overrides.values():
        assert set(values) <= set(template.document["Parameters"])
    assert overrides["prod"]["DeletionProtection"] == "true"
    assert overrides["prod"]["Canary"] in template.document["Mappings"]["Canary"].keys() - {"off"}
    assert "SnapStart" not in overrides["prod"]
    assert int(overrides["prod"]["LogRetentionDays"]) > int(overrides["dev"]["LogRetentionDays"])


@pytest.mark.parametrize("name", ["template.yaml", "samconfig.toml"])
def test_no_account_is_named(name: str) -> None:
    assert not re.search(r"(?<!\d)\d{12}(?!\d)", Path(ROOT, name).read_text())
