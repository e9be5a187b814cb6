"""What happened reaches the log, the metrics and, where it ends a family, EventBridge."""

import json
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

import pytest
from aws_lambda_powertools import Logger
from botocore.exceptions import ClientError, EndpointConnectionError

from heirloom.adapters.events import PUBLISHED, LoggedEvents, PublishedEvents
from heirloom.domain.events import Caller, Event, EventType
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


def test_an_event_is_one_log_line_and_one_count(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("POWERTOOLS_METRICS_NAMESPACE", "Heirloom")
    logged = LoggedEvents(Logger(service="test_events"))

    logged.emit(event(EventType.REFRESH_TOKEN_REUSED))

    metric, line = sorted(map(json.loads, capsys.readouterr().out.splitlines()), key=lambda one: "level" in one)
    assert metric["RefreshTokenReused"] == [1.0]
    assert (line["type"], line["client_id"], line["ip"]) == ("ferrt", "spa", "192.0.2.1")
    assert line["details"] == {"familyId": "f", "n": 7}
