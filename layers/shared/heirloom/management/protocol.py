"""The endpoints of OAuth 2.0 and OpenID Connect, and the pages, as the OpenAPI document describes them.

They answer without any of this: what is said here is held against what they do by requests that are made of it.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any, Final, Literal

from pydantic import BaseModel, ConfigDict

from heirloom.domain.application import GrantType
from heirloom.management.pagination import Optional

FORM: Final = "application/x-www-form-urlencoded"
JSON: Final = "application/json"
HTML: Final = "text/html"
TEXT: Final = "text/plain"


class Parameters(BaseModel):
    """What a request may bring, and more, which is ignored (RFC 6749 §3.1)."""

    model_config = ConfigDict(extra="allow")


class Document(BaseModel):
    """An answer, which may have more members than are named."""

    model_config = ConfigDict(extra="allow")


@dataclass(frozen=True, slots=True, kw_only=True)
class Operation:
    """One method of one path. `answers` has, by status, media type and type of the body, `None` for none."""

    method: str
    path: str
    summary: str
    tag: str
    query: type[BaseModel] = Parameters
    bodies: Mapping[str, Any] = field(default_factory=dict)
    answers: Mapping[HTTPStatus, tuple[str, Any] | None]
    security: Mapping[str, list[str]] = field(default_factory=dict)


# ---- What requests bring


class ClientAuthentication(Parameters):
    """How a client says and proves who it is, where it does not by a Basic header (RFC 6749 §2.3, RFC 7523 §2.2)."""

    client_id: Optional[str] = None
    client_secret: Optional[str] = None
    client_assertion: Optional[str] = None
    client_assertion_type: Optional[str] = None


class AuthorizationCodeExchange(ClientAuthentication):
    """RFC 6749 §4.1.3, RFC 7636 §4.5."""

    grant_type: Literal[GrantType.AUTHORIZATION_CODE]
    code: str
    redirect_uri: str
    code_verifier: Optional[str] = None


class RefreshTokenExchange(ClientAuthentication):
    """RFC 6749 §6."""

    grant_type: Literal[GrantType.REFRESH_TOKEN]
    refresh_token: str
    scope: Optional[str] = None
    audience: Optional[str] = None
    resource: Optional[str] = None


class ClientCredentialsExchange(ClientAuthentication):
    """RFC 6749 §4.4."""

    grant_type: Literal[GrantType.CLIENT_CREDENTIALS]
    audience: Optional[str] = None
    resource: Optional[str] = None
    scope: Optional[str] = None


class DeviceCodeExchange(ClientAuthentication):
    """RFC 8628 §3.4."""

    grant_type: Literal[GrantType.DEVICE_CODE]
    device_code: str


type TokenRequest = AuthorizationCodeExchange | RefreshTokenExchange | ClientCredentialsExchange | DeviceCodeExchange


class PresentedToken(ClientAuthentication):
    """RFC 7009 §2.1, RFC 7662 §2.1."""

    token: str
    token_type_hint: Optional[str] = None


class AuthorizationRequest(Parameters):
    """OpenID Connect Core §3.1.2.1; with `request_uri` it was pushed (RFC 9126 §4)."""

    client_id: str
    request_uri: Optional[str] = None
    response_type: Optional[Literal["code"]] = None
    redirect_uri: Optional[str] = None
    scope: Optional[str] = None
    audience: Optional[str] = None
    resource: Optional[str] = None
    state: Optional[str] = None
    nonce: Optional[str] = None
    code_challenge: Optional[str] = None
    code_challenge_method: Optional[Literal["S256"]] = None
    response_mode: Optional[Literal["query", "form_post", "web_message"]] = None
    prompt: Optional[str] = None
    max_age: Optional[str] = None
    login_hint: Optional[str] = None
    ui_locales: Optional[str] = None
    claims: Optional[str] = None
    dpop_jkt: Optional[str] = None


class PushedAuthorizationRequest(AuthorizationRequest, ClientAuthentication):
    """RFC 9126 §2.1."""

    client_id: Optional[str] = None  # type: ignore[assignment] # a Basic header may have it


class DeviceAuthorizationRequest(ClientAuthentication):
    """RFC 8628 §3.1."""

    scope: Optional[str] = None
    audience: Optional[str] = None


class UserCode(Parameters):
    """RFC 8628 §3.3.1."""

    user_code: Optional[str] = None


class LoginPage(Parameters):
    """The authorization request that the page belongs to."""

    request: Optional[str] = None


class PageForm(Parameters):
    """What a page's form sends: the request it belongs to, a guard against other sites, and what the person entered."""

    request: Optional[str] = None
    csrf: Optional[str] = None


class LogoutRequest(Parameters):
    """Auth0's logout."""

    client_id: Optional[str] = None
    returnTo: Optional[str] = None  # noqa: N815 - Auth0's name


class EndSessionRequest(Parameters):
    """OpenID Connect RP-Initiated Logout §2."""

    id_token_hint: Optional[str] = None
    logout_hint: Optional[str] = None
    client_id: Optional[str] = None
    post_logout_redirect_uri: Optional[str] = None
    state: Optional[str] = None
    ui_locales: Optional[str] = None


class TokenInBody(Parameters):
    """RFC 6750 §2.2."""

    access_token: Optional[str] = None


# ---- What answers hold


class OAuthErrorAnswer(BaseModel):
    """RFC 6749 §5.2."""

    error: str
    error_description: str
    refresh_token: Optional[str] = None


class Tokens(BaseModel):
    """RFC 6749 §5.1, OpenID Connect Core §3.1.3.3."""

    access_token: str
    token_type: Literal["Bearer", "DPoP"]
    expires_in: int
    scope: str
    id_token: Optional[str] = None
    refresh_token: Optional[str] = None


class Introspection(Document):
    """RFC 7662 §2.2."""

    active: bool


class PushedAuthorization(BaseModel):
    """RFC 9126 §2.2."""

    request_uri: str
    expires_in: int


class DeviceAuthorization(BaseModel):
    """RFC 8628 §3.2."""

    device_code: str
    user_code: str
    verification_uri: str
    verification_uri_complete: str
    expires_in: int
    interval: int


class UserInfo(Document):
    """OpenID Connect Core §5.3.2."""

    sub: str


class KeySet(BaseModel):
    """RFC 7517 §5."""

    keys: list[dict[str, Any]]


class ServerMetadata(Document):
    """OpenID Connect Discovery §3, RFC 8414 §2."""

    issuer: str
    authorization_endpoint: str
    token_endpoint: str
    jwks_uri: str


# ---- The endpoints

_REFUSED: Final = (JSON, OAuthErrorAnswer)
_FAULT: Final[Mapping[HTTPStatus, tuple[str, Any]]] = {HTTPStatus.SERVICE_UNAVAILABLE: (TEXT, str)}
_REFUSALS: Final[Mapping[HTTPStatus, tuple[str, Any]]] = {
    HTTPStatus.BAD_REQUEST: _REFUSED,
    HTTPStatus.UNAUTHORIZED: _REFUSED,
    HTTPStatus.FORBIDDEN: _REFUSED,
    **_FAULT,
}
_PAGE: Final[Mapping[HTTPStatus, tuple[str, Any] | None]] = {
    HTTPStatus.OK: (HTML, str),
    HTTPStatus.SEE_OTHER: None,
    HTTPStatus.BAD_REQUEST: (HTML, str),
    HTTPStatus.FORBIDDEN: (HTML, str),
    HTTPStatus.TOO_MANY_REQUESTS: (HTML, str),
    HTTPStatus.SERVICE_UNAVAILABLE: (HTML, str),
}


def _token_endpoint(path: str, summary: str, body: Any, answer: tuple[str, Any] | None, tag: str) -> Operation:  # noqa: ANN401 - a type
    return Operation(
        method="POST",
        path=path,
        summary=summary,
        tag=tag,
        bodies={FORM: body, JSON: body},
        answers={HTTPStatus.OK: answer, **_REFUSALS},
    )


def _page(method: str, path: str, summary: str, parameters: type[BaseModel]) -> Operation:
    taken: dict[str, Any] = {"query": parameters} if method == "GET" else {"bodies": {FORM: parameters}}
    return Operation(method=method, path=path, summary=summary, tag="pages", answers=_PAGE, **taken)


def _metadata(path: str, summary: str, answer: type[BaseModel]) -> Operation:
    answers = {HTTPStatus.OK: (JSON, answer), **_FAULT}
    return Operation(method="GET", path=path, summary=summary, tag="metadata", answers=answers)


def _preflight(path: str) -> Operation:
    answers = {HTTPStatus.NO_CONTENT: None, **_FAULT}
    return Operation(
        method="OPTIONS", path=path, summary="Answer a browser's preflight (CORS)", tag="browsers", answers=answers
    )


_USERINFO: Final[Mapping[HTTPStatus, tuple[str, Any]]] = {HTTPStatus.OK: (JSON, UserInfo), **_REFUSALS}

OPERATIONS: Final = (
    _token_endpoint("/oauth/token", "Exchange a code, a token, or credentials", TokenRequest, (JSON, Tokens), "tokens"),
    _preflight("/oauth/token"),
    _token_endpoint("/oauth/revoke", "Revoke a refresh token (RFC 7009)", PresentedToken, None, "tokens"),
    _preflight("/oauth/revoke"),
    _token_endpoint(
        "/oauth/introspect", "Ask what a token is good for (RFC 7662)", PresentedToken, (JSON, Introspection), "tokens"
    ),
    Operation(
        method="POST",
        path="/oauth/par",
        summary="Push an authorization request (RFC 9126)",
        tag="tokens",
        bodies={FORM: PushedAuthorizationRequest, JSON: PushedAuthorizationRequest},
        answers={
            HTTPStatus.CREATED: (JSON, PushedAuthorization),
            HTTPStatus.REQUEST_ENTITY_TOO_LARGE: _REFUSED,
            **_REFUSALS,
        },
    ),
    _preflight("/oauth/par"),
    _token_endpoint(
        "/oauth/device/code",
        "Begin a login on a device (RFC 8628)",
        DeviceAuthorizationRequest,
        (JSON, DeviceAuthorization),
        "tokens",
    ),
    Operation(
        method="GET",
        path="/userinfo",
        summary="Tell who logged in (OpenID Connect Core §5.3)",
        tag="userinfo",
        answers=_USERINFO,
        security={"accessToken": []},
    ),
    Operation(
        method="POST",
        path="/userinfo",
        summary="Tell who logged in, with the token in a header or in the body",
        tag="userinfo",
        bodies={FORM: TokenInBody, JSON: TokenInBody},
        answers=_USERINFO,
        security={"accessToken": []},
    ),
    _preflight("/userinfo"),
    _page("GET", "/authorize", "Ask a person to log in and to agree", AuthorizationRequest),
    _page("POST", "/authorize", "The same, with the parameters in a form", AuthorizationRequest),
    _page("GET", "/login", "Show the login page", LoginPage),
    _page("POST", "/login", "Take what somebody entered there", PageForm),
    _page("POST", "/consent", "Take what somebody decided about an application", PageForm),
    _page("GET", "/activate", "Ask for the code that a device shows (RFC 8628 §3.3)", UserCode),
    _page("POST", "/activate", "Take that code, and what somebody decided about the device", PageForm),
    _page("GET", "/account", "Show people where they are signed in", Parameters),
    _page("POST", "/account", "Take what somebody signs out there", PageForm),
    _page("GET", "/v2/logout", "End the session, as Auth0's endpoint does", LogoutRequest),
    _page("GET", "/oidc/logout", "End the session (OpenID Connect RP-Initiated Logout)", EndSessionRequest),
    _page("POST", "/oidc/logout", "The same, with the parameters in a form", EndSessionRequest),
    _metadata("/.well-known/openid-configuration", "Read what this server offers", ServerMetadata),
    _metadata("/.well-known/oauth-authorization-server", "The same, by RFC 8414", ServerMetadata),
    _metadata("/.well-known/jwks.json", "Read the public keys", KeySet),
)
