"""Lambda's event source mappings on this machine: what is in a queue goes to the function that works on it."""

import logging
import secrets
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Final

from local import gateway, stack, template
from local.gateway import FUNCTION, Context, Handler
from local.stack import Endpoints
from local.template import Template

_LONG_POLL: Final = 1
"""Seconds; as long as an end may take."""

_PAUSE: Final = 1.0
"""Seconds after a queue did not answer."""

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Consumer:
    """A function and the queue that it works on."""

    sqs: Any
    queue_url: str
    function_name: str
    handler: Handler

    def work(self) -> int:
        """Wait for a message, hand it to the function, delete it unless it shall come again; return how many came."""
        answer = self.sqs.receive_message(
            QueueUrl=self.queue_url,
            MaxNumberOfMessages=1,
            WaitTimeSeconds=_LONG_POLL,
            MessageSystemAttributeNames=["ApproximateReceiveCount"],
        )
        messages = answer.get("Messages", [])
        for message in messages:
            record = {
                "messageId": message["MessageId"],
                "receiptHandle": message["ReceiptHandle"],
                "body": message["Body"],
                "attributes": message["Attributes"],
                "messageAttributes": {},
                "eventSource": "aws:sqs",
            }
            FUNCTION.set(self.function_name)
            answer = self.handler({"Records": [record]}, Context(self.function_name, secrets.token_hex(16)))
            if not answer["batchItemFailures"]:
                self.sqs.delete_message(QueueUrl=self.queue_url, ReceiptHandle=message["ReceiptHandle"])
        return len(messages)


def consumers(document: Template, endpoints: Endpoints, *, prefix: str = template.PREFIX) -> list[Consumer]:
    """Return the functions of a template that work on queues, with their queues in a local stack."""
    sqs = stack.client("sqs", endpoints.others)
    return [
        Consumer(sqs, sqs.get_queue_url(QueueName=prefix + queue)["QueueUrl"], function.name, gateway.load(function))
        for queue, function in template.consumers(document).items()
    ]


@contextmanager
def consuming(consumer: Consumer) -> Iterator[None]:
    """Let the function work on its queue until the block ends."""
    ended = threading.Event()

    def work() -> None:
        while not ended.is_set():
            try:
                consumer.work()
            except Exception:  # noqa: BLE001 - as Lambda does, whatever it is
                if not ended.is_set():
                    _log.exception("%s failed", consumer.function_name)
                ended.wait(_PAUSE)

    thread = threading.Thread(target=work, name=consumer.function_name, daemon=True)
    thread.start()
    try:
        yield
    finally:
        ended.set()
        thread.join()
