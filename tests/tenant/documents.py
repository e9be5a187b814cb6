"""Tenant files, as small as they may be, and how to change them."""

import copy
from typing import Any

NOW = 1_800_000_000
API = "https://notes.example/api"

type Document = dict[str, Any]

SPA: Document = {
    "name": "Notes",
    "client_id": "spa",
    "app_type": "spa",
    "callbacks": ["https://app.example/"],
    "web_origins": ["https://app.example"],
}
WEB: Document = {
    "name": "Notes on the web",
    "client_id": "web",
    "client_secret": "s" * 32,
    "app_type": "regular_web",
    "callbacks": ["https://web.example/callback"],
}
NATIVE: Document = {
    "name": "Notes on the phone",
    "client_id": "native",
    "app_type": "native",
    "callbacks": ["http://127.0.0.1/callback", "com.example.notes:/callback"],
}
NOTES_API: Document = {
    "identifier": API,
    "name": "Notes API",
    "allow_offline_access": True,
    "scopes": [{"value": "read:notes", "description": "Read your notes"}],
}
ADA: Document = {"user_id": "auth0|ada", "email": "Ada@example.com", "password": "a long password", "name": "Ada"}

WHOLE: Document = {
    "tenant": {"friendly_name": "Test"},
    "clients": [SPA, WEB, NATIVE],
    "resourceServers": [NOTES_API],
    "users": [ADA],
}


def changed(*steps: str | int, to: object) -> Document:
    """The whole document with another value at the end of the steps."""
    document = copy.deepcopy(WHOLE)
    at: Any = document
    for step in steps[:-1]:
        at = at.setdefault(step, {}) if isinstance(at, dict) else at[step]
    at[steps[-1]] = to
    return document


def without(*steps: str | int) -> Document:
    """The whole document without what is at the end of the steps."""
    document = copy.deepcopy(WHOLE)
    at: Any = document
    for step in steps[:-1]:
        at = at[step]
    del at[steps[-1]]
    return document
