"""Events as structured log lines, as CloudWatch metrics (Embedded Metric Format) and on EventBridge."""

import json
import os
import sys
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Final, Self

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

# ASCII, so that there is no text that cannot be written, such as half of a surrogate pair in a header.
_encode: Final = json.JSONEncoder(separators=(",", ":"), check_circular=False, default=str).encode


@dataclass(frozen=True, slots=True)
class LoggedEvents:
    """The port `Events`: the log, which Lambda keeps of standard output, and the metrics in its lines.

    A line is what Powertools would write, but for the place in our code. Its Logger, which writes whatever else is
    logged, takes three times as long for it as the rest of an event's way here.
    """

    service: str
    namespace: str

    @classmethod
    def of(cls, environment: Mapping[str, str]) -> Self:
        """Return the log of the stack that Powertools' variables name."""
        return cls(environment["POWERTOOLS_SERVICE_NAME"], environment["POWERTOOLS_METRICS_NAMESPACE"])

    def emit(self, event: Event) -> None:
        """Write one line and count one; a replay and an alarm are counted under their own names too."""
        line = self.line(event, time.time())
        with suppress(OSError):  # what happened has happened, and its answer must not be lost with its line
            sys.stdout.write(line + "\n")
            sys.stdout.flush()

    def line(self, event: Event, at: float) -> str:
        """Return the line of an event at epoch second *at*."""
        counted = [_name(event.type)]
        if event.details.get("replayed"):
            counted.append(REPLAYED)
        if event.alarm is not None:
            counted.append(event.alarm)
        at_ms = int(at * 1000)
        members = {
            "level": "INFO",
            "message": event.type.name.lower(),
            "timestamp": time.strftime(f"%Y-%m-%d %H:%M:%S,{at_ms % 1000:03}%z", time.localtime(at)),
            "service": self.service,
            **record(event),
            "alarm": event.alarm,
            **dict.fromkeys(counted, 1),
            "_aws": self._metrics(counted, at_ms),
            "xray_trace_id": _trace_id(),
        }
        return _encode({name: value for name, value in members.items() if value is not None})

    def _metrics(self, names: list[str], at_ms: int) -> Mapping[str, object]:
        """Return what tells CloudWatch to count members of a line (Embedded Metric Format specification)."""
        directive = {
            "Namespace": self.namespace,
            "Dimensions": [["service"]],
            "Metrics": [{"Name": name, "Unit": "Count"} for name in names],
        }
        return {"Timestamp": at_ms, "CloudWatchMetrics": [directive]}


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


@cache
def _name(event_type: EventType) -> str:
    return event_type.name.title().replace("_", "")


def _trace_id() -> str | None:
    """Return the trace of the request at hand, of which Lambda tells in its environment (`Root=…;Parent=…`)."""
    root, _, _ = os.environ.get("_X_AMZN_TRACE_ID", "").partition(";")
    return root.removeprefix("Root=") or None
