"""The authorize function."""

from functools import cache
from typing import Any

from heirloom.adapters import aws, snapshot
from heirloom.adapters.backchannel_queue import SqsBackChannel
from heirloom.adapters.codes import DynamoDBCodes
from heirloom.adapters.consents import DynamoDBConsents
from heirloom.adapters.device_codes import DynamoDBDeviceCodes
from heirloom.adapters.login_attempts import DynamoDBLoginAttempts
from heirloom.adapters.own_tokens import PublishedKeysVerifier
from heirloom.adapters.pace import SteadyPace
from heirloom.adapters.passwords import Argon2Passwords
from heirloom.adapters.pushed_requests import DynamoDBPushedRequests
from heirloom.adapters.sessions import DynamoDBSessions
from heirloom.adapters.users import DynamoDBUsers
from heirloom.endpoints.account import AccountEndpoint, AccountPage
from heirloom.endpoints.activation import ActivationEndpoint, ActivationFlow, ActivationPage
from heirloom.endpoints.authorization_flow import AuthorizationFlow
from heirloom.endpoints.authorize import AuthorizeEndpoint
from heirloom.endpoints.browser import Browser
from heirloom.endpoints.consent import ConsentEndpoint
from heirloom.endpoints.device_authorization import DeviceAuthorizationEndpoint
from heirloom.endpoints.login import LoginEndpoint, LoginPage
from heirloom.endpoints.logout import LogoutEndpoint
from heirloom.endpoints.oidc_logout import OidcLogoutEndpoint
from heirloom.endpoints.pushed_authorization import PushedAuthorizationEndpoint
from heirloom.endpoints.session_ending import SessionEnding
from heirloom.wiring.clients import clients
from heirloom.wiring.common import configuration, dynamodb, events, families, settings
from heirloom.wiring.proofs import proofs

snapshot.holds("encodings.unicode_escape", "jinja2", "ua_parser")


@cache
def sessions() -> DynamoDBSessions:
    """Return the login sessions."""
    return DynamoDBSessions(dynamodb(), settings().sessions_table)


@cache
def sqs() -> Any:  # noqa: ANN401 - its types are no dependency of ours
    """Return the SQS client."""
    return aws.sqs()


@cache
def ending() -> SessionEnding:
    """Return what ends a session."""
    back_channel = SqsBackChannel(sqs, settings().backchannel_logout_queue)
    return SessionEnding(configuration(), sessions(), families(), back_channel, events())


@cache
def flow() -> AuthorizationFlow:
    """Return what the endpoints of a login share."""
    return AuthorizationFlow(
        browser=Browser(settings().issuer),
        configuration=configuration(),
        families=families(),
        codes=DynamoDBCodes(dynamodb(), settings().codes_table, settings().families_table, settings().sessions_table),
        pushed_requests=DynamoDBPushedRequests(dynamodb(), settings().pushed_requests_table),
        sessions=sessions(),
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
def device_codes() -> DynamoDBDeviceCodes:
    """Return what devices asked for."""
    tables = settings()
    return DynamoDBDeviceCodes(dynamodb(), tables.device_codes_table, tables.families_table, tables.sessions_table)


@cache
def attempts() -> DynamoDBLoginAttempts:
    """Return the counters behind the brakes."""
    return DynamoDBLoginAttempts(dynamodb(), settings().login_attempts_table)


@cache
def activations() -> ActivationFlow:
    """Return what the endpoints of an activation share."""
    return ActivationFlow(flow(), device_codes())


@cache
def device_authorization() -> DeviceAuthorizationEndpoint:
    """Return `POST /oauth/device/code`."""
    return DeviceAuthorizationEndpoint(settings().issuer, clients(), configuration(), device_codes(), events())


@cache
def activation_page() -> ActivationPage:
    """Return `GET /activate`."""
    return ActivationPage(activations())


@cache
def activation() -> ActivationEndpoint:
    """Return `POST /activate`."""
    return ActivationEndpoint(activations(), attempts())


@cache
def pushed_authorization() -> PushedAuthorizationEndpoint:
    """Return `POST /oauth/par`."""
    return PushedAuthorizationEndpoint(clients(), flow(), proofs())


@cache
def login() -> LoginEndpoint:
    """Return `POST /login`."""
    return LoginEndpoint(flow(), activations(), ending(), attempts(), Argon2Passwords(), SteadyPace())


@cache
def login_page() -> LoginPage:
    """Return `GET /login`."""
    return LoginPage(flow())


@cache
def consent() -> ConsentEndpoint:
    """Return `POST /consent`."""
    return ConsentEndpoint(flow())


@cache
def account_page() -> AccountPage:
    """Return `GET /account`."""
    return AccountPage(flow())


@cache
def account() -> AccountEndpoint:
    """Return `POST /account`."""
    return AccountEndpoint(flow(), ending())


@cache
def logout() -> LogoutEndpoint:
    """Return `GET /v2/logout`."""
    return LogoutEndpoint(flow(), ending())


@cache
def oidc_logout() -> OidcLogoutEndpoint:
    """Return `GET/POST /oidc/logout`."""
    return OidcLogoutEndpoint(flow(), ending())
