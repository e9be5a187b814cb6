"""oidc-client-ts in Chromium: `signoutRedirect()`."""

import re

from playwright.sync_api import BrowserContext

from tests.sdk.running import EMAIL, World
from tests.sdk.story import npm_version
from tests.sdk.test_oidc_client_ts import OidcClientTs

SDK = {"sdk": "oidc-client-ts", "version": npm_version("tests/sdk", "oidc-client-ts")}
SIGN_OUT = "(manager, home) => { manager.signoutRedirect({ post_logout_redirect_uri: home }); }"


def logged_in(context: BrowserContext, world: World) -> bool:
    """Tell whether the browser has a session."""
    return "heirloom" in {cookie.get("name") for cookie in context.cookies(world.issuer)}


def test_it_signs_out_with_its_id_token_and_nobody_is_asked(world: World, context: BrowserContext) -> None:
    client = OidcClientTs(context, world)
    assert logged_in(context, world)

    with client.window.page.expect_navigation(url=world.site):
        client.manager.evaluate(SIGN_OUT, world.site)

    assert not logged_in(context, world)


def test_it_signs_out_without_an_id_token_and_the_person_is_asked(world: World, context: BrowserContext) -> None:
    client = OidcClientTs(context, world)
    client.manager.evaluate("manager => manager.removeUser()")
    page = client.window.page

    with page.expect_navigation(url=re.compile(re.escape(f"{world.issuer}oidc/logout?"))):
        client.manager.evaluate(SIGN_OUT, world.site)
    assert EMAIL in page.inner_text("main")
    assert logged_in(context, world)
    with page.expect_navigation(url=world.site):
        page.click("button")

    assert not logged_in(context, world)
    assert client.window.complaints == []
