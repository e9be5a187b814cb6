"""SDKs for Node.js: a process with one in it, which a test tells what to do."""

import json
import os
import subprocess
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import IO, Any, Self

from local.template import ROOT

FOLDER = ROOT / "tests/sdk"


class Node:
    """A process that does the deeds of its script, one after the other."""

    def __init__(self, orders: IO[str], answers: IO[str]) -> None:
        self._orders, self._answers = orders, answers

    @classmethod
    @contextmanager
    def running(cls, script: str, *arguments: str, environment: Mapping[str, str] | None = None) -> Iterator[Self]:
        """Run a script of this folder until the block ends, with *environment* on top of ours."""
        command = ["node", script, *arguments]
        with subprocess.Popen(
            command,
            cwd=FOLDER,
            env={**os.environ, **(environment or {})},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        ) as process:
            assert process.stdin is not None
            assert process.stdout is not None
            try:
                yield cls(process.stdin, process.stdout)
            finally:
                process.terminate()

    def do(self, deed: str, argument: object = None) -> Any:
        """Return the result of a deed that must not fail."""
        answer = self._answer(deed, argument)
        assert "failure" not in answer, answer
        return answer["result"]

    def failure(self, deed: str, argument: object = None) -> dict[str, Any]:
        """Return what the application sees of a deed's failure."""
        failure: dict[str, Any] = self._answer(deed, argument)["failure"]
        return failure

    def _answer(self, deed: str, argument: object) -> dict[str, Any]:
        self._orders.write(json.dumps({"deed": deed, "argument": argument}) + "\n")
        self._orders.flush()
        answer: dict[str, Any] = json.loads(self._answers.readline())
        return answer
