"""`/api/v2/sessions`, and those of a user: logins in browsers."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from http import HTTPStatus
from typing import Any

from heirloom.domain.family import Family
from heirloom.domain.session import Session
from heirloom.endpoints.operator import BY_OPERATOR
from heirloom.endpoints.session_ending import SessionEnding
from heirloom.management import identifiers
from heirloom.management.known_logins import DeviceAnswer, KnownLogins, clients_of, date, devices
from heirloom.management.pagination import Fields, Listing, Optional
from heirloom.management.problem import NotFound
from heirloom.management.refresh_tokens import ListOfUser
from heirloom.management.route import Answer, Call, Nothing, Route


class SessionClient(Answer):
    """An application that took part."""

    client_id: str


class SessionAnswer(Answer):
    """A session: never its cookie, only what is known of it."""

    id: Optional[str] = None
    user_id: Optional[str] = None
    created_at: Optional[datetime] = None
    authenticated_at: Optional[datetime] = None
    last_interacted_at: Optional[datetime] = None
    idle_expires_at: Optional[datetime] = None
    expires_at: Optional[datetime] = None
    device: Optional[DeviceAnswer] = None
    clients: Optional[list[SessionClient]] = None


SESSIONS = Listing("sessions", SessionAnswer)


@dataclass(frozen=True, slots=True)
class SessionRoutes:
    """The routes, and what they do."""

    logins: KnownLogins
    ending: SessionEnding

    def routes(self) -> Iterable[Route]:
        """Yield them."""
        yield Route(
            method="GET",
            path="sessions/{id}",
            scope="read:sessions",
            summary="Read what is known of a session",
            handler=self.get,
            query=Fields,
            answer=SessionAnswer,
            problems=(HTTPStatus.NOT_FOUND,),
        )
        yield Route(
            method="DELETE",
            path="sessions/{id}",
            scope="delete:sessions",
            summary="End a session, as a logout does",
            handler=self.delete,
            status=HTTPStatus.ACCEPTED,
        )
        yield Route(
            method="POST",
            path="sessions/{id}/revoke",
            scope="delete:sessions",
            summary="End a session, and revoke all refresh tokens that came from it",
            handler=self.revoke,
            status=HTTPStatus.ACCEPTED,
            problems=(HTTPStatus.NOT_FOUND,),
        )
        yield Route(
            method="GET",
            path="users/{id}/sessions",
            scope="read:sessions",
            summary="List a user's sessions",
            handler=self.index_of_user,
            query=ListOfUser,
            answer=SESSIONS.envelope,
            listed="sessions",
        )
        yield Route(
            method="DELETE",
            path="users/{id}/sessions",
            scope="delete:sessions",
            summary="End a user's sessions, each as a logout does",
            handler=self.delete_of_user,
            status=HTTPStatus.ACCEPTED,
        )

    def index_of_user(self, call: Call[ListOfUser, None]) -> object:
        """Return a user's sessions, by their ids."""
        user_id, now = call.path["id"], call.request.now
        families = self.logins.families.of_user(user_id)
        sessions = [_answer(found, families) for found in self.logins.sessions_of(user_id, now)]
        return SESSIONS.after(sessions, call.query, lambda it: str(it.id))

    def get(self, call: Call[Fields, None]) -> Answer:
        """Return what is known of a session."""
        found = self._session(call)
        return _answer(found, self.logins.families.of_user(found.user_id))

    def delete(self, call: Call[Nothing, None]) -> None:
        """End a session; nothing happens where there is none, as at Auth0."""
        key = identifiers.session(call.path["id"])
        found = self.logins.sessions.find(key) if key else None
        if found is not None:
            self._end([found], call)

    def delete_of_user(self, call: Call[Nothing, None]) -> None:
        """End a user's sessions."""
        self._end(self.logins.sessions.of_user(call.path["id"]), call)

    def revoke(self, call: Call[Nothing, None]) -> None:
        """End a session, and all that came from it."""
        key = identifiers.session(call.path["id"])
        found = self.logins.sessions.find(key) if key else None
        if found is None:
            raise NotFound("session")
        self.ending.cut_off([found], call.request, because=BY_OPERATOR, reason=BY_OPERATOR)

    def _end(self, found: Sequence[Session], call: Call[Any, Any]) -> None:
        self.ending.end(found, call.request, client_id=None, reason=BY_OPERATOR)

    def _session(self, call: Call[Any, Any]) -> Session:
        found = self.logins.session(identifiers.session(call.path["id"]), call.request.now)
        if found is None:
            raise NotFound("session")
        return found


def _answer(found: Session, families: Sequence[Family]) -> SessionAnswer:
    return SessionAnswer(
        id=identifiers.of_session(found.key),
        user_id=found.user_id,
        created_at=date(found.created_at),
        authenticated_at=date(found.auth_time),
        last_interacted_at=date(found.used_at),
        idle_expires_at=date(found.idle_expires_at),
        expires_at=date(found.absolute_expires_at),
        device=devices(found.initial_device, found.last_device),
        clients=[SessionClient(client_id=client_id) for client_id in clients_of(found, families)],
    )
