"""express-openid-connect with `pushedAuthorizationRequests`."""

from urllib.parse import parse_qs, urlsplit

import httpx

from local import processes
from tests.sdk.node import FOLDER
from tests.sdk.running import API, SECRET, SUBJECT, World, log_in
from tests.sdk.story import npm_version

SDK = {"sdk": "express-openid-connect", "version": npm_version("tests/sdk", "express-openid-connect")}


def test_it_pushes_its_request_and_logs_in(world: World) -> None:
    settings = [world.issuer, world.server, "basic", SECRET, "client_secret_basic", API, "/oidc/logout", "pushing"]
    with (
        processes.server(["node", FOLDER / "express_application.mjs", *settings], url=world.server),
        httpx.Client(base_url=world.server, follow_redirects=False) as browser,
    ):
        url = browser.get("login").headers["location"]
        assert parse_qs(urlsplit(url).query).keys() == {"client_id", "request_uri"}

        browser.get(log_in(url))

        held = browser.get("").json()
        assert held["user"]["sub"] == SUBJECT
        assert held["refresh_token"]
