"""The device authorization grant (RFC 8628): a device shows a code, and waits while a person agrees elsewhere."""

import hashlib
import hmac
from dataclasses import dataclass

from heirloom.domain.errors import DeviceDenied, ExpiredToken, InvalidGrant, SlowDown
from heirloom.domain.family import Grant

INVALID_DEVICE_CODE = "Invalid device code"

FIRST_INTERVAL = 5
"""Seconds between two polls (RFC 8628 §3.2)."""

SLOWER_BY = 5
"""Seconds that each poll before its time adds to the interval (RFC 8628 §3.5)."""


@dataclass(frozen=True, slots=True)
class Confirmation:
    """A person's yes: what they granted, and how often their logins had been ended by then."""

    grant: Grant
    epoch: int
    """The user's, at the login under which they said it."""
    application_epoch: int
    """The user's at this application."""


@dataclass(frozen=True, slots=True)
class DeviceAuthorization:
    """What a device asked for and what became of it, as the store knows it: by its code's digest. Epoch seconds."""

    digest: str
    """Nobody can guess it, and nobody can poll with it: our pages carry it."""
    user_code: str
    """As the device shows it."""
    client_id: str
    audience: str
    scope: frozenset[str]
    expires_at: int
    confirmation: Confirmation | None = None
    denied: bool = False
    used_at: int | None = None

    def pending(self, now: int) -> bool:
        """Tell whether a person may still say yes or no."""
        return self.confirmation is None and not self.denied and now < self.expires_at


def digest(device_code: str) -> str:
    """Return the SHA-256 under which *device_code* is stored, in hexadecimal."""
    return hashlib.sha256(device_code.encode("utf-8", "surrogatepass")).hexdigest()


def redeem(authorization: DeviceAuthorization | None, *, client_id: str, not_before: int, now: int) -> Confirmation:
    """Return the yes to this client's device, if the device may have tokens for it now.

    The store has refused to note a poll. Raise `InvalidGrant`, `ExpiredToken` or `DeviceDenied`, and `SlowDown` when
    nothing is wrong but the time: the order matters, for nobody else learns of the code's state.
    """
    if authorization is None:
        raise InvalidGrant(INVALID_DEVICE_CODE, reason="unknown device code")
    if not hmac.compare_digest(authorization.client_id.encode(), client_id.encode()):
        raise InvalidGrant(INVALID_DEVICE_CODE, reason="device code of another client")
    if authorization.used_at is not None:
        raise InvalidGrant(INVALID_DEVICE_CODE, reason="used device code")
    if authorization.expires_at <= now:
        raise ExpiredToken("The device code has expired")
    if authorization.denied:
        raise DeviceDenied("User did not authorize the request")
    if authorization.confirmation is None:
        raise SlowDown(f"Too many requests: poll {SLOWER_BY} seconds less often")
    if authorization.confirmation.grant.auth_time < not_before:
        raise InvalidGrant(INVALID_DEVICE_CODE, reason="a login from before the mark of mass revocation")
    return authorization.confirmation
