"""`/oauth/revoke` and `/oauth/introspect`: families end, and what a token is good for."""

from typing import Any

from heirloom.adapters import web
from heirloom.adapters.deadline import Invocation
from heirloom.wiring import common, revoke

ROUTES: web.Routes = {
    "POST /oauth/revoke": revoke.revocation,
    "OPTIONS /oauth/revoke": common.preflight,
    "POST /oauth/introspect": revoke.introspection,
}


def handler(event: dict[str, Any], context: Invocation | None) -> dict[str, Any]:
    """Answer a request to the revocation or the introspection endpoint."""
    return web.serve(ROUTES, event, context)
