"""What a logout ends: the session first, then what came from it."""

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
        # First the session: no code of it becomes a family after this, so the families that are listed then are all.
        ended = self.sessions.end(session.key, now=request.now)
        if ended is None:
            return
        self._revoke_families(ended, request)
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

    def _revoke_families(self, ended: Session, request: Request) -> None:
        families = [
            family
            for family in self.families.of_user(ended.user_id)
            if family.grant.session_id == ended.key.session_id and self._ends_with_its_session(family)
        ]
        Revocations(self.families, self.events).end(families, because=BECAUSE, caller=request.caller, now=request.now)

    def _ends_with_its_session(self, family: Family) -> bool:
        application = self.configuration.application(family.grant.client_id)
        return application is not None and application.refresh_token.revoke_on_logout

    def _notify_applications(self, ended: Session) -> None:
        notices = [
            LogoutNotice(client_id, ended.user_id, ended.key.session_id)
            for client_id in sorted(ended.client_ids)
            if (application := self.configuration.application(client_id)) and application.backchannel_logout_url
        ]
        if notices:
            self.back_channel.notify(notices)
