"""`/oauth/token`: codes and refresh tokens in, tokens out."""

from typing import Any

from heirloom.adapters import web
from heirloom.adapters.deadline import Invocation
from heirloom.wiring import common, token

ROUTES: web.Routes = {
    "POST /oauth/token": token.token,
    "OPTIONS /oauth/token": common.preflight,
}


def handler(event: dict[str, Any], context: Invocation | None) -> dict[str, Any]:
    """Answer a request to the token endpoint."""
    return web.serve(ROUTES, event, context)
