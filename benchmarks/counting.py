"""What a request uses, counted where it happens: at the calls of AWS, at the API and at standard output."""

import re
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from io import StringIO
from math import ceil
from typing import Any, Final
from unittest.mock import patch

import boto3

from heirloom.adapters.aws_json import DYNAMODB, Document, Service

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

    @contextmanager
    def watching(self) -> Iterator[None]:
        """Count the calls that are made meanwhile, by botocore's clients and without them."""
        boto3.setup_default_session()
        boto3.DEFAULT_SESSION.events.register("before-call", self._count_call)  # type: ignore[union-attr] # just made
        call = Service.call

        def counted(service: Service, operation: str, parameters: Document) -> Document:
            self.usage.calls[f"{service.protocol.signing_name}.{operation}"] += 1
            if service.protocol is not DYNAMODB:
                return call(service, operation, parameters)
            consumed: Any = None
            try:
                answer = call(service, operation, {**parameters, "ReturnConsumedCapacity": "TOTAL"})
                consumed = answer.get("ConsumedCapacity")
            finally:
                self._count_units(operation, parameters, consumed)
            return answer

        with patch.object(Service, "call", counted):
            yield

    def answered(self, function: str, access_log: str, status: int, headers: Mapping[str, str], body: str) -> None:
        """Count one request: its function, its answer, and the lines that the API and Lambda write about it."""
        self.usage.functions.append(function)
        self.usage.statuses.append(status)
        self.usage.signatures += len(_JWT.findall(body))
        self.usage.sent_bytes += len(body.encode()) + sum(len(f"{name}: {it}\r\n") for name, it in headers.items())
        self.usage.log_bytes += sum(map(_in_log, (access_log, *_PLATFORM)))

    def _count_call(self, model: Any, **_: object) -> None:  # noqa: ANN401 - botocore's own
        self.usage.calls[f"{model.service_model.service_name}.{model.name}"] += 1

    def _count_units(self, operation: str, parameters: Document, consumed: Any) -> None:  # noqa: ANN401 - DynamoDB's own
        """Take DynamoDB Local's word for calls about one item. It counts missing items and transactions unlike AWS.

        Those are counted by the rules of the developer guide, for items of up to 1 KB, which all of ours are.
        """
        match operation:
            case "TransactWriteItems":
                self.usage.write_units += 2 * len(parameters["TransactItems"])
            case "BatchGetItem":
                self.usage.read_units += sum(len(table["Keys"]) for table in parameters["RequestItems"].values())
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
