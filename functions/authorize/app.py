"""`/authorize`, what applications push for it, the pages behind it; devices and their pages; the account's page."""

from typing import Any

from heirloom.adapters import web
from heirloom.adapters.deadline import Invocation
from heirloom.wiring import authorize, common

ROUTES: web.Routes = {
    "GET /authorize": authorize.authorize,
    "POST /authorize": authorize.authorize,
    "POST /oauth/par": authorize.pushed_authorization,
    "OPTIONS /oauth/par": common.preflight,
    "GET /login": authorize.login_page,
    "POST /login": authorize.login,
    "POST /consent": authorize.consent,
    "GET /v2/logout": authorize.logout,
    "GET /oidc/logout": authorize.oidc_logout,
    "POST /oidc/logout": authorize.oidc_logout,
    "POST /oauth/device/code": authorize.device_authorization,
    "GET /activate": authorize.activation_page,
    "POST /activate": authorize.activation,
    "GET /account": authorize.account_page,
    "POST /account": authorize.account,
}


def handler(event: dict[str, Any], context: Invocation | None) -> dict[str, Any]:
    """Answer a person's browser, a device, or an application that prepares a login."""
    return web.serve(ROUTES, event, context)
