"""The template's tables and secrets on a local AWS, with the first keys in them: what CloudFormation does on AWS."""

import json
from collections.abc import Mapping
from contextlib import suppress
from typing import TYPE_CHECKING, Any, Final

from heirloom.adapters.key_rotation import KeyRotation
from heirloom.adapters.versioned_secret import VersionedSecret
from heirloom.domain import lifetimes
from local.template import PREFIX, Template, environment, event_buses, log_groups, queues, secrets, tables

if TYPE_CHECKING:
    from mypy_boto3_dynamodb.client import DynamoDBClient
    from mypy_boto3_events.client import EventBridgeClient
    from mypy_boto3_logs.client import CloudWatchLogsClient
    from mypy_boto3_secretsmanager.client import SecretsManagerClient

ACCOUNT: Final[Mapping[str, str]] = {
    "AWS_ACCESS_KEY_ID": "test",
    "AWS_SECRET_ACCESS_KEY": "test",
    "AWS_DEFAULT_REGION": "eu-central-1",
    "AWS_REGION": "eu-central-1",
    "AWS_EC2_METADATA_DISABLED": "true",
}
"""What a process needs to be somebody on a local AWS, besides `AWS_ENDPOINT_URL`. ministack takes it for the root."""


def create_tables(template: Template, dynamodb: "DynamoDBClient", *, prefix: str = PREFIX) -> None:
    """Create the tables that there are not yet."""
    for table in tables(template, prefix):
        with suppress(dynamodb.exceptions.ResourceInUseException):
            dynamodb.create_table(**table)


def create_event_buses(template: Template, events: "EventBridgeClient", *, prefix: str = PREFIX) -> None:
    """Create the event buses that there are not yet."""
    for name in event_buses(template, prefix):
        with suppress(events.exceptions.ResourceAlreadyExistsException):
            events.create_event_bus(Name=name)


def create_log_groups(template: Template, logs: "CloudWatchLogsClient", *, prefix: str = PREFIX) -> None:
    """Create the log groups that there are not yet."""
    for name in log_groups(template, prefix):
        with suppress(logs.exceptions.ResourceAlreadyExistsException):
            logs.create_log_group(logGroupName=name)


def create_queues(template: Template, sqs: Any, *, prefix: str = PREFIX) -> dict[str, str]:  # noqa: ANN401 - untyped
    """Create the queues; return their URLs by logical id."""
    urls: dict[str, str] = {}
    arns: dict[str, str] = {}
    for logical_id, attributes in queues(template).items():
        given = dict(attributes)
        if "RedrivePolicy" in given:
            policy = json.loads(given["RedrivePolicy"])
            dead_letters, _ = policy["deadLetterTargetArn"]["Fn::GetAtt"]
            given["RedrivePolicy"] = json.dumps(policy | {"deadLetterTargetArn": arns[dead_letters]})
        urls[logical_id] = sqs.create_queue(QueueName=prefix + logical_id, Attributes=given)["QueueUrl"]
        told = sqs.get_queue_attributes(QueueUrl=urls[logical_id], AttributeNames=["QueueArn"])
        arns[logical_id] = told["Attributes"]["QueueArn"]
    return urls


def create(
    template: Template,
    dynamodb: "DynamoDBClient",
    secrets_manager: "SecretsManagerClient",
    *,
    now: int,
    prefix: str = PREFIX,
) -> None:
    """Create the tables and secrets that there are not yet, and make and publish keys where there are none.

    `now` is in epoch seconds.
    """
    create_tables(template, dynamodb, prefix=prefix)
    for name in secrets(template, prefix):
        with suppress(secrets_manager.exceptions.ResourceExistsException):
            secrets_manager.create_secret(Name=name)
    rotation(template, dynamodb, secrets_manager, prefix=prefix).rotate(now)


def rotation(
    template: Template, dynamodb: "DynamoDBClient", secrets_manager: "SecretsManagerClient", *, prefix: str = PREFIX
) -> KeyRotation:
    """Return the keys of a local stack: nothing else rotates them here."""
    variables = environment(template, issuer="http://localhost/", prefix=prefix)
    return KeyRotation(
        VersionedSecret(secrets_manager, variables["SIGNING_KEYS_SECRET"]),
        VersionedSecret(secrets_manager, variables["TOKEN_KEYS_SECRET"]),
        dynamodb,
        variables["CONFIGURATION_TABLE"],
        signing_key_period=int(variables["SIGNING_KEY_ROTATION_DAYS"]) * lifetimes.DAY,
        token_key_period=int(variables["TOKEN_KEY_ROTATION_DAYS"]) * lifetimes.DAY,
    )
