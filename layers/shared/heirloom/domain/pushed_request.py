"""Pushed authorization requests: sent by the application itself, and known to the browser by a reference (RFC 9126)."""

import hashlib
import hmac
from dataclasses import dataclass, field

from heirloom.domain import lifetimes
from heirloom.domain.errors import InvalidRequestUri

PREFIX = "urn:ietf:params:oauth:request_uri:"
REFERENCE_BYTES = 32


@dataclass(frozen=True, slots=True)
class PushedRequest:
    """A pushed request as the store knows it: by its reference's digest alone. `pushed_at` in epoch seconds."""

    digest: str
    client_id: str
    query: str = field(repr=False)
    """Its parameters as a query, without what the client authenticated with."""
    pushed_at: int
    spent: bool = False
    """Whether a code was sent for it."""

    @property
    def expires_at(self) -> int:
        """Return when nobody can use it any more, epoch seconds."""
        return self.pushed_at + lifetimes.LOGIN_OF_PUSHED_REQUEST


def digest(request_uri: str) -> str:
    """Return the SHA-256 under which a request is stored, in hexadecimal."""
    return hashlib.sha256(request_uri.encode("utf-8", "surrogatepass")).hexdigest()


def redeem(pushed: PushedRequest | None, *, client_id: str, now: int, begun: bool) -> PushedRequest:
    """Return *pushed* if this client's person may go on with it now; raise `InvalidRequestUri`, with one public text.

    A browser must bring it soon after it was pushed; a login that has *begun* may take its time.
    """
    if pushed is None:
        raise _refusal("unknown")
    if not hmac.compare_digest(pushed.client_id.encode(), client_id.encode()):
        raise _refusal("of another client")
    if pushed.spent:
        raise _refusal("used")
    if now >= (pushed.expires_at if begun else pushed.pushed_at + lifetimes.PUSHED_REQUEST):
        raise _refusal("expired")
    return pushed


def spent_meanwhile() -> InvalidRequestUri:
    """Return the refusal of whoever comes second with one request."""
    return _refusal("used meanwhile")


def _refusal(reason: str) -> InvalidRequestUri:
    return InvalidRequestUri("request_uri is unknown, expired or was used", reason=f"pushed request: {reason}")
