"""One running service for all SDKs, and one that speaks TLS; a browser for those that live in one."""

from collections.abc import Generator, Iterator

import pytest
from playwright.sync_api import Browser, BrowserContext

from tests.sdk import running
from tests.sdk.running import World
from tests.sdk.window import chromium


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Add to a failure what the service knows about it, and tells no client."""
    report = yield
    world = getattr(item, "funcargs", {}).get("world")
    if report.failed and isinstance(world, World):
        report.sections.append(("what the service logged last", world.last_reasons()))
    return report


@pytest.fixture(scope="session", name="world")
def _world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    with running.world(tmp_path_factory.mktemp("sdk"), running.tenant_file) as world:
        yield world


@pytest.fixture(scope="session", name="secure_world")
def _secure_world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    with running.secure_world(tmp_path_factory.mktemp("sdk"), running.tenant_file) as world:
        yield world


@pytest.fixture(scope="module", name="browser")
def _browser() -> Iterator[Browser]:
    # No longer than a module: others have event loops of their own.
    with chromium() as browser:
        yield browser


@pytest.fixture(name="context")
def _context(browser: Browser) -> Iterator[BrowserContext]:
    with browser.new_context() as context:
        context.set_default_timeout(15_000)
        yield context
