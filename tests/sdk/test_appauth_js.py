"""AppAuth-JS in Node.js, as a native application without a secret: the system's browser, a loopback port (RFC 8252)."""

import os
import select
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest
from playwright.sync_api import BrowserContext, Page

from local import processes
from tests.sdk.node import Node
from tests.sdk.running import API, EMAIL, PASSWORD, World
from tests.sdk.story import Tokens, npm_version, tell

SDK = {"sdk": "AppAuth-JS", "version": npm_version("tests/sdk", "@openid/appauth")}
PATIENCE = 15
DONE = "Close your browser to continue"


class Device:
    """Where the application runs. What it opens in the system's browser comes out here."""

    def __init__(self, folder: Path) -> None:
        """Put a program that opens no browser under the names that the real ones have on Linux and macOS."""
        pipe = folder / "opened"
        os.mkfifo(pipe)
        self.pipe = os.open(pipe, os.O_RDWR | os.O_NONBLOCK)
        for name in ("xdg-open", "open"):
            program = folder / name
            program.write_text(f"#!/bin/sh\nprintf %s \"$1\" >'{pipe}'\n")
            program.chmod(0o700)
        self.environment = {"PATH": f"{folder}{os.pathsep}{os.environ['PATH']}"}

    def opened(self) -> str:
        """Wait for the address that the application opens."""
        ready, _, _ = select.select([self.pipe], [], [], PATIENCE)
        assert ready, "the application opened nothing"
        return os.read(self.pipe, select.PIPE_BUF).decode()


class AppAuthJs:
    """The SDK in an application whose person logs in with the browser."""

    client_id, secret = "native", None

    def __init__(self, node: Node, device: Device, page: Page) -> None:
        self.node, self.page = node, page
        node.do("open")
        self.opened = device.opened()
        page.goto(self.opened)

    def log_in(self) -> None:
        self.page.fill("#email", EMAIL)
        self.page.fill("#password", PASSWORD)
        self.page.click("button[value=sign_in]")
        self.finish()

    def finish(self) -> None:
        self.page.get_by_text(DONE).wait_for()
        self.answer = self.node.do("login")

    def tokens(self) -> Tokens:
        return Tokens(self.answer["access_token"], self.answer["refresh_token"], self.answer["id_token"])

    def refresh(self) -> None:
        self.answer = self.node.do("refresh", self.tokens().refresh_token)

    def revoke(self) -> None:
        assert self.node.do("revoke", self.tokens().refresh_token) is True

    def refusal(self) -> str:
        message: str = self.node.failure("refresh", self.tokens().refresh_token)["message"]
        return message


@pytest.fixture(name="device")
def _device(tmp_path: Path) -> Iterator[Device]:
    device = Device(tmp_path)
    yield device
    os.close(device.pipe)


@pytest.fixture(name="node")
def _node(world: World, device: Device) -> Iterator[Node]:
    port = str(processes.free_port())
    with Node.running("appauth.mjs", world.issuer, "native", port, API, environment=device.environment) as node:
        yield node


def test_it_logs_in_refreshes_revokes_and_is_refused(
    world: World, node: Node, device: Device, context: BrowserContext
) -> None:
    client = AppAuthJs(node, device, context.new_page())
    client.log_in()

    # Of an error's body it tells the application nothing.
    tell(client, world, refusal="Bad Request")

    asked = parse_qs(urlsplit(client.opened).query)
    assert asked["code_challenge_method"] == ["S256"]


def test_a_second_login_of_a_native_application_asks_the_person_but_for_no_password(
    node: Node, device: Device, context: BrowserContext
) -> None:
    first = AppAuthJs(node, device, context.new_page())
    first.log_in()

    second = AppAuthJs(node, device, context.new_page())
    second.page.click("button[value=continue]")
    second.finish()

    assert second.tokens().refresh_token != first.tokens().refresh_token
