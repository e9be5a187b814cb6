"""Which SDK a test replays, for the table of compatibility."""

from collections.abc import Callable

import pytest


@pytest.fixture(autouse=True)
def _sdk(request: pytest.FixtureRequest, record_property: Callable[[str, object], None]) -> None:
    """Note in the report which SDK a test is about, and that its requests and checks are replayed, not run."""
    for name, value in getattr(request.module, "SDK", {}).items():
        record_property(name, value)
