"""How applications are known, for the functions that they call."""

from functools import cache

from heirloom.adapters.client_assertions import JwtAssertions
from heirloom.adapters.single_use import DynamoDBSingleUse
from heirloom.endpoints.client import ClientAuthentication
from heirloom.wiring.common import configuration, dynamodb, settings


@cache
def clients() -> ClientAuthentication:
    """Return the authentication of clients."""
    single_use = DynamoDBSingleUse(dynamodb(), settings().single_use_table)
    return ClientAuthentication(settings().issuer, configuration(), JwtAssertions(), single_use)
