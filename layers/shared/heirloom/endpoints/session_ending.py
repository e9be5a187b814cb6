"""What a logout ends: the session first, then what came from it."""

from collections.abc import Callable
from dataclasses import dataclass

from heirloom.domain.backchannel_logout import LogoutNotice
from heirloom.domain.events import Event, EventType
from heirloom.domain.family import Family
from heirloom.domain.ports import BackChannel, Configuration, Events, Families, Sessions
from heirloom.domain.session import Session
from heirloom.endpoints.revocations import Revocations
from heirloom.http import Request

BECAUSE = "logout"


@dataclass(frozen=True, slots=True)
class SessionEnding:
    """Ends a session, whoever asks for it."""

    configuration: Configuration
    sessions: Sessions
    families: Families
    back_channel: BackChannel
    events: Events

    def end(self, session: Session, request: Request, *, client_id: str | None, reason: str | None = None) -> None:
        """End *session*, and with it the families of applications that want that; tell applications that want to hear.

        Once it has returned, all of this is durable. A fault leaves an ended session behind, with which whoever tries
        again goes on.
        """
        self._end(session, request, BECAUSE, self._ends_with_its_session, client_id=client_id, reason=reason)

    def cut_off(self, session: Session, request: Request, *, because: str, reason: str) -> None:
        """End *session* as a logout does, and every family that came from it: its browser is in the wrong hands."""
        self._end(session, request, because, lambda _: True, client_id=None, reason=reason)

    def _end(
        self,
        session: Session,
        request: Request,
        because: str,
        goes_too: Callable[[Family], bool],
        *,
        client_id: str | None,
        reason: str | None,
    ) -> None:
        # First the session: no code of it becomes a family after this, so the families that are listed then are all.
        ended = self.sessions.end(session.key, now=request.now)
        if ended is None:
            return
        families = [
            family
            for family in self.families.of_user(ended.user_id)
            if family.grant.session_id == ended.key.session_id and goes_too(family)
        ]
        Revocations(self.families, self.events).end(families, because=because, caller=request.caller, now=request.now)
        self._notify_applications(ended)
        self.sessions.forget(ended.key)
        self.events.emit(
            Event(
                EventType.LOGOUT,
                request.caller,
                client_id=client_id,
                user_id=ended.user_id,
                reason=reason,
                details={"session_id": ended.key.session_id},
            )
        )

    def _ends_with_its_session(self, family: Family) -> bool:
        application = self.configuration.application(family.grant.client_id)
        return application is not None and application.refresh_token.revoke_on_logout

    def _notify_applications(self, ended: Session) -> None:
        self.back_channel.notify(
            [
                LogoutNotice(client_id, ended.user_id, ended.key.session_id)
                for client_id in sorted(ended.client_ids)
                if (application := self.configuration.application(client_id)) and application.backchannel_logout_url
            ]
        )
