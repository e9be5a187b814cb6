"""The real endpoints on a real store, called as functions: what a test changes is the clock and the configuration."""

import base64
import dataclasses
import json
import re
import secrets
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from functools import cache
from hashlib import sha256
from typing import TYPE_CHECKING, Any, Self
from urllib.parse import parse_qs, urlencode, urlsplit

import boto3
from botocore.config import Config
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey, generate_private_key
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from heirloom.adapters import public_keys
from heirloom.adapters.client_assertions import JwtAssertions
from heirloom.adapters.codes import DynamoDBCodes
from heirloom.adapters.consents import DynamoDBConsents
from heirloom.adapters.device_codes import DynamoDBDeviceCodes
from heirloom.adapters.dpop import JwtProofVerifier
from heirloom.adapters.events import record
from heirloom.adapters.families import DynamoDBFamilies
from heirloom.adapters.login_attempts import DynamoDBLoginAttempts
from heirloom.adapters.own_tokens import PublishedKeysVerifier
from heirloom.adapters.pace import SteadyPace
from heirloom.adapters.passwords import CHEAPEST, Argon2Passwords
from heirloom.adapters.pushed_requests import DynamoDBPushedRequests
from heirloom.adapters.replays import DynamoDBReplays
from heirloom.adapters.sessions import DynamoDBSessions
from heirloom.adapters.signing_keys import JwtSigner
from heirloom.adapters.single_use import DynamoDBSingleUse
from heirloom.adapters.users import DynamoDBUsers
from heirloom.domain import encoding
from heirloom.domain.application import (
    Application,
    ApplicationType,
    AuthenticationMethod,
    GrantType,
    RefreshTokenPolicy,
    Tenant,
    secret_digest,
)
from heirloom.domain.backchannel_logout import LogoutNotice
from heirloom.domain.client_grant import ClientGrant
from heirloom.domain.events import Caller, Event
from heirloom.domain.refresh_token import PREFIX, FamilyKey
from heirloom.domain.resource_server import ResourceServer
from heirloom.domain.token_keys import KeyState, TokenKey, TokenKeyring
from heirloom.domain.user import User
from heirloom.endpoints.access_tokens import AccessTokens
from heirloom.endpoints.account import AccountEndpoint, AccountPage
from heirloom.endpoints.activation import ActivationEndpoint, ActivationFlow, ActivationPage
from heirloom.endpoints.authorization_flow import AuthorizationFlow
from heirloom.endpoints.authorize import AuthorizeEndpoint
from heirloom.endpoints.browser import Browser
from heirloom.endpoints.client import ClientAuthentication
from heirloom.endpoints.client_credentials import ClientCredentialsGrant
from heirloom.endpoints.code_exchange import CodeGrant
from heirloom.endpoints.consent import ConsentEndpoint
from heirloom.endpoints.cross_origin import Preflight
from heirloom.endpoints.device_authorization import DeviceAuthorizationEndpoint
from heirloom.endpoints.device_grant import DeviceGrant
from heirloom.endpoints.discovery import DiscoveryEndpoint, JwksEndpoint
from heirloom.endpoints.introspect import IntrospectionEndpoint
from heirloom.endpoints.login import LoginEndpoint, LoginPage
from heirloom.endpoints.logout import LogoutEndpoint
from heirloom.endpoints.oidc_logout import OidcLogoutEndpoint
from heirloom.endpoints.proof_of_possession import Proofs, TokenRequestProofs
from heirloom.endpoints.pushed_authorization import PushedAuthorizationEndpoint
from heirloom.endpoints.refresh import RefreshGrant
from heirloom.endpoints.revoke import RevocationEndpoint
from heirloom.endpoints.session_ending import SessionEnding
from heirloom.endpoints.token import Grant, TokenEndpoint
from heirloom.endpoints.userinfo import UserinfoEndpoint
from heirloom.http import Request, Response
from heirloom.pages.catalogue import LANGUAGES
from local import template
from tests import log_recorder

if TYPE_CHECKING:
    from mypy_boto3_dynamodb.client import DynamoDBClient

ISSUER = "https://login.example/"
START = 1_800_000_000
"""Epoch seconds at which every test begins."""

PASSWORD = "correct horse battery staple"
SECRET = "s" * 32
API = "https://notes.example/api"
ONLINE_API = "https://online.example/api"
CALLBACK = "https://app.example/callback"
ORIGIN = "https://app.example"
VERIFIER = "v" * 43
CHALLENGE = encoding.encode(sha256(VERIFIER.encode()).digest())

SPA = Application(
    client_id="spa",
    name="Notes",
    app_type=ApplicationType.SINGLE_PAGE,
    token_endpoint_auth_method=AuthenticationMethod.NONE,
    callbacks=frozenset({CALLBACK}),
    allowed_logout_urls=frozenset({"https://app.example/"}),
    web_origins=frozenset({ORIGIN}),
)
WEB = dataclasses.replace(
    SPA,
    client_id="web",
    app_type=ApplicationType.REGULAR_WEB,
    token_endpoint_auth_method=AuthenticationMethod.CLIENT_SECRET_POST,
    secret_digest=secret_digest(SECRET),
    web_origins=frozenset(),
)
NATIVE = dataclasses.replace(
    SPA,
    client_id="native",
    app_type=ApplicationType.NATIVE,
    callbacks=frozenset({"http://127.0.0.1/callback", "com.example.notes:/callback"}),
    grant_types=frozenset(GrantType),
    web_origins=frozenset(),
)
THIRD_PARTY = dataclasses.replace(SPA, client_id="stranger", name="Stranger", is_first_party=False)
ALICE = User(
    user_id="auth0|alice",
    email="alice@example.com",
    password_hash="",
    claims={"name": "Alice", "nickname": "alice", "email_verified": True},
)
BOB = User(user_id="auth0|bob", email="bob@example.com", password_hash="", claims={"name": "Bob"})


@cache
def rsa_key() -> RSAPrivateKey:
    """A signing key: making one is slow, and no test is about its bytes."""
    return generate_private_key(public_exponent=65537, key_size=2048)


@cache
def _published_keys() -> str:
    pem = rsa_key().private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()
    key = {"kid": "test-key", "alg": "RS256", "private_key": pem, "created_at": START}
    return json.dumps(public_keys.jwks({"keys": [key]}))


def token_key(key_id: int, state: KeyState, **changes: Any) -> TokenKey:
    """A random token key."""
    key = TokenKey(key_id=key_id, state=state, mac=secrets.token_bytes(32), derivation=secrets.token_bytes(32))
    log_recorder.secret(key.mac, key.derivation or b"")
    return dataclasses.replace(key, **changes)


@dataclasses.dataclass
class Keyrings:
    """The ports `TokenKeys` and `SigningKeys`; `seen` is what the cache holds, `stored` what a reload brings."""

    seen: TokenKeyring
    stored: TokenKeyring
    reloads: int = 0

    def keyring(self) -> TokenKeyring:
        return self.seen

    def reloaded(self) -> TokenKeyring:
        self.reloads += 1
        self.seen = self.stored
        return self.seen

    def become(self, *keys: TokenKey) -> None:
        """Hold these keys from now on, in the store and in the cache."""
        self.seen = self.stored = TokenKeyring.of(*keys)

    def signer(self) -> JwtSigner:
        return JwtSigner(rsa_key(), "test-key")


@dataclasses.dataclass
class Declared:
    """The port `Configuration`, as a test declares it."""

    applications: dict[str, Application]
    apis: dict[str, ResourceServer]
    settings: Tenant = dataclasses.field(default_factory=Tenant)
    client_grants: list[ClientGrant] = dataclasses.field(default_factory=list)

    def application(self, client_id: str) -> Application | None:
        return self.applications.get(client_id)

    def resource_server(self, identifier: str) -> ResourceServer | None:
        return self.apis.get(identifier)

    def client_grant(self, client_id: str, audience: str) -> ClientGrant | None:
        return next((it for it in self.client_grants if (it.client_id, it.audience) == (client_id, audience)), None)

    def tenant(self) -> Tenant:
        return self.settings

    def is_web_origin(self, origin: str) -> bool:
        return any(application.allows_origin(origin) for application in self.applications.values())

    def published_keys(self) -> str:
        return _published_keys()


class Recorded(list[Event]):
    """The port `Events`."""

    def emit(self, event: Event) -> None:
        self.append(event)
        log_recorder.line(json.dumps(record(event)))

    @property
    def types(self) -> list[str]:
        """The type codes so far."""
        return [event.type.value for event in self]


class Queued(list[LogoutNotice]):
    """The port `BackChannel`; `fault` is what a full queue would raise."""

    fault: Exception | None = None

    def notify(self, notices: Iterable[LogoutNotice]) -> None:
        if self.fault is not None:
            raise self.fault
        self.extend(notices)


@contextmanager
def store(endpoint: str, prefix: str) -> Iterator[tuple["DynamoDBClient", dict[str, str]]]:
    """The tables of template.yaml at *endpoint*: a client, and the tables' names by their logical ids."""
    config = Config(retries={"mode": "standard", "total_max_attempts": 2}, max_pool_connections=50)
    client: DynamoDBClient = boto3.client("dynamodb", endpoint_url=endpoint, config=config)
    tables = {table["TableName"].removeprefix(prefix): table for table in template.tables(_template(), prefix)}
    for table in tables.values():
        client.create_table(**table)
    client.meta.events.register("before-call.dynamodb", note_writes)
    yield client, {logical_id: table["TableName"] for logical_id, table in tables.items()}
    for table in tables.values():
        client.delete_table(TableName=table["TableName"])
    client.close()


_written: set[str] = set()
"""Names of tables with writes since they were emptied: most tests write to few of them."""


def note_writes(model: Any, params: Mapping[str, Any], **_: object) -> None:
    """Note which table a client writes to: for `empty`."""
    if model.name not in {"GetItem", "BatchGetItem", "Query", "Scan"}:
        _written.update(re.findall(r'"TableName": ?"([^"]+)"', params["body"].decode()))


def empty(client: "DynamoDBClient", tables: Mapping[str, str]) -> None:
    """Delete all items that came through *client*, but the users that every service has, if nobody touched them.

    Much quicker than making the tables anew.
    """
    for table in template.tables(_template(), prefix=""):
        name, keys = tables[table["TableName"]], [key["AttributeName"] for key in table["KeySchema"]]
        items = client.scan(TableName=name, ConsistentRead=True)["Items"] if name in _written else []
        for item in items:
            client.delete_item(TableName=name, Key={key: item[key] for key in keys})
        _written.discard(name)


@cache
def _template() -> template.Template:
    return template.load()


@dataclasses.dataclass
class Service:
    """The service, and hands to use it with."""

    client: "DynamoDBClient"
    tables: Mapping[str, str]
    configuration: Declared
    keys: Keyrings
    events: Recorded
    families: DynamoDBFamilies
    codes: DynamoDBCodes
    back_channel: "Queued"
    routes: Mapping[tuple[str, str], Any]
    now_ms: int = START * 1000
    cookies: dict[str, str] = dataclasses.field(default_factory=dict)
    """What the one browser of this test holds."""
    address: str = "192.0.2.1"
    user_agent: str = "tests"
    transcript: list[tuple[Request, Response]] = dataclasses.field(default_factory=list)
    """Every request of this test with its answer."""

    @classmethod
    @contextmanager
    def on(cls, endpoint: str, prefix: str) -> Iterator[Self]:
        """Make the tables of template.yaml at *endpoint*, and a service on them."""
        with store(endpoint, prefix) as (client, tables):
            yield cls.of(client, tables)

    @classmethod
    def of(cls, client: "DynamoDBClient", tables: Mapping[str, str], keys: Keyrings | None = None) -> Self:
        """Wire the endpoints to *client*, with *keys* or new ones."""
        configuration = Declared(
            applications={application.client_id: application for application in (SPA, WEB, NATIVE, THIRD_PARTY)},
            apis={
                API: ResourceServer(API, "Notes API", {"read:notes": "Read your notes"}, allow_offline_access=True),
                ONLINE_API: ResourceServer(ONLINE_API, "Online API", {"read:all": "Read all"}),
            },
        )
        if keys is None:
            keyring = TokenKeyring.of(token_key(1, KeyState.CURRENT), token_key(2, KeyState.NEXT))
            keys = Keyrings(keyring, keyring)
        events = Recorded()
        families = DynamoDBFamilies(client, tables["FamiliesTable"])
        codes = DynamoDBCodes(client, tables["CodesTable"], tables["FamiliesTable"], tables["SessionsTable"])
        sessions = DynamoDBSessions(client, tables["SessionsTable"])
        back_channel = Queued()
        ending = SessionEnding(configuration, sessions, families, back_channel, events)
        users = DynamoDBUsers(client, tables["UsersTable"])
        passwords, pace = Argon2Passwords(CHEAPEST), SteadyPace(sleep=lambda _: None)
        if users.by_id(ALICE.user_id) is None:
            for user in (ALICE, BOB):
                users.put(dataclasses.replace(user, password_hash=passwords.hash(PASSWORD)), replacing=None)
            _written.discard(users.table)  # every service has them
        verifier = PublishedKeysVerifier(ISSUER, configuration.published_keys)
        consents = DynamoDBConsents(client, tables["GrantsTable"])
        flow = AuthorizationFlow(
            browser=Browser(ISSUER),
            configuration=configuration,
            families=families,
            codes=codes,
            pushed_requests=DynamoDBPushedRequests(client, tables["PushedRequestsTable"]),
            sessions=sessions,
            users=users,
            consents=consents,
            verifier=verifier,
            events=events,
        )
        authorize = AuthorizeEndpoint(flow)
        single_use = DynamoDBSingleUse(client, tables["SingleUseTable"])
        clients = ClientAuthentication(ISSUER, configuration, JwtAssertions(), single_use)
        discovery = DiscoveryEndpoint(ISSUER, tuple(LANGUAGES))
        proofs = Proofs(JwtProofVerifier(), single_use)
        access_tokens = AccessTokens(verifier, proofs)
        userinfo = UserinfoEndpoint(ISSUER, configuration, access_tokens, users, events)
        token_proofs = TokenRequestProofs(f"{ISSUER}oauth/token", proofs, keys)
        device_codes = DynamoDBDeviceCodes(
            client, tables["DeviceCodesTable"], tables["FamiliesTable"], tables["SessionsTable"]
        )
        activations = ActivationFlow(flow, device_codes)
        replays = DynamoDBReplays(client, tables["FamiliesTable"])
        grants: dict[GrantType, Grant] = {
            GrantType.AUTHORIZATION_CODE: CodeGrant(configuration, codes, families, keys, events, ISSUER),
            GrantType.REFRESH_TOKEN: RefreshGrant(configuration, families, replays, keys, events),
            GrantType.CLIENT_CREDENTIALS: ClientCredentialsGrant(configuration, events, ISSUER),
            GrantType.DEVICE_CODE: DeviceGrant(configuration, device_codes, families, keys, events),
        }
        attempts = DynamoDBLoginAttempts(client, tables["LoginAttemptsTable"])
        return cls(
            client=client,
            tables=tables,
            configuration=configuration,
            keys=keys,
            events=events,
            families=families,
            codes=codes,
            back_channel=back_channel,
            routes={
                ("GET", "/authorize"): authorize,
                ("POST", "/authorize"): authorize,
                ("POST", "/oauth/par"): PushedAuthorizationEndpoint(clients, flow, proofs),
                ("OPTIONS", "/oauth/par"): Preflight(configuration, "POST"),
                ("GET", "/login"): LoginPage(flow),
                ("POST", "/login"): LoginEndpoint(flow, activations, ending, attempts, passwords, pace),
                ("POST", "/consent"): ConsentEndpoint(flow),
                ("GET", "/v2/logout"): LogoutEndpoint(flow, ending),
                ("GET", "/oidc/logout"): OidcLogoutEndpoint(flow, ending),
                ("POST", "/oidc/logout"): OidcLogoutEndpoint(flow, ending),
                ("POST", "/oauth/device/code"): DeviceAuthorizationEndpoint(
                    ISSUER, clients, configuration, device_codes, events
                ),
                ("GET", "/activate"): ActivationPage(activations),
                ("POST", "/activate"): ActivationEndpoint(activations, attempts),
                ("GET", "/account"): AccountPage(flow),
                ("POST", "/account"): AccountEndpoint(flow, ending),
                ("POST", "/oauth/token"): TokenEndpoint(
                    ISSUER, configuration, clients, grants, keys, token_proofs, events
                ),
                ("OPTIONS", "/oauth/token"): Preflight(configuration, "POST"),
                ("POST", "/oauth/revoke"): RevocationEndpoint(clients, configuration, families, consents, keys, events),
                ("POST", "/oauth/introspect"): IntrospectionEndpoint(
                    clients, configuration, families, keys, verifier, events
                ),
                ("OPTIONS", "/oauth/revoke"): Preflight(configuration, "POST"),
                ("GET", "/userinfo"): userinfo,
                ("POST", "/userinfo"): userinfo,
                ("OPTIONS", "/userinfo"): Preflight(configuration, "GET, POST"),
                ("GET", "/.well-known/openid-configuration"): discovery,
                ("GET", "/.well-known/oauth-authorization-server"): discovery,
                ("GET", "/.well-known/jwks.json"): JwksEndpoint(configuration.published_keys),
            },
        )

    # ---- The clock and the configuration

    def wait(self, seconds: float) -> None:
        """Let time pass."""
        self.now_ms += round(seconds * 1000)

    @property
    def now(self) -> int:
        """Epoch seconds."""
        return self.now_ms // 1000

    def set_policy(self, application: Application = SPA, **changes: Any) -> RefreshTokenPolicy:
        """Change an application's refresh token settings."""
        application = self.configuration.applications[application.client_id]
        policy = dataclasses.replace(application.refresh_token, **changes)
        self.declare(dataclasses.replace(application, refresh_token=policy))
        return policy

    def declare(self, application: Application) -> None:
        """Declare an application anew."""
        self.configuration.applications[application.client_id] = application

    # ---- Requests

    def send(
        self,
        method: str,
        path: str,
        form: Mapping[str, str] | None = None,
        headers: Mapping[str, str] | None = None,
        *,
        query: Mapping[str, str] | str = "",
        body: bytes | None = None,
    ) -> Response:
        """Send a request, with the browser's cookies, and keep those that come back."""
        all_headers = {name.lower(): value for name, value in (headers or {}).items()}
        if form is not None:
            all_headers.setdefault("content-type", "application/x-www-form-urlencoded")
            body = urlencode(form).encode()
        request = Request(
            method=method,
            path=path,
            caller=Caller(self.address, self.user_agent, "request-1"),
            now_ms=self.now_ms,
            headers=all_headers,
            cookies=dict(self.cookies),
            query=query if isinstance(query, str) else urlencode(query),
            body=body or b"",
        )
        response: Response = self.routes[method, path](request)
        self.transcript.append((request, response))
        log_recorder.exchanged(request, response)
        for cookie in response.cookies:
            name, _, rest = cookie.partition("=")
            value = rest.partition(";")[0]
            self.cookies[name] = value
            if not value:
                del self.cookies[name]
        return response

    def authorize(self, application: Application = SPA, **changes: str | None) -> Response:
        """Send the person's browser to `/authorize`."""
        return self.send("GET", "/authorize", query=authorization_request(application, **changes))

    def log_in(
        self,
        application: Application = SPA,
        email: str | None = ALICE.email,
        password: str | None = PASSWORD,
        **changes: str | None,
    ) -> Response:
        """Open the login page and fill it in."""
        self.authorize(application, **changes)
        query = urlencode(authorization_request(application, **changes))
        form = {"request": query, "csrf": self.csrf, "action": "sign_in"}
        return self.send("POST", "/login", with_changes(form, {"email": email, "password": password}))

    @property
    def csrf(self) -> str:
        """What our forms repeat."""
        return self.cookies.get("__Host-heirloom-csrf", "")

    def code(self, application: Application = SPA, **changes: str | None) -> str:
        """Log in and return the code that the application gets."""
        return answered(self.log_in(application, **changes))["code"]

    def exchange(
        self,
        code: str,
        application: Application = SPA,
        headers: Mapping[str, str] | None = None,
        /,
        **changes: str | None,
    ) -> Response:
        """Exchange a code."""
        form = {
            "grant_type": "authorization_code",
            "client_id": application.client_id,
            "code": code,
            "redirect_uri": redirect_of(application),
            "code_verifier": VERIFIER,
        }
        return self.send("POST", "/oauth/token", with_changes(with_secret(form, application), changes), headers)

    def login_tokens(self, application: Application = SPA, **changes: str | None) -> dict[str, Any]:
        """Log in and exchange the code."""
        return tokens(self.exchange(self.code(application, **changes), application))

    def refresh(
        self,
        token: str,
        application: Application = SPA,
        headers: Mapping[str, str] | None = None,
        /,
        **changes: str | None,
    ) -> Response:
        """Exchange a refresh token."""
        form = {"grant_type": "refresh_token", "client_id": application.client_id, "refresh_token": token}
        return self.send("POST", "/oauth/token", with_changes(with_secret(form, application), changes), headers)

    def refreshed(self, token: str, application: Application = SPA) -> str:
        """Exchange a refresh token and return the next one."""
        return str(tokens(self.refresh(token, application))["refresh_token"])

    def revoke(self, token: str, application: Application = SPA, **changes: str | None) -> Response:
        """Revoke a refresh token."""
        form = {"client_id": application.client_id, "token": token}
        return self.send("POST", "/oauth/revoke", with_changes(with_secret(form, application), changes))

    # ---- What the store holds

    def items(self, table: str) -> list[dict[str, Any]]:
        """All items of a table, by its logical id."""
        items: list[dict[str, Any]] = self.client.scan(TableName=self.tables[table], ConsistentRead=True)["Items"]
        return sorted(items, key=str)

    def contents(self) -> dict[str, list[dict[str, Any]]]:
        """All items of all tables, but the brakes', which count refused logins."""
        return {table: self.items(table) for table in self.tables if table != "LoginAttemptsTable"}


def authorization_request(application: Application, **changes: str | None) -> dict[str, str]:
    """A valid authorization request, with *changes*; `None` takes a parameter out."""
    request = {
        "client_id": application.client_id,
        "redirect_uri": redirect_of(application),
        "response_type": "code",
        "scope": "openid profile email offline_access read:notes",
        "audience": API,
        "state": "some state",
        "nonce": "some nonce",
        "code_challenge": CHALLENGE,
        "code_challenge_method": "S256",
    }
    return with_changes(request, changes)


def redirect_of(application: Application) -> str:
    """The redirect URI that an application uses."""
    return "com.example.notes:/callback" if application.app_type is ApplicationType.NATIVE else CALLBACK


def with_changes(form: dict[str, str], changes: Mapping[str, str | None]) -> dict[str, str]:
    """*form* with *changes*."""
    return {name: value for name, value in {**form, **changes}.items() if value is not None}


def with_secret(form: dict[str, str], application: Application) -> dict[str, str]:
    """*form* as a confidential client sends it."""
    return {**form, "client_secret": SECRET} if application.confidential else form


def answered(response: Response) -> dict[str, str]:
    """The parameters of a redirect back to the application."""
    assert response.status == 303, response.body
    return {name: values[0] for name, values in parse_qs(urlsplit(response.headers["location"]).query).items()}


def tokens(response: Response) -> dict[str, Any]:
    """The document of a successful token response."""
    document: dict[str, Any] = json.loads(response.body)
    assert response.status == 200, document
    return document


def refusal(response: Response) -> tuple[int, str]:
    """Status and error code of a refused request."""
    return response.status, str(json.loads(response.body)["error"])


def claims_of(token: str) -> dict[str, Any]:
    """The claims of a JWT, unverified."""
    payload = token.split(".")[1]
    claims: dict[str, Any] = json.loads(base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))
    return claims


def octets_of(refresh_token: str) -> bytes:
    """The bytes of a refresh token."""
    return encoding.decode(refresh_token.removeprefix(PREFIX))


def family_key_of(refresh_token: str) -> FamilyKey:
    """The primary key of a refresh token's family."""
    octets = octets_of(refresh_token)
    return FamilyKey(user_key=octets[2:10], family_id=octets[10:26])
