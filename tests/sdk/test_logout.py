"""Logout as strangers' SDKs do it, from discovery on, with a back channel that listens."""

import json
import subprocess
from collections.abc import Iterator
from typing import Any
from urllib.parse import parse_qs, urljoin, urlsplit

import httpx
import jwt
import pytest
from playwright.sync_api import BrowserContext

from local.template import ROOT
from tests.endpoints.reading import Document
from tests.endpoints.receiver import Receiver, receiver
from tests.sdk import running
from tests.sdk.running import CALLBACK, EMAIL, PASSWORD, SECRET, SUBJECT, World
from tests.sdk.story import npm_version
from tests.sdk.window import Window

SDK = {"sdk": "openid-client", "version": npm_version("tests/sdk", "openid-client")}
HOME = "http://localhost:1/goodbye"
"""Where nobody listens: the tests read the address that a browser would go to."""


@pytest.fixture(scope="module", name="application")
def _application() -> Iterator[Receiver]:
    with receiver() as state:
        yield state


@pytest.fixture(scope="module", name="world")
def _world(tmp_path_factory: pytest.TempPathFactory, application: Receiver) -> Iterator[World]:
    """A service with an application whose families end with the session, and which hears of that."""

    def tenant(world: World) -> dict[str, Any]:
        server = {
            "name": "Server",
            "client_id": "server",
            "client_secret": SECRET,
            "app_type": "regular_web",
            "callbacks": [CALLBACK],
            "allowed_logout_urls": [HOME],
            "oidc_logout": {"backchannel_logout_urls": [application.url]},
            "refresh_token": {"revoke_on_logout": True},
        }
        document = running.tenant_file(world)
        return document | {"clients": [*document["clients"], server]}

    with running.world(tmp_path_factory.mktemp("logout"), tenant) as world:
        yield world


@pytest.fixture(name="person")
def _person() -> Iterator[httpx.Client]:
    """A browser with cookies."""
    with httpx.Client() as browser:
        yield browser


def log_in(person: httpx.Client, url: str) -> str:
    """Follow an authorization URL through the login page; where it leads."""
    shown = person.get(url)
    (form,) = Document(shown.text).forms
    typed = form.fields | {"email": EMAIL, "password": PASSWORD, "action": "sign_in"}
    origin = "{0.scheme}://{0.netloc}".format(urlsplit(url))
    return person.post(urljoin(url, form.action), data=typed, headers={"origin": origin}).headers["location"]


def test_openid_client_logs_out_and_the_application_hears_of_it(
    world: World, person: httpx.Client, application: Receiver
) -> None:
    command = ["node", "end_session.mjs", world.issuer, "server", SECRET, CALLBACK]
    with subprocess.Popen(
        command, cwd=ROOT / "tests/sdk", stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        orders, answers = process.stdin, process.stdout

        def do(deed: str, argument: object = None) -> Any:
            orders.write(json.dumps({"deed": deed, "argument": argument}) + "\n")
            orders.flush()
            return json.loads(answers.readline())

        authorize = do("authorize")
        tokens = do("callback", log_in(person, authorize))
        leaving = {"id_token_hint": tokens["id_token"], "post_logout_redirect_uri": HOME, "state": "some state"}
        answer = person.get(do("endSession", leaving))
        process.terminate()

    assert (answer.status_code, answer.headers["location"]) == (303, f"{HOME}?state=some+state")
    silent = person.get(f"{authorize}&prompt=none").headers["location"]
    assert parse_qs(urlsplit(silent).query)["error"] == ["login_required"]
    refused = world.present(tokens["refresh_token"], "server", client_secret=SECRET)
    assert refused.json()["error"] == "invalid_grant"
    assert application.arrived.acquire(timeout=60)
    token = application.tokens[-1]
    key = jwt.PyJWKClient(f"{world.issuer}.well-known/jwks.json").get_signing_key_from_jwt(token)
    claims = jwt.decode(token, key, ["RS256"], audience="server", issuer=world.issuer)
    login = jwt.decode(tokens["id_token"], options={"verify_signature": False})
    assert (claims["sub"], claims["sid"]) == (SUBJECT, login["sid"])
    assert jwt.get_unverified_header(token)["typ"] == "logout+jwt"


class OidcClientTs:
    """The SDK's `UserManager` in a window."""

    def __init__(self, context: BrowserContext, world: World) -> None:
        self.world = world
        self.window = Window.on(context, world)
        self._load().evaluate("manager => { manager.signinRedirect(); }")
        self.window.sign_in()
        self.manager = self._load()
        self.manager.evaluate("manager => manager.signinRedirectCallback()")

    def sign_out(self) -> None:
        """Send the browser to the end session endpoint."""
        self.manager.evaluate("manager => { manager.signoutRedirect(); }")

    def _load(self) -> Any:
        self.window.page.add_script_tag(url="/oidc-client-ts.js")
        settings = {
            "authority": self.world.issuer,
            "client_id": "patient",
            "redirect_uri": self.world.site,
            "post_logout_redirect_uri": self.world.site,
            "automaticSilentRenew": False,
        }
        return self.window.make("settings => new oidc.UserManager(settings)", settings)


def test_oidc_client_ts_signs_out_with_its_id_token_and_nobody_is_asked(world: World, context: BrowserContext) -> None:
    client = OidcClientTs(context, world)

    with client.window.page.expect_navigation(url=world.site):
        client.sign_out()

    assert "heirloom" not in {cookie["name"] for cookie in context.cookies(world.issuer)}


def test_oidc_client_ts_without_an_id_token_lets_the_person_decide(world: World, context: BrowserContext) -> None:
    client = OidcClientTs(context, world)
    client.manager.evaluate("manager => manager.removeUser()")

    with client.window.page.expect_navigation(url=f"{world.issuer}oidc/logout?*"):
        client.sign_out()
    assert EMAIL in client.window.page.inner_text("main")
    assert "heirloom" in {cookie["name"] for cookie in context.cookies(world.issuer)}
    with client.window.page.expect_navigation(url=world.site):
        client.window.page.click("button")

    assert "heirloom" not in {cookie["name"] for cookie in context.cookies(world.issuer)}
    assert client.window.complaints == []
