"""What every SDK must get through, whatever its language: log in, refresh three times, revoke, be refused."""

import json
import re
from dataclasses import dataclass
from importlib import metadata
from typing import Protocol

import jwt

from local.template import ROOT
from tests.sdk.running import SUBJECT, World

UNKNOWN = {"error": "invalid_grant", "error_description": "Unknown or invalid refresh token."}


@dataclass(frozen=True, slots=True)
class Tokens:
    """What an SDK holds after a login or a refresh."""

    access_token: str
    refresh_token: str
    id_token: str


class Client(Protocol):
    """An SDK whose user is logged in."""

    @property
    def client_id(self) -> str:
        """Return the application that it is."""

    @property
    def secret(self) -> str | None:
        """Return the application's secret, if it has one."""

    def tokens(self) -> Tokens:
        """Return what it holds."""

    def refresh(self) -> None:
        """Exchange the refresh token."""

    def revoke(self) -> None:
        """Revoke the refresh token."""

    def refusal(self) -> str | None:
        """Return the error that the application sees when it tries to refresh after the revocation, if it sees one."""


def tell(client: Client, world: World, *, refusal: str = "invalid_grant") -> None:
    """Play the story and check every step of it, with the SDK's eyes and from outside."""
    held = [client.tokens()]
    for _ in range(3):
        client.refresh()
        held.append(client.tokens())
    assert len({tokens.refresh_token for tokens in held}) == 4, "each refresh hands on to a new token"
    assert len({tokens.access_token for tokens in held}) == 4
    assert len({_login(tokens) for tokens in held}) == 1, "it stays one login of one person at one application"
    for tokens in held:
        assert world.claims_of(tokens.access_token)["sub"] == SUBJECT

    client.revoke()

    assert client.refusal() == refusal
    secret = {"client_secret": client.secret} if client.secret else {}
    answer = world.present(held[-1].refresh_token, client.client_id, **secret)
    assert (answer.status_code, answer.json()) == (400, UNKNOWN)
    assert world.last_event("fertft")["reason"] == "revoked"


def _login(tokens: Tokens) -> tuple[object, ...]:
    claims = jwt.decode(tokens.id_token, options={"verify_signature": False})
    return tuple(claims[name] for name in ("iss", "sub", "aud", "auth_time", "sid"))


def npm_version(folder: str, name: str) -> str:
    """Return the version of an npm package, which must be the one that package.json asks for."""
    modules = ROOT / folder / "node_modules"
    installed: str = json.loads((modules / name / "package.json").read_text("utf-8"))["version"]
    manifest = json.loads((ROOT / folder / "package.json").read_text("utf-8"))
    assert installed == (manifest.get("dependencies", {}) | manifest.get("devDependencies", {}))[name]
    return installed


def python_version(name: str) -> str:
    """Return the version of a Python package, which must be the locked one."""
    installed = metadata.version(name)
    locked = (ROOT / "requirements/dev.txt").read_text("utf-8")
    assert re.search(rf"^{name}=={re.escape(installed)}\s", locked, re.MULTILINE)
    return installed
