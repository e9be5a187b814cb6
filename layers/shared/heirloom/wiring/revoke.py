"""The revoke function."""

from functools import cache

from heirloom.adapters.consents import DynamoDBConsents
from heirloom.adapters.own_tokens import PublishedKeysVerifier
from heirloom.adapters.secret import Secret
from heirloom.adapters.token_keys import SecretTokenKeys
from heirloom.endpoints.introspect import IntrospectionEndpoint
from heirloom.endpoints.revoke import RevocationEndpoint
from heirloom.wiring.clients import clients
from heirloom.wiring.common import configuration, dynamodb, events, families, secrets_manager, settings


@cache
def token_keys() -> SecretTokenKeys:
    """Return the keyring behind refresh tokens."""
    return SecretTokenKeys.of(Secret(secrets_manager(), settings().token_keys_secret))


@cache
def revocation() -> RevocationEndpoint:
    """Return `POST /oauth/revoke`."""
    consents = DynamoDBConsents(dynamodb(), settings().grants_table)
    return RevocationEndpoint(clients(), configuration(), families(), consents, token_keys(), events())


@cache
def introspection() -> IntrospectionEndpoint:
    """Return `POST /oauth/introspect`."""
    verifier = PublishedKeysVerifier(settings().issuer, configuration().published_keys)
    return IntrospectionEndpoint(clients(), configuration(), families(), token_keys(), verifier, events())
