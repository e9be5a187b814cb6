"""The page about errors has all that there are, with their status, and no others."""

import re
from collections.abc import Iterator

from heirloom import http
from heirloom.domain.errors import OAuthError
from local.template import ROOT

PAGE = (ROOT / "docs/errors.md").read_text("utf-8")
ROW = re.compile(r"^\| `(?P<error>[a-z_]+)` \|(?: (?P<status>\d+) \|)?", re.MULTILINE)


def errors(base: type[OAuthError] = OAuthError) -> Iterator[type[OAuthError]]:
    for error in base.__subclasses__():
        yield error
        yield from errors(error)


def test_every_error_is_explained_and_none_that_there_is_not() -> None:
    assert {row["error"] for row in ROW.finditer(PAGE)} == {error.error for error in errors()}


def test_every_error_is_explained_with_its_status() -> None:
    explained = {(row["error"], int(row["status"])) for row in ROW.finditer(PAGE) if row["status"]}
    assert explained <= {(error.error, error.status) for error in errors()}
    assert len(explained) > 5


def test_a_fault_is_explained() -> None:
    fault = http.unavailable()
    assert f"HTTP/1.1 {fault.status} " in PAGE
    assert fault.body in PAGE
