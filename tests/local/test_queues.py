"""The queue on this machine, as Lambda's event source mapping would work on it."""

import json
from collections.abc import Iterator
from threading import Semaphore
from typing import Any

import pytest

from heirloom.adapters.backchannel_queue import SqsBackChannel
from heirloom.domain.backchannel_logout import LogoutNotice
from heirloom.domain.errors import StoreUnavailable
from local import processes, queues, stack, stores, template
from local.queues import Consumer
from local.stack import Endpoints

NOTICES = [LogoutNotice(f"client-{number}", "auth0|alice", "session-1") for number in range(3)]


@pytest.fixture(scope="module", name="aws")
def _aws() -> Iterator[str]:
    with processes.ministack() as endpoint:
        yield endpoint


@pytest.fixture(name="sqs")
def _sqs(aws: str) -> Any:
    return stack.client("sqs", aws)


@pytest.fixture(name="urls")
def _urls(sqs: Any, request: pytest.FixtureRequest) -> dict[str, str]:
    """The queues of the template, for one test alone."""
    return stores.create_queues(template.load(), sqs, prefix=f"{request.node.name[:40].replace('[', '-')}-")


@pytest.fixture(name="queue")
def _queue(urls: dict[str, str]) -> str:
    return urls["BackchannelLogoutQueue"]


class Function:
    """A function that notes its events, and fails when it is told to."""

    def __init__(self) -> None:
        self.bodies: list[dict[str, str]] = []
        self.counts: list[str] = []
        self.failing = False
        self.called = Semaphore(0)

    def __call__(self, event: dict[str, Any], _context: object) -> dict[str, Any]:
        (record,) = event["Records"]
        self.bodies.append(json.loads(record["body"]))
        self.counts.append(record["attributes"]["ApproximateReceiveCount"])
        self.called.release()
        return {"batchItemFailures": [{"itemIdentifier": record["messageId"]}] if self.failing else []}


def test_every_notice_is_a_message_of_its_own(sqs: Any, queue: str) -> None:
    SqsBackChannel(lambda: sqs, queue).notify(NOTICES)
    function = Function()
    consumer = Consumer(sqs, queue, "backchannel_logout", function)

    while consumer.work():
        pass

    assert sorted(body["client_id"] for body in function.bodies) == sorted(one.client_id for one in NOTICES)
    assert {frozenset(body) for body in function.bodies} == {frozenset({"client_id", "user_id", "session_id"})}


def test_what_failed_comes_again_and_what_did_not_is_gone(sqs: Any, queue: str) -> None:
    sqs.set_queue_attributes(QueueUrl=queue, Attributes={"VisibilityTimeout": "0"})
    SqsBackChannel(lambda: sqs, queue).notify(NOTICES[:1])
    function = Function()
    consumer = Consumer(sqs, queue, "backchannel_logout", function)

    function.failing = True
    assert consumer.work() == 1
    function.failing = False
    assert consumer.work() == 1

    assert function.counts == ["1", "2"]
    assert consumer.work() == 0


def test_after_five_times_it_is_put_aside(sqs: Any, urls: dict[str, str], queue: str) -> None:
    sqs.set_queue_attributes(QueueUrl=queue, Attributes={"VisibilityTimeout": "0"})
    SqsBackChannel(lambda: sqs, queue).notify(NOTICES[:1])
    function = Function()
    function.failing = True
    consumer = Consumer(sqs, queue, "backchannel_logout", function)

    while consumer.work():
        pass

    assert function.counts == ["1", "2", "3", "4", "5"]
    (dead,) = sqs.receive_message(QueueUrl=urls["BackchannelLogoutDeadLetters"])["Messages"]
    assert json.loads(dead["Body"])["client_id"] == NOTICES[0].client_id


def test_a_queue_that_is_not_there_is_a_fault(sqs: Any) -> None:
    channel = SqsBackChannel(lambda: sqs, "http://127.0.0.1:1/000000000000/none")

    with pytest.raises(StoreUnavailable):
        channel.notify(NOTICES)


def test_the_templates_function_works_until_the_block_ends(
    aws: str, sqs: Any, queue: str, urls: dict[str, str]
) -> None:
    prefix = queue.rpartition("/")[2].removesuffix("BackchannelLogoutQueue")
    (consumer,) = queues.consumers(template.load(), Endpoints(aws, aws), prefix=prefix)
    assert (consumer.function_name, consumer.queue_url) == ("backchannel_logout", urls["BackchannelLogoutQueue"])
    function = Function()

    with queues.consuming(Consumer(sqs, queue, "backchannel_logout", function)):
        SqsBackChannel(lambda: sqs, queue).notify(NOTICES[:1])
        assert function.called.acquire(timeout=30)

    SqsBackChannel(lambda: sqs, queue).notify(NOTICES[:1])
    assert len(function.bodies) == 1
