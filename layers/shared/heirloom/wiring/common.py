"""What several functions share."""

import os
import time
from functools import cache
from typing import TYPE_CHECKING, cast

from heirloom.adapters import aws, direct, snapshot
from heirloom.adapters.configuration import DynamoDBConfiguration
from heirloom.adapters.events import LoggedEvents, PublishedEvents
from heirloom.adapters.families import DynamoDBFamilies
from heirloom.adapters.settings import Settings
from heirloom.endpoints.cross_origin import Preflight

if TYPE_CHECKING:
    from mypy_boto3_dynamodb.client import DynamoDBClient
    from mypy_boto3_secretsmanager.client import SecretsManagerClient

snapshot.holds("boto3", "botocore.client", "botocore.session", "encodings.idna", "jwt")


@cache
def settings() -> Settings:
    """Return what the environment says."""
    return Settings.of(os.environ)


@cache
def dynamodb() -> "DynamoDBClient":
    """Return the one DynamoDB client, which keeps its connections alive."""
    return cast("DynamoDBClient | None", direct.dynamodb(os.environ)) or aws.dynamodb()


@cache
def secrets_manager() -> "SecretsManagerClient":
    """Return the client that secrets are read with."""
    return cast("SecretsManagerClient | None", direct.secrets_manager(os.environ)) or aws.secrets_manager()


@cache
def configuration() -> DynamoDBConfiguration:
    """Return the applied tenant file."""
    return DynamoDBConfiguration(dynamodb(), settings().configuration_table, clock=time.time)


@cache
def families() -> DynamoDBFamilies:
    """Return the token families."""
    return DynamoDBFamilies(dynamodb(), settings().families_table)


@cache
def events() -> PublishedEvents:
    """Return the log, the metrics and the bus."""
    return PublishedEvents(LoggedEvents.of(os.environ), cache(aws.event_bridge), settings().event_bus)


@cache
def preflight() -> Preflight:
    """Return the answer to a preflight of an endpoint that takes posts."""
    return Preflight(configuration(), "POST")
