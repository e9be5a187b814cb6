"""A local stack: the template's stores on given endpoints, and the environment that leads the functions there."""

import json
import os
import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TextIO

import boto3
from botocore.config import Config

from heirloom.domain.events import Event
from heirloom.tenant.store import DynamoDBStore
from local import stores, template

if TYPE_CHECKING:
    from mypy_boto3_dynamodb.client import DynamoDBClient
    from mypy_boto3_secretsmanager.client import SecretsManagerClient


@dataclass(frozen=True, slots=True)
class PrintedEvents:
    """The port `Events`: a line on the terminal, since nobody reads a log group here."""

    to: TextIO | None = None
    """Standard output, if nothing else."""

    def emit(self, event: Event) -> None:
        """Print the event."""
        print(f"{event.type.value} {event.client_id} {event.reason} {json.dumps(dict(event.details))}", file=self.to)


@dataclass(frozen=True, slots=True)
class Endpoints:
    """Where the services of a local stack answer: one URL for all, when it is ministack's."""

    dynamodb: str
    others: str

    @property
    def environment(self) -> dict[str, str]:
        """Return the variables that lead boto3 there, past whatever account a person is logged in to."""
        return {
            **stores.ACCOUNT,
            "AWS_ENDPOINT_URL_DYNAMODB": self.dynamodb,
            "AWS_ENDPOINT_URL": self.others,
            "AWS_CONFIG_FILE": os.devnull,
            "AWS_SHARED_CREDENTIALS_FILE": os.devnull,
        }


def client(service: str, endpoint: str) -> Any:  # noqa: ANN401 - each service has a client type of its own
    """Return a client of a local service."""
    return boto3.client(
        service,
        endpoint_url=endpoint,
        config=Config(retries={"total_max_attempts": 1}),
        aws_access_key_id=stores.ACCOUNT["AWS_ACCESS_KEY_ID"],
        aws_secret_access_key=stores.ACCOUNT["AWS_SECRET_ACCESS_KEY"],
        region_name=stores.ACCOUNT["AWS_REGION"],
    )


def create(endpoints: Endpoints, *, issuer: str, prefix: str = template.PREFIX) -> dict[str, str]:
    """Make what the template has of stores, buses and first keys; return the environment of the functions.

    boto3's part is included.
    Stacks with different prefixes share an endpoint and nothing else.
    """
    dynamodb: DynamoDBClient = client("dynamodb", endpoints.dynamodb)
    secrets_manager: SecretsManagerClient = client("secretsmanager", endpoints.others)
    document = template.load()
    stores.create(document, dynamodb, secrets_manager, now=int(time.time()), prefix=prefix)
    stores.create_event_buses(document, client("events", endpoints.others), prefix=prefix)
    stores.create_log_groups(document, client("logs", endpoints.others), prefix=prefix)
    queues = stores.create_queues(document, client("sqs", endpoints.others), prefix=prefix)
    return template.environment(document, issuer=issuer, prefix=prefix, queues=queues) | endpoints.environment


def store(endpoint: str, environment: Mapping[str, str]) -> DynamoDBStore:
    """Return what a tenant file is applied to, in the stack of this environment."""
    return DynamoDBStore(
        client("dynamodb", endpoint),
        configuration_table=environment["CONFIGURATION_TABLE"],
        users_table=environment["USERS_TABLE"],
        families_table=environment["FAMILIES_TABLE"],
        clock=time.time,
        events=PrintedEvents(),
    )
