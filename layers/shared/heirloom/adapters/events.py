"""Events as structured log lines, as CloudWatch metrics (Embedded Metric Format) and on EventBridge."""

import json
import os
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from aws_lambda_powertools import Logger
from botocore.exceptions import BotoCoreError, ClientError

from heirloom.adapters.deadline import OutOfTime
from heirloom.domain.events import Alarm, Event, EventType
from heirloom.domain.ports import Events

if TYPE_CHECKING:
    from mypy_boto3_events.client import EventBridgeClient
    from mypy_boto3_events.type_defs import PutEventsRequestEntryTypeDef

SOURCE: Final = "heirloom"
"""What EventBridge rules match on, besides the detail type: `RefreshTokenReused` and its like."""

PUBLISHED: Final = frozenset(
    {EventType.REFRESH_TOKEN_REUSED, EventType.REFRESH_TOKEN_REVOKED, EventType.FAMILY_GAVE_WAY}
)
"""What somebody else may want to act on: all that ends a family."""


REPLAYED: Final = "RefreshTokenReplayed"
"""The metric of exchanges that came again within leeway; they count as exchanges too."""


@dataclass(frozen=True, slots=True)
class LoggedEvents:
    """The port `Events`: the log, and the metrics in its lines."""

    logger: Logger

    def emit(self, event: Event) -> None:
        """Write one line and count one; a replay and an alarm are counted under their own names too."""
        counted = [_name(event.type)]
        if event.details.get("replayed"):
            counted.append(REPLAYED)
        if event.alarm is not None:
            counted.append(event.alarm)
        self.logger.info(event.type.name.lower(), extra={**record(event), "alarm": event.alarm, **metrics(counted)})


@dataclass(frozen=True, slots=True)
class PublishedEvents:
    """The port `Events`: another one, and what ends a family on an EventBridge bus as well."""

    others: Events
    client: "Callable[[], EventBridgeClient]"
    """Made when it is first needed: most cold starts publish nothing."""
    bus: str

    def emit(self, event: Event) -> None:
        """Emit the event; what happened has happened, so a bus that cannot be reached is noted and no more."""
        self.others.emit(event)
        if event.type not in PUBLISHED:
            return
        entry: PutEventsRequestEntryTypeDef = {
            "EventBusName": self.bus,
            "Source": SOURCE,
            "DetailType": _name(event.type),
            "Detail": json.dumps(record(event)),
        }
        try:
            failed = self.client().put_events(Entries=[entry]).get("FailedEntryCount", 1)
            reason = "EventBridge took no event" if failed else None
        except (BotoCoreError, ClientError, OutOfTime) as error:
            reason = f"EventBridge: {type(error).__name__}"
        if reason is not None:
            self.others.emit(Event(EventType.WARNING, event.caller, reason=reason, alarm=Alarm.EVENT_NOT_PUBLISHED))


def record(event: Event) -> Mapping[str, object]:
    """Return what is written of an event."""
    return {
        "type": event.type.value,
        "client_id": event.client_id,
        "user_id": event.user_id,
        "reason": event.reason,
        "ip": event.caller.address,
        "user_agent": event.caller.user_agent,
        "request_id": event.caller.request_id,
        "details": dict(event.details),
    }


def _name(event_type: EventType) -> str:
    return event_type.name.title().replace("_", "")


def metrics(names: Iterable[str]) -> Mapping[str, object]:
    """Return the members of a log line by which CloudWatch counts one under each of *names*.

    Powertools would write them as a line of their own, which costs as much again (Embedded Metric Format
    specification). Their dimension is the line's `service`.
    """
    counts = dict.fromkeys(names, 1)
    directive = {
        "Namespace": os.environ["POWERTOOLS_METRICS_NAMESPACE"],
        "Dimensions": [["service"]],
        "Metrics": [{"Name": name, "Unit": "Count"} for name in counts],
    }
    return {**counts, "_aws": {"Timestamp": time.time_ns() // 1_000_000, "CloudWatchMetrics": [directive]}}
