"""`/.well-known/…`: what clients learn about this server."""

from typing import Any

from heirloom.adapters import web
from heirloom.adapters.deadline import Invocation
from heirloom.wiring import jwks

ROUTES: web.Routes = {
    "GET /.well-known/jwks.json": jwks.jwks,
    "GET /.well-known/openid-configuration": jwks.discovery,
    "GET /.well-known/oauth-authorization-server": jwks.discovery,
}


def handler(event: dict[str, Any], context: Invocation | None) -> dict[str, Any]:
    """Answer a request for public metadata."""
    return web.serve(ROUTES, event, context)
