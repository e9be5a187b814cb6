"""Functions may do what they do, and nothing else: whatever a role allows has been used by the end of these tests.

ministack keeps a record of every call, with the key that signed it. It derives the key of a function's version from the
version's name and the role's.
"""

import datetime as dt
import hashlib
import json
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import pytest

from local.template import Template
from tests.template.test_permissions import FUNCTIONS, grants

if TYPE_CHECKING:
    from tests.deploy.conftest import Stack

BY_LAMBDA = {
    "logs:CreateLogStream",
    "logs:PutLogEvents",
    "sqs:ReceiveMessage",
    "sqs:DeleteMessage",
    "sqs:GetQueueAttributes",
}
"""What Lambda itself does in a function's name: it keeps its log and empties its queue."""

TRANSACTED = {"Put": "PutItem", "Update": "UpdateItem", "Delete": "DeleteItem", "ConditionCheck": "ConditionCheckItem"}
"""What IAM asks for each part of a transaction."""


@pytest.mark.parametrize("function", FUNCTIONS)
def test_everything_that_a_role_allows_is_used(stack: "Stack", template: Template, function: str) -> None:
    """Run alone, this finds less than there is: it looks back on the tests before it."""
    granted = {(action, it) for action, it in grants(template, function) if action not in BY_LAMBDA}
    names = {action.partition(":")[2] for action, _ in granted} | {"TransactWriteItems"}
    by_name = {stack.named(it): it for _, it in granted}

    used = {
        (name, by_name[it])
        for key in keys(stack, function)
        for recorded in names
        for event in events(stack, key, recorded)
        for name, it in calls(recorded, event)
        if it in by_name
    }

    assert {(action, it) for action, it in granted if (action.partition(":")[2], it) not in used} == set()


def keys(stack: "Stack", function: str) -> Iterator[str]:
    """Access keys of the function's versions."""
    role = stack.client("iam").get_role(RoleName=stack.physical(f"{function}Role"))["Role"]["Arn"]
    name = stack.physical(f"{function}Function")
    for version in stack.client("lambda").list_versions_by_function(FunctionName=name)["Versions"]:
        digest = hashlib.sha256(f"{version['FunctionArn']}:{role}".encode()).hexdigest()
        yield f"ASIA{digest[:16].upper()}"


def events(stack: "Stack", key: str, name: str) -> Iterator[dict[str, Any]]:
    """Parameters of all calls of that name that the key signed. A look shows the last fifty until a second."""
    wanted = [
        {"AttributeKey": "AccessKeyId", "AttributeValue": key},
        {"AttributeKey": "EventName", "AttributeValue": name},
    ]
    cloudtrail = stack.client("cloudtrail")
    seen: set[str] = set()
    until = dt.datetime.now(dt.UTC) + dt.timedelta(seconds=1)
    while found := [
        event
        for event in cloudtrail.lookup_events(LookupAttributes=wanted, EndTime=until)["Events"]
        if event["EventId"] not in seen
    ]:
        seen |= {event["EventId"] for event in found}
        until = min(event["EventTime"] for event in found).replace(microsecond=0) + dt.timedelta(seconds=1)
        for event in found:
            yield json.loads(event["CloudTrailEvent"])["requestParameters"]


def calls(recorded: str, parameters: dict[str, Any]) -> Iterator[tuple[str, str]]:
    """Actions and the names of what they were taken on."""
    for part in parameters.get("TransactItems", []):
        for kind, one in part.items():
            yield TRANSACTED[kind], one["TableName"]
    for table in parameters.get("RequestItems", []):
        yield recorded, table
    for entry in parameters.get("Entries", []):
        yield recorded, entry["EventBusName"]
    for member in ("TableName", "SecretId", "QueueUrl", "logGroupName"):
        if member in parameters:
            yield recorded, parameters[member]
