"""HTTP requests and answers as values: what the endpoints take and return."""

import base64
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from itertools import chain
from urllib.parse import parse_qsl, unquote_plus

from heirloom.domain import client_assertion
from heirloom.domain.application import AuthenticationMethod, ClientCredentials
from heirloom.domain.errors import InvalidClient, InvalidRequest, OAuthError, UseDPoPNonce
from heirloom.domain.events import Caller

LARGEST_BODY = 32 * 1024
MOST_PARAMETERS = 100

REPEATABLE = frozenset({"resource"})
"""RFC 8707 §2: "multiple resource parameters MAY be used". Joined by a space, which no URI holds."""

NO_STORE: Mapping[str, str] = {"cache-control": "no-store", "pragma": "no-cache"}
"""RFC 6749 §5.1: "MUST include the HTTP Cache-Control response header field with a value of no-store"."""

EVERY_ANSWER: Mapping[str, str] = {
    # Browsers pass over it on plain http (RFC 6797 §8.1), which only a local run serves.
    "strict-transport-security": "max-age=63072000; includeSubDomains",
    "x-content-type-options": "nosniff",
}
"""Headers of whatever we answer, be it a page, a document or a refusal."""

PREFLIGHT_LIFETIME = 3600

type Parameters = Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Request:
    """A request. Header names are in lower case; `now_ms` is its time in epoch milliseconds, read once."""

    method: str
    path: str
    caller: Caller
    now_ms: int
    headers: Mapping[str, str] = field(default_factory=dict)
    cookies: Mapping[str, str] = field(default_factory=dict)
    query: str = ""
    body: bytes = field(default=b"", repr=False)

    @property
    def now(self) -> int:
        """Return the time of the request in epoch seconds."""
        return self.now_ms // 1000

    @property
    def origin(self) -> str | None:
        """Return the web origin whose script sent the request, if one did."""
        return self.headers.get("origin")

    def query_parameters(self) -> Parameters:
        """Return the query's parameters; raise `InvalidRequest`."""
        return parameters_of(self.query)

    def body_parameters(self) -> Parameters:
        """Return the parameters of a form or a JSON object; raise `InvalidRequest`."""
        if len(self.body) > LARGEST_BODY:
            raise InvalidRequest("The request body is too large")
        try:
            text = self.body.decode()
        except UnicodeDecodeError:
            raise InvalidRequest("The request body is not UTF-8") from None
        match self.headers.get("content-type", "").partition(";")[0].strip().lower():
            case "application/x-www-form-urlencoded":
                return parameters_of(text)
            case "application/json":
                return _json_parameters(text)
            case _:
                raise InvalidRequest("Content-Type must be application/x-www-form-urlencoded or application/json")


@dataclass(frozen=True, slots=True)
class Response:
    """An answer."""

    status: int
    body: str = field(default="", repr=False)
    headers: Mapping[str, str] = field(default_factory=dict)
    cookies: tuple[str, ...] = field(default=(), repr=False)

    def with_headers(self, headers: Mapping[str, str]) -> "Response":
        """Return this answer with more *headers*."""
        return Response(self.status, self.body, {**self.headers, **headers}, self.cookies)

    def with_cookies(self, cookies: Iterable[str]) -> "Response":
        """Return this answer with more `Set-Cookie` values."""
        return replace(self, cookies=(*self.cookies, *cookies))


def parameters_of(text: str) -> Parameters:
    """Return the parameters of a query or form.

    RFC 6749 §3.1: "Parameters sent without a value MUST be treated as if they were omitted", and "parameters MUST NOT
    be included more than once"; those of `REPEATABLE` may. Raise `InvalidRequest`.
    """
    try:
        pairs = parse_qsl(text, keep_blank_values=True, max_num_fields=MOST_PARAMETERS, errors="strict")
    except ValueError:
        raise InvalidRequest("The parameters are malformed") from None
    return _once(pairs)


def client_credentials(request: Request, parameters: Parameters) -> ClientCredentials:
    """Return how the client proves who it is (RFC 6749 §2.3).

    Raise `InvalidRequest` when it uses two methods at once or names itself nowhere, `InvalidClient` for a Basic
    header or an assertion that is none.
    """
    header = request.headers.get("authorization", "")
    if header[:6].lower() == "basic ":
        return _basic(header[6:].strip(), parameters)
    if "client_assertion" in parameters or "client_assertion_type" in parameters:
        return _assertion(parameters)
    client_id = parameters.get("client_id")
    if client_id is None:
        raise InvalidRequest("Missing required parameter: client_id")
    secret = parameters.get("client_secret")
    if secret is None:
        return ClientCredentials(AuthenticationMethod.NONE, client_id)
    return ClientCredentials(AuthenticationMethod.CLIENT_SECRET_POST, client_id, (secret,))


def required(parameters: Parameters, name: str) -> str:
    """Return a parameter; raise `InvalidRequest` when it is missing."""
    try:
        return parameters[name]
    except KeyError:
        raise InvalidRequest(f"Missing required parameter: {name}") from None


def answer(document: Mapping[str, object], status: int = 200) -> Response:
    """Return a JSON answer that no cache keeps."""
    return Response(status, json.dumps(document), {"content-type": "application/json", **NO_STORE})


def refusal(error: OAuthError, request: Request, more: Mapping[str, object] | None = None) -> Response:
    """Return the JSON answer to a refused request (RFC 6749 §5.2), with *more* members.

    `WWW-Authenticate` only where the client tried a Basic header: libraries that see it hide the body from their
    callers.
    """
    document = {"error": error.error, "error_description": error.description, **(more or {})}
    response = answer(document, error.status)
    if isinstance(error, UseDPoPNonce):
        return with_dpop_nonce(response, error.nonce)
    if isinstance(error, InvalidClient) and request.headers.get("authorization", "")[:6].lower() == "basic ":
        return response.with_headers({"www-authenticate": 'Basic realm="Heirloom", charset="UTF-8"'})
    return response


def unavailable() -> Response:
    """Return the answer to a fault that passes.

    Plain text: some SDKs take any JSON answer without a refresh token for the end of the session.
    """
    return Response(
        503,
        "Temporarily unavailable, please try again.",
        {"content-type": "text/plain; charset=utf-8", "retry-after": "1", **NO_STORE},
    )


def readable_by(response: Response, origin: str) -> Response:
    """Return the answer so that scripts of *origin* may read it (Fetch standard, CORS)."""
    return response.with_headers({"access-control-allow-origin": origin, "vary": "origin"})


def with_dpop_nonce(response: Response, nonce: str) -> Response:
    """Return the answer with the nonce for the client's next DPoP proof (RFC 9449 §8), for scripts to read, too."""
    return response.with_headers({"dpop-nonce": nonce, "access-control-expose-headers": "dpop-nonce"})


def preflight(origin: str | None, methods: str) -> Response:
    """Return the answer to a CORS preflight; *origin* is `None` when no application registered it."""
    response = Response(204, headers={"vary": "origin"})
    if origin is None:
        return response
    return readable_by(response, origin).with_headers(
        {
            "access-control-allow-methods": methods,
            "access-control-allow-headers": "authorization, content-type, auth0-client, dpop",
            "access-control-max-age": str(PREFLIGHT_LIFETIME),
        }
    )


def _once(pairs: Iterable[tuple[str, str]]) -> Parameters:
    parameters: dict[str, str] = {}
    for name, value in pairs:
        if name not in parameters:
            parameters[name] = value
        elif name in REPEATABLE:
            parameters[name] = " ".join(filter(None, (parameters[name], value)))
        else:
            raise InvalidRequest("A parameter is repeated")
    if not _encodable("".join(chain.from_iterable(parameters.items()))):
        raise InvalidRequest("The parameters are not Unicode text")
    return {name: value for name, value in parameters.items() if value}


def _encodable(text: str) -> bool:
    """JSON escapes can spell half of a surrogate pair, which no UTF-8 has."""
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


def _json_parameters(text: str) -> Parameters:
    try:
        document = json.loads(text, object_pairs_hook=list)
    except (ValueError, RecursionError):
        raise InvalidRequest("The request body is not JSON") from None
    if not isinstance(document, list) or not text.lstrip().startswith("{") or len(document) > MOST_PARAMETERS:
        raise InvalidRequest("The request body is not a JSON object")
    return _once((name, _json_value(value)) for name, value in document)


def _json_value(value: object) -> str:
    if value is None:
        return ""
    if isinstance(value, str):
        return value
    if isinstance(value, int) and not isinstance(value, bool):
        return str(value)
    raise InvalidRequest("A parameter is not a string")


def _assertion(parameters: Parameters) -> ClientCredentials:
    """RFC 7521 §4.2: `client_id` is optional, and whoever else the assertion names is refused when it is verified."""
    if "client_secret" in parameters:
        raise InvalidRequest("The client must authenticate in one way only")
    assertion = parameters.get("client_assertion")
    if assertion is None or parameters.get("client_assertion_type") != client_assertion.TYPE:
        raise InvalidClient(reason="client assertion: missing, or of another type")
    client_id = parameters.get("client_id") or client_assertion.claimed_client_id(assertion)
    return ClientCredentials(AuthenticationMethod.PRIVATE_KEY_JWT, client_id, assertion=assertion)


def _basic(encoded: str, parameters: Parameters) -> ClientCredentials:
    if not parameters.keys().isdisjoint(("client_secret", "client_assertion", "client_assertion_type")):
        raise InvalidRequest("The client must authenticate in one way only")
    try:
        octets = base64.b64decode(encoded, validate=True)
    except ValueError:  # binascii.Error is one
        raise InvalidClient(reason="malformed Basic header") from None
    try:
        text = octets.decode()
    except UnicodeDecodeError:
        text = octets.decode("latin-1")
    name, colon, secret = text.partition(":")
    client_id = unquote_plus(name)
    if not colon or not client_id or parameters.get("client_id", client_id) != client_id:
        raise InvalidClient(reason="malformed Basic header, or another client_id in the body")
    if not secret:
        return ClientCredentials(AuthenticationMethod.NONE, client_id)
    return ClientCredentials(AuthenticationMethod.CLIENT_SECRET_BASIC, client_id, (secret, unquote_plus(secret)))
