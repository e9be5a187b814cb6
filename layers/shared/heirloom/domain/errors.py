"""Refusals and faults.

Every refusal has a public half, which the caller sees, and a private `reason`, which only the log sees.

    OAuthError
    ├── InvalidRequest            400  RFC 6749 §5.2
    │   └── RequestTooLarge       413  RFC 9126 §2.3
    ├── InvalidClient             401  RFC 6749 §5.2
    ├── InvalidGrant              400  RFC 6749 §5.2
    │   └── ReuseDetected         400  RFC 9700 §4.14.2
    ├── UnauthorizedClient        400  RFC 6749 §5.2
    ├── UnsupportedGrantType      400  RFC 6749 §5.2
    ├── UnsupportedResponseType   400  RFC 6749 §4.1.2.1
    ├── InvalidScope              400  RFC 6749 §5.2
    ├── InvalidTarget             400  RFC 8707 §2
    ├── AccessDenied              403  RFC 6749 §4.1.2.1
    │   └── DeviceDenied          400  RFC 8628 §3.5
    ├── AuthorizationPending      400  RFC 8628 §3.5
    ├── SlowDown                  400  RFC 8628 §3.5
    ├── ExpiredToken              400  RFC 8628 §3.5
    ├── RequestNotSupported       400  OpenID Connect Core §6.1
    ├── RequestUriNotSupported    400  OpenID Connect Core §6.2
    ├── InvalidRequestUri         400  OpenID Connect Core §3.1.2.6, RFC 9126
    ├── RegistrationNotSupported  400  OpenID Connect Core §7.2.1
    ├── LoginRequired             400  OpenID Connect Core §3.1.2.6
    ├── ConsentRequired           400  OpenID Connect Core §3.1.2.6
    ├── InteractionRequired       400  OpenID Connect Core §3.1.2.6
    ├── UnmetAuthenticationRequirements
    │                             400  OpenID Connect Core Error Code unmet_authentication_requirements 1.0
    ├── InvalidToken              401  RFC 6750 §3.1
    ├── InsufficientScope         403  RFC 6750 §3.1
    ├── InvalidDPoPProof          400  RFC 9449 §5
    └── UseDPoPNonce              400  RFC 9449 §8
    Fault                         503  ours, never a refusal
    ├── StoreUnavailable
    ├── ConditionUnexplained
    └── SigningFailed
"""

from collections.abc import Mapping
from typing import ClassVar

UNKNOWN_REFRESH_TOKEN = "Unknown or invalid refresh token."
INVALID_CODE = "Invalid authorization code"


class OAuthError(Exception):
    """A refusal as the protocol words it.

    `reason`, `details` and `user_id` are for the log and hold no secret; `description` is for the caller and must be
    the same for callers that may not be told apart.
    """

    error: ClassVar[str]
    status: ClassVar[int] = 400

    def __init__(
        self,
        description: str,
        *,
        reason: str | None = None,
        details: Mapping[str, object] | None = None,
        user_id: str | None = None,
    ) -> None:
        """Take the public *description*, and the private *reason* (by default the same), *details* and *user_id*."""
        super().__init__(reason or description)
        self.description = description
        self.reason = reason or description
        self.details: Mapping[str, object] = details or {}
        self.user_id = user_id


class InvalidRequest(OAuthError):
    """A parameter is missing, repeated, malformed or too long."""

    error = "invalid_request"


class RequestTooLarge(InvalidRequest):
    """A pushed request has more bytes than are taken."""

    status = 413


class InvalidClient(OAuthError):
    """The client is unknown or did not prove who it is."""

    error = "invalid_client"
    status = 401

    def __init__(self, *, reason: str) -> None:
        """Answer every failed authentication with one text."""
        super().__init__("Client authentication failed", reason=reason)


class InvalidGrant(OAuthError):
    """The code or refresh token is not good for this client, now."""

    error = "invalid_grant"


class ReuseDetected(InvalidGrant):
    """A refresh token was presented too long after it was spent; its family is revoked."""


class UnauthorizedClient(OAuthError):
    """The client may not use this grant."""

    error = "unauthorized_client"


class UnsupportedGrantType(OAuthError):
    """The server does not offer this grant."""

    error = "unsupported_grant_type"


class UnsupportedResponseType(OAuthError):
    """The server answers with codes alone."""

    error = "unsupported_response_type"


class InvalidScope(OAuthError):
    """No requested scope can be granted."""

    error = "invalid_scope"


class InvalidTarget(OAuthError):
    """The requested API is unknown, malformed, or one of several."""

    error = "invalid_target"


class AccessDenied(OAuthError):
    """The person said no, or a rule did."""

    error = "access_denied"
    status = 403


class DeviceDenied(AccessDenied):
    """The person said no to the device that polls."""

    status = 400


class AuthorizationPending(OAuthError):
    """Nobody has said yes or no to the device yet."""

    error = "authorization_pending"


class SlowDown(OAuthError):
    """Nobody has said yes or no to the device yet, and it polls too often."""

    error = "slow_down"


class ExpiredToken(OAuthError):
    """The device code has expired: the device must ask for another one."""

    error = "expired_token"


class RequestNotSupported(OAuthError):
    """Request objects by value are not offered."""

    error = "request_not_supported"


class RequestUriNotSupported(OAuthError):
    """Request objects by reference are not offered."""

    error = "request_uri_not_supported"


class InvalidRequestUri(OAuthError):
    """No pushed request, or none any more, has this reference."""

    error = "invalid_request_uri"


class RegistrationNotSupported(OAuthError):
    """The `registration` parameter is not offered."""

    error = "registration_not_supported"


class LoginRequired(OAuthError):
    """`prompt=none`, and nobody is logged in."""

    error = "login_required"


class ConsentRequired(OAuthError):
    """`prompt=none`, and the person has not agreed yet."""

    error = "consent_required"


class InteractionRequired(OAuthError):
    """`prompt=none`, and the person must see what happens."""

    error = "interaction_required"


class UnmetAuthenticationRequirements(OAuthError):
    """The request insists on a way to log in that is not offered."""

    error = "unmet_authentication_requirements"


class InvalidToken(OAuthError):
    """An access token that is malformed, expired or meant for somebody else."""

    error = "invalid_token"
    status = 401


class InsufficientScope(OAuthError):
    """An access token without the scope that the resource asks for."""

    error = "insufficient_scope"
    status = 403


class InvalidDPoPProof(OAuthError):
    """A proof of possession is missing, malformed, or was made for another request."""

    error = "invalid_dpop_proof"


class UseDPoPNonce(OAuthError):
    """The client must make a new proof, with this nonce."""

    error = "use_dpop_nonce"

    def __init__(self, nonce: str, *, reason: str) -> None:
        """Take the *nonce* that the client is to use."""
        super().__init__("Authorization server requires nonce in DPoP proof", reason=reason)
        self.nonce = nonce


class Fault(Exception):
    """Something of ours failed. The caller hears 503, loses nothing and may try again."""


class StoreUnavailable(Fault):
    """A store did not answer, or not in time."""


class ConditionUnexplained(Fault):
    """The store refused a rotation and the judgement finds nothing wrong: the two rules disagree."""


class SigningFailed(Fault):
    """A token could not be signed."""
