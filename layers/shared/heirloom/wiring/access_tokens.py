"""How access tokens are verified, for the functions that are resources themselves."""

from functools import cache

from heirloom.adapters.own_tokens import PublishedKeysVerifier
from heirloom.endpoints.access_tokens import AccessTokens
from heirloom.wiring.common import configuration, settings
from heirloom.wiring.proofs import proofs


@cache
def access_tokens() -> AccessTokens:
    """Return the verification of access tokens."""
    return AccessTokens(PublishedKeysVerifier(settings().issuer, configuration().published_keys), proofs())
