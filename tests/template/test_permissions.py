"""Who may touch what. ministack enforces actions and resources, but no condition on a table's leading key."""

from collections.abc import Iterator
from typing import Any

import pytest

from heirloom.adapters import log
from heirloom.adapters.configuration import APPLICATION, CLIENT_GRANT, LONGEST_FAMILY, RESOURCE_SERVER, WEB_ORIGIN
from local.template import Template, functions

FUNCTIONS = ("Authorize", "Token", "Revoke", "Jwks", "Userinfo", "Management", "BackchannelLogout", "RotateKeys")
TRACES = ["xray:PutTraceSegments", "xray:PutTelemetryRecords"]
READ_LOG = "logs:FilterLogEvents"
LOG_GROUP = "arn:${AWS::Partition}:logs:${AWS::Region}:${AWS::AccountId}:log-group:${"


def statements(template: Template, function: str) -> list[dict[str, Any]]:
    """What the function's role allows, but traces: each statement with lists of actions and resources."""
    return [
        one | {"Resource": one["Resource"] if isinstance(one["Resource"], list) else [one["Resource"]]}
        for one in all_statements(template, function)
        if one["Action"] != TRACES
    ]


def all_statements(template: Template, function: str) -> list[dict[str, Any]]:
    """Everything that the function's role allows."""
    properties = template.of_type("AWS::Serverless::Function")[f"{function}Function"]
    role, attribute = properties["Role"]["Fn::GetAtt"]
    assert attribute == "Arn"
    policies = template.of_type("AWS::IAM::Role")[role]["Policies"]
    return [one for policy in policies for one in policy["PolicyDocument"]["Statement"]]


def grants(template: Template, function: str) -> Iterator[tuple[str, str]]:
    """Pairs of action and logical id."""
    for statement in statements(template, function):
        for resource in statement["Resource"]:
            for action in statement["Action"]:
                yield action, named(resource)


def named(resource: dict[str, Any]) -> str:
    """Logical id of what a statement allows: one resource, and nothing beside it."""
    match resource:
        case {"Fn::GetAtt": [str(logical_id), *_]}:
            return logical_id
        case {"Fn::Sub": str(text)} if text.startswith(LOG_GROUP):
            return text.removeprefix(LOG_GROUP).removesuffix("}")
        case _:
            raise AssertionError(resource)


def who_may(template: Template, action: str, logical_id: str) -> set[str]:
    return {function for function in FUNCTIONS if (action, logical_id) in grants(template, function)}


def test_every_function_has_a_role_of_its_own_with_no_policy_from_elsewhere(template: Template) -> None:
    functions = template.of_type("AWS::Serverless::Function")
    roles = template.of_type("AWS::IAM::Role")

    assert {name.removesuffix("Function") for name in functions} == set(FUNCTIONS)
    assert {one["Role"]["Fn::GetAtt"][0] for one in functions.values()} == set(roles) - {"CanaryRole"}
    assert len(roles) == len(functions) + 1
    assert not any("ManagedPolicyArns" in role for role in roles.values())
    assert not any("Policies" in one for one in functions.values())


@pytest.mark.parametrize("function", FUNCTIONS)
def test_no_action_is_a_pattern(template: Template, function: str) -> None:
    for action, _ in grants(template, function):
        assert "*" not in action
        assert "?" not in action


@pytest.mark.parametrize("function", FUNCTIONS)
def test_every_resource_is_one_of_this_stack(template: Template, function: str) -> None:
    """A name or a pattern in its place would reach further: grants() takes nothing but Fn::GetAtt."""
    named = {logical_id for _, logical_id in grants(template, function)}

    assert named <= set(template.resources)
    assert all(statement["Effect"] == "Allow" for statement in statements(template, function))


@pytest.mark.parametrize("function", FUNCTIONS)
def test_a_function_sends_traces_and_does_nothing_else_outside_of_this_stack(template: Template, function: str) -> None:
    """X-Ray knows no narrower resource."""
    anywhere = [one for one in all_statements(template, function) if one["Resource"] == "*"]

    assert anywhere == [{"Effect": "Allow", "Action": TRACES, "Resource": "*"}]
    assert template.document["Globals"]["Function"]["Tracing"] == {"Ref": "Tracing"}


@pytest.mark.parametrize("function", FUNCTIONS)
def test_a_function_writes_to_its_own_log_only(template: Template, function: str) -> None:
    logs = {(action, where) for action, where in grants(template, function) if action.startswith("logs:")}
    reads = {(action, where) for action, where in logs if action == "logs:FilterLogEvents"}

    assert logs - reads == {("logs:CreateLogStream", f"{function}Logs"), ("logs:PutLogEvents", f"{function}Logs")}


def test_the_logs_with_events_are_read_by_the_management_api_alone_and_no_others_are(template: Template) -> None:
    groups = {name for name in template.of_type("AWS::Logs::LogGroup") if who_may(template, READ_LOG, name)}
    folders = {one.logical_id.removesuffix("Function"): one.name for one in functions(template).values()}

    assert {folders[name.removesuffix("Logs")] for name in groups} == set(log.FUNCTIONS)
    assert {function for name in groups for function in who_may(template, READ_LOG, name)} == {"Management"}


def test_nobody_may_delete_tables_or_items_that_are_kept(template: Template) -> None:
    forbidden = {"dynamodb:DeleteTable", "dynamodb:UpdateTable", "dynamodb:PartiQLSelect"}
    for function in FUNCTIONS:
        actions = set(grants(template, function))
        assert not {action for action, _ in actions} & forbidden
        deletes = {where for action, where in actions if action == "dynamodb:DeleteItem"}
        declared = {"UsersTable", "ConfigurationTable"} if function == "Management" else set()
        assert deletes <= {"SessionsTable", "LoginAttemptsTable", "GrantsTable"} | declared


def test_users_are_listed_by_the_management_api_alone_and_nothing_else_is_scanned(template: Template) -> None:
    tables = template.of_type("AWS::DynamoDB::Table")

    assert {name for name in tables if who_may(template, "dynamodb:Scan", name)} == {"UsersTable"}
    assert who_may(template, "dynamodb:Scan", "UsersTable") == {"Management"}


def test_the_signing_keys_are_read_by_who_signs_and_rotation_only(template: Template) -> None:
    allowed = who_may(template, "secretsmanager:GetSecretValue", "SigningKeysSecret")
    assert allowed == {"Token", "BackchannelLogout", "RotateKeys"}


def test_logouts_are_queued_by_who_ends_sessions_and_taken_by_who_delivers_them(template: Template) -> None:
    assert who_may(template, "sqs:SendMessage", "BackchannelLogoutQueue") == {"Authorize", "Management"}
    for action in ("sqs:ReceiveMessage", "sqs:DeleteMessage"):
        assert who_may(template, action, "BackchannelLogoutQueue") == {"BackchannelLogout"}
    assert not [function for function in FUNCTIONS for _, it in grants(template, function) if it.endswith("Letters")]


def test_the_function_that_delivers_logouts_knows_the_applications_and_nobody_else(template: Template) -> None:
    """It speaks to addresses outside, so it can read no person, no session and no family."""
    reads = {it for action, it in grants(template, "BackchannelLogout") if action.startswith("dynamodb:")}
    assert reads == {"ConfigurationTable"}


def test_the_token_keys_are_read_by_whoever_checks_refresh_tokens(template: Template) -> None:
    assert who_may(template, "secretsmanager:GetSecretValue", "TokenKeysSecret") == {"Token", "Revoke", "RotateKeys"}


def test_keys_are_written_by_rotation_only(template: Template) -> None:
    for secret in ("SigningKeysSecret", "TokenKeysSecret"):
        for action in ("secretsmanager:PutSecretValue", "secretsmanager:UpdateSecretVersionStage"):
            assert who_may(template, action, secret) == {"RotateKeys"}


def test_who_uses_keys_reads_the_value_in_force_and_no_former_one(template: Template) -> None:
    """A former one may hold a half that was erased since, and Secrets Manager has no call that deletes it."""
    for function in FUNCTIONS:
        for statement in statements(template, function):
            if "secretsmanager:GetSecretValue" in statement["Action"] and function != "RotateKeys":
                assert statement["Condition"] == {
                    "StringEqualsIfExists": {"secretsmanager:VersionStage": "AWSCURRENT"},
                    "Null": {"secretsmanager:VersionId": "true"},
                }


@pytest.mark.parametrize("function", ["Authorize", "Jwks", "Userinfo", "Management"])
def test_who_needs_no_secret_may_ask_for_none(template: Template, function: str) -> None:
    assert not [action for action, _ in grants(template, function) if action.startswith("secretsmanager:")]


def test_families_are_made_at_login_and_changed_by_exchange_and_revocation(template: Template) -> None:
    assert who_may(template, "dynamodb:PutItem", "FamiliesTable") == {"Token"}
    assert who_may(template, "dynamodb:UpdateItem", "FamiliesTable") == {"Token", "Revoke", "Authorize", "Management"}


def test_sessions_are_changed_at_login_and_logout_and_asked_about_by_the_exchange(template: Template) -> None:
    assert who_may(template, "dynamodb:PutItem", "SessionsTable") == {"Authorize"}
    for action in ("dynamodb:UpdateItem", "dynamodb:DeleteItem"):
        assert who_may(template, action, "SessionsTable") == {"Authorize", "Management"}
    assert {action for action, it in grants(template, "Token") if it == "SessionsTable"} == {
        "dynamodb:ConditionCheckItem"
    }


def test_whose_sessions_and_consents_there_are_is_asked_where_people_see_their_account(template: Template) -> None:
    for table in ("SessionsTable", "GrantsTable"):
        assert "Authorize" in who_may(template, "dynamodb:Query", table)
    assert "Token" not in who_may(template, "dynamodb:Query", "SessionsTable")


def test_of_a_user_the_login_may_change_the_password_hash_and_nothing_else(template: Template) -> None:
    writes = {f"dynamodb:{action}" for action in ("PutItem", "UpdateItem", "DeleteItem")}
    allowed = [
        (function, one["Action"], one.get("Condition"))
        for function in FUNCTIONS
        for one in statements(template, function)
        if {"Fn::GetAtt": ["UsersTable", "Arn"]} in one["Resource"] and writes.intersection(one["Action"])
    ]

    kept_to = {
        "ForAllValues:StringEquals": {"dynamodb:Attributes": ["user_id", "password_hash"]},
        "StringEqualsIfExists": {"dynamodb:ReturnValues": "NONE"},
    }
    assert [one for one in allowed if one[0] != "Management"] == [("Authorize", ["dynamodb:UpdateItem"], kept_to)]


def test_proofs_and_assertions_are_taken_by_whoever_judges_them(template: Template) -> None:
    judges = {"Authorize", "Token", "Revoke", "Userinfo", "Management"}
    assert who_may(template, "dynamodb:PutItem", "SingleUseTable") == judges
    for action in ("dynamodb:UpdateItem", "dynamodb:GetItem"):
        assert not who_may(template, action, "SingleUseTable")


def test_device_codes_are_made_and_answered_where_people_are_and_spent_by_exchange(template: Template) -> None:
    may = {action: who_may(template, f"dynamodb:{action}", "DeviceCodesTable") for action in ("PutItem", "GetItem")}

    assert may == {"PutItem": {"Authorize"}, "GetItem": {"Authorize"}}
    assert who_may(template, "dynamodb:UpdateItem", "DeviceCodesTable") == {"Authorize", "Token"}


def test_pushed_requests_are_known_to_the_authorize_function_alone(template: Template) -> None:
    for action in ("dynamodb:GetItem", "dynamodb:PutItem", "dynamodb:UpdateItem"):
        assert who_may(template, action, "PushedRequestsTable") == {"Authorize"}


def test_public_keys_are_written_by_rotation_and_what_is_declared_by_the_management_api(template: Template) -> None:
    assert who_may(template, "dynamodb:PutItem", "ConfigurationTable") == {"RotateKeys", "Management"}
    assert who_may(template, "dynamodb:UpdateItem", "ConfigurationTable") == set()
    assert leading_keys(template, "RotateKeys") == ["jwks", "longest_family"]
    kinds = [APPLICATION, CLIENT_GRANT, LONGEST_FAMILY, RESOURCE_SERVER, WEB_ORIGIN]
    assert leading_keys(template, "Management") == kinds
    (written,) = (one for one in statements(template, "Management") if "Condition" in one)
    assert written["Action"] == ["dynamodb:PutItem", "dynamodb:DeleteItem"]


def test_the_jwks_function_reads_the_public_keys_and_nothing_else(template: Template) -> None:
    tables = {(action, where) for action, where in grants(template, "Jwks") if not action.startswith("logs:")}

    assert tables == {("dynamodb:GetItem", "ConfigurationTable")}
    assert leading_keys(template, "Jwks") == ["jwks"]


def leading_keys(template: Template, function: str) -> object:
    """The partition keys to which the function is kept in the configuration table."""
    (condition,) = (
        one["Condition"]
        for one in statements(template, function)
        if "Condition" in one and one["Resource"] == [{"Fn::GetAtt": ["ConfigurationTable", "Arn"]}]
    )
    return condition["ForAllValues:StringEquals"]["dynamodb:LeadingKeys"]


def test_a_function_is_called_by_this_api_alone_and_the_keeper_of_the_keys_by_its_schedule(template: Template) -> None:
    allowed = {one["FunctionName"]["Ref"]: one for one in template.of_type("AWS::Lambda::Permission").values()}

    assert set(allowed) == {f"{name}Function.Alias" for name in FUNCTIONS} - {"BackchannelLogoutFunction.Alias"}
    scheduled = allowed.pop("RotateKeysFunction.Alias")
    assert scheduled["Principal"] == "events.amazonaws.com"
    assert scheduled["SourceArn"] == {"Fn::GetAtt": ["RotateKeysSchedule", "Arn"]}
    for one in allowed.values():
        assert one["Principal"] == "apigateway.amazonaws.com"
        assert one["Action"] == "lambda:InvokeFunction"
        assert one["SourceArn"]["Fn::Sub"].endswith(":${AWS::AccountId}:${Api}/*")
