"""`POST /oauth/token` (RFC 6749 §3.2)."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol

from heirloom import http
from heirloom.domain import refresh_token
from heirloom.domain.application import Application, GrantType
from heirloom.domain.errors import (
    AuthorizationPending,
    Fault,
    OAuthError,
    ReuseDetected,
    UnsupportedGrantType,
    UseDPoPNonce,
)
from heirloom.domain.events import Event, EventType
from heirloom.domain.ports import Configuration, Events, SigningKeys
from heirloom.endpoints import issuance
from heirloom.endpoints.client import ClientAuthentication
from heirloom.endpoints.cross_origin import readable
from heirloom.endpoints.issuance import Exchange
from heirloom.endpoints.proof_of_possession import TokenRequestProofs
from heirloom.http import Parameters, Request, Response


class Grant(Protocol):
    """One way to get tokens."""

    def exchange(
        self, request: Request, application: Application, parameters: Parameters, key_thumbprint: str | None
    ) -> Exchange:
        """Return what the request's credential was exchanged for; raise an `OAuthError`, or a fault.

        *key_thumbprint* is that of the key of which the request has a proof (RFC 9449), if it has one.
        """


@dataclass(frozen=True, slots=True)
class TokenEndpoint:
    """Authenticates the client, hands the request to its grant, signs the answer."""

    issuer: str
    configuration: Configuration
    clients: ClientAuthentication
    grants: Mapping[GrantType, Grant]
    signing_keys: SigningKeys
    proofs: TokenRequestProofs
    events: Events

    def __call__(self, request: Request) -> Response:
        """Answer with tokens, with a refusal, or with 503."""
        parameters: Parameters = {}
        application = None
        try:
            parameters = request.body_parameters()
            application, credentials = self.clients.identify(request, parameters)
            self.clients.authenticate(request, application, credentials)
            response = self._exchange(request, application, parameters)
        except OAuthError as error:
            self._record(error, request, application, parameters.get("grant_type"))
            response = http.refusal(error, request, _kept(error, parameters))
        except Fault as fault:
            self.events.emit(Event.of_fault(fault, request.caller))
            response = http.unavailable()
        return readable(response, request, application)

    def _exchange(self, request: Request, application: Application, parameters: Parameters) -> Response:
        grant_type = http.required(parameters, "grant_type")
        if grant_type not in self.grants:
            raise UnsupportedGrantType("Grant type not supported")
        # Loaded before anything is committed: what can fail must not fail between the write and the answer.
        signer = self.signing_keys.signer()
        proof = self.proofs.of(request, application)
        key_thumbprint = proof.thumbprint if proof else None
        exchange = self.grants[GrantType(grant_type)].exchange(request, application, parameters, key_thumbprint)
        api = issuance.api_of(exchange, self.configuration, self.issuer)
        issuance.require_binding(api, application, key_thumbprint)
        document = issuance.issue(
            exchange, application, api, signer, issuer=self.issuer, now=request.now, key_thumbprint=key_thumbprint
        )
        return self.proofs.answered(http.answer(document), proof, request.now)

    def _record(
        self, error: OAuthError, request: Request, application: Application | None, grant_type: str | None
    ) -> None:
        if isinstance(error, AuthorizationPending):
            return  # what a device hears every few seconds, and nothing failed
        match error, grant_type:
            case ReuseDetected(), _:
                event_type = EventType.REFRESH_TOKEN_REUSED
            case UseDPoPNonce(), _:
                event_type = EventType.REFUSED_REQUEST  # every login of a public client begins with it
            case _, GrantType.REFRESH_TOKEN:
                event_type = EventType.FAILED_REFRESH_TOKEN_EXCHANGE
            case _, GrantType.AUTHORIZATION_CODE:
                event_type = EventType.FAILED_CODE_EXCHANGE
            case _, GrantType.CLIENT_CREDENTIALS:
                event_type = EventType.FAILED_CLIENT_CREDENTIALS_EXCHANGE
            case _, GrantType.DEVICE_CODE:
                event_type = EventType.FAILED_DEVICE_CODE_EXCHANGE
            case _:
                event_type = EventType.REFUSED_REQUEST
        client_id = application.client_id if application else None
        details = {"error": error.error, **error.details}
        self.events.emit(
            Event(
                event_type,
                request.caller,
                client_id=client_id,
                user_id=error.user_id,
                reason=error.reason,
                details=details,
            )
        )


def _kept(error: OAuthError, parameters: Parameters) -> Mapping[str, str]:
    """Return what a refusal repeats of the request: the refresh token, where the client is to try again at once.

    auth0-spa-js forgets the token it presented at any JSON answer that has none, and would have nothing to try with.
    """
    token = parameters.get("refresh_token", "")
    return {"refresh_token": token} if isinstance(error, UseDPoPNonce) and refresh_token.well_formed(token) else {}
