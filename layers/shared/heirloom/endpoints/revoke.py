"""`POST /oauth/revoke` (RFC 7009): the family of a refresh token ends."""

from dataclasses import dataclass

from heirloom import http
from heirloom.domain.application import Application
from heirloom.domain.errors import Fault, OAuthError
from heirloom.domain.events import Event, EventType
from heirloom.domain.family import proven
from heirloom.domain.ports import Configuration, Consents, Events, Families, TokenKeys
from heirloom.domain.refresh_token import Forged, RefreshToken
from heirloom.domain.token_keys import TokenKeyring
from heirloom.endpoints.client import ClientAuthentication
from heirloom.endpoints.cross_origin import readable
from heirloom.endpoints.refresh import presented_token
from heirloom.endpoints.revocations import Revocations
from heirloom.http import Request, Response

BY_APPLICATION = "revoked_by_application"


@dataclass(frozen=True, slots=True)
class RevocationEndpoint:
    """Revokes the family of any genuine token of it, the live one or one spent long ago."""

    clients: ClientAuthentication
    configuration: Configuration
    families: Families
    consents: Consents
    token_keys: TokenKeys
    events: Events

    def __call__(self, request: Request) -> Response:
        """Answer 200 once the revocation is durable, and for every token of which nothing is to be revoked.

        RFC 7009 §2.2: "invalid tokens do not cause an error response". Another client's token is answered alike, and
        left alone: an error would tell whose it is.
        """
        application = None
        try:
            parameters = request.body_parameters()
            application, credentials = self.clients.identify(request, parameters)
            self.clients.authenticate(request, application, credentials)
            self._revoke(http.required(parameters, "token"), request, application)
            response = Response(200, headers={"content-type": "application/json", **http.NO_STORE})
        except OAuthError as error:
            client_id = application.client_id if application else None
            self.events.emit(Event(EventType.REFUSED_REQUEST, request.caller, client_id=client_id, reason=error.reason))
            response = http.refusal(error, request)
        except Fault as fault:
            self.events.emit(Event.of_fault(fault, request.caller))
            response = http.unavailable()
        return readable(response, request, application)

    def _revoke(self, text: str, request: Request, application: Application) -> None:
        try:
            token, keyring = presented_token(text, self.token_keys)
        except Forged:
            return
        if keyring.key(token.key_id).compromised and not self._proven(token, keyring):
            return
        if self.configuration.tenant().revocation_ends_grant:
            self._end_grant(token, request, application)
            return
        self._revocations.end_one(
            token.family,
            client_id=application.client_id,
            because=BY_APPLICATION,
            caller=request.caller,
            now=request.now,
            counter=token.generation,
        )

    def _end_grant(self, token: RefreshToken, request: Request, application: Application) -> None:
        """End what the person granted to this application at this API: on all their devices, and the consent."""
        family = self.families.find(token.family)
        if family is None or family.revoked_at is not None or family.grant.client_id != application.client_id:
            return
        grant = family.grant
        self.consents.withdraw(user_key=family.key.user_key, client_id=grant.client_id, audience=grant.audience)
        self._revocations.end_logins(
            grant.user_id,
            because=BY_APPLICATION,
            caller=request.caller,
            now=request.now,
            client_id=grant.client_id,
            audience=grant.audience,
            last=family.key,
        )

    @property
    def _revocations(self) -> Revocations:
        return Revocations(self.families, self.events)

    def _proven(self, token: RefreshToken, keyring: TokenKeyring) -> bool:
        """Tell whether the store bears *token* out: its MAC proves nothing once that key is compromised."""
        family = self.families.find(token.family)
        return family is not None and proven(token, family, keyring)
