"""What is signed in with an account: its sessions, the families of its applications, and what these may do."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from heirloom.domain import session
from heirloom.domain.application import RefreshTokenPolicy, families_not_before
from heirloom.domain.consent import Consent
from heirloom.domain.device import Device
from heirloom.domain.family import Family, usable
from heirloom.domain.session import Session
from heirloom.endpoints.authorization_flow import AuthorizationFlow, LoggedIn

_UNKNOWN_POLICY = RefreshTokenPolicy(idle_lifetime=None)


@dataclass(frozen=True, slots=True)
class Logins:
    """All of one person's that is good now, what was used last before the rest."""

    sessions: Sequence[Session]
    families: Sequence[Family]
    consents: Sequence[Consent]
    unfinished: Sequence[Session] = ()
    """Sessions that were ended, but a fault came before all that follows from it."""

    @property
    def client_ids(self) -> Sequence[str]:
        """Return the applications that stay signed in or may do something, the one used last first."""
        of_families = (family.grant.client_id for family in self.families)
        return list(dict.fromkeys([*of_families, *sorted(consent.client_id for consent in self.consents)]))

    def families_of(self, client_id: str) -> Sequence[Family]:
        """Return the families of an application."""
        return [family for family in self.families if family.grant.client_id == client_id]

    def access_of(self, client_id: str) -> Mapping[str, frozenset[str]]:
        """Return the scope that an application has or may get without asking, by audience."""
        access: dict[str, frozenset[str]] = defaultdict(frozenset)
        for family in self.families_of(client_id):
            access[family.grant.audience] |= family.grant.scope
        for consent in self.consents:
            if consent.client_id == client_id:
                access[consent.audience] |= consent.scope
        return access


def is_of_browser(family: Family, session: Session, device: Device) -> bool:
    """Tell whether a family lives in the browser of *session*, which is *device* now.

    A television whose code was confirmed there comes from the session, but is elsewhere.
    """
    began_on = family.initial_device.user_agent
    known = (it.user_agent for it in (session.initial_device, session.last_device, device))
    return family.grant.session_id == session.key.session_id and any(it.startswith(began_on) for it in known)


def logins_of(person: LoggedIn, flow: AuthorizationFlow, now: int) -> Logins:
    """Return what is signed in with a person's account, strongly consistent."""
    tenant, user_id = flow.configuration.tenant(), person.user.user_id
    sessions = sorted(flow.sessions.of_user(user_id), key=lambda it: it.used_at, reverse=True)
    families = sorted(flow.families.of_user(user_id), key=lambda it: it.exchanged_at, reverse=True)
    return Logins(
        sessions=[it for it in sessions if session.valid(it, epoch=person.session.epoch, tenant=tenant, now=now)],
        unfinished=[it for it in sessions if it.ended_at is not None],
        families=[it for it in families if _is_usable(it, flow, now)],
        consents=flow.consents.of_user(person.session.key.user_key),
    )


def _is_usable(family: Family, flow: AuthorizationFlow, now: int) -> bool:
    """Tell whether a family's token is good. That of an application that is gone would be, should it come back."""
    application = flow.configuration.application(family.grant.client_id)
    tenant = flow.configuration.tenant()
    policy = application.refresh_token if application else _UNKNOWN_POLICY
    not_before = families_not_before(tenant, application) if application else tenant.not_before
    return usable(family, policy=policy, not_before=not_before, now=now)
