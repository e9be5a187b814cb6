"""A contender: a process of its own that is told what to do, and says what it took."""

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any, Final

_GRACE: Final = 10.0  # seconds between the end of its questions and its own


class ContenderFailed(RuntimeError):
    """A contender ended, or cannot do what it was asked; the message has what it printed last."""


@dataclass(frozen=True, slots=True)
class Contender:
    """A running contender."""

    process: subprocess.Popen[str]
    answers: IO[str]
    said: IO[bytes]
    hello: Mapping[str, Any]
    """What it said when it was ready: a server's `url`, a peer's first `tokens`."""

    def ask(self, do: str, **arguments: object) -> dict[str, Any]:
        """Return its answer; raise `ContenderFailed`."""
        if self.process.stdin is None:
            raise ContenderFailed("nobody listens")
        try:
            print(json.dumps({"do": do, **arguments}), file=self.process.stdin, flush=True)
        except BrokenPipeError:
            raise ContenderFailed(_last_words(self.said)) from None
        return _answer(self.answers, self.said)

    def resident_mb(self) -> float:
        """Return the memory that it has at this moment."""
        command = ["ps", "-o", "rss=", "-p", str(self.process.pid)]
        return int(subprocess.run(command, capture_output=True, text=True, check=True).stdout) / 1024


@contextmanager
def running(command: Sequence[str | Path], environment: Mapping[str, str]) -> Iterator[Contender]:
    """Run a contender until the block ends. It ends by itself when its standard input does, however we end.

    What it logs is written, as in production, to where nobody reads it.
    """
    ours, theirs = os.pipe()
    with os.fdopen(ours, encoding="utf-8") as answers, tempfile.TemporaryFile() as said:
        process = subprocess.Popen(
            command,
            env={**environment, "CONTROL_FD": str(theirs)},
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=said,
            pass_fds=[theirs],
            text=True,
            process_group=0,
        )
        os.close(theirs)
        try:
            yield Contender(process, answers, said, _answer(answers, said))
        finally:
            _end(process)


@contextmanager
def ours(module: str, environment: Mapping[str, str]) -> Iterator[Contender]:
    """Run a module of this package as a contender, with this Python."""
    command = [sys.executable, "-m", f"benchmarks.performance.{module}"]
    with running(command, environment) as contender:
        yield contender


def _answer(answers: IO[str], said: IO[bytes]) -> dict[str, Any]:
    line = answers.readline()
    if not line:
        raise ContenderFailed(_last_words(said))
    answer: dict[str, Any] = json.loads(line)
    return answer


def _last_words(said: IO[bytes]) -> str:
    said.seek(0)
    return said.read().decode(errors="replace")[-4000:]


def _end(process: subprocess.Popen[str]) -> None:
    if process.stdin:
        process.stdin.close()
    try:
        process.wait(_GRACE)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
