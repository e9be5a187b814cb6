"""The management function."""

import time
from functools import cache, partial
from typing import Any

from heirloom.adapters import aws
from heirloom.adapters.backchannel_queue import SqsBackChannel
from heirloom.adapters.consents import DynamoDBConsents
from heirloom.adapters.log import CloudWatchLog
from heirloom.adapters.passwords import Argon2Passwords
from heirloom.adapters.refresh_token_metadata import DynamoDBRefreshTokenMetadata
from heirloom.adapters.sessions import DynamoDBSessions
from heirloom.adapters.users import DynamoDBUsers
from heirloom.endpoints.operator import Operator
from heirloom.endpoints.session_ending import SessionEnding
from heirloom.management.api import ManagementApi
from heirloom.management.declaring import Declarations
from heirloom.management.known_logins import KnownLogins
from heirloom.management.routes import Resources, routes
from heirloom.tenant.store import DynamoDBStore
from heirloom.wiring.access_tokens import access_tokens
from heirloom.wiring.common import configuration, dynamodb, events, families, settings


@cache
def sqs() -> Any:  # noqa: ANN401 - its types are no dependency of ours
    """Return the SQS client."""
    return aws.sqs()


@cache
def resources() -> Resources:
    """Return what the routes work on."""
    tables, issuer = settings(), settings().issuer
    sessions = DynamoDBSessions(dynamodb(), tables.sessions_table)
    users = DynamoDBUsers(dynamodb(), tables.users_table)
    consents = DynamoDBConsents(dynamodb(), tables.grants_table)
    back_channel = SqsBackChannel(sqs, tables.backchannel_logout_queue)
    store_for = partial(
        DynamoDBStore,
        dynamodb(),
        tables.configuration_table,
        tables.users_table,
        tables.families_table,
        time.time,
        events(),
    )
    return Resources(
        issuer=issuer,
        declarations=Declarations(store_for, Argon2Passwords()),
        logins=KnownLogins(configuration(), families(), sessions),
        metadata=DynamoDBRefreshTokenMetadata(dynamodb(), tables.families_table),
        users=users,
        consents=consents,
        operator=Operator(families(), sessions, users, consents, events()),
        ending=SessionEnding(configuration(), sessions, families(), back_channel, events()),
        log=CloudWatchLog(cache(aws.cloudwatch_logs), tables.log_group_prefix, time.time),
        events=events(),
    )


@cache
def api() -> ManagementApi:
    """Return `/api/v2/…`."""
    return ManagementApi(settings().issuer, routes(resources()), access_tokens(), configuration(), events())
