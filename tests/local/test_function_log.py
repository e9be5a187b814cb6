"""What functions write to standard output on this machine is read line by line, and still written."""

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest
from aws_lambda_powertools import Logger

from local import function_log
from local.gateway import FUNCTION

type Lines = list[tuple[str, str]]
"""Functions' names, and what they wrote."""


@pytest.fixture(autouse=True)
def _service(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """A logger of its own: those of one service share what they write to."""
    monkeypatch.setenv("POWERTOOLS_SERVICE_NAME", request.node.name)


@contextmanager
def reading() -> Iterator[Lines]:
    """No fixture: pytest sets standard output anew before each test."""
    Logger()  # as functions have made it, before anybody reads
    lines: Lines = []
    with function_log.watched() as log:
        log.read_by(lambda function, _, line: lines.append((function, line)))
        yield lines


@pytest.fixture(name="as_function")
def _as_function() -> Iterator[Callable[[str], object]]:
    """Goes on as a function of this name, until the test ends."""
    before = FUNCTION.get()
    yield FUNCTION.set
    FUNCTION.set(before)


def test_what_a_function_writes_is_read_and_written(
    as_function: Callable[[str], object], capsys: pytest.CaptureFixture[str]
) -> None:
    with reading() as lines:
        as_function("token")
        sys.stdout.write("one\n")
        print("two")  # noqa: T201 - as anybody may
        as_function("revoke")
        sys.stdout.write("three \u2028 still three\nfour\n")

    assert lines == [("token", "one"), ("token", "two"), ("revoke", "three \u2028 still three"), ("revoke", "four")]
    assert capsys.readouterr().out == "one\ntwo\nthree \u2028 still three\nfour\n"


def test_what_the_logger_writes_is_read_too(
    as_function: Callable[[str], object], capsys: pytest.CaptureFixture[str]
) -> None:
    with reading() as lines:
        as_function("token")
        Logger().error("mistake")

    [(function, line)] = lines
    assert function == "token"
    assert '"mistake"' in line
    assert capsys.readouterr().out == line + "\n"


def test_what_no_function_writes_is_written_alone(capsys: pytest.CaptureFixture[str]) -> None:
    with reading() as lines:
        sys.stdout.write("ready\n")

    assert lines == []
    assert capsys.readouterr().out == "ready\n"


def test_afterwards_nothing_is_read(as_function: Callable[[str], object], capsys: pytest.CaptureFixture[str]) -> None:
    as_function("token")
    with reading() as lines:
        pass

    sys.stdout.write("one\n")
    Logger().error("mistake")

    assert lines == []
    assert capsys.readouterr().out.count("\n") == 2
