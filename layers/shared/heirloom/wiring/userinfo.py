"""The userinfo function."""

from functools import cache

from heirloom.adapters.users import DynamoDBUsers
from heirloom.endpoints.cross_origin import Preflight
from heirloom.endpoints.userinfo import UserinfoEndpoint
from heirloom.wiring.access_tokens import access_tokens
from heirloom.wiring.common import configuration, dynamodb, events, settings


@cache
def userinfo() -> UserinfoEndpoint:
    """Return `GET/POST /userinfo`."""
    return UserinfoEndpoint(
        issuer=settings().issuer,
        configuration=configuration(),
        access_tokens=access_tokens(),
        users=DynamoDBUsers(dynamodb(), settings().users_table),
        events=events(),
    )


@cache
def preflight() -> Preflight:
    """Return the answer to a preflight of `/userinfo`."""
    return Preflight(configuration(), "GET, POST")
