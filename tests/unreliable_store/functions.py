"""The real functions, with their wiring and their clients of AWS, behind the hands of `tests.service`."""

import base64
import dataclasses
import importlib
import pkgutil
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any
from unittest import mock

import boto3

from heirloom import wiring
from heirloom.adapters import aws, configuration, direct, web
from heirloom.adapters.aws_json import Service as AwsService
from heirloom.adapters.families import DynamoDBFamilies
from heirloom.adapters.passwords import Argon2Passwords
from heirloom.adapters.users import DynamoDBUsers
from heirloom.domain.resource_server import ResourceServer
from heirloom.http import Request, Response
from local import gateway, stack, template
from local.stack import Endpoints
from tests.service import ALICE, API, BOB, NATIVE, PASSWORD, SPA, Declared, Keyrings, Queued, Recorded, Service

if TYPE_CHECKING:
    from mypy_boto3_dynamodb.client import DynamoDBClient

ISSUER = "https://login.example/"
STRICT = dataclasses.replace(SPA, client_id="strict", refresh_token=dataclasses.replace(SPA.refresh_token, leeway=0))
"""An application without leeway."""


@dataclass
class Invocation:
    """What Lambda tells a function: that so many seconds are left."""

    ends_at: float

    def get_remaining_time_in_millis(self) -> int:
        return int((self.ends_at - time.monotonic()) * 1000)


@dataclass
class Functions:
    """Answers requests as the deployed functions would, and notes how long that took."""

    timeout: float
    """Seconds that a function has."""
    clock: Callable[[], int]
    """Epoch milliseconds."""
    seconds: list[float] = field(default_factory=list)
    """What each request took."""
    cold_every: int | None = None
    """Requests after which the next one meets a fresh environment, which reads secrets and configuration."""
    _clients: list[Any] = field(default_factory=list)

    def __post_init__(self) -> None:
        by_name = {function.name: function for function in template.functions(template.load()).values()}
        routes = template.routes(template.load())
        handlers = {name: gateway.load(by_name[name]) for name in set(routes.values())}
        self.handlers = {route: handlers[name] for route, name in routes.items()}

    def answer(self, request: Request) -> Response:
        """Answer one request."""
        if self.cold_every and len(self.seconds) % self.cold_every == 0:
            self.start_anew()
        begun = time.monotonic()
        handler = self.handlers[f"{request.method} {request.path}"]
        result = handler(event_of(request), Invocation(begun + self.timeout))
        self.seconds.append(time.monotonic() - begun)
        status, headers, cookies = result["statusCode"], result["headers"], tuple(result.get("cookies", ()))
        return Response(status, result["body"], headers, cookies=cookies)

    def start_anew(self) -> None:
        """Let the next request meet a fresh environment."""
        for module in pkgutil.iter_modules(wiring.__path__):
            for made in vars(importlib.import_module(f"{wiring.__name__}.{module.name}")).values():
                if hasattr(made, "cache_clear"):
                    made.cache_clear()
        while self._clients:
            self._clients.pop().close()

    @contextmanager
    def on(self, environment: Mapping[str, str]) -> Iterator[None]:
        """Let them be functions of the stack of *environment*."""

        def client(service: str, **more: float) -> Any:
            self._clients.append(make(service, **more))
            return self._clients[-1]

        def service(*of: Any, **more: Any) -> AwsService:
            made = AwsService(*of, **more)
            self._clients.append(made)
            return made

        make, session = aws._client, boto3.DEFAULT_SESSION  # noqa: SLF001 - its hooks are what is tested
        with (
            mock.patch.dict("os.environ", environment),
            mock.patch.object(aws, "_client", client),
            mock.patch.object(direct, "Service", service),
            mock.patch.object(web, "time", SimpleNamespace(time_ns=lambda: self.clock() * 1_000_000)),
        ):
            boto3.setup_default_session()
            self.start_anew()
            try:
                yield
            finally:
                self.start_anew()
                boto3.DEFAULT_SESSION = session


def event_of(request: Request) -> dict[str, Any]:
    """The event for a request (payload format 2.0)."""
    route = f"{request.method} {request.path}"
    return {
        "version": "2.0",
        "routeKey": route,
        "rawPath": request.path,
        "rawQueryString": request.query,
        "cookies": [f"{name}={value}" for name, value in request.cookies.items()],
        "headers": {**request.headers, "user-agent": request.caller.user_agent},
        "requestContext": {
            "http": {
                "method": request.method,
                "path": request.path,
                "sourceIp": request.caller.address,
                "userAgent": request.caller.user_agent,
            },
            "requestId": request.caller.request_id,
            "routeKey": route,
        },
        "body": base64.b64encode(request.body).decode(),
        "isBase64Encoded": True,
    }


@contextmanager
def stacked(
    endpoints: Endpoints, proxied: Endpoints, *, prefix: str, timeout: float
) -> Iterator[tuple[Service, Functions]]:
    """A stack at *endpoints* with the applications and people of `tests.service`, used through the proxy.

    What the test itself reads goes past the proxy.
    """
    environment = stack.create(endpoints, issuer=ISSUER, prefix=prefix)
    client: DynamoDBClient = stack.client("dynamodb", endpoints.dynamodb)
    tables = {
        table["TableName"].removeprefix(prefix): table["TableName"]
        for table in template.tables(template.load(), prefix)
    }
    declare(client, tables)
    service = Service(
        client=client,
        tables=tables,
        configuration=Declared({SPA.client_id: SPA}, {}),
        keys=Keyrings(None, None),  # type: ignore[arg-type] # the functions have their own
        events=Recorded(),
        families=DynamoDBFamilies(client, tables["FamiliesTable"]),
        codes=None,  # type: ignore[arg-type] # as above
        back_channel=Queued(),
        routes={},
        now_ms=time.time_ns() // 1_000_000,
    )
    functions = Functions(timeout, clock=lambda: service.now_ms)
    service.routes = {tuple(route.split(" ", 1)): functions.answer for route in functions.handlers}  # type: ignore[misc]
    with functions.on({**environment, **proxied.environment}):
        yield service, functions
    client.close()


def declare(client: "DynamoDBClient", tables: Mapping[str, str]) -> None:
    """Store the application, the API and the people."""
    api = ResourceServer(API, "Notes API", {"read:notes": "Read your notes"}, allow_offline_access=True)
    for kind, name, value in (
        (configuration.APPLICATION, SPA.client_id, SPA),
        (configuration.APPLICATION, NATIVE.client_id, NATIVE),
        (configuration.APPLICATION, STRICT.client_id, STRICT),
        (configuration.RESOURCE_SERVER, API, api),
    ):
        item = {"kind": {"S": kind}, "id": {"S": name}, "document": {"S": configuration.encode(value)}}
        client.put_item(TableName=tables["ConfigurationTable"], Item=item)
    users, passwords = DynamoDBUsers(client, tables["UsersTable"]), Argon2Passwords()
    for user in (ALICE, BOB):
        if users.by_id(user.user_id) is None:
            users.put(dataclasses.replace(user, password_hash=passwords.hash(PASSWORD)), replacing=None)
