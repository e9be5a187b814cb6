"""`/authorize` and the pages behind it: login, consent, logout."""

from typing import Any

from heirloom import wiring
from heirloom.adapters import web

ROUTES: web.Routes = {
    "GET /authorize": wiring.authorize,
    "POST /authorize": wiring.authorize,
    "GET /login": wiring.login_page,
    "POST /login": wiring.login,
    "POST /consent": wiring.consent,
    "GET /v2/logout": wiring.logout,
}


def handler(event: dict[str, Any], _context: object) -> dict[str, Any]:
    """Answer a person's browser."""
    return web.serve(ROUTES, event)
