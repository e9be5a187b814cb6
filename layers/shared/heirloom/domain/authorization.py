"""The authorization request (RFC 6749 §4.1.1, OpenID Connect Core §3.1.2.1) and its answer."""

import enum
from collections.abc import Mapping
from dataclasses import dataclass, field
from urllib.parse import quote

from heirloom.domain import claims_request, dpop, pkce, redirect_uri, scope
from heirloom.domain.application import Application, GrantType
from heirloom.domain.claims_request import ClaimsRequest
from heirloom.domain.errors import (
    InvalidRequest,
    OAuthError,
    RegistrationNotSupported,
    RequestNotSupported,
    RequestUriNotSupported,
    UnauthorizedClient,
    UnsupportedResponseType,
)
from heirloom.domain.resource_indicator import requested_audience

LONGEST_STATE = 4096
"""Bytes as they stand in the redirect, whose headers API Gateway limits."""
LONGEST_NONCE = 1024
LONGEST_MAX_AGE = 2**31 - 1


class ResponseMode(enum.StrEnum):
    """How the answer travels to the application."""

    QUERY = "query"
    FORM_POST = "form_post"
    WEB_MESSAGE = "web_message"


class Prompt(enum.StrEnum):
    """What the person must or must not be asked (OpenID Connect Core §3.1.2.1)."""

    NONE = "none"
    LOGIN = "login"
    CONSENT = "consent"
    SELECT_ACCOUNT = "select_account"


class Untrusted(Exception):
    """The request names no known application, or an address that is not its own: nothing may be sent there."""


class UnknownApplication(Untrusted):
    """No application has this client id."""


class UnknownRedirectUri(Untrusted):
    """The redirect URI, or the origin to post a message to, is not registered for the application."""


@dataclass(frozen=True, slots=True)
class ReplyTo:
    """Where and how to answer: known good."""

    redirect_uri: str
    mode: ResponseMode
    state: str | None


@dataclass(frozen=True, slots=True)
class AuthorizationRequest:
    """A valid authorization request."""

    reply_to: ReplyTo
    scope: frozenset[str]
    audience: str | None = None
    challenge: str | None = None
    nonce: str | None = None
    prompt: frozenset[Prompt] = frozenset()
    max_age: int | None = None
    login_hint: str = ""
    key_thumbprint: str | None = None
    """`dpop_jkt`: the key to which the code shall be bound (RFC 9449 §10)."""
    claims: ClaimsRequest = field(default_factory=ClaimsRequest)

    def login_needed(self, auth_time: int, now: int) -> bool:
        """Tell whether a login at *auth_time* is too old for this request (epoch seconds)."""
        return self.max_age is not None and now - auth_time > self.max_age


@dataclass(frozen=True, slots=True)
class AuthorizationResponse:
    """An answer to the application: a code, or an error."""

    reply_to: ReplyTo
    parameters: Mapping[str, str] = field(repr=False)

    @classmethod
    def with_code(cls, reply_to: ReplyTo, code: str) -> "AuthorizationResponse":
        """Return the answer of a successful request (RFC 6749 §4.1.2)."""
        return cls(reply_to, _with_state({"code": code}, reply_to))

    @classmethod
    def with_error(cls, reply_to: ReplyTo, error: OAuthError) -> "AuthorizationResponse":
        """Return the answer of a refused request (RFC 6749 §4.1.2.1)."""
        return cls(reply_to, _with_state({"error": error.error, "error_description": error.description}, reply_to))


def reply_to(parameters: Mapping[str, str], application: Application) -> ReplyTo:
    """Return where the answer goes, errors included; raise `UnknownRedirectUri` when it may go nowhere.

    RFC 6749 §4.1.2.1: with an unknown client or redirect URI the server "MUST NOT automatically redirect".
    """
    uri = parameters.get("redirect_uri")
    if uri is None or not application.allows_redirect_to(uri):
        raise UnknownRedirectUri("redirect_uri is missing or not registered for this application")
    mode = parameters.get("response_mode", ResponseMode.QUERY)
    if mode == ResponseMode.WEB_MESSAGE and redirect_uri.origin(uri) not in application.web_origins:
        raise UnknownRedirectUri("the origin of redirect_uri is none of the application's web origins")
    known_mode = ResponseMode(mode) if mode in set(ResponseMode) else ResponseMode.QUERY
    state = parameters.get("state")
    # One that is too long is refused in a moment, by an answer that could not carry it.
    return ReplyTo(uri, known_mode, state if state and len(quote(state)) <= LONGEST_STATE else None)


def parse(parameters: Mapping[str, str], application: Application, reply: ReplyTo) -> AuthorizationRequest:
    """Return the request that *parameters* make; raise an `OAuthError`, to be answered to *reply*."""
    _refuse_what_is_not_offered(parameters)
    if GrantType.AUTHORIZATION_CODE not in application.grant_types:
        raise UnauthorizedClient("Grant type 'authorization_code' not allowed for the client.")
    if len(quote(parameters.get("state", ""))) > LONGEST_STATE:
        raise InvalidRequest(f"state must have at most {LONGEST_STATE} bytes, percent-encoded")
    if len(parameters.get("nonce", "")) > LONGEST_NONCE:
        raise InvalidRequest(f"nonce must have at most {LONGEST_NONCE} characters")
    return AuthorizationRequest(
        reply_to=reply,
        scope=scope.parse(parameters.get("scope")),
        audience=requested_audience(parameters),
        challenge=pkce.challenge_of(
            challenge=parameters.get("code_challenge"),
            method=parameters.get("code_challenge_method"),
            required=application.proof_key_required,
        ),
        nonce=parameters.get("nonce"),
        prompt=_prompt(parameters.get("prompt")),
        max_age=_max_age(parameters.get("max_age")),
        login_hint=parameters.get("login_hint", ""),
        key_thumbprint=dpop.thumbprint_of(parameters.get("dpop_jkt")),
        claims=claims_request.parse(parameters.get("claims")),
    )


def _refuse_what_is_not_offered(parameters: Mapping[str, str]) -> None:
    if "request" in parameters:
        raise RequestNotSupported("The request parameter is not supported")
    if "request_uri" in parameters:
        raise RequestUriNotSupported("The request_uri parameter is not supported")
    if "registration" in parameters:
        raise RegistrationNotSupported("The registration parameter is not supported")
    response_type = parameters.get("response_type")
    if response_type is None:
        raise InvalidRequest("Missing required parameter: response_type")
    if response_type != "code":
        raise UnsupportedResponseType("response_type must be code")
    mode = parameters.get("response_mode", ResponseMode.QUERY)
    if mode not in set(ResponseMode):
        raise InvalidRequest("response_mode must be query, form_post or web_message")


def _prompt(text: str | None) -> frozenset[Prompt]:
    values = frozenset((text or "").split())
    if not values <= set(Prompt):
        raise InvalidRequest("prompt must be none, login, consent or select_account")
    if Prompt.NONE in values and len(values) > 1:
        raise InvalidRequest("prompt=none cannot be combined with other values")
    return frozenset(Prompt(value) for value in values)


def _max_age(text: str | None) -> int | None:
    if text is None:
        return None
    if not (text.isascii() and text.isdigit()) or len(text) > len(str(LONGEST_MAX_AGE)) or int(text) > LONGEST_MAX_AGE:
        raise InvalidRequest("max_age must be a number of seconds")
    return int(text)


def _with_state(parameters: dict[str, str], reply: ReplyTo) -> dict[str, str]:
    return parameters if reply.state is None else {**parameters, "state": reply.state}
