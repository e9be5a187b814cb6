"""Clickjacking, and what else only a real browser can tell: foreign cookies, scripts, messages, referrers."""

import threading
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl, urlencode

import pytest
from playwright.sync_api import Browser, BrowserContext, Dialog, Page

from local import gateway
from tests.attacks import network
from tests.sdk import tls
from tests.sdk.window import chromium
from tests.service import ALICE, BOB, ISSUER, ORIGIN, PASSWORD, SPA, THIRD_PARTY, Service, authorization_request

if TYPE_CHECKING:
    from wsgiref.types import StartResponse, WSGIApplication, WSGIEnvironment

EVIL = "https://evil.example"
SIBLING = "https://sibling.login.example"
HOSTS = ("login.example", "sibling.login.example", "app.example", "evil.example")


class Web:
    """A web of four sites: ours, the application's, the attacker's, and one of the attacker's beside ours."""

    def __init__(self) -> None:
        self.ours: WSGIApplication | None = None
        self.documents: dict[str, str] = {}
        self.cookies: dict[str, list[str]] = {}
        self.requests: list[dict[str, str]] = []
        """What the other sites were asked: address, method, referrer, body."""
        self._noting = threading.Lock()

    def __call__(self, environ: "WSGIEnvironment", start_response: "StartResponse") -> Iterable[bytes]:
        """Answer in the name of whichever host is asked."""
        host = environ["HTTP_HOST"]
        if host == "login.example" and self.ours is not None:
            return self.ours(environ, start_response)
        address = f"https://{host}{environ['PATH_INFO']}"
        body = environ["wsgi.input"].read().decode()
        with self._noting:
            noted = {"address": f"https://{host}{environ['REQUEST_URI']}", "method": environ["REQUEST_METHOD"]}
            self.requests.append({**noted, "referrer": environ.get("HTTP_REFERER", ""), "body": body})
        cookies = [("Set-Cookie", cookie) for cookie in self.cookies.get(address, [])]
        start_response("200 OK", [("Content-Type", "text/html; charset=utf-8"), *cookies])
        return [f"<!DOCTYPE html><title>A site</title>{self.documents.get(address, '')}".encode()]

    def asked(self, address: str) -> list[dict[str, str]]:
        """What was asked for below an address."""
        return [it for it in self.requests if it["address"].startswith(address)]


@pytest.fixture(scope="module", name="web")
def _web() -> Web:
    return Web()


@pytest.fixture(scope="module", name="browser")
def _browser(web: Web, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    """The system's browser, for which these four sites are the web."""
    context = tls.certificate(Path(tmp_path_factory.mktemp("attacks")), *HOSTS)
    sockets = gateway.listen(0)
    port = sockets[0].getsockname()[1]
    with gateway.serving(web, sockets), tls.before(port, context) as address:
        secure = address.rpartition(":")[2].removesuffix("/")
        with chromium(f"--host-resolver-rules=MAP * 127.0.0.1:{secure}", "--ignore-certificate-errors") as browser:
            yield browser


@pytest.fixture(name="context")
def _context(browser: Browser, web: Web, service: Service, clock: None) -> Iterator[BrowserContext]:  # noqa: ARG001
    """A person's browser, empty."""
    web.ours = network.application(service)
    web.documents, web.cookies, web.requests = {}, {}, []
    with browser.new_context(ignore_https_errors=True) as context:
        context.set_default_timeout(15_000)
        yield context


def address_of(path: str, **query: str) -> str:
    return f"{ISSUER}{path}" + (f"?{urlencode(query)}" if query else "")


def authorize(**changes: str) -> str:
    return address_of("authorize", **(authorization_request(SPA) | changes))


def sign_in(page: Page, address: str, email: str = ALICE.email) -> None:
    """Log in at an address of ours, as a person does."""
    page.goto(address)
    page.fill("#email", email)
    page.fill("#password", PASSWORD)
    page.click("button[value=sign_in]")


def who_is_signed_in(context: BrowserContext) -> str:
    """What our account page says, in a window of its own."""
    page = context.new_page()
    page.goto(f"{ISSUER}account")
    text = page.inner_text("body")
    page.close()
    return next((user.email for user in (ALICE, BOB) if user.email in text.replace("\u200b", "")), "nobody")


def framed(address: str) -> str:
    return f'<iframe src="{address.replace("&", "&amp;")}" style="opacity: 0.01"></iframe>'


def posting(target: str, **fields: str) -> str:
    """A form of the attacker's that posts itself."""
    inputs = "".join(f'<input name="{name}" value="{value}">' for name, value in fields.items())
    return f'<form method="post" action="{target}">{inputs}</form><script>document.forms[0].submit()</script>'


def test_no_page_on_which_somebody_clicks_shows_in_the_attackers_frame(context: BrowserContext, web: Web) -> None:
    """RFC 9700 §4.16, RFC 6819 §4.4.1.9: all that a person who is logged in can click on."""
    page = context.new_page()
    sign_in(page, authorize())
    page.wait_for_url(f"{ORIGIN}/callback*")
    third_party = authorization_request(THIRD_PARTY)
    targets = {
        "login": authorize(prompt="login"),
        "login that asks for a web message": authorize(prompt="login", response_mode="web_message"),
        "consent": address_of("authorize", **third_party),
        "account": address_of("account"),
        "logout": address_of("oidc/logout", client_id="spa"),
        "activation": address_of("activate", user_code="BCDF-GHJK"),
        "error": address_of("authorize"),
    }
    for name, target in targets.items():
        page.goto(target)
        assert page.locator("h1").count() == 1, f"{name}, on its own"
        assert page.locator("form, a, [role=alert]").count(), name
    for site in (EVIL, ORIGIN, SIBLING):
        web.documents[f"{site}/"] = "".join(map(framed, targets.values()))
        page.goto(f"{site}/")
        contents = [it for it in page.frames if it.parent_frame is not None]
        assert len(contents) == len(targets)
        for content in contents:
            content.wait_for_url("chrome-error://chromewebdata/")
    web.documents[f"{EVIL}/"] = framed(f"{EVIL}/other")
    web.documents[f"{EVIL}/other"] = "<h1>Shown</h1>"
    page.goto(f"{EVIL}/")
    assert page.frame_locator("iframe").locator("h1").inner_text() == "Shown", "what forbids nothing does show"


def test_no_form_of_another_site_acts_with_the_persons_cookies(context: BrowserContext, web: Web) -> None:
    """RFC 9700 §4.7, RFC 6819 §4.4.1.8, RFC 6819 §4.4.1.10: sign-out, login, consent; also from beside us."""
    page = context.new_page()
    sign_in(page, address_of("account"))
    page.wait_for_url(f"{ISSUER}account")
    csrf = page.locator("input[name=csrf]").first.get_attribute("value") or ""
    request = urlencode(authorization_request(SPA)).replace("&", "&amp;")
    credentials = {"email": BOB.email, "password": PASSWORD, "action": "sign_in"}
    for site in (EVIL, SIBLING):
        for form in (
            posting(f"{ISSUER}account", everything="all", csrf=csrf),
            posting(f"{ISSUER}login", request=request, csrf=csrf, **credentials),
            posting(f"{ISSUER}login", request="account:", csrf="", **credentials),
            posting(f"{ISSUER}consent", request=request, csrf=csrf, decision="allow"),
        ):
            web.documents[f"{site}/"] = form
            page.goto(f"{site}/")
            page.wait_for_url(f"{ISSUER}*")
            assert page.locator("[role=alert]").count() == 1, "even with the right value, which no site can read"
            assert who_is_signed_in(context) == ALICE.email
    page.goto(f"{ISSUER}account")
    page.click("summary")
    page.click("button[value=all]")
    page.wait_for_load_state()
    assert who_is_signed_in(context) == "nobody", "which the person's own click does"


def test_no_site_beside_ours_plants_a_cookie_of_ours(context: BrowserContext, web: Web, service: Service) -> None:
    """RFC 9700 §4.7, RFC 6819 §4.4.1.10: the attacker's session, tossed from a subdomain."""
    attackers = service.cookies
    service.log_in(email=BOB.email)
    value = attackers["__Host-heirloom"]
    page = context.new_page()
    sign_in(page, address_of("account"))
    page.wait_for_url(f"{ISSUER}account")
    names = ("__Host-heirloom", "__Host-heirloom-csrf", "heirloom")
    web.cookies[f"{SIBLING}/"] = [
        f"{name}={value}; Domain=login.example; Path={path}; Secure" for name in names for path in ("/", "/account")
    ]
    script = "".join(f"document.cookie = '{cookie}';" for cookie in web.cookies[f"{SIBLING}/"])
    web.documents[f"{SIBLING}/"] = f"<script>{script}</script>"
    page.goto(f"{SIBLING}/")

    assert who_is_signed_in(context) == ALICE.email
    ours = {it.get("name"): it for it in context.cookies(ISSUER)}
    assert ours["__Host-heirloom"].get("value") != value
    assert ours["heirloom"].get("value") == value, "one without the prefix is planted, and means nothing to us"
    assert all(ours[name].get("httpOnly") and ours[name].get("secure") for name in names[:2])


@pytest.mark.parametrize("mode", ["form_post", "web_message"])
def test_no_value_of_a_request_becomes_a_script(context: BrowserContext, web: Web, mode: str) -> None:
    """RFC 9700 §4.17, RFC 6819 §4.4.2.4: `state`, on the two pages of ours that do have a script."""
    page = context.new_page()
    alarms: list[str] = []

    def note(dialog: Dialog) -> None:
        alarms.append(dialog.message)
        dialog.dismiss()

    page.on("dialog", note)
    sign_in(page, authorize())
    page.wait_for_url(f"{ORIGIN}/callback*")
    for state in (
        '"><script>alert(1)</script>',
        "</script><script>alert(1)</script>",
        "'><img src=x onerror=alert(1)>",
        "&quot;&gt;&lt;script&gt;alert(1)&lt;/script&gt;",
        "javascript:alert(1)",
        "{{7*7}}${alert(1)}\\u003cscript\\u003ealert(1)\\u003c/script\\u003e\u2028alert(1)",
    ):
        target = authorize(state=state, response_mode=mode, prompt="none")
        if mode == "form_post":
            page.goto(target)
            page.wait_for_url(f"{ORIGIN}/callback")
            assert dict(parse_qsl(web.asked(f"{ORIGIN}/callback")[-1]["body"]))["state"] == state
        else:
            assert heard(page, web, ORIGIN, target)["state"] == state
    assert alarms == []


OPEN = {
    "frame": "t => { const f = document.createElement('iframe'); f.src = t; document.body.append(f); }",
    "window": "t => { window.open(t); }",
}


def listen(page: Page, web: Web, site: str) -> None:
    """Have a page of *site* keep what it hears."""
    web.documents[f"{site}/"] = "<script>addEventListener('message', e => (window.heard = e.data))</script>"
    page.goto(f"{site}/")


def heard(page: Page, web: Web, site: str, target: str, how: str = "window") -> dict[str, Any]:
    """What a page of *site* hears of our answer, if it frames *target* or opens it as a window."""
    listen(page, web, site)
    page.evaluate(OPEN[how], target)
    answer: dict[str, Any] = page.wait_for_function("window.heard").json_value()["response"]
    return answer


def silent(page: Page, web: Web, site: str, target: str, how: str) -> bool:
    """Whether *site* hears nothing of an answer that has come: the target was loaded, or refused to be."""
    listen(page, web, site)
    if how == "frame":
        page.evaluate(OPEN[how], target)
        frame = page.locator("iframe").element_handle().content_frame()
        assert frame is not None
        frame.wait_for_load_state()
    else:
        with page.expect_popup() as opened:
            page.evaluate(OPEN[how], target)
        opened.value.wait_for_load_state()
        opened.value.close()
    return page.evaluate("window.heard ?? null") is None


def test_no_other_origin_hears_a_web_message(context: BrowserContext, web: Web) -> None:
    """RFC 9700 §4.17.1, RFC 9700 §4.6: the application hears it, as frame and as window."""
    page = context.new_page()
    sign_in(page, authorize())
    page.wait_for_url(f"{ORIGIN}/callback*")
    target = authorize(prompt="none", response_mode="web_message")
    for how in ("frame", "window"):
        answer = heard(page, web, ORIGIN, target, how)
        assert ("code" if how == "window" else "iss") in answer, (
            "in frames browsers keep the cookie of another site back"
        )
        for site in (EVIL, SIBLING):
            assert silent(page, web, site, target, how), (site, how)


def test_no_script_of_another_origin_reads_what_the_person_would_see(context: BrowserContext) -> None:
    """RFC 9700 §4.17, RFC 6819 §4.4.2.4: with the cookie, which is `SameSite=None`."""
    page = context.new_page()
    sign_in(page, address_of("account"))
    page.wait_for_url(f"{ISSUER}account")
    read = "t => fetch(t, {credentials: 'include'}).then(r => r.text(), () => 'refused')"
    for site in (EVIL, SIBLING, ORIGIN):
        page.goto(f"{site}/")
        for path in ("account", "authorize", "userinfo", "v2/logout?returnTo=x", "activate"):
            assert page.evaluate(read, f"{ISSUER}{path}") == "refused", (site, path)
        assert "jwks_uri" in page.evaluate(
            "t => fetch(t).then(r => r.text())", f"{ISSUER}.well-known/openid-configuration"
        )
    assert who_is_signed_in(context) == ALICE.email


def test_neither_password_nor_address_goes_along_to_the_application(context: BrowserContext, web: Web) -> None:
    """RFC 9700 §4.2.1, RFC 9700 §4.12, RFC 6819 §4.6.7, RFC 6819 §4.4.3.4: no body, no referrer."""
    page = context.new_page()
    sign_in(page, authorize())
    page.wait_for_url(f"{ORIGIN}/callback*")
    (callback,) = web.asked(f"{ORIGIN}/callback")

    assert (callback["method"], callback["body"], callback["referrer"]) == ("GET", "", "")
    assert "code=" in callback["address"]
    assert PASSWORD not in repr(web.requests)
    web.documents[f"{ORIGIN}/callback"] = '<a id="link" href="https://evil.example/">a picture of a third party</a>'
    page.goto(authorize())
    page.click("#link")
    page.wait_for_url(f"{EVIL}/")
    assert web.asked(EVIL)[0]["referrer"] in {"", f"{ORIGIN}/"}, "browsers' own default, on the application's page"
