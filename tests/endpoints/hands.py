"""What a test does behind the service's back: as its operator, and as an onlooker."""

import base64
import dataclasses
import json
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from threading import Barrier
from typing import TYPE_CHECKING, Any

import pytest

from heirloom.adapters.attributes import string
from heirloom.adapters.families import epoch_key, item_key
from heirloom.adapters.users import DynamoDBUsers
from heirloom.domain import refresh_token
from heirloom.domain.application import Application
from heirloom.domain.family import Family
from heirloom.domain.resource_server import ResourceServer
from heirloom.domain.user import User
from heirloom.http import Response
from tests.service import ALICE, SPA, Service, authorization_request, family_key_of, with_changes, with_secret

if TYPE_CHECKING:
    from mypy_boto3_dynamodb.client import DynamoDBClient


def raise_epoch(service: Service, user: User = ALICE) -> None:
    """End all logins of a user, as a changed password does."""
    service.client.update_item(
        TableName=service.tables["FamiliesTable"],
        Key=epoch_key(refresh_token.user_key(user.user_id)),
        UpdateExpression="ADD epoch :one",
        ExpressionAttributeValues={":one": {"N": "1"}},
    )


def block(service: Service, user: User = ALICE) -> None:
    """Block a user, and nothing else."""
    users = DynamoDBUsers(service.client, service.tables["UsersTable"])
    stored = users.by_id(user.user_id)
    assert stored is not None
    users.put(dataclasses.replace(stored, blocked=True), replacing=stored)


def delete_user(service: Service, user: User = ALICE) -> None:
    """Delete a user."""
    service.client.delete_item(TableName=service.tables["UsersTable"], Key={"user_id": string(user.user_id)})


def forget_family(service: Service, token: str) -> None:
    """Delete the family of a refresh token, as DynamoDB does when it has expired long ago."""
    key = item_key(family_key_of(token))
    service.client.delete_item(TableName=service.tables["FamiliesTable"], Key=key)


def declare(service: Service, application: Application, **changes: object) -> Application:
    """Declare an application anew with *changes*, and return it."""
    changed = dataclasses.replace(application, **changes)  # type: ignore[arg-type] # whatever an application has
    service.declare(changed)
    return changed


def declare_api(service: Service, identifier: str, **changes: object) -> ResourceServer:
    """Declare an API anew with *changes*, and return it."""
    changed = dataclasses.replace(service.configuration.apis[identifier], **changes)  # type: ignore[arg-type] # as above
    service.configuration.apis[identifier] = changed
    return changed


def set_tenant(service: Service, **changes: object) -> None:
    """Change the tenant's settings."""
    settings = dataclasses.replace(service.configuration.settings, **changes)  # type: ignore[arg-type] # as above
    service.configuration.settings = settings


def restarted(service: Service, client: "DynamoDBClient | None" = None) -> Service:
    """Another instance of the service, at the same moment: nothing is left but what the stack stores."""
    fresh = Service.of(client or service.client, service.tables)
    fresh.configuration.applications = service.configuration.applications
    fresh.configuration.apis = service.configuration.apis
    fresh.configuration.settings = service.configuration.settings
    fresh.keys.seen = fresh.keys.stored = service.keys.stored
    fresh.now_ms = service.now_ms
    fresh.transcript = service.transcript
    return fresh


def family_of(service: Service, token: str) -> Family:
    """The family of a refresh token, as it is stored."""
    family = service.families.find(family_key_of(token))
    assert family is not None
    return family


def push(service: Service, application: Application = SPA, **changes: str | None) -> Response:
    """Push an authorization request."""
    form = authorization_request(application) | with_secret({}, application)
    return service.send("POST", "/oauth/par", with_changes(form, changes))


def pushed(service: Service, application: Application = SPA, **changes: str | None) -> dict[str, str]:
    """Push an authorization request, and return with what the browser is sent to `/authorize`."""
    response = push(service, application, **changes)
    assert response.status == 201, response.body
    return {"client_id": application.client_id, "request_uri": json.loads(response.body)["request_uri"]}


@contextmanager
def store_calls(service: Service) -> Iterator[list[str]]:
    """The operations that the store is asked for meanwhile."""
    calls: list[str] = []

    def record(model: Any, **_: object) -> None:
        calls.append(model.name)

    service.client.meta.events.register("before-call.dynamodb", record)
    yield calls
    service.client.meta.events.unregister("before-call.dynamodb", record)


@contextmanager
def api_lookups(service: Service) -> Iterator[list[str]]:
    """The APIs that the configuration is asked for meanwhile: of one that is unknown, each is a read of the store."""
    asked: list[str] = []
    look_up = service.configuration.resource_server

    def recorded(identifier: str) -> ResourceServer | None:
        asked.append(identifier)
        return look_up(identifier)

    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(service.configuration, "resource_server", recorded)
        yield asked


def basic(client_id: str, secret: str) -> dict[str, str]:
    """The header of HTTP Basic authentication, as it stands."""
    return {"Authorization": "Basic " + base64.b64encode(f"{client_id}:{secret}".encode()).decode()}


def at_once[T](actions: Sequence[Callable[[], T]]) -> list[T]:
    """Run *actions* from as many threads, all started together."""
    barrier = Barrier(len(actions))

    def run(action: Callable[[], T]) -> T:
        barrier.wait()
        return action()

    with ThreadPoolExecutor(len(actions)) as threads:
        return list(threads.map(run, actions))
