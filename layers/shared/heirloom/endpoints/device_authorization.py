"""`POST /oauth/device/code` (RFC 8628 §3.1): a device asks for a code that its person enters elsewhere."""

import secrets
from dataclasses import dataclass
from urllib.parse import urlencode

from heirloom import http
from heirloom.domain import device_authorization, encoding, lifetimes, scope, user_code
from heirloom.domain.application import Application, GrantType
from heirloom.domain.device_authorization import FIRST_INTERVAL, DeviceAuthorization
from heirloom.domain.errors import Fault, InvalidTarget, OAuthError, StoreUnavailable
from heirloom.domain.events import Event, EventType
from heirloom.domain.ports import Configuration, DeviceCodes, Events
from heirloom.domain.resource_indicator import requested_audience
from heirloom.endpoints.client import ClientAuthentication
from heirloom.endpoints.requested_access import RequestedAccess, requested_access
from heirloom.http import Parameters, Request, Response

DRAWS = 5
"""How often a user code is drawn again because a living device has it: twice in a row is a millionth of a chance."""


@dataclass(frozen=True, slots=True)
class DeviceAuthorizationEndpoint:
    """Hands a device its two codes: a long one to poll with, a short one to show."""

    issuer: str
    clients: ClientAuthentication
    configuration: Configuration
    device_codes: DeviceCodes
    events: Events

    def __call__(self, request: Request) -> Response:
        """Answer with the codes (RFC 8628 §3.2), with a refusal, or with 503."""
        application = None
        try:
            parameters = request.body_parameters()
            application, credentials = self.clients.identify(request, parameters)
            self.clients.authenticate(request, application, credentials)
            application.require_grant(GrantType.DEVICE_CODE)
            return http.answer(self._authorize(request, application, parameters))
        except OAuthError as error:
            self._record(EventType.FAILED_DEVICE_AUTHORIZATION, request, application, error.reason)
            return http.refusal(error, request)
        except Fault as fault:
            self.events.emit(Event.of_fault(fault, request.caller))
            return http.unavailable()

    def _authorize(self, request: Request, application: Application, parameters: Parameters) -> dict[str, object]:
        access = self._requested_access(application, parameters)
        if access.offline_access_denied is not None:
            reason = f"offline_access was dropped: {access.offline_access_denied}"
            self._record(EventType.WARNING, request, application, reason)
        device_code = encoding.encode(secrets.token_bytes(32))
        shown = self._stored(device_code, access, application, request.now)
        return {
            "device_code": device_code,
            "user_code": shown,
            "verification_uri": f"{self.issuer}activate",
            "verification_uri_complete": f"{self.issuer}activate?{urlencode({'user_code': shown})}",
            "expires_in": lifetimes.DEVICE_CODE,
            "interval": FIRST_INTERVAL,
        }

    def _requested_access(self, application: Application, parameters: Parameters) -> RequestedAccess:
        return requested_access(
            audience=requested_audience(parameters),
            values=scope.parse(parameters.get("scope")),
            application=application,
            configuration=self.configuration,
            issuer=self.issuer,
            # Not `AccessDenied`: nobody was asked yet, who could deny.
            unknown=InvalidTarget("The audience is no API of this tenant"),
        )

    def _stored(self, device_code: str, access: RequestedAccess, application: Application, now: int) -> str:
        """Store the authorization under a user code that no living one has, and return that."""
        tenant = self.configuration.tenant()
        for _ in range(DRAWS):
            authorization = DeviceAuthorization(
                digest=device_authorization.digest(device_code),
                user_code=user_code.draw(tenant.user_code_charset, tenant.user_code_mask, secrets.choice),
                client_id=application.client_id,
                audience=access.audience,
                scope=access.scope,
                expires_at=now + lifetimes.DEVICE_CODE,
            )
            if self.device_codes.put(authorization, now=now):
                return authorization.user_code
        raise StoreUnavailable("no user code is free")

    def _record(self, event_type: EventType, request: Request, application: Application | None, reason: str) -> None:
        client_id = application.client_id if application else None
        self.events.emit(Event(event_type, request.caller, client_id=client_id, reason=reason))
