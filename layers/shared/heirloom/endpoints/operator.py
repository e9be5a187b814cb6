"""What an operator ends: a family, a session, somebody's logins at an application, all of them, the account itself."""

from dataclasses import dataclass

from heirloom.domain import refresh_token
from heirloom.domain.events import Caller, Event, EventType
from heirloom.domain.ports import Consents, Events, Families, Sessions, Users
from heirloom.domain.refresh_token import FamilyKey
from heirloom.domain.session import SessionKey
from heirloom.endpoints.revocations import Revocations

BY_OPERATOR = "revoked_by_operator"
USER_DELETED = "user_deleted"


@dataclass(frozen=True, slots=True)
class Operator:
    """Every verb returns how many families it revoked, once that is durable, or raises `StoreUnavailable`."""

    families: Families
    sessions: Sessions
    users: Users
    consents: Consents
    events: Events

    def end_family(self, key: FamilyKey, caller: Caller, *, now: int) -> int:
        """End one login on one device."""
        family = self.families.find(key)
        return self._revocations.end([family] if family else [], because=BY_OPERATOR, caller=caller, now=now)

    def end_session(self, user_id: str, session_id: str, caller: Caller, *, now: int) -> int:
        """End a login session in a browser, and every family that came from it."""
        # The session first: no family comes from it after they are listed.
        if self.sessions.end(SessionKey(refresh_token.user_key(user_id), session_id), now=now) is not None:
            details = {"session_id": session_id}
            self.events.emit(Event(EventType.LOGOUT, caller, user_id=user_id, reason=BY_OPERATOR, details=details))
        families = [family for family in self.families.of_user(user_id) if family.grant.session_id == session_id]
        return self._revocations.end(families, because=BY_OPERATOR, caller=caller, now=now)

    def end_logins(self, user_id: str, caller: Caller, *, now: int, client_id: str | None = None) -> int:
        """End all logins of a user, sessions included, or those at one application."""
        return self._revocations.end_logins(user_id, because=BY_OPERATOR, caller=caller, now=now, client_id=client_id)

    def delete_user(self, user_id: str, caller: Caller, *, now: int) -> int:
        """Delete an account with its logins and consents. Repeating it finishes what a fault interrupted."""
        ended = self._revocations.end_logins(user_id, because=USER_DELETED, caller=caller, now=now)
        self.users.delete(user_id)
        self.consents.withdraw_all(refresh_token.user_key(user_id))
        # Until the account was gone, its password still logged in.
        return ended + self._revocations.end_logins(user_id, because=USER_DELETED, caller=caller, now=now)

    @property
    def _revocations(self) -> Revocations:
        return Revocations(self.families, self.events)
