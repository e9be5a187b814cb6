"""The template, parsed once."""

import pytest

from local.template import Template, load


@pytest.fixture(scope="session")
def template() -> Template:
    return load()
