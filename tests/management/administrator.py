"""The Management API on a real store, called with real events by an application that may do anything."""

import dataclasses
import json
from collections.abc import Iterable, Mapping
from functools import partial
from typing import Any
from urllib.parse import quote, urlencode

from heirloom.adapters import configuration, web
from heirloom.adapters.configuration import DynamoDBConfiguration
from heirloom.adapters.consents import DynamoDBConsents
from heirloom.adapters.dpop import JwtProofVerifier
from heirloom.adapters.edge import Edge
from heirloom.adapters.own_tokens import PublishedKeysVerifier
from heirloom.adapters.passwords import CHEAPEST, Argon2Passwords
from heirloom.adapters.refresh_token_metadata import DynamoDBRefreshTokenMetadata
from heirloom.adapters.sessions import DynamoDBSessions
from heirloom.adapters.single_use import DynamoDBSingleUse
from heirloom.adapters.users import DynamoDBUsers
from heirloom.domain import management_api
from heirloom.domain.application import Application, ApplicationType, GrantType
from heirloom.domain.client_grant import ClientGrant
from heirloom.domain.events import LoggedEvent
from heirloom.endpoints.access_tokens import AccessTokens
from heirloom.endpoints.operator import Operator
from heirloom.endpoints.proof_of_possession import Proofs
from heirloom.endpoints.session_ending import SessionEnding
from heirloom.management.api import ManagementApi
from heirloom.management.declaring import Declarations
from heirloom.management.known_logins import KnownLogins
from heirloom.management.routes import Resources, routes
from heirloom.tenant.store import DynamoDBStore
from tests.service import ISSUER, SECRET, WEB, Service

AUDIENCE = f"{ISSUER}api/v2/"
ADMINISTRATOR = dataclasses.replace(
    WEB,
    client_id="administrator",
    name="Administrator",
    app_type=ApplicationType.NON_INTERACTIVE,
    callbacks=frozenset(),
    allowed_logout_urls=frozenset(),
    grant_types=frozenset({GrantType.CLIENT_CREDENTIALS}),
)


class Remembered(list[LoggedEvent]):
    """The port `Log`, oldest event first."""

    def newest(self, wanted: Mapping[str, str], *, at_most: int) -> list[LoggedEvent]:
        found = [it for it in reversed(self) if all(getattr(it, name) == value for name, value in wanted.items())]
        return found[:at_most]

    def after(self, log_id: str | None, *, at_most: int) -> list[LoggedEvent]:
        start = 0 if log_id is None else [it.log_id for it in self].index(log_id) + 1
        return self[start : start + at_most]

    def find(self, log_id: str) -> LoggedEvent | None:
        return next((it for it in self if it.log_id == log_id), None)


@dataclasses.dataclass
class Answer:
    """What came back."""

    status: int
    headers: Mapping[str, str]
    body: str

    @property
    def json(self) -> Any:
        """The document."""
        return json.loads(self.body)

    @property
    def problem(self) -> tuple[int, str]:
        """Status and code of a refusal, which has all members of one."""
        document = self.json
        assert document.keys() == {"statusCode", "error", "message", "errorCode"}
        assert document["statusCode"] == self.status
        return self.status, document["errorCode"]


class Administrator:
    """Somebody who administers the service of a test."""

    def __init__(self, service: Service) -> None:
        self.service = service
        self.log = Remembered()
        self.passwords = Argon2Passwords(CHEAPEST)
        self.configuration = DynamoDBConfiguration(
            service.client, service.tables["ConfigurationTable"], clock=lambda: service.now
        )
        self.put(configuration.JWKS, configuration.JWKS, service.configuration.published_keys())
        self.declare(*service.configuration.applications.values(), ADMINISTRATOR)
        for api in service.configuration.apis.values():
            self.put(configuration.RESOURCE_SERVER, api.identifier, configuration.encode(api))
        for grant in service.configuration.client_grants:
            self._put_grant(grant)
        self.grant(management_api.SCOPES)
        self.api = self._api()
        self.own_token, self.expires_at = "", 0

    def declare(self, *applications: Application) -> None:
        """Declare applications, to the service and in the store."""
        for application in applications:
            self.service.declare(application)
            self.put(configuration.APPLICATION, application.client_id, configuration.encode(application))
            for origin in application.web_origins:
                self.put(configuration.WEB_ORIGIN, origin, configuration.EMPTY)

    def grant(self, scopes: Iterable[str]) -> None:
        """Let the administrator have these scopes."""
        grant = ClientGrant(ADMINISTRATOR.client_id, management_api.AUDIENCE, frozenset(scopes))
        others = [it for it in self.service.configuration.client_grants if it.client_id != grant.client_id]
        self.service.configuration.client_grants = [*others, grant]
        self._put_grant(grant)

    def _put_grant(self, grant: ClientGrant) -> None:
        name = configuration.client_grant_id(grant.client_id, grant.audience)
        self.put(configuration.CLIENT_GRANT, name, configuration.encode(grant))

    def put(self, kind: str, name: str, document: str) -> None:
        """Put a document into the store."""
        item = {"kind": {"S": kind}, "id": {"S": name}, "document": {"S": document}}
        self.service.client.put_item(TableName=self.service.tables["ConfigurationTable"], Item=item)

    def document(self, kind: str, name: str) -> str | None:
        """A document of the store."""
        key = {"kind": {"S": kind}, "id": {"S": name}}
        answer = self.service.client.get_item(TableName=self.service.tables["ConfigurationTable"], Key=key)
        return answer["Item"]["document"]["S"] if "Item" in answer else None

    def applied(self, client_id: str) -> Application:
        """An application as it is stored."""
        document = self.document(configuration.APPLICATION, client_id)
        assert document is not None
        return configuration.decode_application(document)

    def token(self, *scopes: str, headers: Mapping[str, str] | None = None) -> str:
        """An access token, with all scopes unless some are named."""
        form = {"grant_type": "client_credentials", "client_id": ADMINISTRATOR.client_id, "client_secret": SECRET}
        form |= {"audience": AUDIENCE} | ({"scope": " ".join(scopes)} if scopes else {})
        answer = self.service.send("POST", "/oauth/token", form, headers)
        assert answer.status == 200, answer.body
        return str(json.loads(answer.body)["access_token"])

    def call(
        self,
        method: str,
        path: str,
        body: object = None,
        *,
        token: str | None = None,
        headers: Mapping[str, str] | None = None,
        **query: Any,
    ) -> Answer:
        """Send a request with a token that may do anything, or with *token*; the empty one is none."""
        if token is None:
            if self.service.now >= self.expires_at:
                self.own_token, self.expires_at = self.token(), self.service.now + management_api.TOKEN_LIFETIME
            token = self.own_token
        sent = {"user-agent": "tests", **(headers or {})}
        if token:
            sent.setdefault("authorization", f"Bearer {token}")
        if body is not None:
            sent.setdefault("content-type", "application/json")
        parameters = {name.rstrip("_"): str(value) for name, value in query.items()}
        return self.handled(method, path, body if isinstance(body, str) else json.dumps(body), sent, parameters)

    def handled(
        self, method: str, path: str, body: str, headers: Mapping[str, str], query: Mapping[str, str]
    ) -> Answer:
        """Hand an event to the function's code, and read what it answers. *path* is decoded, as an HTTP API does."""
        full = f"/api/v2/{path}"
        event: dict[str, Any] = {
            "routeKey": "ANY /api/v2/{proxy+}",
            "rawPath": full,
            "rawQueryString": urlencode(query, quote_via=quote),
            "headers": dict(headers),
            "requestContext": {
                "http": {"method": method, "path": full, "sourceIp": "192.0.2.9"},
                "requestId": "request-9",
            },
            "body": body,
            "isBase64Encoded": False,
        }
        headers = web.headers_of(event)
        answer = web.answer_of(
            self.api(
                web.request_of(event, headers, web.caller_of(event, headers, Edge.of({})), now_ms=self.service.now_ms)
            )
        )
        assert answer["statusCode"] < 500 or answer["statusCode"] == 503, answer
        return Answer(answer["statusCode"], answer["headers"], answer["body"])

    def refresh_token_id(self, user_id: str, client_id: str) -> str:
        """Id of the one refresh token that a user has at an application."""
        tokens = self.call("GET", "refresh-tokens", user_id=user_id, client_id=client_id).json["refresh_tokens"]
        (token,) = tokens
        return str(token["id"])

    def _api(self) -> ManagementApi:
        service, tables = self.service, self.service.tables
        sessions = DynamoDBSessions(service.client, tables["SessionsTable"])
        users = DynamoDBUsers(service.client, tables["UsersTable"])
        consents = DynamoDBConsents(service.client, tables["GrantsTable"])
        store_for = partial(
            DynamoDBStore,
            service.client,
            tables["ConfigurationTable"],
            tables["UsersTable"],
            tables["FamiliesTable"],
            lambda: service.now,
            service.events,
        )
        resources = Resources(
            issuer=ISSUER,
            declarations=Declarations(store_for, self.passwords),
            logins=KnownLogins(self.configuration, service.families, sessions),
            metadata=DynamoDBRefreshTokenMetadata(service.client, tables["FamiliesTable"]),
            users=users,
            consents=consents,
            operator=Operator(service.families, sessions, users, consents, service.events),
            ending=SessionEnding(self.configuration, sessions, service.families, service.back_channel, service.events),
            log=self.log,
            events=service.events,
        )
        verifier = PublishedKeysVerifier(ISSUER, self.configuration.published_keys)
        proofs = Proofs(JwtProofVerifier(), DynamoDBSingleUse(service.client, tables["SingleUseTable"]))
        return ManagementApi(
            ISSUER, routes(resources), AccessTokens(verifier, proofs), self.configuration, service.events
        )
