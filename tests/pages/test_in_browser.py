"""What only a browser can tell: layout, focus, and that each page works under its own policy."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from shutil import which
from urllib.parse import parse_qsl

import pytest
from playwright.sync_api import Browser, BrowserContext, ConsoleMessage, Request, Route, sync_playwright

from heirloom.pages import (
    AccountNotice,
    ErrorKind,
    LoginProblem,
    Page,
    RequestedScope,
    Use,
    UserCodeProblem,
    device_answered,
    enter_user_code,
    error,
    form_post,
    signed_out,
    web_message,
)
from tests.pages.samples import (
    APPLICATION,
    BEGAN,
    PHONE,
    THIS_BROWSER,
    account_page,
    confirm_device_page,
    consent_page,
    login_page,
    logout_page,
    signed_in_application,
)

SERVER = "https://id.example"
STRANGER = "https://stranger.example"
LONG = "Donaudampfschifffahrtsgesellschaft" * 60

READ = {
    "login": login_page(logo_uri=None),
    "wrong": login_page(
        logo_uri=None, language="de", problem=LoginProblem.wrong_credentials, email=f"{LONG}@a.example"
    ),
    "chooser": login_page(logo_uri=None, application=LONG, signed_in_as=LONG, problem=LoginProblem.missing_field),
    "consent": consent_page(logo_uri=None, language="fr"),
    "long consent": consent_page(
        logo_uri=None,
        application=LONG,
        account=LONG,
        api=LONG,
        scopes=(RequestedScope("a", LONG),),
        redirect_host=LONG,
    ),
    "logout": logout_page(logo_uri=None, language="de"),
    "long logout": logout_page(logo_uri=None, application=LONG, account=LONG),
    "user code": enter_user_code(language="en", csrf="csrf-value"),
    "wrong user code": enter_user_code(language="de", csrf="csrf-value", problem=UserCodeProblem.wrong_code),
    "device": confirm_device_page(logo_uri=None, language="es"),
    "long device": confirm_device_page(
        logo_uri=None, application=LONG, account=LONG, api=LONG, scopes=(RequestedScope("a", LONG),)
    ),
    "device connected": device_answered(language="fr", application=LONG, connected=True),
    "error": error(language="es", kind=ErrorKind.wrong_redirect, detail=LONG, request_id=LONG),
    "signed out": signed_out(language="en"),
    "account": account_page(language="de", applications=(signed_in_application(logo_uri=None),), more_browsers=3),
    "long account": account_page(
        account_name=LONG,
        browsers=(replace(THIS_BROWSER, applications=(LONG,)), replace(PHONE, began=Use(BEGAN, user_agent=LONG))),
        applications=(signed_in_application("long", LONG, None, total=200),),
        notice=AccountNotice.browser_signed_out,
    ),
}

type Visit = Callable[..., "Site"]


class Site:
    """A browser's window on a web that consists of the given documents and notes every request."""

    def __init__(self, context: BrowserContext, documents: dict[str, Page | str]) -> None:
        self.documents = documents
        self.posts: list[tuple[str, dict[str, str]]] = []
        self.complaints: list[str] = []
        context.route("**/*", self._answer)
        context.on("console", self._note)
        self.window = context.new_page()

    def complaint(self) -> str:
        """The first complaint of the browser, which comes when it comes."""
        while not self.complaints:
            self.window.wait_for_event("console", timeout=5_000)
        return self.complaints[0]

    def _note(self, message: ConsoleMessage) -> None:
        if message.type in {"error", "warning"}:
            self.complaints.append(message.text)

    def _answer(self, route: Route, request: Request) -> None:
        if request.method == "POST":
            self.posts.append((request.url, dict(parse_qsl(request.post_data or "", keep_blank_values=True))))
        document = self.documents.get(request.url, "<title>.</title>")
        if isinstance(document, str):
            route.fulfill(content_type="text/html", body=document)
        else:
            route.fulfill(
                content_type="text/html; charset=utf-8",
                headers={"Content-Security-Policy": document.content_security_policy},
                body=document.html,
            )


@pytest.fixture(scope="module", name="browser")
def _browser() -> Iterator[Browser]:
    quiet = ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking"]
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=which("chromium"), args=quiet)
        yield browser
        browser.close()


@pytest.fixture(name="visit")
def _visit(browser: Browser) -> Iterator[Visit]:
    contexts: list[BrowserContext] = []

    def visit(document: Page | str, *, scripts: bool = False, **others: Page | str) -> Site:
        context = browser.new_context(java_script_enabled=scripts, viewport={"width": 320, "height": 640})
        contexts.append(context)
        documents = {f"{SERVER}/{name}": other for name, other in others.items()}
        site = Site(context, documents | {f"{APPLICATION}/" if isinstance(document, str) else f"{SERVER}/": document})
        site.window.goto(f"{APPLICATION}/" if isinstance(document, str) else f"{SERVER}/")
        for focused in site.window.locator("[autofocus]").all():
            focused.and_(site.window.locator(":focus")).wait_for()
        return site

    yield visit
    for context in contexts:
        context.close()


@pytest.mark.parametrize("page", READ.values(), ids=READ.keys())
def test_a_page_fits_and_keeps_to_its_policy(visit: Visit, page: Page) -> None:
    site = visit(page, scripts=True)

    for width in (320, 768, 1600):
        site.window.set_viewport_size({"width": width, "height": 640})
        assert site.window.evaluate("document.documentElement.scrollWidth") == width
    assert site.complaints == []


@pytest.mark.parametrize("page", READ.values(), ids=READ.keys())
def test_what_is_pressed_is_large_enough_for_a_finger(visit: Visit, page: Page) -> None:
    window = visit(page).window
    for folded in window.locator(".logins summary").all():
        folded.click()
    for control in window.locator("button, summary, a, input:not([type=hidden])").all():
        box = control.bounding_box()
        assert box is not None
        assert min(box["width"], box["height"]) >= 44


def test_a_person_signs_in_with_the_keyboard_alone_and_without_javascript(visit: Visit) -> None:
    site = visit(READ["login"])

    for key in ("a@b.c", "Tab", "secret", "Enter"):
        if key in {"Tab", "Enter"}:
            site.window.keyboard.press(key)
        else:
            site.window.keyboard.type(key)
    site.window.wait_for_url(f"{SERVER}/login")

    assert site.posts == [
        (
            f"{SERVER}/login",
            {
                "request": "client_id=petals&scope=openid",
                "csrf": "csrf-value",
                "email": "a@b.c",
                "password": "secret",
                "action": "sign_in",
            },
        )
    ]


def test_a_known_account_goes_on_with_one_key(visit: Visit) -> None:
    site = visit(login_page(logo_uri=None, signed_in_as="ada@example.com"))

    site.window.keyboard.press("Enter")
    site.window.wait_for_url(f"{SERVER}/login")

    assert [fields["action"] for _, fields in site.posts] == ["continue"]


def test_another_account_is_one_step_away(visit: Visit) -> None:
    window = visit(login_page(logo_uri=None, signed_in_as="ada@example.com")).window

    assert not window.locator("#email").is_visible()
    window.keyboard.press("Tab")
    window.keyboard.press("Enter")
    assert window.locator("#email").is_visible()


@pytest.mark.parametrize("decision", ["allow", "deny"])
def test_a_decision_is_sent(visit: Visit, decision: str) -> None:
    site = visit(READ["consent"])

    site.window.click(f"button[value={decision}]")
    site.window.wait_for_url(f"{SERVER}/consent")

    assert [(url, fields["decision"]) for url, fields in site.posts] == [(f"{SERVER}/consent", decision)]


def test_a_device_is_signed_out_with_the_keyboard_alone_and_without_javascript(visit: Visit) -> None:
    site = visit(account_page(applications=(signed_in_application(logo_uri=None),)))

    site.window.get_by_role("button", name="Sign out Petals, Unknown device").focus()
    site.window.keyboard.press("Enter")
    site.window.wait_for_url(f"{SERVER}/account")

    fields = {"csrf": "csrf-value", "viewer": "session-1", "ui_locales": "en", "family": "family-3"}
    assert site.posts == [(f"{SERVER}/account", fields)]
    assert site.complaints == []


def test_everything_is_ended_only_after_the_fold_is_opened(visit: Visit) -> None:
    site = visit(account_page(applications=()))
    button = site.window.get_by_role("button", name="Sign out everywhere, here too")
    assert not button.is_visible()

    site.window.get_by_text("Sign out everywhere", exact=True).click()
    button.click()
    site.window.wait_for_url(f"{SERVER}/account")

    assert [fields["everything"] for _, fields in site.posts] == ["all"]


def test_a_logout_is_confirmed_where_javascript_is_off(visit: Visit) -> None:
    site = visit(READ["logout"])

    site.window.click("button")
    site.window.wait_for_url(f"{SERVER}/oidc/logout")

    assert site.posts == [(f"{SERVER}/oidc/logout", {"request": "client_id=petals", "csrf": "csrf-value"})]
    assert site.complaints == []


def test_a_person_enters_a_code_with_the_keyboard_alone(visit: Visit) -> None:
    site = visit(READ["user code"])

    site.window.keyboard.type("wdjb mjht")
    site.window.keyboard.press("Enter")
    site.window.wait_for_url(f"{SERVER}/activate")

    assert site.posts == [(f"{SERVER}/activate", {"csrf": "csrf-value", "user_code": "wdjb mjht"})]


def test_a_code_that_came_with_a_link_is_sent_with_one_key(visit: Visit) -> None:
    site = visit(enter_user_code(language="en", csrf="csrf-value", user_code="WDJB-MJHT"))

    site.window.keyboard.press("Enter")
    site.window.wait_for_url(f"{SERVER}/activate")

    assert [fields["user_code"] for _, fields in site.posts] == ["WDJB-MJHT"]


@pytest.mark.parametrize("decision", ["allow", "deny", "another_account"])
def test_a_decision_about_a_device_is_sent(visit: Visit, decision: str) -> None:
    site = visit(READ["device"])

    site.window.click(f"button[value={decision}]")
    site.window.wait_for_url(f"{SERVER}/activate")

    assert [(url, fields["decision"]) for url, fields in site.posts] == [(f"{SERVER}/activate", decision)]


@pytest.mark.parametrize("page", READ.values(), ids=READ.keys())
def test_the_focus_can_be_seen_at_every_step(visit: Visit, page: Page) -> None:
    window = visit(page, scripts=True).window
    ring = "getComputedStyle(document.activeElement).outline"

    for _ in range(6):
        window.keyboard.press("Tab")
        outside = window.evaluate("document.activeElement === document.body")
        assert outside or " solid " in window.evaluate(ring)


def test_a_form_is_posted_by_itself(visit: Visit) -> None:
    parameters = {"code": "c", "state": "<&>\"'", "submit": "not a button"}
    page = form_post(redirect_uri=f"{APPLICATION}/callback", parameters=parameters, redirect_source=APPLICATION)

    site = visit(page, scripts=True)
    site.window.wait_for_url(f"{APPLICATION}/callback")

    assert site.posts == [(f"{APPLICATION}/callback", parameters)]
    assert site.complaints == []


def test_a_form_is_posted_by_hand_where_javascript_is_off(visit: Visit) -> None:
    page = form_post(redirect_uri=f"{APPLICATION}/callback", parameters={"code": "c"}, redirect_source=APPLICATION)

    site = visit(page)
    assert site.posts == []
    site.window.keyboard.press("Enter")
    site.window.wait_for_url(f"{APPLICATION}/callback")

    assert site.posts == [(f"{APPLICATION}/callback", {"code": "c"})]


RESPONSE = {"code": "c", "state": "</script>\u2028'\""}
LISTENER = """
<title>application</title>
<script>
  window.heard = [];
  addEventListener("message", ({ origin, data }) => window.heard.push([origin, data]));
</script>
"""
HEARD = [[SERVER, {"type": "authorization_response", "response": RESPONSE}]]


def _message(target: str) -> Page:
    return web_message(target_origin=target, response=RESPONSE, frame_ancestors=[APPLICATION])


def test_the_application_that_frames_the_page_hears_the_response(visit: Visit) -> None:
    site = visit(
        f"{LISTENER}<iframe hidden src='{SERVER}/message'></iframe>", scripts=True, message=_message(APPLICATION)
    )
    site.window.wait_for_function("window.heard.length")

    assert site.window.evaluate("window.heard") == HEARD
    assert site.complaints == []


def test_the_application_that_opened_the_page_hears_the_response(visit: Visit) -> None:
    site = visit(LISTENER, scripts=True, message=_message(APPLICATION))
    site.window.evaluate(f"void window.open('{SERVER}/message')")
    site.window.wait_for_function("window.heard.length")

    assert site.window.evaluate("window.heard") == HEARD


def test_a_window_of_another_origin_hears_nothing(visit: Visit) -> None:
    site = visit(f"{LISTENER}<iframe src='{SERVER}/message'></iframe>", scripts=True, message=_message(STRANGER))
    site.window.frames[1].evaluate("parent.postMessage('the end', '*')")
    site.window.wait_for_function("window.heard.length")

    assert site.window.evaluate("window.heard") == [[SERVER, "the end"]]


def test_nobody_else_can_frame_the_page(visit: Visit) -> None:
    page = web_message(target_origin=APPLICATION, response=RESPONSE, frame_ancestors=[STRANGER])

    site = visit(f"{LISTENER}<iframe src='{SERVER}/message'></iframe>", scripts=True, message=page)

    assert "frame-ancestors" in site.complaint()
    assert site.window.evaluate("window.heard") == []
