"""`make run` with a tenant of the tests', a web site for the browser's SDKs, and a person who logs in."""

import os
import secrets
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from html.parser import HTMLParser
from mimetypes import guess_type
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs, urljoin, urlsplit

import httpx
import yaml

from local import gateway, processes
from local.gateway import PortTaken
from local.template import ROOT

if TYPE_CHECKING:
    from wsgiref.types import StartResponse, WSGIEnvironment

EMAIL = "alice@example.com"
PASSWORD = "correct horse battery staple"
SUBJECT = "auth0|alice"
API = "https://notes.example.com/api"
SECRET = "half %2B of+it = escaped: 0123456789"
"""A client secret that a careless percent-decoding, or a missing one, would change."""

CALLBACK = "http://127.0.0.1:1/callback"
"""Where nobody listens: the tests read the address that a browser would go to."""

LEEWAY = 1
"""Seconds, of the application `impatient`. With the allowance for clocks a copy is late after two."""

FILES = {
    "/auth0-spa-js.js": ROOT / "examples/browser/node_modules/@auth0/auth0-spa-js/dist/auth0-spa-js.production.esm.js",
    "/oidc-client-ts.js": ROOT / "tests/sdk/node_modules/oidc-client-ts/dist/browser/oidc-client-ts.js",
}


@dataclass(frozen=True, slots=True)
class World:
    """The running service, and the site where the single-page applications live."""

    issuer: str
    demonstration: str
    site: str

    def present(self, refresh_token: str, client_id: str, **more: str) -> httpx.Response:
        """Send a refresh token to the token endpoint, as anybody could who has a copy."""
        form = {"grant_type": "refresh_token", "client_id": client_id, "refresh_token": refresh_token, **more}
        return httpx.post(f"{self.issuer}oauth/token", data=form)

    def last_event(self, event_type: str) -> Mapping[str, Any]:
        """Return the newest event of a type, as the demonstration's window shows it."""
        events: list[dict[str, Any]] = httpx.get(f"{self.demonstration}api/events").json()["events"]
        return [event for event in events if event["type"] == event_type][-1]


@contextmanager
def world(folder: Path, tenant: Callable[[str, str], Mapping[str, Any]]) -> Iterator[World]:
    """Run the service as `make run` does, with the tenant file that *tenant* makes for site and demonstration."""
    port = two_free_ports()
    issuer, demonstration = (f"http://localhost:{each}/" for each in (port, port + 1))
    listening = gateway.listen(0)
    site = f"http://localhost:{listening[0].getsockname()[1]}/"
    file = folder / "tenant.yaml"
    file.write_text(yaml.safe_dump(tenant(site, demonstration)), "utf-8")
    variables = {"PORT": str(port), "TENANT": str(file), "PYTHONPATH": str(ROOT / "layers/shared")}
    # The demonstration begins to serve last: when it answers, all is there.
    with (
        gateway.serving(_site(issuer), listening),
        processes.server(
            [sys.executable, "-m", "local.run"], url=demonstration, environment={**os.environ, **variables}
        ),
    ):
        yield World(issuer, demonstration, site)


def two_free_ports() -> int:
    """Return a free port whose next one is free as well, below those that systems give to whoever asks for any."""
    while True:
        port = 20_000 + secrets.randbelow(12_000)
        try:
            for each in (port, port + 1):
                for listener in gateway.listen(each):
                    listener.close()
        except PortTaken:
            continue
        return port


def tenant_file(site: str, _demonstration: str) -> dict[str, Any]:
    """Return a tenant with an application of each kind that the SDKs are."""
    browser = {
        "app_type": "spa",
        "callbacks": [site],
        "allowed_logout_urls": [site],
        "web_origins": [site.removesuffix("/")],
    }
    server = {"app_type": "regular_web", "client_secret": SECRET, "callbacks": [CALLBACK], "require_proof_key": False}
    return {
        "tenant": {"friendly_name": "Heirloom"},
        "clients": [
            {"name": "Patient", "client_id": "patient", **browser},
            {"name": "Impatient", "client_id": "impatient", **browser, "refresh_token": {"leeway": LEEWAY}},
            {"name": "Basic", "client_id": "basic", **server, "token_endpoint_auth_method": "client_secret_basic"},
            {"name": "Post", "client_id": "post", **server, "token_endpoint_auth_method": "client_secret_post"},
            {"name": "Native", "client_id": "native", "app_type": "native", "callbacks": [CALLBACK]},
        ],
        "resourceServers": [{"identifier": API, "name": "Notes API", "allow_offline_access": True}],
        "users": [{"user_id": SUBJECT, "email": EMAIL, "password": PASSWORD, "name": "Alice"}],
    }


def log_in(url: str) -> str:
    """Follow an authorization URL through the login page as a browser would; return the callback it leads to."""
    with httpx.Client() as browser:
        page = browser.get(url)
        assert page.status_code == 200, page.text
        form = _LoginForm.of(page.text)
        answer = browser.post(
            urljoin(url, form.action),
            data={**form.hidden, "email": EMAIL, "password": PASSWORD, "action": "sign_in"},
            headers={"origin": "{0.scheme}://{0.netloc}".format(urlsplit(url))},
        )
        assert answer.status_code == 303, answer.text
        return answer.headers["location"]


def parameter(url: str, name: str) -> str:
    """Return a parameter of a URL's query."""
    (value,) = parse_qs(urlsplit(url).query)[name]
    return value


class _LoginForm(HTMLParser):
    """The first form of a page: where it goes, and what it carries along."""

    def __init__(self) -> None:
        super().__init__()
        self.action = ""
        self.hidden: dict[str, str] = {}

    @classmethod
    def of(cls, html: str) -> "_LoginForm":
        form = cls()
        form.feed(html)
        return form

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        attributes = {name: value or "" for name, value in attrs}
        if tag == "form" and not self.action:
            self.action = attributes["action"]
        if tag == "input" and attributes.get("type") == "hidden":
            self.hidden[attributes["name"]] = attributes["value"]


def _site(issuer: str) -> Any:
    """Return a site with an empty page and the SDKs' files, under the policy that a careful application has."""
    origin = issuer.removesuffix("/")
    policy = (
        f"default-src 'none'; script-src 'self'; connect-src 'self' {origin}; frame-src 'self' {origin}; "
        "worker-src blob:; img-src 'self'"
    )

    def application(environ: "WSGIEnvironment", start_response: "StartResponse") -> Iterable[bytes]:
        path = environ["PATH_INFO"]
        body = FILES[path].read_bytes() if path in FILES else b"<!DOCTYPE html><title>Application</title>"
        kind = guess_type(path)[0] or "text/html"
        start_response("200 OK", [("Content-Type", f"{kind}; charset=utf-8"), ("Content-Security-Policy", policy)])
        return [body]

    return application
