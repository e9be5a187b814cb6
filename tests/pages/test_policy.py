import re
from base64 import b64encode
from hashlib import sha256

import pytest

from heirloom.pages import ErrorKind, Page, error, form_post, signed_out, web_message
from heirloom.pages.policy import origin, redirect_source
from tests.pages.samples import consent_page, login_page, logout_page

HOSTILE_SOURCES = [
    "",
    "*",
    "https://*",
    "https://*.example",
    "'self'",
    "'unsafe-inline'",
    "https://a.example; script-src *",
    "https://a.example https://b.example",
    "https://a.example,https://b.example",
    "https://a.example\r\nSet-Cookie: a=b",
    "https://a.example\n",
    " https://a.example",
    "https://a.example/callback",
    "https://ada@a.example",
    "https://a.example:port",
    "https://",
    "https:",
    "ftp://a.example",
    "//a.example",
    "a.example",
    "https://ä.example",
    "null",
]


def _digest(tag: str, page: Page) -> str:
    (inline,) = re.findall(f"<{tag}>(.*?)</{tag}>", page.html, re.DOTALL)
    return f"'sha256-{b64encode(sha256(inline.encode()).digest()).decode()}'"


def test_a_login_page_may_show_the_logo_and_lead_to_the_application_and_nothing_else() -> None:
    page = login_page()

    assert page.content_security_policy == (
        f"default-src 'none'; style-src {_digest('style', page)}; img-src 'self' data: https://cdn.petals.example; "
        "form-action 'self' https://petals.example; base-uri 'none'; frame-ancestors 'none'"
    )


def test_a_consent_page_has_the_policy_of_a_login_page() -> None:
    assert consent_page().content_security_policy == login_page().content_security_policy


def test_the_question_before_a_logout_has_it_too_and_without_an_address_leads_to_us_alone() -> None:
    assert logout_page().content_security_policy == login_page().content_security_policy
    alone = logout_page(application=None, redirect_source=None).content_security_policy
    assert "img-src 'self' data:; form-action 'self'; " in alone


@pytest.mark.parametrize(
    "page", [error(language="en", kind=ErrorKind.start_again), signed_out(language="en")], ids=["error", "signed out"]
)
def test_a_page_without_a_form_leads_nowhere(page: Page) -> None:
    assert page.content_security_policy == (
        f"default-src 'none'; style-src {_digest('style', page)}; img-src 'self' data:; "
        "form-action 'none'; base-uri 'none'; frame-ancestors 'none'"
    )


def test_a_posted_form_runs_its_script_and_leads_to_the_application_alone() -> None:
    page = form_post(
        redirect_uri="https://petals.example/callback",
        parameters={"code": "c"},
        redirect_source="https://petals.example",
    )

    assert page.content_security_policy == (
        f"default-src 'none'; style-src {_digest('style', page)}; img-src 'self' data:; "
        f"script-src {_digest('script', page)}; form-action https://petals.example; base-uri 'none'; "
        "frame-ancestors 'none'"
    )


@pytest.mark.parametrize(
    ("ancestors", "source"),
    [
        ([], "'none'"),
        (["https://a.example"], "https://a.example"),
        (["https://a.example", "http://localhost:3000"], "https://a.example http://localhost:3000"),
    ],
)
def test_a_web_message_may_be_framed_by_exactly_the_given_origins(ancestors: list[str], source: str) -> None:
    page = web_message(target_origin="https://a.example", response={"code": "c"}, frame_ancestors=ancestors)

    assert page.content_security_policy == (
        f"default-src 'none'; style-src {_digest('style', page)}; img-src 'self' data:; "
        f"script-src {_digest('script', page)}; form-action 'none'; base-uri 'none'; frame-ancestors {source}"
    )


def test_what_a_script_says_depends_on_no_value() -> None:
    """The policy names the script by its hash: data belongs into attributes."""
    one = web_message(target_origin="https://a.example", response={"code": "1"}, frame_ancestors=[])
    other = web_message(target_origin="https://b.example", response={"error": "'\"<"}, frame_ancestors=[])

    assert one.content_security_policy == other.content_security_policy


@pytest.mark.parametrize(
    ("logo", "images"),
    [
        ("https://a.example/logo.png?size=56", "'self' data: https://a.example"),
        ("https://a.example:8443", "'self' data: https://a.example:8443"),
        ("data:image/png;base64,iVBORw0KGgo=", "'self' data:"),
        ("http://a.example/logo.png", "'self' data:"),
        ("javascript:alert(1)", "'self' data:"),
        ("data:text/html;base64,PHNjcmlwdD4=", "'self' data:"),
        ("https://a.example;script-src *", "'self' data:"),
        ("https://a.example /logo.png", "'self' data:"),
        ("https://a.example/\r\nlogo.png", "'self' data:"),
        ('https://a.example/"onerror="alert(1)', "'self' data:"),
        ("https://ada@a.example/logo.png", "'self' data:"),
        ("https://*/logo.png", "'self' data:"),
        (None, "'self' data:"),
    ],
)
def test_only_the_origin_of_a_harmless_logo_is_added(logo: str | None, images: str) -> None:
    assert f"; img-src {images}; " in login_page(logo_uri=logo).content_security_policy


@pytest.mark.parametrize(
    ("given", "source"),
    [
        ("https://app.example", "https://app.example"),
        ("https://APP.example:8443", "https://APP.example:8443"),
        ("http://127.0.0.1:4711", "http://127.0.0.1:4711"),
        ("http://localhost:3000", "http://localhost:3000"),
        ("com.example.app:", "com.example.app:"),
        ("https:", "https:"),
        # Chromium ignores these sources: "… contains an invalid source".
        ("http://[::1]:4711", "http:"),
        ("https://my_app.example", "https:"),
    ],
)
def test_a_redirect_source_is_written_so_that_browsers_understand_it(given: str, source: str) -> None:
    assert f"; form-action 'self' {source}; " in login_page(redirect_source=given).content_security_policy


@pytest.mark.parametrize("source", [*(s for s in HOSTILE_SOURCES if s != "https:"), "javascript:", "DATA:", "1st.app:"])
def test_a_redirect_source_that_would_rewrite_the_policy_is_refused(source: str) -> None:
    with pytest.raises(ValueError, match="not an origin or a scheme"):
        redirect_source(source)
    with pytest.raises(ValueError, match="not an origin or a scheme"):
        login_page(redirect_source=source)
    with pytest.raises(ValueError, match="not an origin or a scheme"):
        consent_page(redirect_source=source)
    with pytest.raises(ValueError, match="not an origin or a scheme"):
        logout_page(redirect_source=source)
    with pytest.raises(ValueError, match="not an origin or a scheme"):
        form_post(redirect_uri="https://a.example/", parameters={}, redirect_source=source)


@pytest.mark.parametrize("text", HOSTILE_SOURCES)
def test_what_is_not_an_origin_neither_frames_nor_receives_a_message(text: str) -> None:
    with pytest.raises(ValueError, match="not an origin"):
        origin(text)
    with pytest.raises(ValueError, match="not an origin"):
        web_message(target_origin=text, response={}, frame_ancestors=[])
    with pytest.raises(ValueError, match="not an origin"):
        web_message(target_origin="https://a.example", response={}, frame_ancestors=["https://a.example", text])


@pytest.mark.parametrize(
    "redirect_uri", ["javascript:alert(1)//https://a.example", "http://a.example/", "//a.example", " https://a.example"]
)
def test_a_form_is_not_posted_to_an_address_of_another_scheme(redirect_uri: str) -> None:
    with pytest.raises(ValueError, match="another scheme"):
        form_post(redirect_uri=redirect_uri, parameters={}, redirect_source="https://a.example")
