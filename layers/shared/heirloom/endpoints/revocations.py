"""Ending several families at once, each with its event."""

from collections.abc import Iterable
from dataclasses import dataclass

from heirloom.domain import encoding
from heirloom.domain.events import Caller, Event, EventType
from heirloom.domain.family import Family
from heirloom.domain.ports import Events, Families


@dataclass(frozen=True, slots=True)
class Revocations:
    """Revokes families, and tells of each that was alive."""

    families: Families
    events: Events

    def end(self, families: Iterable[Family], *, because: str, caller: Caller, now: int) -> int:
        """Revoke those of *families* that are not yet, durably, and return how many they were.

        Raise `StoreUnavailable`: some may be revoked then; a repetition finds the rest.
        """
        alive = [family for family in families if family.revoked_at is None]
        for family in alive:
            self.families.revoke(family.key, client_id=family.grant.client_id, because=because, now=now)
            self.events.emit(
                Event(
                    EventType.REFRESH_TOKEN_REVOKED,
                    caller,
                    client_id=family.grant.client_id,
                    user_id=family.grant.user_id,
                    reason=because,
                    details={
                        "familyId": encoding.encode(family.key.family_id),
                        "session_id": family.grant.session_id,
                        "audience": family.grant.audience,
                    },
                )
            )
        return len(alive)
