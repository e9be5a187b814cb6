"""A browser's window on the site of the tests, with an SDK in it."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from shutil import which
from typing import Any

from playwright.sync_api import Browser, BrowserContext, JSHandle, Page, Request, Response, sync_playwright

from tests.sdk.running import EMAIL, PASSWORD, World
from tests.sdk.story import Tokens

_QUIET = ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking"]


@contextmanager
def chromium(*more: str) -> Iterator[Browser]:
    """Run the system's browser, with *more* arguments. While it runs, nobody else here may run an event loop."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=which("chromium"), args=[*_QUIET, *more])
        yield browser
        browser.close()


@dataclass  # without slots: Playwright writes a note on whom it calls
class Window:
    """A page, and the token endpoint's answers that it got, as a developer's tools show them."""

    page: Page
    world: World
    answers: list[Response] = field(default_factory=list)
    frames: list[Request] = field(default_factory=list)
    """The requests that began in a frame."""
    complaints: list[str] = field(default_factory=list)

    @classmethod
    def on(cls, context: BrowserContext, world: World) -> "Window":
        """Open a window on the site."""
        window = cls(context.new_page(), world)
        window.page.on("response", window._note)
        window.page.on("pageerror", lambda error: window.complaints.append(str(error)))
        window.page.goto(world.site)
        return window

    def make(self, script: str, argument: object) -> JSHandle:
        """Return what the script makes, to be used by later scripts."""
        return self.page.evaluate_handle(script, argument)

    def sign_in(self) -> None:
        """Fill in the login page, and wait until the browser is back at the site with a code."""
        self.page.fill("#email", EMAIL)
        self.page.fill("#password", PASSWORD)
        self.page.click("button[value=sign_in]")
        self.page.wait_for_url(f"{self.world.site}?code=*")

    def tokens(self) -> Tokens:
        """Return what the token endpoint answered last."""
        answer: dict[str, Any] = next(each for each in reversed(self.answers) if each.ok).json()
        return Tokens(answer["access_token"], answer["refresh_token"], answer["id_token"])

    def _note(self, response: Response) -> None:
        if response.url.endswith("/oauth/token") and response.request.method == "POST":
            self.answers.append(response)
        if response.request.is_navigation_request() and response.frame.parent_frame is not None:
            self.frames.append(response.request)
