"""Lambda's part with the logs on this machine: what a function writes to standard output is its log, line by line."""

import logging
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, redirect_stdout
from typing import TextIO

from aws_lambda_powertools import Logger

from local.gateway import FUNCTION

type Reader = Callable[[str, int, str], None]
"""Takes a function's name, epoch milliseconds, and a line that it wrote."""


class FunctionLog:
    """Standard output, with readers of what functions write there; what anybody else writes is no log of theirs."""

    def __init__(self, output: TextIO) -> None:
        self._output = output
        self._readers: list[Reader] = []

    def read_by(self, reader: Reader) -> None:
        """Let *reader* have each line from now on."""
        self._readers.append(reader)

    def write(self, text: str) -> int:
        """Write *text*, one or more whole lines."""
        function, at_ms = FUNCTION.get(), time.time_ns() // 1_000_000
        for line in filter(None, text.split("\n") if function else ()):
            for reader in self._readers:
                reader(function, at_ms, line)
        return self._output.write(text)

    def flush(self) -> None:
        """Let everything written arrive."""
        self._output.flush()


@contextmanager
def watched() -> Iterator[FunctionLog]:
    """Yield the log of the functions of this process, which have been imported, until the block ends."""
    output = sys.stdout
    log = FunctionLog(output)
    # Powertools' logger keeps the standard output that there was when it was made.
    handlers = [handler for handler in Logger().handlers if isinstance(handler, logging.StreamHandler)]
    with redirect_stdout(log):
        for handler in handlers:
            handler.setStream(log)
        try:
            yield log
        finally:
            for handler in handlers:
                handler.setStream(output)
