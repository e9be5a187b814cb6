"""`/oauth/revoke`: families end."""

from typing import Any

from heirloom import wiring
from heirloom.adapters import web

ROUTES: web.Routes = {
    "POST /oauth/revoke": wiring.revocation,
    "OPTIONS /oauth/revoke": wiring.preflight,
}


def handler(event: dict[str, Any], _context: object) -> dict[str, Any]:
    """Answer a request to the revocation endpoint."""
    return web.serve(ROUTES, event)
