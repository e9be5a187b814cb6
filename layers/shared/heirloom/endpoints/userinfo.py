"""`/userinfo` (OpenID Connect Core §5.3), a resource protected by bearer tokens (RFC 6750)."""

from dataclasses import dataclass

from heirloom import http
from heirloom.domain import claims, scope
from heirloom.domain.errors import Fault, InsufficientScope, InvalidRequest, InvalidToken, OAuthError
from heirloom.domain.events import Event, EventType
from heirloom.domain.ports import Configuration, Events, Users, Verifier
from heirloom.domain.user import claims_for
from heirloom.http import Request, Response

BEARER = "bearer "


@dataclass(frozen=True, slots=True)
class UserinfoEndpoint:
    """Tells an application about the person who logged in, as far as the token's scope goes."""

    issuer: str
    configuration: Configuration
    verifier: Verifier
    users: Users
    events: Events

    def __call__(self, request: Request) -> Response:
        """Answer with the claims, or with a challenge (RFC 6750 §3)."""
        try:
            response = http.answer(self._claims(_access_token(request), request.now))
        except OAuthError as error:
            self.events.emit(Event(EventType.REFUSED_REQUEST, request.caller, reason=error.reason))
            response = _challenge(error)
        except Fault as fault:
            self.events.emit(Event.of_fault(fault, request.caller))
            response = http.unavailable()
        return self._readable(response, request)

    def _claims(self, token: str | None, now: int) -> dict[str, object]:
        if token is None:
            raise InvalidToken("")
        verified = self.verifier.access_token(token, audience=claims.userinfo_audience(self.issuer), now=now)
        granted = scope.parse(str(verified.get("scope", "")))
        if scope.OPENID not in granted:
            raise InsufficientScope("The access token has no openid scope")
        user = self.users.by_id(str(verified["sub"]))
        if user is None or user.blocked:
            raise InvalidToken("The access token's user is unknown or blocked")
        return {"sub": user.user_id, **claims_for(user, granted)}

    def _readable(self, response: Response, request: Request) -> Response:
        if request.origin is None or not self.configuration.is_web_origin(request.origin):
            return response
        return http.readable_by(response, request.origin).with_headers(
            {"access-control-expose-headers": "www-authenticate"}
        )


def _access_token(request: Request) -> str | None:
    """Return the token from the header or the body (RFC 6750 §2.1, §2.2); never from the query, which is logged."""
    header = request.headers.get("authorization", "")
    from_header = header[len(BEARER) :].strip() if header[: len(BEARER)].lower() == BEARER else None
    from_body = None
    if request.method == "POST" and request.body:
        from_body = request.body_parameters().get("access_token")
    if from_header and from_body:
        raise InvalidRequest("The access token must be sent in one way only")
    return from_header or from_body


def _challenge(error: OAuthError) -> Response:
    """RFC 6750 §3.1: a request without any token hears no error code."""
    if not error.description:
        return Response(401, headers={"www-authenticate": 'Bearer realm="Heirloom"', **http.NO_STORE})
    challenge = f'Bearer realm="Heirloom", error="{error.error}", error_description="{error.description}"'
    body = {"error": error.error, "error_description": error.description}
    return http.answer(body, error.status).with_headers({"www-authenticate": challenge})
