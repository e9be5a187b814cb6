"""`/oauth/revoke`: families end."""

from typing import Any

from heirloom.adapters import web
from heirloom.wiring import common, revoke

ROUTES: web.Routes = {
    "POST /oauth/revoke": revoke.revocation,
    "OPTIONS /oauth/revoke": common.preflight,
}


def handler(event: dict[str, Any], _context: object) -> dict[str, Any]:
    """Answer a request to the revocation endpoint."""
    return web.serve(ROUTES, event)
