"""The authorize function."""

from functools import cache

from heirloom.adapters.codes import DynamoDBCodes
from heirloom.adapters.consents import DynamoDBConsents
from heirloom.adapters.login_attempts import DynamoDBLoginAttempts
from heirloom.adapters.own_tokens import PublishedKeysVerifier
from heirloom.adapters.passwords import Argon2Passwords
from heirloom.adapters.sessions import DynamoDBSessions
from heirloom.adapters.users import DynamoDBUsers
from heirloom.endpoints.authorization_flow import AuthorizationFlow
from heirloom.endpoints.authorize import AuthorizeEndpoint
from heirloom.endpoints.browser import Browser
from heirloom.endpoints.consent import ConsentEndpoint
from heirloom.endpoints.login import LoginEndpoint, LoginPage
from heirloom.endpoints.logout import LogoutEndpoint
from heirloom.wiring.common import configuration, dynamodb, events, families, settings


@cache
def flow() -> AuthorizationFlow:
    """Return what the endpoints of a login share."""
    return AuthorizationFlow(
        browser=Browser(settings().issuer),
        configuration=configuration(),
        families=families(),
        codes=DynamoDBCodes(dynamodb(), settings().codes_table, settings().families_table),
        sessions=DynamoDBSessions(dynamodb(), settings().sessions_table),
        users=DynamoDBUsers(dynamodb(), settings().users_table),
        consents=DynamoDBConsents(dynamodb(), settings().grants_table),
        verifier=PublishedKeysVerifier(settings().issuer, configuration().published_keys),
        events=events(),
    )


@cache
def authorize() -> AuthorizeEndpoint:
    """Return `GET/POST /authorize`."""
    return AuthorizeEndpoint(flow())


@cache
def login() -> LoginEndpoint:
    """Return `POST /login`."""
    attempts = DynamoDBLoginAttempts(dynamodb(), settings().login_attempts_table)
    return LoginEndpoint(flow(), attempts, Argon2Passwords())


@cache
def login_page() -> LoginPage:
    """Return `GET /login`."""
    return LoginPage(flow())


@cache
def consent() -> ConsentEndpoint:
    """Return `POST /consent`."""
    return ConsentEndpoint(flow())


@cache
def logout() -> LogoutEndpoint:
    """Return `GET /v2/logout`."""
    return LogoutEndpoint(flow())
