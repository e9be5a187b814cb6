"""`/userinfo`: who logged in."""

from typing import Any

from heirloom import wiring
from heirloom.adapters import web

ROUTES: web.Routes = {
    "GET /userinfo": wiring.userinfo,
    "POST /userinfo": wiring.userinfo,
    "OPTIONS /userinfo": wiring.userinfo_preflight,
}


def handler(event: dict[str, Any], _context: object) -> dict[str, Any]:
    """Answer a request to the userinfo endpoint."""
    return web.serve(ROUTES, event)
