"""The grant of a device that polls (RFC 8628 §3.4): the word of a person elsewhere becomes a family."""

import secrets
from dataclasses import dataclass

from heirloom import http
from heirloom.domain import device_authorization, encoding, scope
from heirloom.domain.application import Application, GrantType, families_not_before
from heirloom.domain.device import Device
from heirloom.domain.device_authorization import INVALID_DEVICE_CODE, Confirmation, DeviceAuthorization
from heirloom.domain.errors import AuthorizationPending, InvalidGrant, SlowDown
from heirloom.domain.events import Event, EventType
from heirloom.domain.ports import (
    Configuration,
    DeviceCodes,
    DeviceExchangeRefused,
    Events,
    Families,
    PollRefused,
    TokenKeys,
)
from heirloom.endpoints.first_generation import FirstGeneration
from heirloom.endpoints.issuance import Exchange, require_binding
from heirloom.http import Parameters, Request


@dataclass(frozen=True, slots=True)
class DeviceGrant:
    """Exchanges a device code, once. Until somebody decides, a poll is one call to the store."""

    configuration: Configuration
    device_codes: DeviceCodes
    families: Families
    token_keys: TokenKeys
    events: Events

    def exchange(
        self, request: Request, application: Application, parameters: Parameters, key_thumbprint: str | None
    ) -> Exchange:
        """Return what the device code was exchanged for; raise an `OAuthError`, or a fault."""
        device_code = http.required(parameters, "device_code")
        application.require_grant(GrantType.DEVICE_CODE)
        digest = device_authorization.digest(device_code)
        try:
            self.device_codes.poll(digest, client_id=application.client_id, now_ms=request.now_ms)
        except PollRefused as refused:
            authorization = refused.authorization
        else:
            raise AuthorizationPending("Nobody has confirmed the device yet")
        try:
            confirmation = self._redeem(authorization, request, application)
        except SlowDown:
            self.device_codes.slow_down(digest, now_ms=request.now_ms)
            raise
        # Before the code is spent: a client that forgot its proof sends it with the next poll.
        api = self.configuration.resource_server(confirmation.grant.audience)
        require_binding(api, application, key_thumbprint)
        login = FirstGeneration(self.configuration, self.families, self.token_keys, self.events)
        grant = confirmation.grant
        granted = login.granted_scope(grant, request, application)
        family, text = None, None
        if scope.OFFLINE_ACCESS in granted:
            family, text = login.begin(
                grant, application, key_thumbprint, device=Device.of(request.caller), now=request.now
            )
        attempt = encoding.encode(secrets.token_bytes(16))
        try:
            self.device_codes.exchange(digest, confirmation, family, attempt=attempt, now=request.now)
        except DeviceExchangeRefused as refused:
            if refused.authorization is None:
                raise InvalidGrant(INVALID_DEVICE_CODE, reason="the login was ended meanwhile") from None
            # Another poll came first: hear that.
            self._redeem(refused.authorization, request, application)
            raise
        if family is not None:
            login.make_room(family, application, request)
        family_id = encoding.encode(family.key.family_id) if family else None
        self.events.emit(
            Event(
                EventType.DEVICE_CODE_EXCHANGED,
                request.caller,
                client_id=application.client_id,
                user_id=grant.user_id,
                details={"familyId": family_id, "session_id": grant.session_id},
            )
        )
        return Exchange(grant, granted, family_id, text, refreshed=False)

    def _redeem(
        self, authorization: DeviceAuthorization | None, request: Request, application: Application
    ) -> Confirmation:
        return device_authorization.redeem(
            authorization,
            client_id=application.client_id,
            not_before=families_not_before(self.configuration.tenant(), application),
            now=request.now,
        )
