"""What a command says: lines to a person, or with `--json` one object to a program, on standard output.

Remarks, progress and, to a person, failures go to standard error.
"""

import argparse
import enum
import json
import sys
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from datetime import datetime


class Status(enum.IntEnum):
    """The exit statuses of all commands."""

    DONE = 0
    FAILED = 1
    """The store does not answer, or does not allow it, or nobody agreed to it."""
    INVALID = 2
    """A file or an argument is no good. Nothing was changed."""
    INTERRUPTED = 130


@dataclass(frozen=True, slots=True)
class Problem:
    """Something to say about one place of a file."""

    file: str
    line: int | None
    path: str
    text: str

    def __str__(self) -> str:
        """Say it as compilers do."""
        place = self.file if self.line is None else f"{self.file}:{self.line}"
        return ": ".join(filter(None, (place, self.path, self.text)))


class Failure(Exception):
    """Ends a command."""

    def __init__(
        self,
        message: str,
        *,
        status: Status = Status.FAILED,
        problems: Iterable[Problem] = (),
        beside: Mapping[str, object] | None = None,
    ) -> None:
        """Take what to say, and what the answer of the command has beside it, by name."""
        super().__init__(message)
        self.status = status
        self.problems = tuple(problems)
        self.beside = beside or {}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Let a command be told to speak to a program."""
    parser.add_argument("--json", action="store_true", help="answer with one JSON object, also about a failure")


def answer(options: argparse.Namespace, document: Mapping[str, object], lines: Iterable[str]) -> None:
    """Give the answer of a command."""
    if options.json:
        print(json.dumps(document, indent=2, ensure_ascii=False, default=_plain))
    else:
        say(lines)


def say(lines: Iterable[str]) -> None:
    """Say something to a person who waits for the answer."""
    for line in lines:
        print(line, flush=True)


def remark(lines: Iterable[str]) -> None:
    """Say something that is no part of the answer."""
    for line in lines:
        print(line, file=sys.stderr, flush=True)


def require_consent(options: argparse.Namespace) -> None:
    """Raise `Failure` where a command with `--yes` was not told so and has nobody to ask."""
    if not options.yes and (options.json or not sys.stdin.isatty()):
        raise Failure("nothing was changed: nobody can be asked here, so say --yes", status=Status.INVALID)


def ask() -> None:
    """Ask whether what was shown is to be done; raise `Failure` if it is not."""
    print("Change this? [y/N] ", end="", file=sys.stderr, flush=True)
    if sys.stdin.readline().strip().casefold() not in {"y", "yes"}:
        raise Failure("nothing was changed")


def fail(options: argparse.Namespace, failure: Failure) -> Status:
    """Say why a command ends; return its exit status."""
    if options.json:
        error = {
            "status": failure.status,
            "message": str(failure),
            "problems": failure.problems,
        }
        answer(options, {**failure.beside, "error": error}, ())
    else:
        remark(map(str, failure.problems or (failure,)))
    return failure.status


def _plain(value: object) -> object:
    if isinstance(value, Problem):
        return asdict(value)
    if isinstance(value, datetime):
        return value.isoformat()
    raise TypeError(f"no JSON for {type(value).__name__}")
