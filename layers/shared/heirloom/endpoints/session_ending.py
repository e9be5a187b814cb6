"""What a logout ends: a session first, then what came from it."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from itertools import batched
from typing import Final

from heirloom.domain.backchannel_logout import LogoutNotice
from heirloom.domain.events import Event, EventType
from heirloom.domain.family import Family
from heirloom.domain.ports import BackChannel, Configuration, Events, Families, Sessions
from heirloom.domain.session import Session
from heirloom.endpoints.revocations import Revocations
from heirloom.http import Request

BECAUSE = "logout"

_TOGETHER: Final = 10
"""Sessions that end before their families are listed, once for all of them: the list costs by its length."""


@dataclass(frozen=True, slots=True)
class SessionEnding:
    """Ends sessions of one person, whoever asks for it."""

    configuration: Configuration
    sessions: Sessions
    families: Families
    back_channel: BackChannel
    events: Events

    def end(
        self, sessions: Iterable[Session], request: Request, *, client_id: str | None, reason: str | None = None
    ) -> None:
        """End *sessions*, and with them the families of applications that want that; tell those that want to hear.

        Once it has returned, all of this is durable. A fault leaves ended sessions behind, with which whoever tries
        again goes on; those that were done before are gone.
        """
        self._end(sessions, request, BECAUSE, self._ends_with_its_session, client_id=client_id, reason=reason)

    def cut_off(self, sessions: Iterable[Session], request: Request, *, because: str, reason: str) -> None:
        """End *sessions* as a logout does, and every family that came from them: their browsers are in wrong hands."""
        self._end(sessions, request, because, lambda _: True, client_id=None, reason=reason)

    def _end(
        self,
        sessions: Iterable[Session],
        request: Request,
        because: str,
        goes_too: Callable[[Family], bool],
        *,
        client_id: str | None,
        reason: str | None,
    ) -> None:
        for some in batched(sessions, _TOGETHER, strict=False):
            # First the sessions: no code of theirs becomes a family after this, so those that are listed then are all.
            at_hand = [self.sessions.end(session.key, now=request.now) for session in some]
            ended = [session for session in at_hand if session is not None]
            families = self.families.of_user(ended[0].user_id) if ended else []
            for session in ended:
                own = [it for it in families if it.grant.session_id == session.key.session_id and goes_too(it)]
                Revocations(self.families, self.events).end(
                    own, because=because, caller=request.caller, now=request.now
                )
                self._notify_applications(session)
                self.sessions.forget(session.key)
                self.events.emit(
                    Event(
                        EventType.LOGOUT,
                        request.caller,
                        client_id=client_id,
                        user_id=session.user_id,
                        reason=reason,
                        details={"session_id": session.key.session_id},
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
