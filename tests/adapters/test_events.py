"""What happened reaches the log, the metrics and, where it ends a family, EventBridge."""

import json
import os
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from datetime import UTC, datetime, timedelta
from errno import ENOSPC
from io import StringIO
from typing import TYPE_CHECKING, Any

import pytest
from aws_lambda_powertools import Logger
from aws_lambda_powertools.metrics import MetricUnit, single_metric
from botocore.exceptions import ClientError, EndpointConnectionError

from heirloom.adapters.events import PUBLISHED, LoggedEvents, PublishedEvents, record
from heirloom.domain.events import Alarm, Caller, Event, EventType
from local import processes, stack
from tests.service import Recorded

if TYPE_CHECKING:
    from mypy_boto3_events.client import EventBridgeClient

BUS = "families"
CALLER = Caller("192.0.2.1", "a browser", "request-1")


def event(event_type: EventType) -> Event:
    return Event(
        event_type, CALLER, client_id="spa", user_id="auth0|alice", reason="reused", details={"familyId": "f", "n": 7}
    )


@pytest.fixture(scope="module", name="local_aws")
def _local_aws() -> Iterator[str]:
    with processes.ministack() as endpoint:
        yield endpoint


class Subscriber:
    """A queue to which a rule passes all that is put on the bus."""

    def __init__(self, endpoint: str) -> None:
        self.events: EventBridgeClient = stack.client("events", endpoint)
        self._sqs = stack.client("sqs", endpoint)
        self._queue = self._sqs.create_queue(QueueName="heard")["QueueUrl"]
        attributes = self._sqs.get_queue_attributes(QueueUrl=self._queue, AttributeNames=["QueueArn"])["Attributes"]
        self.events.create_event_bus(Name=BUS)
        pattern = json.dumps({"source": ["heirloom"]})
        self.events.put_rule(Name="all", EventBusName=BUS, EventPattern=pattern)
        self.events.put_targets(Rule="all", EventBusName=BUS, Targets=[{"Id": "queue", "Arn": attributes["QueueArn"]}])

    def heard(self) -> list[dict[str, Any]]:
        """The events so far, once."""
        heard = []
        while messages := self._sqs.receive_message(QueueUrl=self._queue, MaxNumberOfMessages=10).get("Messages"):
            for message in messages:
                heard.append(json.loads(message["Body"]))
                self._sqs.delete_message(QueueUrl=self._queue, ReceiptHandle=message["ReceiptHandle"])
        return heard


@pytest.fixture(scope="module", name="subscriber")
def _subscriber(local_aws: str) -> Subscriber:
    return Subscriber(local_aws)


def test_what_ends_a_family_is_put_on_the_bus(subscriber: Subscriber) -> None:
    log = Recorded()
    events = PublishedEvents(log, lambda: subscriber.events, BUS)

    for event_type in EventType:
        events.emit(event(event_type))

    assert log == [event(event_type) for event_type in EventType], "the log has everything, and no alarm"
    heard = subscriber.heard()
    assert sorted(one["detail-type"] for one in heard) == [
        "FamilyGaveWay",
        "RefreshTokenReused",
        "RefreshTokenRevoked",
    ]
    [reused] = [one for one in heard if one["detail-type"] == "RefreshTokenReused"]
    assert reused["source"] == "heirloom"
    assert reused["detail"] == {
        "type": "ferrt",
        "client_id": "spa",
        "user_id": "auth0|alice",
        "reason": "reused",
        "ip": "192.0.2.1",
        "user_agent": "a browser",
        "request_id": "request-1",
        "details": {"familyId": "f", "n": 7},
    }


class Broken:
    """A bus that takes nothing."""

    def __init__(self, answer: Mapping[str, Any] | Exception) -> None:
        self._answer = answer

    def put_events(self, **_: object) -> Any:
        if isinstance(self._answer, Exception):
            raise self._answer
        return self._answer


@pytest.mark.parametrize(
    "answer",
    [
        EndpointConnectionError(endpoint_url="https://events.example"),
        ClientError({"Error": {"Code": "AccessDeniedException", "Message": "no"}}, "PutEvents"),
        {"FailedEntryCount": 1, "Entries": [{"ErrorCode": "InternalFailure"}]},
    ],
    ids=["unreachable", "denied", "failed"],
)
def test_a_bus_that_takes_nothing_is_an_alarm_and_harms_nothing(answer: Mapping[str, Any] | Exception) -> None:
    log = Recorded()
    broken: Any = Broken(answer)

    PublishedEvents(log, lambda: broken, BUS).emit(event(EventType.REFRESH_TOKEN_REUSED))

    assert log.types == ["ferrt", "w"]
    assert log[1].alarm == "EventNotPublished"


def test_no_client_is_made_for_what_is_not_published() -> None:
    def unwanted() -> Any:
        raise AssertionError

    for event_type in set(EventType) - PUBLISHED:
        PublishedEvents(Recorded(), unwanted, BUS).emit(event(event_type))


@pytest.fixture(name="written")
def _written(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> Callable[[Event], list[dict[str, Any]]]:
    """Emits an event, and returns the lines that this writes."""
    monkeypatch.setenv("POWERTOOLS_METRICS_NAMESPACE", "Heirloom")
    monkeypatch.setenv("POWERTOOLS_SERVICE_NAME", "stack")

    def written(one: Event) -> list[dict[str, Any]]:
        LoggedEvents.of(os.environ).emit(one)
        return [json.loads(line) for line in capsys.readouterr().out.splitlines()]

    return written


def test_an_event_is_one_log_line_that_counts_one(written: Callable[[Event], list[dict[str, Any]]]) -> None:
    [line] = written(event(EventType.REFRESH_TOKEN_REUSED))

    assert (line["type"], line["client_id"], line["ip"]) == ("ferrt", "spa", "192.0.2.1")
    assert line["RefreshTokenReused"] == 1


@pytest.mark.parametrize(
    ("details", "alarm", "counted"),
    [
        ({}, None, {"RefreshTokenExchanged"}),
        ({"replayed": False}, None, {"RefreshTokenExchanged"}),
        ({"replayed": True}, None, {"RefreshTokenExchanged", "RefreshTokenReplayed"}),
        ({}, Alarm.FAULT, {"RefreshTokenExchanged", Alarm.FAULT}),
    ],
)
def test_the_metrics_in_a_line_are_what_powertools_would_write(
    details: dict[str, object],
    alarm: Alarm | None,
    counted: set[str],
    written: Callable[[Event], list[dict[str, Any]]],
    capsys: pytest.CaptureFixture[str],
) -> None:
    [line] = written(Event(EventType.REFRESH_TOKEN_EXCHANGED, CALLER, details=details, alarm=alarm))
    before = time.time() * 1000 - 60_000

    assert before < line["_aws"]["Timestamp"] <= time.time() * 1000
    [ours] = line["_aws"]["CloudWatchMetrics"]
    assert {metric["Name"] for metric in ours["Metrics"]} == counted
    for name in counted:
        with single_metric(name=name, unit=MetricUnit.Count, value=1):
            pass
        theirs = json.loads(capsys.readouterr().out)
        [directive] = theirs["_aws"]["CloudWatchMetrics"]
        assert ours | {"Metrics": directive["Metrics"]} == directive
        assert directive["Metrics"][0] in ours["Metrics"]
        assert [line[name]] == theirs[name]
        for dimensions in ours["Dimensions"]:
            assert {dimension: line[dimension] for dimension in dimensions} == {
                dimension: theirs[dimension] for dimension in dimensions
            }


ODD = Event(EventType.WARNING, Caller("é\u2028", "\x00\n", "c"), "d", None, "f", {"n": None, "time": object()})


def test_a_line_is_what_powertools_would_write_but_for_the_place_in_our_code(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("_X_AMZN_TRACE_ID", "Root=1-5759e988-bd862e3fe1be46a994272793;Parent=53995c3f42cd8ad8;Sampled=1")
    logger = Logger(service=__name__)

    ours = json.loads(LoggedEvents(__name__, "Heirloom").line(ODD, time.time()))
    logger.info("warning", extra={**record(ODD), "Warning": 1, "_aws": ours["_aws"]})

    theirs = json.loads(capsys.readouterr().out)
    assert theirs.pop("location").startswith("test_a_line")
    for line in (ours, theirs):
        at = datetime.strptime(line.pop("timestamp"), "%Y-%m-%d %H:%M:%S,%f%z")
        assert timedelta() <= datetime.now(UTC) - at < timedelta(minutes=1)
        line["details"]["time"] = line["details"]["time"][:7]
    assert ours == theirs
    assert ours["xray_trace_id"] == "1-5759e988-bd862e3fe1be46a994272793"


def test_the_times_of_a_line_are_one_to_the_millisecond(monkeypatch: pytest.MonkeyPatch) -> None:
    """CloudWatch files a metric under its own time, and Lambda a line under that of its text."""
    monkeypatch.setenv("TZ", "UTC")
    time.tzset()

    line = json.loads(LoggedEvents("stack", "Heirloom").line(ODD, 1795737600.9876))

    assert line["timestamp"] == "2026-11-27 00:00:00,987+0000"
    assert line["_aws"]["Timestamp"] == 1795737600987


def test_without_a_trace_a_line_has_none(
    written: Callable[[Event], list[dict[str, Any]]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("_X_AMZN_TRACE_ID", raising=False)

    [line] = written(ODD)

    assert "xray_trace_id" not in line
    assert "user_id" not in line


@pytest.mark.parametrize("text", ["\ud800", "\udfff\ud83d", "\x00\x1b[2K", "a\r\nb\u2028c\x85d"])
def test_there_is_no_text_that_cannot_be_written_on_one_line(
    text: str, written: Callable[[Event], list[dict[str, Any]]]
) -> None:
    [line] = written(Event(EventType.WARNING, Caller("", text, ""), reason=text))

    assert (line["user_agent"], line["reason"]) == (text, text)


def test_a_line_that_cannot_be_written_takes_no_answer_with_it(monkeypatch: pytest.MonkeyPatch) -> None:
    class Full(StringIO):
        def write(self, _: str) -> int:
            raise OSError(ENOSPC, "No space left on device")

    monkeypatch.setattr(sys, "stdout", Full())

    assert LoggedEvents("stack", "Heirloom").emit(ODD) is None  # type: ignore[func-returns-value] # that it returns
