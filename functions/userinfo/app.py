"""`/userinfo`: who logged in."""

from typing import Any

from heirloom.adapters import web
from heirloom.adapters.deadline import Invocation
from heirloom.wiring import userinfo

ROUTES: web.Routes = {
    "GET /userinfo": userinfo.userinfo,
    "POST /userinfo": userinfo.userinfo,
    "OPTIONS /userinfo": userinfo.preflight,
}


def handler(event: dict[str, Any], context: Invocation | None) -> dict[str, Any]:
    """Answer a request to the userinfo endpoint."""
    return web.serve(ROUTES, event, context)
