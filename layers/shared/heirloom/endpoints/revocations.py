"""Ending families, each with its event."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from heirloom.domain import encoding
from heirloom.domain.events import Caller, Event, EventType
from heirloom.domain.family import Family
from heirloom.domain.ports import Events, Families
from heirloom.domain.refresh_token import FamilyKey


@dataclass(frozen=True, slots=True)
class Revocations:
    """Revokes families, and tells of each that was alive.

    Its verbs may raise `StoreUnavailable`: some may be revoked then, and a repetition finds the rest.
    """

    families: Families
    events: Events

    def end_one(
        self, key: FamilyKey, *, client_id: str, because: str, caller: Caller, now: int, counter: int | None = None
    ) -> None:
        """Revoke a family if it is this client's, by one write, without reading it first.

        *counter* is the generation of the token that was presented, if one was.
        """
        family = self.families.revoke(key, client_id=client_id, because=because, now=now)
        if family is not None:
            self._tell(family, because, caller, {} if counter is None else {"tokenCounter": counter})

    def end(self, families: Iterable[Family], *, because: str, caller: Caller, now: int) -> int:
        """Revoke those of *families* that are not yet, durably, and return how many they were."""
        alive = [family for family in families if family.revoked_at is None]
        for family in alive:
            self.families.revoke(family.key, client_id=family.grant.client_id, because=because, now=now)
            self._tell(family, because, caller)
        return len(alive)

    def end_logins(
        self,
        user_id: str,
        *,
        because: str,
        caller: Caller,
        now: int,
        client_id: str | None = None,
        audience: str | None = None,
        last: FamilyKey | None = None,
    ) -> int:
        """End the logins of a user as `Families.end_logins` does, and return how many families were alive."""
        ended = self.families.end_logins(
            user_id,
            because=because,
            now=now,
            client_id=client_id,
            audience=audience,
            last=last,
            # At once: whoever repeats an interrupted call does not find it alive again.
            tell=lambda family: self._tell(family, because, caller),
        )
        if client_id is None:  # sessions too, which nothing lists
            self.events.emit(Event(EventType.LOGOUT, caller, user_id=user_id, reason=because))
        return len(ended)

    def _tell(self, family: Family, because: str, caller: Caller, more: Mapping[str, object] | None = None) -> None:
        self.events.emit(
            Event(
                EventType.REFRESH_TOKEN_REVOKED,
                caller,
                client_id=family.grant.client_id,
                user_id=family.grant.user_id,
                reason=because,
                details={
                    "familyId": encoding.encode(family.key.family_id),
                    "latestCounter": family.generation,
                    "session_id": family.grant.session_id,
                    "audience": family.grant.audience,
                    **(more or {}),
                },
            )
        )
