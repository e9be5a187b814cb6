"""`/userinfo` (OpenID Connect Core §5.3), a resource that takes bearer tokens (RFC 6750) and bound ones (RFC 9449)."""

import enum
from collections.abc import Mapping
from dataclasses import dataclass

from heirloom import http
from heirloom.domain import claims, dpop, scope
from heirloom.domain.errors import (
    Fault,
    InsufficientScope,
    InvalidDPoPProof,
    InvalidRequest,
    InvalidToken,
    OAuthError,
)
from heirloom.domain.events import Event, EventType
from heirloom.domain.ports import Configuration, Events, Users, Verifier
from heirloom.domain.user import claims_for
from heirloom.endpoints.proof_of_possession import Proofs
from heirloom.http import Request, Response


class Scheme(enum.StrEnum):
    """How an access token is presented."""

    BEARER = "Bearer"
    DPOP = "DPoP"


CHALLENGES: Mapping[Scheme, str] = {
    Scheme.BEARER: 'Bearer realm="Heirloom"',
    Scheme.DPOP: f'DPoP algs="{" ".join(dpop.ALGORITHMS)}"',
}


class BoundToken(InvalidToken):
    """A token that is bound to a key, presented like one that is not."""


@dataclass(frozen=True, slots=True)
class Presented:
    """An access token, and how it came."""

    token: str
    scheme: Scheme


@dataclass(frozen=True, slots=True)
class UserinfoEndpoint:
    """Tells an application about the person who logged in, as far as the token's scope goes."""

    issuer: str
    configuration: Configuration
    verifier: Verifier
    proofs: Proofs
    users: Users
    events: Events

    def __call__(self, request: Request) -> Response:
        """Answer with the claims, or with a challenge (RFC 6750 §3, RFC 9449 §7.1)."""
        scheme = None
        try:
            presented = _presented(request)
            if presented is None:
                raise InvalidToken("")
            scheme = presented.scheme
            response = http.answer(self._claims(presented, request))
        except OAuthError as error:
            self.events.emit(Event(EventType.REFUSED_REQUEST, request.caller, reason=error.reason))
            response = _challenge(error, Scheme.DPOP if isinstance(error, BoundToken) else scheme)
        except Fault as fault:
            self.events.emit(Event.of_fault(fault, request.caller))
            response = http.unavailable()
        return self._readable(response, request)

    def _claims(self, presented: Presented, request: Request) -> dict[str, object]:
        audience = claims.userinfo_audience(self.issuer)
        verified = self.verifier.access_token(presented.token, audience=audience, now=request.now)
        self._check_possession(presented, verified.get("cnf"), request)
        granted = scope.parse(str(verified.get("scope", "")))
        if scope.OPENID not in granted:
            raise InsufficientScope("The access token has no openid scope")
        user = self.users.by_id(str(verified["sub"]))
        if user is None or user.blocked:
            raise InvalidToken("The access token's user is unknown or blocked")
        return {"sub": user.user_id, **claims_for(user, granted, _named(verified))}

    def _check_possession(self, presented: Presented, confirmation: object, request: Request) -> None:
        """Return if whoever presents the token has the key to which it is bound, or if it is bound to none.

        No nonce is asked for: this function can read no key to make one with. `iat` and `jti` bound the use of a proof.
        """
        if presented.scheme is Scheme.BEARER:
            if confirmation is not None:
                raise BoundToken("The access token is bound to a key and needs a DPoP proof")
            return
        proof = self.proofs.read(request, f"{self.issuer}userinfo", access_token=presented.token)
        if confirmation != {"jkt": proof.thumbprint}:
            raise InvalidToken("The access token is not bound to the key of the DPoP proof")
        dpop.check_age(proof, dpop.WITHOUT_NONCE, now=request.now)
        self.proofs.take(proof, request.now)

    def _readable(self, response: Response, request: Request) -> Response:
        if request.origin is None or not self.configuration.is_web_origin(request.origin):
            return response
        return http.readable_by(response, request.origin).with_headers(
            {"access-control-expose-headers": "www-authenticate"}
        )


def _named(verified: Mapping[str, object]) -> frozenset[str]:
    """Return the claims that the login asked for by name (OpenID Connect Core §5.5), which the token carries."""
    names = verified.get("userinfo_claims")
    return frozenset(map(str, names)) if isinstance(names, list) else frozenset()


def _presented(request: Request) -> Presented | None:
    """Return the token from the header or the body (RFC 6750 §2.1, §2.2); never from the query, which is logged."""
    name, _, token = request.headers.get("authorization", "").partition(" ")
    scheme = next((scheme for scheme in Scheme if scheme.lower() == name.lower()), None)
    from_header = Presented(token.strip(), scheme) if scheme is not None and token.strip() else None
    from_body = None
    if request.method == "POST" and request.body:
        from_body = request.body_parameters().get("access_token")
    if from_header and from_body:
        raise InvalidRequest("The access token must be sent in one way only")
    return from_header or (Presented(from_body, Scheme.BEARER) if from_body else None)


def _challenge(error: OAuthError, scheme: Scheme | None) -> Response:
    """Say which schemes there are, and of the one to use what is wrong.

    RFC 6750 §3.1: a request without any token hears no error code.
    """
    if not error.description:
        return Response(401, headers={"www-authenticate": ", ".join(CHALLENGES.values()), **http.NO_STORE})
    first = scheme or Scheme.BEARER
    challenge = f'{CHALLENGES[first]}, error="{error.error}", error_description="{error.description}"'
    body = {"error": error.error, "error_description": error.description}
    status = 401 if isinstance(error, InvalidDPoPProof) else error.status
    return http.answer(body, status).with_headers({"www-authenticate": challenge})
