"""The jwks function."""

from functools import cache

from heirloom.endpoints.discovery import DiscoveryEndpoint, JwksEndpoint
from heirloom.pages.catalogue import LANGUAGES
from heirloom.wiring.common import configuration, settings


@cache
def jwks() -> JwksEndpoint:
    """Return `GET /.well-known/jwks.json`."""
    return JwksEndpoint(configuration().published_keys)


@cache
def discovery() -> DiscoveryEndpoint:
    """Return the discovery document, under both of its names."""
    return DiscoveryEndpoint(settings().issuer, tuple(LANGUAGES))
