"""`POST /oauth/par` (RFC 9126): an application sends its authorization request itself, before the browser comes."""

import secrets
from dataclasses import dataclass, replace
from urllib.parse import urlencode

from heirloom import http
from heirloom.domain import dpop, encoding, lifetimes, pushed_request
from heirloom.domain.application import Application
from heirloom.domain.authorization import Untrusted
from heirloom.domain.errors import AccessDenied, Fault, InvalidDPoPProof, InvalidRequest, OAuthError, RequestTooLarge
from heirloom.domain.events import Event, EventType
from heirloom.domain.pushed_request import PREFIX, REFERENCE_BYTES, PushedRequest
from heirloom.endpoints.authorization_flow import Answerable, AuthorizationFlow
from heirloom.endpoints.client import ClientAuthentication
from heirloom.endpoints.cross_origin import readable
from heirloom.endpoints.proof_of_possession import HEADER, Proofs
from heirloom.http import Parameters, Request, Response

CREDENTIALS = frozenset({"client_secret", "client_assertion", "client_assertion_type"})
"""What a client authenticates with is no part of its authorization request, and is not stored."""


@dataclass(frozen=True, slots=True)
class PushedAuthorizationEndpoint:
    """Takes the whole request from the client that it authenticates, and judges it as `/authorize` would."""

    clients: ClientAuthentication
    flow: AuthorizationFlow
    proofs: Proofs

    def __call__(self, request: Request) -> Response:
        """Answer 201 with a reference to the request, or with what `/authorize` would have said to it."""
        application = None
        try:
            if len(request.body) > http.LARGEST_BODY:
                raise RequestTooLarge("The request body is too large")
            parameters = request.body_parameters()
            application, credentials = self.clients.identify(request, parameters)
            self.clients.authenticate(request, application, credentials)
            parameters = self._with_key(request, parameters)
            response = http.answer(self._push(request, application, parameters), 201)
        except OAuthError as error:
            response = self._refuse(error, request, application)
        except Fault as fault:
            self.flow.events.emit(Event.of_fault(fault, request.caller))
            response = http.unavailable()
        return readable(response, request, application)

    def _with_key(self, request: Request, parameters: Parameters) -> Parameters:
        """Return *parameters* with the key of the request's proof as `dpop_jkt`, if it has one (RFC 9449 §10.1).

        No nonce is asked for, as at `/userinfo`. Raise `InvalidDPoPProof`.
        """
        if HEADER not in request.headers:
            return parameters
        proof = self.proofs.read(request, f"{self.flow.browser.issuer}oauth/par")
        dpop.check_age(proof, dpop.WITHOUT_NONCE, now=request.now)
        if parameters.get("dpop_jkt", proof.thumbprint) != proof.thumbprint:
            raise InvalidDPoPProof("dpop_jkt names another key than the DPoP proof")
        self.proofs.take(proof, request.now)
        return {**parameters, "dpop_jkt": proof.thumbprint}

    def _push(self, request: Request, application: Application, parameters: Parameters) -> dict[str, object]:
        if "request_uri" in parameters:
            raise InvalidRequest("request_uri cannot be pushed")
        pushable = {name: value for name, value in parameters.items() if name not in CREDENTIALS}
        request_uri = PREFIX + encoding.encode(secrets.token_bytes(REFERENCE_BYTES))
        pushed = PushedRequest(
            digest=pushed_request.digest(request_uri),
            client_id=application.client_id,
            # A client that authenticates in a header need not name itself in the body.
            query=urlencode(pushable | {"client_id": application.client_id}),
            pushed_at=request.now,
        )
        try:
            self.flow.validate("", application, pushed)
        except Answerable as refused:
            raise refused.error from None
        except Untrusted as untrusted:
            raise InvalidRequest(str(untrusted)) from None
        self.flow.pushed_requests.put(pushed)
        return {"request_uri": request_uri, "expires_in": lifetimes.PUSHED_REQUEST}

    def _refuse(self, error: OAuthError, request: Request, application: Application | None) -> Response:
        client_id = application.client_id if application else None
        self.flow.events.emit(
            Event(
                EventType.FAILED_PUSHED_AUTHORIZATION,
                request.caller,
                client_id=client_id,
                reason=error.reason,
                details={"error": error.error},
            )
        )
        response = http.refusal(error, request)
        # No person has denied anything: RFC 9126 §2.3 answers as RFC 6749 §5.2 does.
        return replace(response, status=400) if isinstance(error, AccessDenied) else response
