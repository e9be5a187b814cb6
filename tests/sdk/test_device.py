"""openid-client in Node.js, as a device without a browser, whose person says yes or no elsewhere (RFC 8628)."""

import re
from html import unescape
from typing import Any
from urllib.parse import urljoin

import httpx
import jwt

from tests.sdk.node import Node
from tests.sdk.running import API, EMAIL, PASSWORD, SUBJECT, World
from tests.sdk.story import npm_version

SDK = {"sdk": "openid-client", "version": npm_version("tests/sdk", "openid-client")}
CLIENT = "television"


def submit(browser: httpx.Client, page: httpx.Response, **typed: str) -> httpx.Response:
    """Send the last form of a page as a browser would."""
    (*_, (action, inside)) = re.findall(r'<form[^>]* action="(/\w+)"[^>]*>(.*?)</form>', page.text, re.DOTALL)
    fields = re.findall(r'<input[^>]* name="(\w+)"[^>]* value="([^"]*)"', inside)
    form = {name: unescape(value) for name, value in fields} | typed
    return browser.post(urljoin(str(page.url), action), data=form)


def decide(shown: dict[str, Any], decision: str) -> None:
    """Follow the link that the device shows, log in, and press a button."""
    with httpx.Client() as browser:
        login = submit(browser, browser.get(shown["verification_uri_complete"]))
        asked = submit(browser, login, email=EMAIL, password=PASSWORD, action="sign_in")
        assert shown["user_code"] in asked.text
        assert submit(browser, asked, decision=decision).status_code == 200


def test_a_device_polls_until_its_person_says_yes_and_refreshes_then(world: World) -> None:
    with Node.running("device.mjs", world.issuer, CLIENT, API) as node:
        shown = node.do("show")
        assert shown["verification_uri"] == f"{world.issuer}activate"
        assert node.failure("ask_once")["error"] == "authorization_pending"
        decide(shown, "allow")
        granted = node.do("poll")
        refreshed = node.do("refresh", granted["refresh_token"])

    claims = jwt.decode(granted["id_token"], options={"verify_signature": False})
    assert (claims["sub"], claims["aud"]) == (SUBJECT, CLIENT)
    assert refreshed["refresh_token"] != granted["refresh_token"]
    assert world.last_event("sede")["type"] == "sede"


def test_a_device_hears_a_no(world: World) -> None:
    with Node.running("device.mjs", world.issuer, CLIENT, API) as node:
        decide(node.do("show"), "deny")
        failure = node.failure("poll")

    assert (failure["name"], failure["status"], failure["error"]) == ("ResponseBodyError", 400, "access_denied")
