"""auth0-spa-js in Chromium, at another origin than the issuer's: tokens in a worker's memory, and in localStorage."""

import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Self
from urllib.parse import parse_qs, urlsplit

import pytest
from playwright.sync_api import Browser, BrowserContext, JSHandle, Route
from playwright.sync_api import Error as PlaywrightError

from tests.sdk.running import EMAIL, LEEWAY, World, parameter
from tests.sdk.story import UNKNOWN, Tokens, npm_version, tell
from tests.sdk.window import Window

SDK = {"sdk": "auth0-spa-js", "version": npm_version("examples/browser", "@auth0/auth0-spa-js")}
CACHES = ["memory", "localstorage"]
TOO_LATE = LEEWAY + 1.3
"""Seconds, with the allowance for clocks."""

NEW = """
async (options) => {
  const { Auth0Client } = await import("/auth0-spa-js.js");
  return new Auth0Client(options);
}
"""
ERROR = """
async (client, options) => {
  try {
    await client.getTokenSilently({ cacheMode: "off", ...options });
    return null;
  } catch ({ error }) {
    return error;
  }
}
"""


@dataclass(slots=True)
class SpaJs:
    """The SDK in a window."""

    window: Window
    auth0: JSHandle
    client_id: str
    secret: str | None = None

    @classmethod
    def loaded(cls, context: BrowserContext, world: World, client_id: str = "patient", **options: Any) -> Self:
        """Load the site with the SDK in it."""
        window = Window.on(context, world)
        return cls(window, window.make(NEW, cls.options(world, client_id, **options)), client_id)

    @staticmethod
    def options(world: World, client_id: str, **options: Any) -> dict[str, Any]:
        """Return the options of an application that uses refresh tokens."""
        parameters = {"redirect_uri": world.site, "scope": "openid profile email"}
        return {
            "domain": world.issuer.removesuffix("/"),
            "clientId": client_id,
            "useRefreshTokens": True,
            "authorizationParams": parameters,
            **options,
        }

    @classmethod
    def logged_in(cls, context: BrowserContext, world: World, client_id: str = "patient", **options: Any) -> Self:
        """Log in by the login page, and finish at the site."""
        begun = cls.loaded(context, world, client_id, **options)
        begun.auth0.evaluate("auth0 => { auth0.loginWithRedirect(); }")
        begun.window.sign_in()
        finished = cls(begun.window, begun.window.make(NEW, cls.options(world, client_id, **options)), client_id)
        finished.auth0.evaluate("auth0 => auth0.handleRedirectCallback()")
        return finished

    def tokens(self) -> Tokens:
        return self.window.tokens()

    def refresh(self) -> None:
        self.auth0.evaluate("auth0 => auth0.getTokenSilently({ cacheMode: 'off' })")

    def revoke(self) -> None:
        self.auth0.evaluate("auth0 => auth0.revokeRefreshToken()")

    def refusal(self) -> str | None:
        error: str | None = self.auth0.evaluate(ERROR)
        return error

    @property
    def email(self) -> str | None:
        user: dict[str, str] | None = self.auth0.evaluate("auth0 => auth0.getUser()")
        return user["email"] if user else None


@pytest.mark.parametrize("cache", CACHES)
def test_it_logs_in_refreshes_revokes_and_is_refused(world: World, context: BrowserContext, cache: str) -> None:
    client = SpaJs.logged_in(context, world, cacheLocation=cache)

    assert client.email == EMAIL
    # It forgets what it revoked, and finds nothing to present.
    tell(client, world, refusal="missing_refresh_token")
    assert client.window.complaints == []


@pytest.mark.parametrize("cache", CACHES)
def test_after_a_reuse_the_application_is_logged_out(world: World, context: BrowserContext, cache: str) -> None:
    client = SpaJs.logged_in(context, world, "impatient", cacheLocation=cache)
    stolen = client.tokens().refresh_token
    client.refresh()
    time.sleep(TOO_LATE)

    answer = world.present(stolen, client.client_id)

    assert (answer.status_code, answer.json()) == (400, UNKNOWN)
    assert world.last_event("ferrt")["reason"] == "reused"
    assert client.refusal() == "invalid_grant"
    assert world.last_event("fertft")["reason"] == "revoked"


def test_a_copy_within_leeway_logs_nobody_out(world: World, context: BrowserContext) -> None:
    client = SpaJs.logged_in(context, world)
    copy = client.tokens().refresh_token
    client.refresh()

    answer = world.present(copy, client.client_id)

    assert answer.json()["refresh_token"] == client.tokens().refresh_token, "the live one"
    assert world.last_event("sertft")["details"]["replayed"] is True
    assert client.refusal() is None


@pytest.mark.parametrize(("status", "cache"), [(429, "memory"), (503, "localstorage")])
def test_a_throttled_gateway_is_a_lost_connection_to_a_page_of_another_origin(
    world: World, context: BrowserContext, status: int, cache: str
) -> None:
    """Its own answers have no CORS header. The SDK tries three times, gives up, and keeps the token."""
    client = SpaJs.logged_in(context, world, cacheLocation=cache)

    assert throttled(client, context, status, readable_by="https://elsewhere.example") == 3

    client.refresh()


def test_a_throttled_gateway_ends_the_session_of_a_page_of_its_own_origin(
    world: World, context: BrowserContext
) -> None:
    """In a worker's memory: any JSON without a refresh token takes the place of the one there was."""
    client = SpaJs.logged_in(context, world, cacheLocation="memory")

    assert throttled(client, context, 429, readable_by=world.site.rstrip("/")) == 1

    assert client.refusal() == "missing_refresh_token"


def throttled(client: SpaJs, context: BrowserContext, status: int, *, readable_by: str) -> int:
    """Refresh while the gateway answers as API Gateway does; return how often it was asked."""
    asked = 0

    def answer(route: Route) -> None:
        nonlocal asked
        asked += 1
        text = "Too Many Requests" if status == 429 else "Service Unavailable"
        # Playwright would let everybody read an answer that says nothing of it.
        headers = {"access-control-allow-origin": readable_by, "content-type": "application/json"}
        route.fulfill(status=status, headers=headers, body=f'{{"message":"{text}"}}')

    context.route("**/oauth/token", answer)
    with pytest.raises(PlaywrightError):
        client.refresh()
    context.unroute("**/oauth/token")
    return asked


BOTH = "auth0 => { window.refreshing = auth0.getTokenSilently({ cacheMode: 'off' }); }"


def test_two_tabs_refresh_at_the_same_time(world: World, context: BrowserContext) -> None:
    one = SpaJs.logged_in(context, world, cacheLocation="localstorage")
    other = SpaJs.loaded(context, world, cacheLocation="localstorage")

    for tab in (one, other, one, other):
        tab.auth0.evaluate(BOTH)
    for tab in (one, other):
        assert tab.window.page.evaluate("() => window.refreshing")
        assert [answer.status for answer in tab.window.answers[-1:]] == [200], "each tab asked the server"

    assert one.refusal() is None
    assert other.refusal() is None
    assert one.email == other.email == EMAIL


def test_two_copies_of_a_browser_refresh_at_the_same_time(
    world: World, browser: Browser, context: BrowserContext
) -> None:
    """No lock of the SDK reaches from one to the other: both present the same token."""
    one = SpaJs.logged_in(context, world, cacheLocation="localstorage")
    with browser.new_context(storage_state=context.storage_state()) as copied:
        other = SpaJs.loaded(copied, world, cacheLocation="localstorage")

        for each in (one, other):
            each.auth0.evaluate(BOTH)
        for each in (one, other):
            assert each.window.page.evaluate("() => window.refreshing")

        assert one.tokens().refresh_token == other.tokens().refresh_token
        assert one.refusal() is None
        assert other.refusal() is None


def test_a_session_answers_silently_in_a_hidden_frame(world: World, context: BrowserContext) -> None:
    SpaJs.logged_in(context, world)

    silent = SpaJs.loaded(context, world, useRefreshTokens=False)

    assert silent.refusal() is None
    assert silent.email == EMAIL
    (framed,) = silent.window.frames
    asked = parse_qs(urlsplit(framed.url).query)
    assert (asked["prompt"], asked["response_mode"]) == (["none"], ["web_message"])
    assert "refresh_token" not in silent.window.answers[-1].json()


def test_without_a_session_silence_asks_for_a_login(world: World, context: BrowserContext) -> None:
    assert SpaJs.loaded(context, world, useRefreshTokens=False).refusal() == "login_required"


def test_a_logout_ends_the_session_and_returns_to_the_application(world: World, context: BrowserContext) -> None:
    client = SpaJs.logged_in(context, world)
    page = client.window.page
    (session,) = [cookie for cookie in context.cookies(world.issuer) if cookie["name"] == "heirloom"]

    page.goto(f"{world.site}elsewhere")  # so that the return can be seen
    leaving = SpaJs(client.window, client.window.make(NEW, SpaJs.options(world, "patient")), "patient")
    leaving.auth0.evaluate("(auth0, returnTo) => { auth0.logout({ logoutParams: { returnTo } }); }", world.site)
    page.wait_for_url(world.site)

    assert "heirloom" not in {cookie["name"] for cookie in context.cookies(world.issuer)}
    context.add_cookies([{"name": "heirloom", "value": session["value"], "url": world.issuer}])
    silent = SpaJs.loaded(context, world, useRefreshTokens=False)
    assert silent.refusal() == "login_required", "a copy of the cookie opens nothing any more"


def test_a_second_login_needs_no_password_while_the_session_lasts(world: World, context: BrowserContext) -> None:
    SpaJs.logged_in(context, world)

    again = SpaJs.loaded(context, world)
    again.auth0.evaluate("auth0 => { auth0.loginWithRedirect(); }")
    again.window.page.wait_for_url(f"{world.site}?code=*")

    assert parameter(again.window.page.url, "state")


# ---- With an issuer that speaks TLS, as on AWS


@pytest.fixture(name="secure_context")
def _secure_context(browser: Browser) -> Iterator[BrowserContext]:
    with browser.new_context(ignore_https_errors=True) as context:  # the certificate is the tests' own
        context.set_default_timeout(15_000)
        yield context


def test_it_does_the_same_over_tls(secure_world: World, secure_context: BrowserContext) -> None:
    tell(SpaJs.logged_in(secure_context, secure_world), secure_world, refusal="missing_refresh_token")


def test_over_tls_a_session_answers_silently_by_its_host_cookie(
    secure_world: World, secure_context: BrowserContext
) -> None:
    SpaJs.logged_in(secure_context, secure_world)
    (session,) = [each for each in secure_context.cookies(secure_world.issuer) if each["name"] == "__Host-heirloom"]
    assert (session["secure"], session["sameSite"]) == (True, "None")

    silent = SpaJs.loaded(secure_context, secure_world, useRefreshTokens=False)

    assert silent.refusal() is None
    assert silent.email == EMAIL
