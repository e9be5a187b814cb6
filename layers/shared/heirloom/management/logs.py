"""`/api/v2/logs`: the events of the functions, as they wrote them."""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from http import HTTPStatus
from typing import Annotated, Any, Final
from urllib.parse import urlsplit

from pydantic import Field

from heirloom.domain.events import LoggedEvent
from heirloom.domain.ports import Log
from heirloom.management.pagination import Fields, Listing, Optional, Paged
from heirloom.management.problem import BadQuery, NotFound
from heirloom.management.route import Answer, Call, Route

MOST_BY_PAGE: Final = 1000
"""Events that can be reached by page, as at Auth0; `from` leads on."""

_TERM: Final = re.compile(
    r'(?P<name>type|client_id|user_id|ip):(?:"(?P<quoted>[^"\\*]+)"|(?P<plain>[^\s"\\*()]+))', re.ASCII
)
_AND: Final = re.compile(r"\s+(?:AND\s+)?", re.ASCII)


class Event(Answer):
    """One event, under Auth0's type codes. Without secrets, as the log is."""

    log_id: Optional[str] = None
    id: Annotated[Optional[str], Field(serialization_alias="_id")] = None
    date: Optional[datetime] = None
    type: Optional[str] = None
    description: Optional[str] = None
    client_id: Optional[str] = None
    user_id: Optional[str] = None
    ip: Optional[str] = None
    user_agent: Optional[str] = None
    hostname: Optional[str] = None
    audience: Optional[str] = None
    scope: Optional[str] = None
    details: Optional[dict[str, Any]] = None


LOGS = Listing("logs", Event)


class LogsQuery(Paged):
    """Which events: by page the newest thousand that match `q`, or from one event on."""

    q: Annotated[
        Optional[str],
        Field(max_length=500, description='`type`, `client_id`, `user_id`, `ip`: `type:sertft AND client_id:"spa"`.'),
    ] = None
    sort: Annotated[Optional[str], Field(pattern=r"^date:-1$", description="`date:-1`, the newest first.")] = None
    from_: Annotated[
        Optional[str], Field(alias="from", max_length=100, description="Id of an event; `q` is ignored then.")
    ] = None
    take: Annotated[Optional[int], Field(ge=1, le=100, description="Events after that one, the oldest first.")] = None


@dataclass(frozen=True, slots=True)
class Logs:
    """The routes, and what they do."""

    log: Log
    issuer: str

    def routes(self) -> Iterable[Route]:
        """Yield them."""
        yield Route(
            method="GET",
            path="logs",
            scope="read:logs",
            summary="Read the log",
            handler=self.index,
            query=LogsQuery,
            answer=LOGS.plain_or_not,
            listed="logs",
        )
        yield Route(
            method="GET",
            path="logs/{id}",
            scope="read:logs",
            summary="Read an event of the log",
            handler=self.get,
            query=Fields,
            answer=Event,
            problems=(HTTPStatus.NOT_FOUND,),
        )

    def index(self, call: Call[LogsQuery, None]) -> object:
        """Return events."""
        query = call.query
        if query.from_ is not None or query.take is not None:
            try:
                return [self._answer(it) for it in self.log.after(query.from_, at_most=query.take or 50)]
            except ValueError:
                raise BadQuery("Query validation error: 'from' is no id of an event.") from None
        wanted = _terms(query.q or "")
        needed = min(MOST_BY_PAGE, (query.page + 1) * query.per_page)
        events = self.log.newest(wanted, at_most=MOST_BY_PAGE if query.include_totals else needed)
        return LOGS.page([self._answer(it) for it in events], query)

    def get(self, call: Call[Fields, None]) -> Answer:
        """Return an event."""
        event = self.log.find(call.path["id"])
        if event is None:
            raise NotFound("log")
        return self._answer(event)

    def _answer(self, event: LoggedEvent) -> Event:
        return Event(
            log_id=event.log_id,
            id=event.log_id,
            date=datetime.fromtimestamp(event.at_ms / 1000, UTC),
            type=event.type,
            description=event.reason,
            client_id=event.client_id,
            user_id=event.user_id,
            ip=event.caller.address or None,
            user_agent=event.caller.user_agent or None,
            hostname=urlsplit(self.issuer).hostname,
            audience=_text(event.details.get("audience")),
            scope=_text(event.details.get("scope")),
            details=dict(event.details) or None,
        )


def _terms(q: str) -> dict[str, str]:
    """Return what events must have; raise `BadQuery` for anything but a few fields with values, all of them wanted."""
    terms: dict[str, str] = {}
    for text in filter(None, _AND.split(q.strip())):
        term = _TERM.fullmatch(text)
        if term is None or term["name"] in terms:
            raise BadQuery(
                "Query validation error: 'q' can have type, client_id, user_id, ip, each once, with AND between."
            )
        terms[term["name"]] = term["quoted"] or term["plain"]
    return terms


def _text(value: object) -> str | None:
    return value if isinstance(value, str) else None
