"""The stack as `sam deploy` makes it, through the gateway of a local AWS that enforces IAM."""

import json
from typing import TYPE_CHECKING, Any

import boto3
import httpx
import pytest
from botocore.exceptions import ClientError

from local.stores import ACCOUNT
from local.template import Template, routes

if TYPE_CHECKING:
    from tests.deploy.conftest import Stack


def test_a_fresh_stack_has_keys_and_shows_the_public_ones(stack: "Stack", browser: httpx.Client) -> None:
    answer = browser.get("/.well-known/jwks.json")

    kept = json.loads(
        stack.secrets_manager.get_secret_value(SecretId=stack.outputs["SigningKeysSecret"])["SecretString"]
    )
    assert answer.status_code == 200
    assert [key["kid"] for key in answer.json()["keys"]] == [key["kid"] for key in kept["keys"]]
    assert [key["state"] for key in kept["keys"]] == ["current", "next"]
    assert "PRIVATE" not in answer.text


def test_the_token_keys_are_there_too(stack: "Stack") -> None:
    kept = json.loads(stack.secrets_manager.get_secret_value(SecretId=stack.outputs["TokenKeysSecret"])["SecretString"])

    assert [(key["id"], key["state"]) for key in kept["keys"]] == [(1, "current"), (2, "next")]


def test_making_first_keys_again_replaces_none(stack: "Stack", browser: httpx.Client) -> None:
    secrets = [stack.outputs["SigningKeysSecret"], stack.outputs["TokenKeysSecret"]]
    before = [stack.secrets_manager.get_secret_value(SecretId=one)["SecretString"] for one in secrets]
    public = browser.get("/.well-known/jwks.json").json()

    answer = stack.client("lambda").invoke(
        FunctionName=stack.physical("RotateKeysFunction"), Payload=json.dumps({"action": "rotate"})
    )

    assert json.load(answer["Payload"])["moved"] == []
    assert [stack.secrets_manager.get_secret_value(SecretId=one)["SecretString"] for one in secrets] == before
    assert browser.get("/.well-known/jwks.json").json() == public


@pytest.mark.parametrize("document", ["openid-configuration", "oauth-authorization-server"])
def test_discovery_names_the_issuer_of_the_stack(stack: "Stack", browser: httpx.Client, document: str) -> None:
    found = browser.get(f"/.well-known/{document}").json()

    assert found["issuer"] == stack.outputs["Issuer"]
    assert found["jwks_uri"] == stack.outputs["JwksUrl"]


def test_what_is_no_route_is_not_found(browser: httpx.Client) -> None:
    assert browser.get("/").status_code == 404
    assert browser.get("/oauth/token").status_code == 404


def test_every_route_of_the_template_reaches_its_function(template: Template, browser: httpx.Client) -> None:
    """None of them answers as the gateway does for what it does not know, and none breaks on an empty request."""
    for route in routes(template):
        method, path = route.replace("ANY ", "GET ").replace("{proxy+}", "clients").split(" ")
        answer = browser.request(method, path)
        assert answer.status_code not in {404, 405}, route
        assert answer.status_code < 500, (route, answer.text)


def as_role(stack: "Stack", function: str, service: str) -> Any:
    """Return a client that may do what the function may do."""
    credentials = stack.role_of(function)
    return boto3.client(
        service,
        endpoint_url=stack.endpoint,
        region_name=ACCOUNT["AWS_DEFAULT_REGION"],
        aws_access_key_id=credentials["AccessKeyId"],
        aws_secret_access_key=credentials["SecretAccessKey"],
        aws_session_token=credentials["SessionToken"],
    )


@pytest.mark.parametrize("function", ["Authorize", "Revoke", "Jwks", "Userinfo"])
def test_who_does_not_sign_cannot_read_the_signing_keys(stack: "Stack", function: str) -> None:
    with pytest.raises(ClientError, match="AccessDenied"):
        as_role(stack, function, "secretsmanager").get_secret_value(SecretId=stack.outputs["SigningKeysSecret"])


@pytest.mark.parametrize("function", ["Jwks", "Userinfo", "BackchannelLogout", "RotateKeys"])
def test_who_ends_no_family_cannot_tell_the_bus_so(stack: "Stack", function: str) -> None:
    bus = stack.outputs["EventBus"].rpartition("/")[2]
    entry = {"EventBusName": bus, "Source": "heirloom", "DetailType": "RefreshTokenReused", "Detail": "{}"}
    with pytest.raises(ClientError, match="AccessDenied"):
        as_role(stack, function, "events").put_events(Entries=[entry])


@pytest.mark.parametrize("function", ["Jwks", "Userinfo", "BackchannelLogout"])
def test_who_does_not_change_families_cannot(stack: "Stack", function: str) -> None:
    with pytest.raises(ClientError, match="AccessDenied"):
        as_role(stack, function, "dynamodb").update_item(
            TableName=stack.outputs["FamiliesTable"],
            Key={"user_key": {"S": "user"}, "family_id": {"S": "family"}},
            UpdateExpression="SET revoked_at = :now",
            ExpressionAttributeValues={":now": {"N": "1"}},
        )


def test_the_refused_calls_are_allowed_to_those_whose_work_they_are(stack: "Stack") -> None:
    """Else the refusals above would prove nothing."""
    answer = as_role(stack, "Token", "secretsmanager").get_secret_value(SecretId=stack.outputs["SigningKeysSecret"])
    assert answer["SecretString"]

    with pytest.raises(ClientError, match="ConditionalCheckFailed"):
        as_role(stack, "Revoke", "dynamodb").update_item(
            TableName=stack.outputs["FamiliesTable"],
            Key={"user_key": {"S": "user"}, "family_id": {"S": "family"}},
            UpdateExpression="SET revoked_at = :now",
            ConditionExpression="attribute_exists(family_id)",
            ExpressionAttributeValues={":now": {"N": "1"}},
        )
