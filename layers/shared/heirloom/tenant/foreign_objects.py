"""Whole objects that an export of Auth0 has and that there cannot be here: each is left out, and told."""

import re
from typing import Final

_OTHER_APPLICATIONS: Final = frozenset(
    {
        "box",
        "cloudbees",
        "concur",
        "dropbox",
        "echosign",
        "egnyte",
        "express_configuration",
        "mscrm",
        "newrelic",
        "oag",
        "office365",
        "resource_server",
        "rms",
        "salesforce",
        "sentry",
        "sharepoint",
        "slack",
        "springcm",
        "sso_integration",
        "zendesk",
        "zoom",
    }
)
"""Values of `app_type` for what speaks SAML, and for APIs that are clients."""

_SYSTEM_API: Final = re.compile(r"https?://[^/\s?#]+/(me|my-org|userinfo)/?", re.ASCII)
"""Besides the Management API."""


def client(raw: object) -> str | None:
    """Return why an element of `clients` is left out; `None` if it is not."""
    if not isinstance(raw, dict):
        return None
    if raw.get("global") is True:
        return "is Auth0's own, and left out"
    kind = raw.get("app_type")
    return f"is left out: {kind} is not supported" if kind in _OTHER_APPLICATIONS else None


def api(raw: object) -> str | None:
    """Return why an element of `resourceServers` is left out; `None` if it is not."""
    if not isinstance(raw, dict) or raw.get("is_system") is not True:
        return None
    return "is Auth0's own, and left out" if is_system_api(raw.get("identifier")) else None


def is_system_api(audience: object) -> bool:
    """Tell whether an audience is that of an API which Auth0 brings with it and Heirloom does not."""
    return isinstance(audience, str) and _SYSTEM_API.fullmatch(audience) is not None
