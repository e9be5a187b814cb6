"""The one place where the pieces are joined.

Everything is made when it is first asked for and kept for the life of the execution environment: importing a function
needs no environment, and a function makes only what it uses. What only one function needs is imported there, for the
others would pay for it at every cold start.
"""

import os
import time
from functools import cache
from typing import TYPE_CHECKING

from aws_lambda_powertools import Logger

from heirloom.adapters import aws
from heirloom.adapters.configuration import DynamoDBConfiguration
from heirloom.adapters.events import LoggedEvents
from heirloom.adapters.families import DynamoDBFamilies
from heirloom.adapters.settings import Settings
from heirloom.domain.application import GrantType
from heirloom.endpoints.cross_origin import Preflight

if TYPE_CHECKING:
    from mypy_boto3_dynamodb.client import DynamoDBClient

    from heirloom.adapters.keyrings import SecretTokenKeys
    from heirloom.endpoints.authorization_flow import AuthorizationFlow
    from heirloom.endpoints.authorize import AuthorizeEndpoint
    from heirloom.endpoints.consent import ConsentEndpoint
    from heirloom.endpoints.discovery import DiscoveryEndpoint, JwksEndpoint
    from heirloom.endpoints.login import LoginEndpoint, LoginPage
    from heirloom.endpoints.logout import LogoutEndpoint
    from heirloom.endpoints.revoke import RevocationEndpoint
    from heirloom.endpoints.token import TokenEndpoint
    from heirloom.endpoints.userinfo import UserinfoEndpoint


@cache
def settings() -> Settings:
    """Return what the environment says."""
    return Settings.of(os.environ)


@cache
def dynamodb() -> "DynamoDBClient":
    """Return the one DynamoDB client, which keeps its connections alive."""
    return aws.dynamodb()


@cache
def configuration() -> DynamoDBConfiguration:
    """Return the applied tenant file."""
    return DynamoDBConfiguration(dynamodb(), settings().configuration_table, clock=time.time)


@cache
def families() -> DynamoDBFamilies:
    """Return the token families."""
    return DynamoDBFamilies(dynamodb(), settings().families_table)


@cache
def events() -> LoggedEvents:
    """Return the log and the metrics."""
    return LoggedEvents(Logger())


@cache
def token_keys() -> "SecretTokenKeys":
    """Return the keyring behind refresh tokens."""
    from heirloom.adapters.keyrings import Secret, SecretTokenKeys

    return SecretTokenKeys.of(Secret(aws.secrets_manager(), settings().token_keys_secret))


@cache
def token() -> "TokenEndpoint":
    """Return `POST /oauth/token`."""
    from heirloom.adapters.codes import DynamoDBCodes
    from heirloom.adapters.keyrings import Secret, SecretSigningKeys
    from heirloom.endpoints.code_exchange import CodeGrant
    from heirloom.endpoints.refresh import RefreshGrant
    from heirloom.endpoints.token import TokenEndpoint

    codes = DynamoDBCodes(dynamodb(), settings().codes_table, settings().families_table)
    return TokenEndpoint(
        issuer=settings().issuer,
        configuration=configuration(),
        grants={
            GrantType.AUTHORIZATION_CODE: CodeGrant(codes, families(), token_keys(), events()),
            GrantType.REFRESH_TOKEN: RefreshGrant(configuration(), families(), token_keys(), events()),
        },
        signing_keys=SecretSigningKeys.of(Secret(aws.secrets_manager(), settings().signing_keys_secret)),
        events=events(),
    )


@cache
def revocation() -> "RevocationEndpoint":
    """Return `POST /oauth/revoke`."""
    from heirloom.endpoints.revoke import RevocationEndpoint

    return RevocationEndpoint(configuration(), families(), token_keys(), events())


@cache
def preflight() -> Preflight:
    """Return the answer to a preflight of an endpoint that takes posts."""
    return Preflight(configuration(), "POST")


@cache
def userinfo_preflight() -> Preflight:
    """Return the answer to a preflight of `/userinfo`."""
    return Preflight(configuration(), "GET, POST")


@cache
def userinfo() -> "UserinfoEndpoint":
    """Return `GET/POST /userinfo`."""
    from heirloom.adapters.access_tokens import PublishedKeysVerifier
    from heirloom.adapters.users import DynamoDBUsers
    from heirloom.endpoints.userinfo import UserinfoEndpoint

    return UserinfoEndpoint(
        issuer=settings().issuer,
        configuration=configuration(),
        verifier=PublishedKeysVerifier(settings().issuer, configuration().published_keys),
        users=DynamoDBUsers(dynamodb(), settings().users_table),
        events=events(),
    )


@cache
def jwks() -> "JwksEndpoint":
    """Return `GET /.well-known/jwks.json`."""
    from heirloom.endpoints.discovery import JwksEndpoint

    return JwksEndpoint(configuration().published_keys)


@cache
def discovery() -> "DiscoveryEndpoint":
    """Return the discovery document."""
    from heirloom.endpoints.discovery import DiscoveryEndpoint
    from heirloom.pages.catalogue import LANGUAGES

    return DiscoveryEndpoint(settings().issuer, tuple(LANGUAGES))


@cache
def authorization_flow() -> "AuthorizationFlow":
    """Return what the endpoints of a login share."""
    from heirloom.adapters.codes import DynamoDBCodes
    from heirloom.adapters.consents import DynamoDBConsents
    from heirloom.adapters.sessions import DynamoDBSessions
    from heirloom.adapters.users import DynamoDBUsers
    from heirloom.endpoints.authorization_flow import AuthorizationFlow
    from heirloom.endpoints.browser import Browser

    return AuthorizationFlow(
        browser=Browser(settings().issuer),
        configuration=configuration(),
        families=families(),
        codes=DynamoDBCodes(dynamodb(), settings().codes_table, settings().families_table),
        sessions=DynamoDBSessions(dynamodb(), settings().sessions_table),
        users=DynamoDBUsers(dynamodb(), settings().users_table),
        consents=DynamoDBConsents(dynamodb(), settings().grants_table),
        events=events(),
    )


@cache
def authorize() -> "AuthorizeEndpoint":
    """Return `GET/POST /authorize`."""
    from heirloom.endpoints.authorize import AuthorizeEndpoint

    return AuthorizeEndpoint(authorization_flow())


@cache
def login() -> "LoginEndpoint":
    """Return `POST /login`."""
    from heirloom.adapters.login_attempts import DynamoDBLoginAttempts
    from heirloom.adapters.passwords import Argon2Passwords
    from heirloom.endpoints.login import LoginEndpoint

    attempts = DynamoDBLoginAttempts(dynamodb(), settings().login_attempts_table)
    return LoginEndpoint(authorization_flow(), attempts, Argon2Passwords())


@cache
def login_page() -> "LoginPage":
    """Return `GET /login`."""
    from heirloom.endpoints.login import LoginPage

    return LoginPage(authorization_flow())


@cache
def consent() -> "ConsentEndpoint":
    """Return `POST /consent`."""
    from heirloom.endpoints.consent import ConsentEndpoint

    return ConsentEndpoint(authorization_flow())


@cache
def logout() -> "LogoutEndpoint":
    """Return `GET /v2/logout`."""
    from heirloom.endpoints.logout import LogoutEndpoint

    return LogoutEndpoint(authorization_flow())
