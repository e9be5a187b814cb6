"""`/oauth/token`: codes and refresh tokens in, tokens out."""

from typing import Any

from heirloom import wiring
from heirloom.adapters import web

ROUTES: web.Routes = {
    "POST /oauth/token": wiring.token,
    "OPTIONS /oauth/token": wiring.preflight,
}


def handler(event: dict[str, Any], _context: object) -> dict[str, Any]:
    """Answer a request to the token endpoint."""
    return web.serve(ROUTES, event)
