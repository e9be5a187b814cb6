"""Somebody who administers, and what holds for every answer."""

import pytest

from tests.management.administrator import Administrator
from tests.service import Service


@pytest.fixture(name="admin")
def _admin(service: Service) -> Administrator:
    return Administrator(service)
