"""express-openid-connect in an Express application, by the code flow in Chromium: its session, and what it holds."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import httpx
import pytest
from playwright.sync_api import BrowserContext, Page

from local import processes
from tests.sdk.node import FOLDER
from tests.sdk.running import API, EMAIL, PASSWORD, SECRET, SUBJECT, World, log_in
from tests.sdk.story import Tokens, npm_version, tell

SDK = {"sdk": "express-openid-connect", "version": npm_version("tests/sdk", "express-openid-connect")}
AUTH0_LOGOUT, END_SESSION = "/v2/logout", "/oidc/logout"
BASIC = ("basic", "client_secret_basic", AUTH0_LOGOUT)
POST = ("post", "client_secret_post", AUTH0_LOGOUT)


class Express:
    """A person's window on the application."""

    secret = SECRET

    def __init__(self, world: World, page: Page, client_id: str) -> None:
        self.world, self.page, self.client_id = world, page, client_id

    def go(self, path: str) -> Any:
        """Return what the application shows at the path."""
        answer = self.page.goto(f"{self.world.server}{path}")
        assert answer is not None
        return answer.json()

    def log_in(self) -> None:
        self.page.goto(f"{self.world.server}login")
        self.page.fill("#email", EMAIL)
        self.page.fill("#password", PASSWORD)
        self.page.click("button[value=sign_in]")
        self.page.wait_for_url(self.world.server)

    def tokens(self) -> Tokens:
        held = self.go("")
        return Tokens(held["access_token"], held["refresh_token"], held["id_token"])

    def refresh(self) -> None:
        assert self.go("refresh")["user"]["sub"] == SUBJECT

    def revoke(self) -> None:
        """Revoke what the application holds. The SDK cannot, so an application would send this itself."""
        answer = httpx.post(
            f"{self.world.issuer}oauth/revoke",
            data={"token": self.tokens().refresh_token, "client_id": self.client_id, "client_secret": SECRET},
        )
        assert answer.status_code == 200

    def refusal(self) -> str:
        refused = self.go("refresh")
        assert refused["description"] == "Unknown or invalid refresh token."
        error: str = refused["error"]
        return error


@pytest.fixture(scope="module", name="application")
def _application(world: World, request: pytest.FixtureRequest) -> Iterator[str]:
    """Serve the application, and say who it is."""
    client_id, method, logout = getattr(request, "param", BASIC)
    settings = [world.issuer, world.server, client_id, SECRET, method, API, logout]
    with processes.server(["node", FOLDER / "express_application.mjs", *settings], url=world.server):
        yield client_id


@pytest.fixture(name="express")
def _express(world: World, application: str, context: BrowserContext) -> Express:
    return Express(world, context.new_page(), application)


@pytest.mark.parametrize("application", [BASIC, POST], ids=["basic", "post"], indirect=True)
def test_it_logs_in_refreshes_and_is_refused_after_a_revocation(world: World, express: Express) -> None:
    express.log_in()

    tell(express, world)

    assert express.go("")["user"]["email"] == EMAIL, "its own session lasts"


def test_it_learns_who_logged_in(express: Express) -> None:
    express.log_in()

    person = express.go("person")

    assert (person["sub"], person["email"]) == (SUBJECT, EMAIL)


def test_two_requests_of_one_session_refresh_at_the_same_time(world: World, express: Express) -> None:
    """Nothing in the SDK keeps one from presenting what the other has just spent."""
    express.log_in()
    cookies = express.page.context.cookies(world.server)
    session = "; ".join(f"{one['name']}={one['value']}" for one in cookies)

    def refreshed(_: int) -> Any:
        """Send the session as it stands, whatever the other request has got by now: a browser would wait for that."""
        return httpx.get(f"{world.server}refresh", headers={"cookie": session}).json()["refresh_token"]

    with ThreadPoolExecutor() as threads:
        one, other = threads.map(refreshed, range(2))

    assert one == other != express.tokens().refresh_token
    express.refresh()


def test_a_session_at_the_issuer_logs_in_silently(express: Express) -> None:
    express.log_in()
    express.page.context.clear_cookies(name="appSession")
    assert "user" not in express.go("")

    assert express.go("silent")["user"]["sub"] == SUBJECT


def test_without_a_session_silence_leaves_the_person_logged_out(express: Express) -> None:
    assert "user" not in express.go("silent")


@pytest.mark.parametrize(
    ("application", "path"),
    [(BASIC, AUTH0_LOGOUT), ((*BASIC[:2], END_SESSION), END_SESSION)],
    ids=[AUTH0_LOGOUT, END_SESSION],
    indirect=["application"],
)
def test_a_logout_ends_both_sessions_and_returns_to_the_application(world: World, express: Express, path: str) -> None:
    express.log_in()
    visited: list[str] = []
    express.page.on("request", lambda request: visited.append(request.url.partition("?")[0]))

    assert "user" not in express.go("logout")

    assert f"{world.issuer.removesuffix('/')}{path}" in visited
    assert express.page.url == world.server
    assert "user" not in express.go("silent")


@pytest.mark.usefixtures("application")
def test_a_code_of_another_browser_is_refused(world: World) -> None:
    with httpx.Client(base_url=world.server) as thief, httpx.Client(base_url=world.server) as owner:
        code = httpx.URL(log_in(owner.get("login").headers["location"])).params["code"]
        state = httpx.URL(thief.get("login").headers["location"]).params["state"]

        answer = thief.get("callback", params={"code": code, "state": state, "iss": world.issuer})

        assert (answer.status_code, answer.json()["error"]) == (400, "invalid_grant")
