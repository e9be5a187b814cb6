"""A contender: a process of its own that is told what to do, and says what it took."""

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any, Final

type Answer = dict[str, Any]

_GRACE: Final = 10.0  # seconds between the end of its questions and its own


class ContenderFailed(RuntimeError):
    """A contender ended, or cannot do what it was asked; the message has what it printed last."""


@dataclass(frozen=True, slots=True)
class _Channel:
    """The lines that go to a contender and come from it."""

    process: subprocess.Popen[str]
    questions: IO[str]
    answers: IO[str]
    printed: IO[bytes]

    def send(self, question: Mapping[str, object]) -> None:
        try:
            print(json.dumps(question), file=self.questions, flush=True)
        except BrokenPipeError:
            raise self._failed() from None

    def receive(self) -> Answer:
        line = self.answers.readline()
        if not line:
            raise self._failed()
        answer: Answer = json.loads(line)
        return answer

    def _failed(self) -> ContenderFailed:
        self.process.wait(_GRACE)
        self.printed.seek(0)
        return ContenderFailed(self.printed.read().decode(errors="replace")[-4000:])


@dataclass(frozen=True, slots=True)
class Contender:
    """A running contender."""

    channel: _Channel
    hello: Answer
    """What it said when it was ready: a server's `url`, a peer's first `tokens`."""

    def ask(self, do: str, **arguments: object) -> Answer:
        """Return its answer; raise `ContenderFailed`."""
        self.channel.send({"do": do, **arguments})
        return self.channel.receive()

    def resident_mb(self) -> float:
        """Return the memory that it has at this moment."""
        command = ["ps", "-o", "rss=", "-p", str(self.channel.process.pid)]
        return int(subprocess.run(command, capture_output=True, text=True, check=True).stdout) / 1024


@contextmanager
def running(command: Sequence[str | Path], environment: Mapping[str, str]) -> Iterator[Contender]:
    """Run a contender until the block ends. It ends by itself when its standard input does, however we end.

    What it logs is written, as in production, to where nobody reads it.
    """
    ours, theirs = os.pipe()
    with os.fdopen(ours, encoding="utf-8") as answers, tempfile.TemporaryFile() as printed:
        process = subprocess.Popen(
            command,
            env={**environment, "CONTROL_FD": str(theirs)},
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=printed,
            pass_fds=[theirs],
            text=True,
            process_group=0,  # a Ctrl-C at the terminal reaches us alone
        )
        os.close(theirs)
        try:
            if process.stdin is None:
                raise ContenderFailed("it has no standard input")
            channel = _Channel(process, process.stdin, answers, printed)
            yield Contender(channel, channel.receive())
        finally:
            _end(process)


@contextmanager
def ours(module: str, environment: Mapping[str, str]) -> Iterator[Contender]:
    """Run a module of this package as a contender, with this Python."""
    command = [sys.executable, "-m", f"benchmarks.performance.{module}"]
    with running(command, environment) as contender:
        yield contender


def _end(process: subprocess.Popen[str]) -> None:
    """Leave it without questions, then insist; either way it is gone on return."""
    if process.stdin:
        with suppress(BrokenPipeError):
            process.stdin.close()
    try:
        process.wait(_GRACE)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
