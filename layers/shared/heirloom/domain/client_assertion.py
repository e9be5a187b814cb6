"""Client assertions: with a JWT of its own a client proves that it holds its private key (RFC 7523 §3)."""

import json
from collections.abc import Mapping
from dataclasses import dataclass

from heirloom.domain import encoding, lifetimes
from heirloom.domain.errors import InvalidClient

TYPE = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"

LONGEST = 8192
"""Characters."""

LONGEST_TOKEN_ID = 256
"""Characters of a `jti`."""

LONGEST_LIFETIME = lifetimes.HOUR
"""What Authlib makes. Each is good once: its lifetime only bounds how long one that never arrived stays good."""

CLOCK_SKEW = 30
"""Seconds between a client's clock and ours. FAPI 2.0 §5.3.2.1: 10 must be forgiven, 60 must not."""


@dataclass(frozen=True, slots=True)
class ClientAssertion:
    """An assertion that says what it must. It is good once, and not at all from epoch second `expires_at` on."""

    client_id: str
    token_id: str
    expires_at: int

    @property
    def identifier(self) -> str:
        """Return what may be presented once: another client may happen to choose the same `jti`."""
        return f"client assertion\x00{self.client_id}\x00{self.token_id}"


def claimed_client_id(assertion: str) -> str:
    """Return the client that *assertion* names; raise `InvalidClient`. Unverified, it only says whose keys to try."""
    try:
        _, payload, _ = assertion.split(".")
        client_id = json.loads(encoding.decode(payload))["sub"]
    except (ValueError, KeyError, TypeError, RecursionError):
        raise InvalidClient(reason="client assertion: malformed") from None
    if not isinstance(client_id, str):
        raise InvalidClient(reason="client assertion: malformed")
    return client_id


def check(claims: Mapping[str, object], *, client_id: str, audiences: frozenset[str], now: int) -> ClientAssertion:
    """Return the assertion that verified *claims* make for this client, *now* (epoch seconds).

    Raise `InvalidClient` unless issuer and subject are the client, and every audience is one of *audiences*: what was
    meant for another server too could be presented here by that one.
    """
    if claims.get("iss") != client_id or claims.get("sub") != client_id:
        raise InvalidClient(reason="client assertion: issuer or subject is not the client")
    audience = claims.get("aud")
    meant_for = audience if isinstance(audience, list) else [audience]
    if not meant_for or not all(isinstance(one, str) and one in audiences for one in meant_for):
        raise InvalidClient(reason="client assertion: meant for another audience")
    expires_at = _epoch_seconds(claims.get("exp"))
    if expires_at is None or expires_at + CLOCK_SKEW <= now:
        raise InvalidClient(reason="client assertion: expired, or without an end")
    if expires_at > now + LONGEST_LIFETIME + CLOCK_SKEW:
        raise InvalidClient(reason=f"client assertion: lives longer than {LONGEST_LIFETIME} s")
    for name in ("iat", "nbf"):
        begins_at = _epoch_seconds(claims.get(name, now))
        if begins_at is None or begins_at > now + CLOCK_SKEW:
            raise InvalidClient(reason=f"client assertion: {name} is in the future, or no time")
    token_id = claims.get("jti")
    if not isinstance(token_id, str) or not 0 < len(token_id) <= LONGEST_TOKEN_ID:
        raise InvalidClient(reason="client assertion: jti is missing or too long")
    return ClientAssertion(client_id, token_id, expires_at + CLOCK_SKEW)


def _epoch_seconds(value: object) -> int | None:
    """Return a NumericDate (RFC 7519 §2), which may have a fraction; `None` if it is none, such as `NaN`."""
    if isinstance(value, bool) or not isinstance(value, int | float) or not abs(value) <= lifetimes.NEVER:
        return None
    return int(value)
