"""The queue between the end of a session and the applications that hear of it (SQS)."""

import json
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import asdict, dataclass
from typing import Any, Protocol

from aws_lambda_powertools import Logger

from heirloom.adapters.aws import translated_faults
from heirloom.domain.backchannel_logout import LogoutNotice
from heirloom.domain.events import Caller

logger = Logger()


class _Sqs(Protocol):
    def send_message(self, *, QueueUrl: str, MessageBody: str) -> object:  # noqa: N803 - as SQS has them
        ...


class Deliver(Protocol):
    """Delivers one notice."""

    def __call__(self, notice: LogoutNotice, *, attempt: int, caller: Caller, now: int) -> bool:
        """Return whether the notice is done with; *attempt* counts from 1, *now* is in epoch seconds."""


@dataclass(frozen=True, slots=True)
class SqsBackChannel:
    """The port `BackChannel` on a queue: a message for each application, so each is tried again by itself."""

    client: Callable[[], _Sqs]
    """Asked when there is something to send: few logins and logouts have need of it."""
    queue_url: str

    def notify(self, notices: Iterable[LogoutNotice]) -> None:
        """Take over *notices* durably; raise `StoreUnavailable` unless all of them are in the queue."""
        for notice in notices:
            with translated_faults("queue logout notice"):
                self.client().send_message(QueueUrl=self.queue_url, MessageBody=json.dumps(asdict(notice)))


def serve(delivery: Callable[[], Deliver], event: Mapping[str, Any]) -> dict[str, Any]:
    """Deliver the notices of an SQS event; answer which of its messages shall come again."""
    failures = [
        {"itemIdentifier": record["messageId"]} for record in event["Records"] if not _delivered(delivery, record)
    ]
    return {"batchItemFailures": failures}


def _delivered(delivery: Callable[[], Deliver], record: Mapping[str, Any]) -> bool:
    """Tell whether a message is done with. Whatever goes wrong with one, the others go on."""
    try:
        return delivery()(
            LogoutNotice(**json.loads(record["body"])),
            attempt=int(record["attributes"]["ApproximateReceiveCount"]),
            caller=Caller(address="", user_agent="", request_id=record["messageId"]),
            now=int(time.time()),
        )
    except Exception:
        logger.exception("a logout notice could not be worked on")
        return False
