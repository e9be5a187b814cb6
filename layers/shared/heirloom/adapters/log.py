"""The functions' log groups in CloudWatch Logs, read again as the events that were written there."""

import hashlib
import heapq
import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from itertools import islice
from typing import TYPE_CHECKING, Any, Final

from heirloom.adapters.aws import translated_faults
from heirloom.domain import encoding, lifetimes
from heirloom.domain.errors import StoreUnavailable
from heirloom.domain.events import Caller, LoggedEvent

if TYPE_CHECKING:
    from mypy_boto3_logs.client import CloudWatchLogsClient

FUNCTIONS: Final = ("authorize", "backchannel_logout", "management", "revoke", "token", "userinfo")
"""Whose groups have events."""

_WINDOWS: Final = (lifetimes.MINUTE, lifetimes.HOUR)
"""CloudWatch searches forwards only: the newest events are looked for in the last seconds, then further back."""

_MOST_CALLS: Final = 40
"""Of one search. CloudWatch takes five in a second, of everybody in the account together."""

_TIME_BYTES, _DIGEST_BYTES = 6, 9
_EVENT: Final = ('($.type = "*")', '($.request_id = "*")')
"""What lines of an event have, and neither metrics nor Lambda's own."""


@dataclass(frozen=True, slots=True)
class CloudWatchLog:
    """The port `Log` on the groups whose names are *prefix* and a function's. `clock` gives epoch seconds."""

    client: "Callable[[], CloudWatchLogsClient]"
    prefix: str
    clock: Callable[[], float]

    def newest(self, wanted: Mapping[str, str], *, at_most: int) -> list[LoggedEvent]:
        """Return *at_most* so many events with these members, the newest first; raise `StoreUnavailable`."""
        search = self._search(wanted)
        until = round(self.clock() * 1000) + 1
        ends = [until - window * 1000 for window in _WINDOWS] + [0]
        found: list[LoggedEvent] = []
        for end in ends:
            found += sorted(search.between(end, until), key=_order, reverse=True)
            until = end
            if len(found) >= at_most:
                break
        return found[:at_most]

    def after(self, log_id: str | None, *, at_most: int) -> list[LoggedEvent]:
        """Return *at_most* so many events that come after one, the oldest first; raise `ValueError` for no such id."""
        since = 0 if log_id is None else _time_of(log_id)
        events = self._search({}).between(since, None)
        return list(islice((event for event in events if log_id is None or _order(event) > (since, log_id)), at_most))

    def find(self, log_id: str) -> LoggedEvent | None:
        """Return one event."""
        try:
            at_ms = _time_of(log_id)
        except ValueError:
            return None
        events = self._search({}).between(at_ms, at_ms + 1)
        return next((event for event in events if event.log_id == log_id), None)

    def _search(self, wanted: Mapping[str, str]) -> "_Search":
        return _Search(self.client(), tuple(self.prefix + name for name in FUNCTIONS), wanted)


@dataclass(slots=True)
class _Search:
    client: "CloudWatchLogsClient"
    groups: tuple[str, ...]
    wanted: Mapping[str, str]
    calls: int = field(default=0)

    def between(self, start: int, end: int | None) -> Iterator[LoggedEvent]:
        """Yield the events from *start* until before *end*, in order; a group's next page only when it is needed."""
        return heapq.merge(*(self._of_group(group, start, end) for group in self.groups), key=_order)

    def _of_group(self, group: str, start: int, end: int | None) -> Iterator[LoggedEvent]:
        arguments: dict[str, Any] = {"logGroupName": group, "startTime": start, "filterPattern": self._pattern()}
        if end is not None:
            arguments["endTime"] = end - 1  # CloudWatch's end is inclusive
        while True:
            self.calls += 1
            if self.calls > _MOST_CALLS:
                raise StoreUnavailable("search log: too many events for one request")
            with translated_faults("search log"):
                page = self.client.filter_log_events(**arguments)
            events = [_event_of(group, line["timestamp"], line["message"]) for line in page["events"]]
            # Lines of one millisecond come in any order.
            yield from sorted((event for event in events if event and self._is_wanted(event)), key=_order)
            if "nextToken" not in page:
                return
            arguments["nextToken"] = page["nextToken"]

    def _pattern(self) -> str:
        """Return a filter pattern. The values have been checked: none holds what would end it."""
        terms = (*_EVENT, *(f'($.{name} = "{value}")' for name, value in self.wanted.items()))
        return f"{{ {' && '.join(terms)} }}"

    def _is_wanted(self, event: LoggedEvent) -> bool:
        members = {
            "type": event.type,
            "client_id": event.client_id,
            "user_id": event.user_id,
            "ip": event.caller.address,
        }
        return all(members[name] == value for name, value in self.wanted.items())


def _event_of(group: str, at_ms: int, message: str) -> LoggedEvent | None:
    """Return the event of a line, `None` if it has none."""
    try:
        line = json.loads(message)
    except ValueError:
        return None
    if not isinstance(line, dict) or not {"type", "request_id", "details"} <= line.keys():
        return None
    digest = hashlib.sha256(f"{group}\n{message}".encode()).digest()[:_DIGEST_BYTES]
    return LoggedEvent(
        log_id=encoding.encode(at_ms.to_bytes(_TIME_BYTES) + digest),
        at_ms=at_ms,
        type=str(line["type"]),
        caller=Caller(str(line.get("ip", "")), str(line.get("user_agent", "")), str(line["request_id"])),
        client_id=line.get("client_id"),
        user_id=line.get("user_id"),
        reason=line.get("reason"),
        details=line["details"] or {},
    )


def _order(event: LoggedEvent) -> tuple[int, str]:
    return event.at_ms, event.log_id


def _time_of(log_id: str) -> int:
    """Return the time in an event's id, epoch milliseconds; raise `ValueError` for anything but such an id."""
    octets = encoding.decode(log_id)
    if len(octets) != _TIME_BYTES + _DIGEST_BYTES:
        raise ValueError("no log id")
    return int.from_bytes(octets[:_TIME_BYTES])
