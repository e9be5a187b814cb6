"""Authorization codes: single use, short-lived, bound to client, redirect URI and PKCE challenge (RFC 6749 §4.1)."""

import hashlib
import hmac
from dataclasses import dataclass, field

from heirloom.domain import lifetimes, pkce
from heirloom.domain.device import UNKNOWN_DEVICE, Device
from heirloom.domain.errors import INVALID_CODE, InvalidGrant
from heirloom.domain.family import Grant
from heirloom.domain.refresh_token import FamilyKey


@dataclass(frozen=True, slots=True)
class AuthorizationCode:
    """A code as the store knows it: by its digest alone. Times are epoch seconds."""

    digest: str
    grant: Grant
    redirect_uri: str
    challenge: str | None
    nonce: str | None
    epoch: int
    """The user's epoch at login: whatever ends all of the user's logins raises it."""
    application_epoch: int
    """The same at this application, when the code was issued."""
    expires_at: int
    device: Device = UNKNOWN_DEVICE
    """The browser that it was sent to: where it is exchanged may be a server of the application."""
    used_at: int | None = None
    family: FamilyKey | None = field(default=None)
    """What the code was exchanged for."""
    key_thumbprint: str | None = None
    """The authorization request's `dpop_jkt`: only with a proof of this key the code is exchanged (RFC 9449 §10)."""


class CodeUsed(Exception):
    """The code was exchanged before. `family` is to be revoked, unless the repetition came at once."""

    def __init__(self, family: FamilyKey | None) -> None:
        """Take the *family* that must end, if any."""
        super().__init__("used")
        self.family = family


def digest(code: str) -> str:
    """Return the SHA-256 under which *code* is stored, in hexadecimal."""
    return hashlib.sha256(code.encode("utf-8", "surrogatepass")).hexdigest()


def redeem(
    code: AuthorizationCode | None,
    *,
    client_id: str,
    redirect_uri: str | None,
    verifier: str | None,
    key_thumbprint: str | None,
    not_before: int,
    now: int,
) -> AuthorizationCode:
    """Return *code* if this client may exchange it now.

    *key_thumbprint* is that of the key of which the request has a proof. Raise `InvalidGrant`, or `CodeUsed` for a
    second use by whoever knows the verifier, and has the key if the code names one. The order matters: nobody
    else learns of the code's state or harms what it was exchanged for.
    """
    if code is None:
        raise InvalidGrant(INVALID_CODE, reason="unknown code")
    if not hmac.compare_digest(code.grant.client_id.encode(), client_id.encode()):
        raise InvalidGrant(INVALID_CODE, reason="code of another client")
    if code.redirect_uri != redirect_uri:
        raise InvalidGrant(INVALID_CODE, reason="redirect_uri differs from the authorization request")
    pkce.prove(challenge=code.challenge, verifier=verifier)
    if code.key_thumbprint is not None and code.key_thumbprint != key_thumbprint:
        raise InvalidGrant(INVALID_CODE, reason="no proof of the key that dpop_jkt named")
    if code.grant.auth_time < not_before:
        raise InvalidGrant(INVALID_CODE, reason="a login from before the mark of mass revocation")
    if code.expires_at <= now:
        # Before the next question: a callback that is opened again from the history an hour later is no theft.
        raise InvalidGrant(INVALID_CODE, reason="expired code")
    if code.used_at is not None:
        repeated_at_once = now - code.used_at <= lifetimes.REPEATED_CODE
        raise CodeUsed(None if repeated_at_once else code.family)
    return code
