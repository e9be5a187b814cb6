"""`/api/v2/…`: from a request to the call of a route, and from what it returns to the answer.

The order is a security property. Whatever can be refused without a store is refused without one: an unknown path, a
missing or foreign token, one without the scope, a body that is wrong.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from http import HTTPStatus
from typing import Any, Final
from urllib.parse import quote

from pydantic import BaseModel, TypeAdapter, ValidationError

from heirloom import http
from heirloom.domain import management_api, scope
from heirloom.domain.claims import CLIENT_SUBJECT
from heirloom.domain.errors import Fault, InsufficientScope, InvalidRequest, InvalidToken, OAuthError
from heirloom.domain.events import Event, EventType
from heirloom.domain.ports import Configuration, Events
from heirloom.endpoints import access_tokens
from heirloom.endpoints.access_tokens import AccessTokens, Presented, Verified
from heirloom.http import Request, Response
from heirloom.management.pagination import Fields
from heirloom.management.problem import BadQuery, BadRequest, Problem
from heirloom.management.route import Call, Model, Route

LARGEST_BODY: Final = 128 * 1024
"""Bytes: no object here is as large."""

JSON: Final = {"content-type": "application/json"}

_OBJECT: Final = TypeAdapter(dict[str, Any])


@dataclass(frozen=True, slots=True)
class ManagementApi:
    """Answers whoever has an access token for the Management API that an application got for itself."""

    issuer: str
    routes: Sequence[Route]
    access_tokens: AccessTokens
    configuration: Configuration
    events: Events

    def __call__(self, request: Request) -> Response:
        """Answer with what the route returns, with a refusal, or with 503."""
        presented = access_tokens.in_header(request)
        client_id = None
        try:
            route, path = self._matching(request)
            verified = None if route.scope is None else self._verified(presented, request)
            if verified:
                client_id = _client_id(verified)
                _check_scope(route, verified)
            call = Call(request, path, _query(route, request), _body(route, request))
            if verified:
                self._check_grant(route, verified)
                self.access_tokens.take(verified, request)
            response = _answer(route, call)
        except Problem as problem:
            self._record(EventType.REFUSED_REQUEST, request, client_id, str(problem))
            return _refusal(problem)
        except OAuthError as error:
            self._record(EventType.REFUSED_REQUEST, request, client_id, error.reason)
            challenge = access_tokens.challenge(error, presented)
            return _refusal(_problem(error)).with_headers({"www-authenticate": challenge})
        except Fault as fault:
            self.events.emit(Event.of_fault(fault, request.caller))
            return http.unavailable()
        if request.method != "GET":
            self._record(EventType.MANAGEMENT_CALL, request, client_id, None)
        return response

    def _matching(self, request: Request) -> tuple[Route, Mapping[str, str]]:
        path = _decoded(request.path)
        matches = [(route, found) for route in self.routes if (found := route.pattern.fullmatch(path))]
        if not matches:
            raise Problem(HTTPStatus.NOT_FOUND, "not_found", "There is no such path.")
        for route, found in sorted(matches, key=lambda match: -match[0].literal):
            if route.method == request.method:
                return route, found.groupdict()
        raise Problem(HTTPStatus.METHOD_NOT_ALLOWED, "method_not_allowed", "This path has no such method.")

    def _verified(self, presented: Presented | None, request: Request) -> Verified:
        """Return the token that an application got for itself; raise `InvalidToken` or `InvalidDPoPProof`.

        No person's token passes, whatever its audience: an administrator is an application here.
        """
        if presented is None:
            raise InvalidToken("", reason="no token")
        verified = self.access_tokens.verified(
            presented,
            request,
            uri=self.issuer + quote(_decoded(request.path).removeprefix("/"), safe="/!'()*"),
            audience=management_api.audience(self.issuer),
        )
        if verified.claims["sub"] != f"{_client_id(verified)}{CLIENT_SUBJECT}":
            raise InvalidToken("The access token is no application's own")
        return verified

    def _check_grant(self, route: Route, verified: Verified) -> None:
        """Return if the application still may what its token says: the token outlives a grant that is taken away."""
        grant = self.configuration.client_grant(_client_id(verified), management_api.AUDIENCE)
        if grant is None or route.scope not in grant.scope:
            raise _insufficient(route)

    def _record(self, event_type: EventType, request: Request, client_id: str | None, reason: str | None) -> None:
        details = {"method": request.method, "path": request.path}
        self.events.emit(Event(event_type, request.caller, client_id=client_id, reason=reason, details=details))


def _decoded(path: str) -> str:
    """Return a path without escapes: an HTTP API has decoded all of them but the percent sign's."""
    return path.replace("%25", "%")


def _client_id(verified: Verified) -> str:
    return str(verified.claims.get("azp"))


def _check_scope(route: Route, verified: Verified) -> None:
    if route.scope not in scope.parse(str(verified.claims["scope"])):
        raise _insufficient(route)


def _insufficient(route: Route) -> InsufficientScope:
    return InsufficientScope(f"Insufficient scope, expected any of: {route.scope}")


def _query(route: Route, request: Request) -> Model:
    try:
        return route.query.model_validate(request.query_parameters())
    except InvalidRequest as error:
        raise BadQuery(f"Query validation error: {error.description}.") from None
    except ValidationError as error:
        raise BadQuery(f"Query validation error: {_said(error)}") from None


def _body(route: Route, request: Request) -> BaseModel | None:
    if route.body is None:
        return None
    if request.headers.get("content-type", "").partition(";")[0].strip().lower() != "application/json":
        raise BadRequest("Content-Type must be application/json.")
    if len(request.body) > LARGEST_BODY:
        raise Problem(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, "payload_too_large", "The request body is too large.")
    try:
        return route.body.model_validate(_OBJECT.validate_json(request.body))
    except ValidationError as error:
        raise BadRequest(f"Payload validation error: {_said(error)}") from None


def _said(error: ValidationError) -> str:
    """Return what is wrong, without the values that are: they may be secrets."""
    said = [
        ".".join(map(str, problem["loc"]))
        + (": " if problem["loc"] else "")
        + problem["msg"].removeprefix("Value error, ")
        for problem in error.errors(include_url=False, include_context=False, include_input=False)
    ]
    return "; ".join(said) + "."


def _answer(route: Route, call: Call[Any, Any]) -> Response:
    returned = route.handler(call)
    if route.answer is None:
        return Response(route.status.value, headers=http.NO_STORE)
    document = route.dumped(returned)
    if isinstance(call.query, Fields) and call.query.fields:
        document = _chosen(document, call.query, route.listed)
    response = _json(document, route.status)
    if route.cached_for is None:
        return response
    return replace(response, headers={**JSON, "cache-control": f"public, max-age={route.cached_for}"})


def _chosen(document: Any, query: Fields, listed: str | None) -> Any:  # noqa: ANN401 - JSON
    """Return an answer whose objects have the properties that are wanted."""
    if isinstance(document, list):
        return [_chosen(element, query, None) for element in document]
    if listed is not None:
        return {**document, listed: _chosen(document[listed], query, None)}
    names = {name.strip() for name in (query.fields or "").split(",")}
    return {name: value for name, value in document.items() if (name in names) is query.include_fields}


def _problem(error: OAuthError) -> Problem:
    if isinstance(error, InsufficientScope):
        return Problem(HTTPStatus.FORBIDDEN, error.error, error.description)
    return Problem(HTTPStatus.UNAUTHORIZED, error.error, error.description or "Missing authentication")


def _refusal(problem: Problem) -> Response:
    document = {
        "statusCode": problem.status.value,
        "error": problem.status.phrase,
        "message": problem.message,
        "errorCode": problem.error_code,
    }
    return _json(document, problem.status)


def _json(document: object, status: HTTPStatus) -> Response:
    return Response(status.value, json.dumps(document), {**JSON, **http.NO_STORE})
