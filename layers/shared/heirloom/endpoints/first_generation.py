"""How a login becomes a family, whichever grant it came by."""

import secrets
from dataclasses import dataclass

from heirloom.domain import encoding, lifetimes, refresh_token, scope
from heirloom.domain.application import Application, families_not_before
from heirloom.domain.device import Device
from heirloom.domain.errors import Fault
from heirloom.domain.events import Event, EventType
from heirloom.domain.family import MOST_FAMILIES, Family, Grant, devices_within, surplus
from heirloom.domain.ports import Configuration, Events, Families, TokenKeys
from heirloom.domain.refresh_token import FAMILY_ID_BYTES, SECRET_BYTES, FamilyKey
from heirloom.http import Request


@dataclass(frozen=True, slots=True)
class FirstGeneration:
    """Makes the families of new logins, and room for them."""

    configuration: Configuration
    families: Families
    token_keys: TokenKeys
    events: Events

    def granted_scope(self, grant: Grant, request: Request, application: Application) -> frozenset[str]:
        """Return the grant's scope; a browser gets no `offline_access` from an application that does not rotate."""
        if request.origin is None or application.refresh_token.rotating or scope.OFFLINE_ACCESS not in grant.scope:
            return grant.scope
        self.events.emit(
            Event(
                EventType.WARNING,
                request.caller,
                client_id=application.client_id,
                user_id=grant.user_id,
                reason="offline_access was dropped: a browser asked, and the application does not rotate",
            )
        )
        return grant.scope - {scope.OFFLINE_ACCESS}

    def begin(
        self, grant: Grant, application: Application, key_thumbprint: str | None, *, device: Device, now: int
    ) -> tuple[Family, str]:
        """Return a new family, which nobody has stored yet, and its first refresh token.

        *key_thumbprint* is that of the key of which the request has a proof. RFC 9449 §5: a public client's family
        belongs to it; a confidential one proves itself by its secret.
        """
        keyring = self.token_keys.keyring()
        key = FamilyKey(refresh_token.user_key(grant.user_id), secrets.token_bytes(FAMILY_ID_BYTES))
        token = refresh_token.first(key, secrets.token_bytes(SECRET_BYTES), keyring)
        policy = application.refresh_token
        initial_device, last_device = devices_within(grant, device)
        family = Family(
            key=key,
            grant=grant,
            generation=token.generation,
            live_digest=token.digest(),
            superseded={},
            attempt="",
            created_at=now,
            absolute_expires_at=lifetimes.ends_at(now, policy.absolute_lifetime),
            exchanged_at=now,
            idle_expires_at=lifetimes.ends_at(now, policy.idle_lifetime),
            non_rotating=None if policy.rotating else True,
            initial_device=initial_device,
            last_device=last_device,
            key_thumbprint=None if application.confidential else key_thumbprint,
        )
        return family, token.text(keyring)

    def make_room(self, newest: Family, application: Application, request: Request) -> None:
        """Revoke what is beyond the limit. The login stands already, so a fault here is noted and the next login's."""
        try:
            for family in surplus(
                self.families.of_user(newest.grant.user_id),
                newest=newest,
                policy=application.refresh_token,
                not_before=families_not_before(self.configuration.tenant(), application),
            ):
                self.families.revoke(family.key, client_id=application.client_id, because="gave_way", now=request.now)
                self.events.emit(
                    Event(
                        EventType.FAMILY_GAVE_WAY,
                        request.caller,
                        client_id=application.client_id,
                        user_id=family.grant.user_id,
                        reason=f"more than {MOST_FAMILIES} live families",
                        details={
                            "familyId": encoding.encode(family.key.family_id),
                            "session_id": family.grant.session_id,
                        },
                    )
                )
        except Fault as fault:
            self.events.emit(Event.of_fault(fault, request.caller))
