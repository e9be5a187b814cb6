"""`/userinfo` (OpenID Connect Core §5.3), a resource that takes bearer tokens (RFC 6750) and bound ones (RFC 9449)."""

from collections.abc import Mapping
from dataclasses import dataclass

from heirloom import http
from heirloom.domain import claims, scope
from heirloom.domain.errors import (
    Fault,
    InsufficientScope,
    InvalidDPoPProof,
    InvalidRequest,
    InvalidToken,
    OAuthError,
)
from heirloom.domain.events import Event, EventType
from heirloom.domain.ports import Configuration, Events, Users
from heirloom.domain.user import claims_for
from heirloom.endpoints import access_tokens
from heirloom.endpoints.access_tokens import AccessTokens, Presented, Scheme
from heirloom.http import Request, Response


@dataclass(frozen=True, slots=True)
class UserinfoEndpoint:
    """Tells an application about the person who logged in, as far as the token's scope goes."""

    issuer: str
    configuration: Configuration
    access_tokens: AccessTokens
    users: Users
    events: Events

    def __call__(self, request: Request) -> Response:
        """Answer with the claims, or with a challenge (RFC 6750 §3, RFC 9449 §7.1)."""
        presented = None
        try:
            presented = _presented(request)
            if presented is None:
                raise InvalidToken("")
            response = http.answer(self._claims(presented, request))
        except OAuthError as error:
            self.events.emit(Event(EventType.REFUSED_REQUEST, request.caller, reason=error.reason))
            response = _refusal(error, presented)
        except Fault as fault:
            self.events.emit(Event.of_fault(fault, request.caller))
            response = http.unavailable()
        return self._readable(response, request)

    def _claims(self, presented: Presented, request: Request) -> dict[str, object]:
        audience = claims.userinfo_audience(self.issuer)
        verified = self.access_tokens.verified(presented, request, uri=audience, audience=audience)
        granted = scope.parse(str(verified.claims.get("scope", "")))
        if scope.OPENID not in granted:
            raise InsufficientScope("The access token has no openid scope")
        self.access_tokens.take(verified, request)
        user = self.users.by_id(str(verified.claims["sub"]))
        if user is None or user.blocked:
            raise InvalidToken("The access token's user is unknown or blocked")
        return {"sub": user.user_id, **claims_for(user, granted, _named(verified.claims))}

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
    from_header = access_tokens.in_header(request)
    from_body = None
    if request.method == "POST" and request.body:
        from_body = request.body_parameters().get("access_token")
    if from_header and from_body:
        raise InvalidRequest("The access token must be sent in one way only")
    return from_header or (Presented(from_body, Scheme.BEARER) if from_body else None)


def _refusal(error: OAuthError, presented: Presented | None) -> Response:
    """Answer with a challenge; who sent no token hears no more than which schemes there are."""
    header = {"www-authenticate": access_tokens.challenge(error, presented)}
    if not error.description:
        return Response(401, headers={**header, **http.NO_STORE})
    body = {"error": error.error, "error_description": error.description}
    status = 401 if isinstance(error, InvalidDPoPProof) else error.status
    return http.answer(body, status).with_headers(header)
