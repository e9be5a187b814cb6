"""`/api/v2/…`: the Management API."""

from typing import Any

from heirloom.adapters import web
from heirloom.adapters.deadline import Invocation
from heirloom.wiring import management

ROUTES: web.Routes = {"ANY /api/v2/{proxy+}": management.api}


def handler(event: dict[str, Any], context: Invocation | None) -> dict[str, Any]:
    """Answer an application that administers."""
    return web.serve(ROUTES, event, context)
