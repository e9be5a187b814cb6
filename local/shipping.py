"""Lambda's part with the logs on this machine: what a function writes goes to its log group on the local AWS."""

import logging
import queue
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Final

from botocore.exceptions import BotoCoreError, ClientError

from heirloom.wiring import common
from local import gateway, stack

if TYPE_CHECKING:
    from mypy_boto3_logs.client import CloudWatchLogsClient

_STREAM: Final = "local"

type _Line = tuple[str, int, str]
"""A function's name, epoch milliseconds, and what it wrote."""


class _Shipped(logging.Handler):
    """Hands on each line with the function that wrote it; nobody waits until it has arrived."""

    def __init__(self, lines: "queue.SimpleQueue[_Line | None]", formatter: logging.Formatter | None) -> None:
        super().__init__()
        self._lines = lines
        self.formatter = formatter

    def emit(self, record: logging.LogRecord) -> None:
        self._lines.put((gateway.FUNCTION.get(), round(record.created * 1000), self.format(record)))


@contextmanager
def shipping(endpoint: str, prefix: str) -> Iterator[None]:
    """Ship what the functions of this process log until the block ends, to groups whose names begin with *prefix*."""
    lines: queue.SimpleQueue[_Line | None] = queue.SimpleQueue()
    logger = common.logger()
    shipper = threading.Thread(target=_ship, args=(lines, stack.client("logs", endpoint), prefix), daemon=True)
    shipper.start()
    logger.addHandler(_Shipped(lines, logger.registered_formatter))
    try:
        yield
    finally:
        lines.put(None)
        shipper.join()


def _ship(lines: "queue.SimpleQueue[_Line | None]", logs: "CloudWatchLogsClient", prefix: str) -> None:
    streams: set[str] = set()
    while (line := lines.get()) is not None:
        function, at_ms, message = line
        group = prefix + function
        # A line that is lost here is no more than that: the terminal has it too.
        with suppress(ClientError, BotoCoreError):
            if group not in streams:
                logs.create_log_stream(logGroupName=group, logStreamName=_STREAM)
                streams.add(group)
            logs.put_log_events(
                logGroupName=group, logStreamName=_STREAM, logEvents=[{"timestamp": at_ms, "message": message}]
            )
