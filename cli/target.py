"""A stack that a command works on: a deployed one, or that of a running `make run`."""

import argparse
import sys
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

import boto3

from heirloom.adapters import aws
from heirloom.adapters.events import PublishedEvents
from heirloom.domain.ports import Events
from heirloom.tenant.store import DynamoDBStore
from local import stack, template

if TYPE_CHECKING:
    from mypy_boto3_dynamodb.client import DynamoDBClient
    from mypy_boto3_events.client import EventBridgeClient


class NotThisRelease(LookupError):
    """The stack lacks something: it was deployed from another release."""


class _Names(dict[str, str]):
    def __missing__(self, logical_id: str) -> str:
        raise NotThisRelease(f"it has no {logical_id}; deploy this release first")


@dataclass(frozen=True, slots=True)
class Target:
    """Clients, and the names of tables and buses by their logical ids; one that is missing is a `NotThisRelease`."""

    dynamodb: "DynamoDBClient"
    events: "EventBridgeClient"
    names: Mapping[str, str]

    @property
    def announced(self) -> Events:
        """Return where a command tells what it ended: on standard error, and on the stack's bus."""
        return PublishedEvents(stack.PrintedEvents(sys.stderr), lambda: self.events, self.names["EventBus"])

    @property
    def tenant(self) -> DynamoDBStore:
        """Return what a tenant file is applied to."""
        return DynamoDBStore(
            self.dynamodb,
            configuration_table=self.names["ConfigurationTable"],
            users_table=self.names["UsersTable"],
            families_table=self.names["FamiliesTable"],
            clock=time.time,
            events=self.announced,
        )


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Let a command be told which stack."""
    where = parser.add_mutually_exclusive_group(required=True)
    where.add_argument(
        "--stack",
        metavar="NAME",
        help="a deployed CloudFormation stack, in the account and Region of your AWS settings",
    )
    where.add_argument(
        "--endpoint", metavar="URL", help="the address of the local AWS of a running `make run`, which prints it"
    )


def of(options: argparse.Namespace) -> Target:
    """Return what the command was told; raise `ClientError` or `BotoCoreError`."""
    if options.endpoint is not None:
        logical_ids = template.load().resources
        return Target(
            stack.client("dynamodb", options.endpoint),
            stack.client("events", options.endpoint),
            _Names({name: template.PREFIX + name for name in logical_ids}),
        )
    described = boto3.client("cloudformation").describe_stacks(StackName=options.stack)["Stacks"][0]
    outputs = {output["OutputKey"]: output["OutputValue"] for output in described.get("Outputs", [])}
    return Target(aws.dynamodb(), aws.event_bridge(), _Names(outputs))
