"""The userinfo function."""

from functools import cache

from heirloom.adapters.own_tokens import PublishedKeysVerifier
from heirloom.adapters.users import DynamoDBUsers
from heirloom.endpoints.cross_origin import Preflight
from heirloom.endpoints.userinfo import UserinfoEndpoint
from heirloom.wiring.common import configuration, dynamodb, events, settings
from heirloom.wiring.proofs import proofs


@cache
def userinfo() -> UserinfoEndpoint:
    """Return `GET/POST /userinfo`."""
    return UserinfoEndpoint(
        issuer=settings().issuer,
        configuration=configuration(),
        verifier=PublishedKeysVerifier(settings().issuer, configuration().published_keys),
        proofs=proofs(),
        users=DynamoDBUsers(dynamodb(), settings().users_table),
        events=events(),
    )


@cache
def preflight() -> Preflight:
    """Return the answer to a preflight of `/userinfo`."""
    return Preflight(configuration(), "GET, POST")
