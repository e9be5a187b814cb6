"""What functions write on this machine goes to their log groups on the local AWS."""

import queue
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Final

from botocore.exceptions import BotoCoreError, ClientError

from local import stack
from local.function_log import FunctionLog

if TYPE_CHECKING:
    from mypy_boto3_logs.client import CloudWatchLogsClient

_STREAM: Final = "local"

type _Line = tuple[str, int, str]
"""A function's name, epoch milliseconds, and what it wrote."""


@contextmanager
def shipping(log: FunctionLog, endpoint: str, prefix: str) -> Iterator[None]:
    """Ship *log* until the block ends, to groups whose names begin with *prefix*; nobody waits for a line to arrive."""
    lines: queue.SimpleQueue[_Line | None] = queue.SimpleQueue()
    shipper = threading.Thread(target=_ship, args=(lines, stack.client("logs", endpoint), prefix), daemon=True)
    shipper.start()
    log.read_by(lambda *line: lines.put(line))
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
