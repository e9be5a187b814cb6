"""What holds for every answer of every test here: it is checked after each of them."""

from collections.abc import Iterator

import pytest

from tests import answers
from tests.service import Service


@pytest.fixture(autouse=True)
def _every_answer(service: Service) -> Iterator[None]:
    yield
    answers.check(service)
