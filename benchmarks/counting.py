"""What a request uses, counted where it happens: at botocore's hooks, at the API and at standard output."""

import re
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from io import StringIO
from math import ceil
from typing import Any, Final

_JWT: Final = re.compile(r"eyJ[\w-]+\.eyJ[\w-]+\.[\w-]+")
_PER_LOG_EVENT: Final = 26
"""Bytes that CloudWatch Logs adds to the size of each event."""

# What Lambda itself logs about an invocation where LoggingConfig asks for JSON.
_PLATFORM: Final = (
    (
        '{"time":"2026-11-26T12:00:00.000Z","type":"platform.start","record":'
        '{"requestId":"00000000-0000-0000-0000-000000000000","functionArn":'
        '"arn:aws:lambda:us-east-1:000000000000:function:heirloom-prod-TokenFunction-000000000000","version":"100"}}'
    ),
    (
        '{"time":"2026-11-26T12:00:00.000Z","type":"platform.report","record":'
        '{"requestId":"00000000-0000-0000-0000-000000000000","metrics":{"durationMs":100.000,"billedDurationMs":100,'
        '"memorySizeMB":1024,"maxMemoryUsedMB":128},"tracing":{"spanId":"0000000000000000","type":"X-Amzn-Trace-Id",'
        '"value":"Root=1-00000000-000000000000000000000000;Parent=0000000000000000;Sampled=1"},"status":"success"}}'
    ),
)


@dataclass(slots=True)
class Usage:
    """What one operation used."""

    calls: Counter[str] = field(default_factory=Counter)
    """AWS calls by name, such as `dynamodb.UpdateItem`."""
    write_units: int = 0
    read_units: int = 0
    functions: list[str] = field(default_factory=list)
    """The function that answered each of its requests."""
    signatures: int = 0
    log_bytes: int = 0
    sent_bytes: int = 0
    statuses: list[int] = field(default_factory=list)

    def calls_of(self, service: str) -> int:
        """Return how many calls one service got."""
        return sum(count for name, count in self.calls.items() if name.startswith(f"{service}."))


@dataclass(slots=True)
class Meter:
    """Counts for the operation that is under way."""

    log: StringIO
    usage: Usage = field(default_factory=Usage)

    @contextmanager
    def operation(self) -> Iterator[Usage]:
        """Count what happens meanwhile."""
        self.usage = usage = Usage()
        self.log.seek(0)
        self.log.truncate()
        yield usage
        usage.log_bytes += sum(_in_log(line) for line in self.log.getvalue().splitlines())
        usage.log_bytes, usage.sent_bytes = _rounded(usage.log_bytes), _rounded(usage.sent_bytes)
        self.usage = Usage()

    def watch(self, session: Any) -> None:  # noqa: ANN401 - the stubs of boto3 know nothing of a session's events
        """Count the calls of all clients that a session of boto3 makes from now on."""
        events = session.events
        events.register("provide-client-params.dynamodb", self._ask_for_units)
        events.register("before-call", self._count_call)
        events.register("after-call.dynamodb", self._count_units)

    def answered(self, function: str, access_log: str, status: int, headers: Mapping[str, str], body: str) -> None:
        """Count one request: its function, its answer, and the lines that the API and Lambda write about it."""
        self.usage.functions.append(function)
        self.usage.statuses.append(status)
        self.usage.signatures += len(_JWT.findall(body))
        self.usage.sent_bytes += len(body.encode()) + sum(len(f"{name}: {it}\r\n") for name, it in headers.items())
        self.usage.log_bytes += sum(map(_in_log, (access_log, *_PLATFORM)))

    def _ask_for_units(self, params: dict[str, Any], model: Any, context: dict[str, Any], **_: object) -> None:  # noqa: ANN401 - botocore's own
        if "ReturnConsumedCapacity" in model.input_shape.members:
            params["ReturnConsumedCapacity"] = "TOTAL"
        context["items"] = len(params.get("TransactItems", ())) or sum(
            len(table["Keys"]) for table in params.get("RequestItems", {}).values() if "Keys" in table
        )

    def _count_call(self, model: Any, **_: object) -> None:  # noqa: ANN401 - botocore's own
        self.usage.calls[f"{model.service_model.service_name}.{model.name}"] += 1

    def _count_units(self, model: Any, parsed: Mapping[str, Any], context: Mapping[str, Any], **_: object) -> None:  # noqa: ANN401 - botocore's own
        """Take DynamoDB Local's word for calls about one item. It counts missing items and transactions unlike AWS.

        Those are counted by the rules of the developer guide, for items of up to 1 KB, which all of ours are.
        """
        consumed: Any = parsed.get("ConsumedCapacity")
        match model.name:
            case "TransactWriteItems":
                self.usage.write_units += 2 * context["items"]
            case "BatchGetItem":
                self.usage.read_units += context["items"]
            case "GetItem" | "Query":
                self.usage.read_units += max(1, ceil(consumed["CapacityUnits"]))
            case _:
                # A condition that failed costs what the write would have.
                self.usage.write_units += max(1, ceil(consumed["CapacityUnits"])) if consumed else 1


def _in_log(line: str) -> int:
    return len(line.encode()) + _PER_LOG_EVENT


def _rounded(size: int) -> int:
    """Up to the next hundred: that an id has one digit more is no news."""
    return ceil(size / 100) * 100
