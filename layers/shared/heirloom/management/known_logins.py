"""What is alive of a user's logins, and how the API shows it."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime

from heirloom.domain import lifetimes, refresh_token, session
from heirloom.domain.application import families_not_before
from heirloom.domain.device import Device
from heirloom.domain.family import Family, usable
from heirloom.domain.ports import Configuration, Families, Sessions
from heirloom.domain.refresh_token import FamilyKey
from heirloom.domain.session import Session, SessionKey
from heirloom.management.pagination import Optional
from heirloom.management.route import Answer


class DeviceAnswer(Answer):
    """Where a login began, and where it was used last."""

    initial_ip: Optional[str] = None
    initial_user_agent: Optional[str] = None
    last_ip: Optional[str] = None
    last_user_agent: Optional[str] = None


@dataclass(frozen=True, slots=True)
class KnownLogins:
    """Families and sessions that are good now. Dead ones are not shown: for the API they are gone."""

    configuration: Configuration
    families: Families
    sessions: Sessions

    def families_of(self, user_id: str, now: int) -> list[Family]:
        """Return the live families of a user, strongly consistent."""
        return [family for family in self.families.of_user(user_id) if self.is_alive(family, now)]

    def family(self, key: FamilyKey | None, now: int) -> Family | None:
        """Return a live family."""
        family = self.families.find(key) if key else None
        return family if family and self.is_alive(family, now) else None

    def sessions_of(self, user_id: str, now: int) -> list[Session]:
        """Return the live sessions of a user, strongly consistent."""
        epoch = self.families.epoch(refresh_token.user_key(user_id))
        return [it for it in self.sessions.of_user(user_id) if self._is_valid(it, epoch, now)]

    def session(self, key: SessionKey | None, now: int) -> Session | None:
        """Return a live session."""
        found = self.sessions.find(key) if key else None
        return found if found and self._is_valid(found, self.families.epoch(found.key.user_key), now) else None

    def is_alive(self, family: Family, now: int) -> bool:
        """Tell whether somebody who holds the family's live token can exchange it."""
        application = self.configuration.application(family.grant.client_id)
        if application is None:
            return False
        not_before = families_not_before(self.configuration.tenant(), application)
        return usable(family, policy=application.refresh_token, not_before=not_before, now=now)

    def idle_end(self, family: Family) -> int:
        """Return when a family ends if nobody uses it: by what was set then, by what is set now, or in any case."""
        application = self.configuration.application(family.grant.client_id)
        idle_lifetime = application.refresh_token.idle_lifetime if application else None
        end = lifetimes.ends_at(family.exchanged_at, idle_lifetime)
        return min(family.idle_expires_at, end, family.absolute_expires_at)

    def _is_valid(self, found: Session, epoch: int, now: int) -> bool:
        return session.valid(found, epoch=epoch, tenant=self.configuration.tenant(), now=now)


def clients_of(found: Session, families: Iterable[Family]) -> list[str]:
    """Return the applications that took part in a session, as far as they are known."""
    from_it = {family.grant.client_id for family in families if family.grant.session_id == found.key.session_id}
    return sorted(from_it | found.client_ids)


def devices(initial: Device, last: Device) -> DeviceAnswer:
    """Return two devices as the API shows them."""
    return DeviceAnswer(
        initial_ip=initial.address or None,
        initial_user_agent=initial.user_agent or None,
        last_ip=last.address or None,
        last_user_agent=last.user_agent or None,
    )


def date(seconds: int) -> datetime | None:
    """Return a point in time as the API shows it, `None` for never."""
    return None if seconds >= lifetimes.NEVER else datetime.fromtimestamp(seconds, UTC)
