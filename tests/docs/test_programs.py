"""Every program of the pages runs as it stands there, with the real packages: somebody logs in, refreshes, logs out."""

import json
import runpy
import time
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from authlib.integrations.base_client import OAuthError
from playwright.sync_api import Browser, BrowserContext, Page

from local import gateway
from local.template import ROOT
from tests.docs.examples import kinds
from tests.docs.snippets import PAGES, SECRET, Program, programs, tenant, written
from tests.sdk import running
from tests.sdk.node import Node
from tests.sdk.running import EMAIL, PASSWORD, SUBJECT, World
from tests.sdk.window import Window, chromium

if TYPE_CHECKING:
    from wsgiref.types import StartResponse, WSGIEnvironment

PROGRAMS = {(program.page, program.name): program for program in programs()}
RUN: set[tuple[str, str]] = set()
HOUR = 3600
DRIVER = "../docs/driver.mjs"


def runs(page: str, *names: str) -> pytest.MarkDecorator:
    """Mark a test that runs these programs of a page."""
    RUN.update((page, name) for name in names)
    return pytest.mark.parametrize("program", [PROGRAMS[page, name] for name in names], ids=names)


MODULES = {
    "@auth0/auth0-spa-js": "examples/browser/node_modules/@auth0/auth0-spa-js/dist/auth0-spa-js.production.esm.js",
    "oidc-client-ts": "tests/sdk/node_modules/oidc-client-ts/dist/esm/oidc-client-ts.js",
    "jwt-decode": "tests/sdk/node_modules/jwt-decode/build/esm/index.js",
}


class Site:
    """Where single-page applications live: a page with a map of what their programs import."""

    program = ""

    def __call__(self, environ: "WSGIEnvironment", start_response: "StartResponse") -> Iterable[bytes]:
        path = environ["PATH_INFO"].removeprefix("/")
        imports = {name: f"/{file}" for name, file in MODULES.items()}
        if path == "program.js":
            body, kind = self.program.encode(), "text/javascript"
        elif path in MODULES.values():
            body, kind = (ROOT / path).read_bytes(), "text/javascript"
        else:
            html = f"""<!DOCTYPE html><title>Notes</title>
            <script type="importmap">{json.dumps({"imports": imports})}</script>
            <script type="module" src="/program.js"></script>"""
            body, kind = html.encode(), "text/html"
        start_response("200 OK", [("Content-Type", f"{kind}; charset=utf-8")])
        return [body]


SITE = Site()


@pytest.fixture(scope="module", name="world")
def _world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    with running.secure_world(tmp_path_factory.mktemp("docs"), tenant, SITE) as world:
        yield world


@pytest.fixture(scope="module", name="browser")
def _browser() -> Iterator[Browser]:
    with chromium() as browser:
        yield browser


@pytest.fixture(name="context")
def _context(browser: Browser) -> Iterator[BrowserContext]:
    with browser.new_context(ignore_https_errors=True) as context:  # the certificate is the tests' own
        context.set_default_timeout(20_000)
        yield context


def port_of(world: World) -> int:
    """Return where a server application is to listen."""
    return int(world.server.rpartition(":")[2].removesuffix("/"))


def sign_in(page: Page) -> None:
    page.fill("#email", EMAIL)
    page.fill("#password", PASSWORD)
    page.click("button[value=sign_in]")


def test_every_program_of_the_pages_is_run() -> None:
    shown = list(programs())
    assert {(program.page, program.name) for program in shown} == RUN
    assert len(shown) == len(RUN), "a name is one program of its page"


def test_there_is_no_code_in_a_language_that_nobody_runs() -> None:
    shell = {page for page in PAGES if "sh" in kinds(page)}

    assert set().union(*map(kinds, PAGES)) <= {"http", "yaml", "json", "js", "python", "mermaid", "text", "sh", ""}
    assert {page.stem for page in shell} == {"deploy"}, "its commands are run by tests/deploy/test_guide.py"


# ---- Single-page applications

CALL = """
async (name) => {
  const program = await import("/program.js");
  return program[name]();
}
"""
REFUSED = """
async (name) => {
  const program = await import("/program.js");
  return program[name]().then(() => null, ({ error }) => error);
}
"""


def wait(page: Page, seconds: int) -> None:
    """Let time pass for the page, so that it takes its access token for expired."""
    page.clock.set_system_time((page.evaluate("Date.now()") + seconds * 1000) / 1000)


def logged_in(context: BrowserContext, world: World, program: Program) -> Window:
    """Load the site and log in."""
    SITE.program = program.at(world, world.site)
    window = Window.on(context, world)
    with window.page.expect_navigation(url=f"{world.issuer}authorize*"):
        window.page.evaluate("() => { import('/program.js').then(({ logIn }) => logIn()); }")
    sign_in(window.page)
    window.page.wait_for_url(world.site)
    assert window.page.evaluate(CALL, "person")["sub"] == SUBJECT
    return window


@runs("single-page-applications", "auth0-spa-js", "oidc-client-ts")
def test_a_single_page_application_logs_in_refreshes_and_logs_out(
    world: World, context: BrowserContext, program: Program
) -> None:
    window = logged_in(context, world, program)
    page = window.page
    first = page.evaluate(CALL, "accessToken")
    assert page.evaluate(CALL, "accessToken") == first

    wait(page, HOUR)
    second = page.evaluate(CALL, "accessToken")

    assert second != first
    assert world.claims_of(second)["sub"] == SUBJECT
    assert world.last_event("sertft")["details"]["tokenCounter"] == 0, "the first refresh of its family"

    with page.expect_navigation(url=world.site):
        page.evaluate("() => { import('/program.js').then(({ logOut }) => logOut()); }")

    assert page.evaluate(CALL, "person") is None
    assert world.last_event("srrt")["reason"] == "logout"
    assert window.complaints == []


@runs("single-page-applications", "auth0-spa-js", "oidc-client-ts")
def test_a_single_page_application_survives_a_reload(world: World, context: BrowserContext, program: Program) -> None:
    window = logged_in(context, world, program)

    window.page.reload()

    assert window.page.evaluate(CALL, "person")["sub"] == SUBJECT
    assert world.claims_of(window.page.evaluate(CALL, "accessToken"))["sub"] == SUBJECT


@runs("single-page-applications", "auth0-spa-js", "oidc-client-ts")
def test_a_fault_logs_nobody_out(world: World, context: BrowserContext, program: Program) -> None:
    window = logged_in(context, world, program)
    page = window.page
    wait(page, HOUR)
    unavailable = {"status": 503, "content_type": "text/plain", "headers": {"access-control-allow-origin": "*"}}
    context.route(f"{world.issuer}oauth/token", lambda route: route.fulfill(**unavailable, body="Try again."))
    assert page.evaluate(REFUSED, "accessToken") != "invalid_grant"
    context.unroute(f"{world.issuer}oauth/token")

    assert page.url == world.site
    assert world.claims_of(page.evaluate(CALL, "accessToken"))["sub"] == SUBJECT
    assert window.frames == [], "its refresh token was still there"


@runs("single-page-applications", "auth0-spa-js", "oidc-client-ts")
def test_who_is_logged_out_elsewhere_is_asked_to_log_in(
    world: World, context: BrowserContext, program: Program
) -> None:
    window = logged_in(context, world, program)
    context.new_page().goto(f"{world.issuer}v2/logout")
    wait(window.page, HOUR)

    window.page.evaluate("() => { import('/program.js').then(({ accessToken }) => accessToken()).catch(() => {}); }")

    window.page.wait_for_url(f"{world.issuer}authorize*")


# ---- Native applications

PLATFORM = """
let kept;
export const openBrowser = (url) => system.emit("open", url);
export const keychain = {
  read: async () => kept,
  write: async (text) => { kept = text; },
  clear: async () => { kept = undefined; },
};
"""


@pytest.fixture(name="trust")
def _trust(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let programs believe the issuer, and know what the page has them take from their environment."""
    for name in ("NODE_EXTRA_CA_CERTS", "REQUESTS_CA_BUNDLE"):
        monkeypatch.setenv(name, str(world.authority))
    monkeypatch.setenv("CLIENT_SECRET", SECRET)
    monkeypatch.setenv("SESSION_SECRET", SECRET)
    monkeypatch.setenv("PORT", str(port_of(world)))


@runs("native-applications", "openid-client")
@pytest.mark.usefixtures("trust")
def test_a_native_application_logs_in_refreshes_and_logs_out(
    world: World, context: BrowserContext, program: Program, tmp_path: Path
) -> None:
    page = context.new_page()
    with Node.running(DRIVER, str(written(program, world, "", tmp_path, platform=PLATFORM))) as node:
        node.do("begin", "logIn")
        page.goto(node.do("opened"))
        sign_in(page)
        page.get_by_text("You are logged in.").wait_for()
        node.do("finish")
        first = node.do("accessToken")
        assert node.do("accessToken") == first

        node.do("wait", HOUR)
        second = node.do("accessToken")

        assert second != first
        assert world.claims_of(second)["sub"] == SUBJECT

        node.do("begin", "logOut")
        page.goto(node.do("opened"))
        page.get_by_text("You are signed out").wait_for()
        node.do("finish")
        assert world.last_event("srrt")["reason"] == "revoked_by_application"


# ---- Web applications

NOTES = "export const readNotes = async (accessToken) => ({ accessToken });"
BOTH = "() => Promise.all([1, 2].map(async () => (await fetch('/notes', { cache: 'no-store' })).json()))"


@runs("web-applications", "express-openid-connect")
@pytest.mark.usefixtures("trust")
def test_a_web_application_logs_in_refreshes_and_logs_out(
    world: World, context: BrowserContext, program: Program, tmp_path: Path
) -> None:
    page = context.new_page()

    def notes() -> str:
        answer = page.goto(f"{world.server}notes")
        assert answer is not None
        return str(answer.json()["accessToken"])

    with Node.running(DRIVER, str(written(program, world, world.server, tmp_path, notes=NOTES))) as node:
        node.do("wait", 0)  # it listens
        page.goto(f"{world.server}notes")
        sign_in(page)
        page.wait_for_url(f"{world.server}notes")
        first = notes()
        assert notes() == first

        node.do("wait", HOUR)
        both = page.evaluate(BOTH)

        assert len({first, *(each["accessToken"] for each in both)}) == 3, "each of two parallel requests refreshed"
        second = notes()
        assert second in {each["accessToken"] for each in both}
        assert world.claims_of(second)["sub"] == SUBJECT

        page.goto(f"{world.issuer}v2/logout")
        node.do("wait", HOUR)
        page.goto(f"{world.server}notes")
        sign_in(page)  # it was refused, and asked for a login
        page.wait_for_url(f"{world.server}notes")

        page.goto(f"{world.server}logout")
        page.wait_for_url(world.server)
        page.goto(f"{world.server}notes")
        page.wait_for_selector("#password")


@runs("web-applications", "Authlib")
@pytest.mark.usefixtures("trust")
def test_a_web_application_in_python_logs_in_refreshes_and_logs_out(
    world: World, context: BrowserContext, program: Program, tmp_path: Path
) -> None:
    page = context.new_page()
    file = tmp_path / "program.py"
    file.write_text(program.at(world, world.server), "utf-8")
    application: dict[str, Callable[..., Any]] = runpy.run_path(str(file))
    session: dict[str, Any] = {}

    SITE.program = ""
    with gateway.serving(SITE, gateway.listen(port_of(world))):
        page.goto(application["begin_login"](session))
        sign_in(page)
        page.wait_for_url(f"{world.server}callback*")
        application["finish_login"](session, page.url)
        assert session["person"]["sub"] == SUBJECT
        first = session["token"]
        assert application["access_token"](session) == first["access_token"]

        copies = [{**session, "token": {**first, "expires_at": int(time.time())}} for _ in range(2)]
        with ThreadPoolExecutor(max_workers=2) as requests:
            refreshed = list(requests.map(application["access_token"], copies))
        assert len({first["access_token"], *refreshed}) == 3
        assert {copy["token"]["refresh_token"] for copy in copies} == {copies[0]["token"]["refresh_token"]}
        assert world.claims_of(refreshed[0])["sub"] == SUBJECT

        (session,) = copies[:1]
        stale = {**session, "token": {**session["token"], "expires_at": 0}}
        page.goto(application["log_out"](session))
        page.wait_for_url(world.server)
        assert session == {}
        with pytest.raises(OAuthError, match="invalid_grant"):
            application["access_token"](stale)
        assert stale == {}
