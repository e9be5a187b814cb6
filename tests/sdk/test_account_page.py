"""A person with a laptop and a phone looks at their account, and signs the phone out."""

from collections.abc import Iterator
from contextlib import ExitStack

import pytest
from playwright.sync_api import Browser, BrowserContext, expect

from tests.pages.samples import CHROME, IPHONE
from tests.sdk.running import EMAIL, PASSWORD, World
from tests.sdk.test_auth0_spa_js import SpaJs


@pytest.fixture(name="devices")
def _devices(browser: Browser) -> Iterator[tuple[BrowserContext, BrowserContext]]:
    """The laptop's browser, and the phone's."""
    with ExitStack() as stack:
        laptop, phone = (stack.enter_context(browser.new_context(user_agent=it)) for it in (CHROME, IPHONE))
        for context in (laptop, phone):
            context.set_default_timeout(15_000)
        yield laptop, phone


def test_a_phone_that_is_signed_out_is_refused_and_the_laptop_goes_on(
    world: World, devices: tuple[BrowserContext, BrowserContext]
) -> None:
    phone = SpaJs.logged_in(devices[1], world)
    laptop = SpaJs.logged_in(devices[0], world)
    page = devices[0].new_page()
    page.goto(f"{world.issuer}account?ui_locales=en")
    expect(page.get_by_role("heading", level=1)).to_have_text("Where you are signed in")
    expect(page.get_by_text("Chrome on Windows This browser").first).to_be_visible()

    page.get_by_role("button", name="Sign out Patient, Safari on iPhone").first.click()

    expect(page.get_by_role("status")).to_be_focused()
    expect(page.get_by_role("status")).to_have_text("The device is signed out.")
    assert phone.refusal() == "invalid_grant"
    assert laptop.refusal() is None
    assert world.last_event("srrt")["reason"] == "revoked_by_user"


def test_a_browser_that_is_signed_out_asks_for_the_password_again(
    world: World, devices: tuple[BrowserContext, BrowserContext]
) -> None:
    """And whoever is signed in nowhere signs in for the page itself."""
    phone = SpaJs.logged_in(devices[1], world)
    page = devices[0].new_page()
    page.goto(f"{world.issuer}account?ui_locales=de")
    page.fill("#email", EMAIL)
    page.fill("#password", PASSWORD)
    page.click("button[value=sign_in]")
    page.wait_for_url(f"{world.issuer}account?ui_locales=de")

    page.get_by_role("button", name="Abmelden Safari unter iPhone").first.click()

    expect(page.get_by_role("status")).to_contain_text("Der Browser ist abgemeldet")
    assert phone.refusal() == "invalid_grant"
    again = devices[1].new_page()
    again.goto(f"{world.issuer}account")
    expect(again.locator("#password")).to_be_visible()
