"""oidc-client-ts in Chromium, from discovery on."""

from typing import Any

from playwright.sync_api import BrowserContext, JSHandle

from tests.sdk.running import World
from tests.sdk.story import Tokens, npm_version, tell
from tests.sdk.window import Window

SDK = {"sdk": "oidc-client-ts", "version": npm_version("tests/sdk", "oidc-client-ts")}
NEW = "settings => new oidc.UserManager(settings)"


class OidcClientTs:
    """The SDK's `UserManager` in a window, with its user in sessionStorage."""

    client_id, secret = "patient", None

    def __init__(self, context: BrowserContext, world: World) -> None:
        self.world = world
        self.window = Window.on(context, world)
        self._load().evaluate("manager => { manager.signinRedirect(); }")
        self.window.sign_in()
        self.manager = self._load()
        self.manager.evaluate("manager => manager.signinRedirectCallback()")

    def tokens(self) -> Tokens:
        user: dict[str, Any] = self.manager.evaluate("manager => manager.getUser()")
        return Tokens(user["access_token"], user["refresh_token"], user["id_token"])

    def refresh(self) -> None:
        self.manager.evaluate("manager => manager.signinSilent()")

    def revoke(self) -> None:
        self.revoked = self.tokens().refresh_token
        self.manager.evaluate("manager => manager.revokeTokens(['refresh_token'])")

    def refusal(self) -> str:
        error: str = self.manager.evaluate(
            """
            async (manager, revoked) => {
              // It forgot what it revoked: here is an application that did not.
              const user = await manager.getUser();
              user.refresh_token = revoked;
              await manager.storeUser(user);
              return manager.signinSilent().catch(({ error }) => error);
            }
            """,
            self.revoked,
        )
        return error

    def _load(self) -> JSHandle:
        self.window.page.add_script_tag(url="/oidc-client-ts.js")
        settings = {
            "authority": self.world.issuer,
            "client_id": self.client_id,
            "redirect_uri": self.world.site,
            "scope": "openid profile email offline_access",
            "loadUserInfo": True,
            "automaticSilentRenew": False,
        }
        return self.window.make(NEW, settings)


def test_it_logs_in_refreshes_revokes_and_is_refused(world: World, context: BrowserContext) -> None:
    client = OidcClientTs(context, world)

    tell(client, world)

    assert client.window.complaints == []
