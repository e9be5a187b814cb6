"""`make run` with a tenant of the tests', a web site for the browser's SDKs, and a person who logs in."""

import os
import secrets
import ssl
import sys
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
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
from tests.sdk import tls

if TYPE_CHECKING:
    from wsgiref.types import StartResponse, WSGIApplication, WSGIEnvironment

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

_SITE = 2
"""How far the port of the site is from the service's."""

DEVICE = ["refresh_token", "urn:ietf:params:oauth:grant-type:device_code"]

FILES = {
    "/auth0-spa-js.js": ROOT / "examples/browser/node_modules/@auth0/auth0-spa-js/dist/auth0-spa-js.production.esm.js",
    "/oidc-client-ts.js": ROOT / "tests/sdk/node_modules/oidc-client-ts/dist/browser/oidc-client-ts.js",
}


@dataclass(frozen=True, slots=True)
class World:
    """The running service, the site where single-page applications live, and where a server application may serve.

    `authority` is the certificate that one must trust to believe the issuer, if it speaks TLS.
    """

    issuer: str
    demonstration: str
    site: str
    server: str
    authority: Path | None = None

    @property
    def verify(self) -> ssl.SSLContext | bool:
        """Return what httpx is to verify the issuer's certificate by."""
        return ssl.create_default_context(cafile=self.authority) if self.authority else True

    def present(self, refresh_token: str, client_id: str, **more: str) -> httpx.Response:
        """Send a refresh token to the token endpoint, as anybody could who has a copy."""
        form = {"grant_type": "refresh_token", "client_id": client_id, "refresh_token": refresh_token, **more}
        return httpx.post(f"{self.issuer}oauth/token", data=form, verify=self.verify)

    def claims_of(self, access_token: str) -> dict[str, Any]:
        """Return what the UserInfo endpoint says."""
        headers = {"authorization": f"Bearer {access_token}"}
        claims: dict[str, Any] = httpx.get(f"{self.issuer}userinfo", headers=headers, verify=self.verify).json()
        return claims

    def last_event(self, event_type: str) -> Mapping[str, Any]:
        """Return the newest event of a type, as the demonstration's window shows it."""
        events: list[dict[str, Any]] = httpx.get(f"{self.demonstration}api/events").json()["events"]
        return [event for event in events if event["type"] == event_type][-1]

    def last_reasons(self) -> str:
        """Return what the newest events say, a line each: an SDK hears one text for many reasons."""
        try:
            events: list[dict[str, Any]] = httpx.get(f"{self.demonstration}api/events").json()["events"]
        except httpx.HTTPError as failure:
            return f"no answer: {failure!r}"
        return "\n".join(f"{event['at']} {event['type']} {event.get('reason')}" for event in events[-10:])


@contextmanager
def world(folder: Path, tenant: Callable[[World], Mapping[str, Any]]) -> Iterator[World]:
    """Run the service as `make run` does, with the tenant file that *tenant* makes for it."""
    port = _free_ports()
    with _running(_world(port), port, folder, tenant) as world:
        yield world


@contextmanager
def secure_world(
    folder: Path, tenant: Callable[[World], Mapping[str, Any]], site: "WSGIApplication | None" = None
) -> Iterator[World]:
    """Run service and site behind a proxy that speaks TLS, so that the issuer is an https URL as on AWS.

    *site* takes the place of the one that has the SDKs' files.
    """
    port = _free_ports()
    context = tls.certificate(folder)
    with tls.before(port, context) as issuer, tls.before(port + _SITE, context) as address:
        secure = replace(_world(port), issuer=issuer, site=address, authority=folder / tls.AUTHORITY)
        with _running(secure, port, folder, tenant, site):
            yield secure


def tenant_file(world: World) -> dict[str, Any]:
    """Return a tenant with an application of each kind that the SDKs are."""
    browser = {
        "app_type": "spa",
        "callbacks": [world.site],
        "allowed_logout_urls": [world.site],
        "web_origins": [world.site.removesuffix("/")],
    }
    server = {
        "app_type": "regular_web",
        "client_secret": SECRET,
        "callbacks": [CALLBACK, f"{world.server}callback"],
        "allowed_logout_urls": [world.server.removesuffix("/")],
        "require_proof_key": False,
    }
    return {
        "tenant": {"friendly_name": "Heirloom"},
        "clients": [
            {"name": "Patient", "client_id": "patient", **browser},
            {"name": "Impatient", "client_id": "impatient", **browser, "refresh_token": {"leeway": LEEWAY}},
            {"name": "Basic", "client_id": "basic", **server, "token_endpoint_auth_method": "client_secret_basic"},
            {"name": "Post", "client_id": "post", **server, "token_endpoint_auth_method": "client_secret_post"},
            {"name": "Pushing", "client_id": "pushing", **server, "require_pushed_authorization_requests": True},
            {"name": "Native", "client_id": "native", "app_type": "native", "callbacks": [CALLBACK]},
            {"name": "Television", "client_id": "television", "app_type": "native", "grant_types": DEVICE},
        ],
        "resourceServers": [{"identifier": API, "name": "Notes API", "allow_offline_access": True}],
        "users": [{"user_id": SUBJECT, "email": EMAIL, "password": PASSWORD, "name": "Alice"}],
    }


def log_in(url: str, *, verify: ssl.SSLContext | bool = True) -> str:
    """Follow an authorization URL through the login page as a browser would; return the callback it leads to."""
    with httpx.Client(verify=verify) as browser:
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


def _free_ports() -> int:
    """Return the first of four free ports in a row, below those that systems give to whoever asks for any."""
    while True:
        port = 20_000 + secrets.randbelow(12_000)
        try:
            for each in range(port, port + 4):
                for listener in gateway.listen(each):
                    listener.close()
        except PortTaken:
            continue
        return port


def _world(port: int) -> World:
    return World(
        issuer=f"http://localhost:{port}/",
        demonstration=f"http://localhost:{port + 1}/",
        site=f"http://localhost:{port + _SITE}/",
        server=f"http://127.0.0.1:{port + 3}/",  # not localhost: cookies know no ports, and these two are strangers
    )


@contextmanager
def _running(
    world: World,
    port: int,
    folder: Path,
    tenant: Callable[[World], Mapping[str, Any]],
    site: "WSGIApplication | None" = None,
) -> Iterator[World]:
    file = folder / "tenant.yaml"
    file.write_text(yaml.safe_dump(tenant(world)), "utf-8")
    variables = {
        "PORT": str(port),
        "TENANT": str(file),
        "ISSUER": world.issuer if world.authority else "",
        "PYTHONPATH": str(ROOT / "layers/shared"),
    }
    # The demonstration begins to serve last: when it answers, all is there.
    with (
        gateway.serving(site or _site(world.issuer), gateway.listen(port + _SITE)),
        processes.server(
            [sys.executable, "-m", "tests.log_recorder", "local.run"],
            url=world.demonstration,
            environment={**os.environ, **variables},
        ),
    ):
        yield world


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
