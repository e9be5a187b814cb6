"""`/.well-known/…`: what clients learn about this server."""

from typing import Any

from heirloom import wiring
from heirloom.adapters import web

ROUTES: web.Routes = {
    "GET /.well-known/jwks.json": wiring.jwks,
    "GET /.well-known/openid-configuration": wiring.discovery,
    "GET /.well-known/oauth-authorization-server": wiring.discovery,
}


def handler(event: dict[str, Any], _context: object) -> dict[str, Any]:
    """Answer a request for public metadata."""
    return web.serve(ROUTES, event)
