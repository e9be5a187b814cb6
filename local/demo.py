"""The demonstration on a port of its own: a single-page application, and a window into the server for it.

The port makes it another origin than the issuer's, so that CORS and web origins are real. The window shows what no
client of a deployed stack sees, families and the log; ids, counters and times, never a token or a digest.
"""

import json
import time
from collections import deque
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from http import HTTPStatus
from itertools import count
from mimetypes import guess_type
from threading import Lock
from typing import TYPE_CHECKING, Final
from urllib.parse import parse_qs

from heirloom.adapters.configuration import DynamoDBConfiguration
from heirloom.adapters.families import DynamoDBFamilies
from heirloom.adapters.settings import Settings
from heirloom.domain import encoding, lifetimes
from heirloom.domain.application import RefreshTokenPolicy
from heirloom.domain.family import SLOTS, Family
from heirloom.domain.ports import Configuration
from heirloom.domain.refresh_token import FamilyKey
from local import stack
from local.function_log import FunctionLog
from local.template import ROOT

if TYPE_CHECKING:
    from wsgiref.types import StartResponse, WSGIEnvironment

CLIENT_ID: Final = "notes-spa"
"""The application of the tenant file that the page is."""

FOLDER: Final = ROOT / "examples/browser"
SDK: Final = "node_modules/@auth0/auth0-spa-js/dist/auth0-spa-js.production.esm.js"
_PUBLIC: Final = frozenset({".css", ".html", ".js", ".svg"})
_REMEMBERED_EVENTS: Final = 200
_SHOWN_DETAILS: Final = ("familyId", "tokenCounter", "latestCounter", "replayed")

type Document = Mapping[str, object]


class RecentEvents:
    """The newest events, read off the functions' log."""

    def __init__(self) -> None:
        self._events: deque[tuple[int, Document]] = deque(maxlen=_REMEMBERED_EVENTS)
        self._numbers = count(1)
        self._lock = Lock()

    def read(self, _: str, at_ms: int, line: str) -> None:
        """Remember a line if it is an event: only those have a type code."""
        try:
            event = json.loads(line)
        except ValueError:  # somebody's `print`
            return
        if "type" not in event:
            return
        details = event["details"]
        shown = {
            "at": at_ms,
            "type": event["type"],
            "reason": event.get("reason"),
            "details": {name: details[name] for name in _SHOWN_DETAILS if name in details},
        }
        with self._lock:
            number = next(self._numbers)
            self._events.append((number, {"number": number, **shown}))

    def after(self, number: int) -> list[Document]:
        """Return the events since the one with this number, oldest first."""
        with self._lock:
            return [event for each, event in self._events if each > number]


@dataclass(frozen=True, slots=True)
class Demonstration:
    """The pages of examples/browser and the window, as a WSGI application (PEP 3333).

    `find` looks up a family; `clock` gives epoch seconds.
    """

    issuer: str
    configuration: Configuration
    find: Callable[[FamilyKey], Family | None]
    events: RecentEvents
    clock: Callable[[], float] = time.time

    def __call__(self, environ: "WSGIEnvironment", start_response: "StartResponse") -> Iterable[bytes]:
        """Answer a GET."""
        if environ["REQUEST_METHOD"] != "GET":
            return _answer(start_response, HTTPStatus.METHOD_NOT_ALLOWED)
        path = environ["PATH_INFO"].removeprefix("/")
        if not path.startswith("api/"):
            return self._file(path or "index.html", start_response)
        try:
            document = self._told(path.split("/")[1:], environ)
        except ValueError:
            return _answer(start_response, HTTPStatus.BAD_REQUEST)
        if document is None:
            return _answer(start_response, HTTPStatus.NOT_FOUND)
        return _answer(start_response, body=json.dumps(document).encode(), kind="application/json")

    def _told(self, question: list[str], environ: "WSGIEnvironment") -> Document | None:
        query = parse_qs(environ["QUERY_STRING"])
        match question:
            case ["settings"]:
                return {
                    "issuer": self.issuer,
                    "client_id": CLIENT_ID,
                    "problem": self._problem(f"http://{environ['HTTP_HOST']}/"),
                }
            case ["events"]:
                (after,) = query.get("after", ["0"])
                return {"now": round(self.clock() * 1000), "events": self.events.after(int(after))}
            case ["families", user_key, family_id]:
                return self._family(FamilyKey(encoding.decode(user_key), encoding.decode(family_id)))
        return None

    def _problem(self, callback: str) -> str | None:
        """Return why nobody can log in here, if so: a tenant file of one's own may lack what this page needs."""
        application = self.configuration.application(CLIENT_ID)
        if application is not None and application.allows_redirect_to(callback):
            return None
        return f"The tenant file has no application {CLIENT_ID} with the callback {callback}"

    def _family(self, key: FamilyKey) -> Document | None:
        application = self.configuration.application(CLIENT_ID)
        family = self.find(key)
        if application is None or family is None or family.grant.client_id != CLIENT_ID:
            return None
        return described(family, application.refresh_token)

    def _file(self, name: str, start_response: "StartResponse") -> Iterable[bytes]:
        # Read anew each time: whoever plays with the page only reloads it.
        files = {path.name: path for path in FOLDER.iterdir() if path.suffix in _PUBLIC} | {SDK: FOLDER / SDK}
        if name not in files:
            return _answer(start_response, HTTPStatus.NOT_FOUND)
        return _answer(
            start_response,
            body=files[name].read_bytes(),
            kind=guess_type(name)[0] or "application/octet-stream",
            policy=content_security_policy(self.issuer),
        )


def application(issuer: str, environment: Mapping[str, str], log: FunctionLog) -> Demonstration:
    """Return the demonstration of the stack whose functions write this *log*, with this environment."""
    settings = Settings.of(environment)
    dynamodb = stack.client("dynamodb", environment["AWS_ENDPOINT_URL_DYNAMODB"])
    recent = RecentEvents()
    log.read_by(recent.read)
    return Demonstration(
        issuer,
        DynamoDBConfiguration(dynamodb, settings.configuration_table, clock=time.time),
        DynamoDBFamilies(dynamodb, settings.families_table).find,
        recent,
    )


def described(family: Family, policy: RefreshTokenPolicy) -> Document:
    """Return a family as the page shows it: times in epoch milliseconds, `None` for never."""
    remembered = range(max(0, family.generation - SLOTS), family.generation)
    spent_at = {generation: family.superseded[generation % SLOTS].at_ms for generation in remembered}
    allowance = (policy.leeway + lifetimes.CLOCK_SKEW) * 1000 if policy.leeway else 0
    idle = min(family.idle_expires_at, lifetimes.ends_at(family.exchanged_at, policy.idle_lifetime))
    return {
        "family_id": encoding.encode(family.key.family_id),
        "generation": family.generation,
        "superseded": [
            {"generation": generation, "spent_at": at, "replayable_until": at + allowance}
            for generation, at in spent_at.items()
        ],
        "leeway": policy.leeway * 1000,
        "idle_expires_at": _milliseconds(idle),
        "absolute_expires_at": _milliseconds(family.absolute_expires_at),
        "revoked_at": _milliseconds(family.revoked_at),
        "revoked_because": family.revoked_because,
    }


def content_security_policy(issuer: str) -> str:
    """Return the page's policy (CSP Level 3): its own files, the issuer, and the SDK's worker, which is a blob."""
    origin = issuer.removesuffix("/")
    return (
        "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; worker-src blob:; "
        f"connect-src 'self' {origin}; frame-src {origin}; form-action 'none'; base-uri 'none'; frame-ancestors 'none'"
    )


def _answer(
    start_response: "StartResponse",
    status: HTTPStatus = HTTPStatus.OK,
    *,
    body: bytes = b"",
    kind: str = "text/plain",
    policy: str = "default-src 'none'",
) -> list[bytes]:
    start_response(
        f"{status} {status.phrase}",
        [
            ("Content-Type", f"{kind}; charset=utf-8"),
            ("Content-Length", str(len(body))),
            ("Content-Security-Policy", policy),
            ("Cache-Control", "no-store"),
            ("Referrer-Policy", "no-referrer"),
            ("X-Content-Type-Options", "nosniff"),
        ],
    )
    return [body]


def _milliseconds(seconds: int | None) -> int | None:
    return None if seconds is None or seconds == lifetimes.NEVER else seconds * 1000
