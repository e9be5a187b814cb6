"""The revoke function."""

from functools import cache

from heirloom.adapters import aws
from heirloom.adapters.secret import Secret
from heirloom.adapters.token_keys import SecretTokenKeys
from heirloom.endpoints.revoke import RevocationEndpoint
from heirloom.wiring.common import configuration, events, families, settings


@cache
def revocation() -> RevocationEndpoint:
    """Return `POST /oauth/revoke`."""
    token_keys = SecretTokenKeys.of(Secret(aws.secrets_manager(), settings().token_keys_secret))
    return RevocationEndpoint(configuration(), families(), token_keys, events())
