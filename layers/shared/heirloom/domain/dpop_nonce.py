"""Nonces for DPoP proofs (RFC 9449 §8): proof that a proof was not made in advance, without a store.

A nonce is the number of a period of time and a MAC over it, under the token keys but for a purpose of its own. All
that is handed out in one period are the same text: what may be presented once is the proof, not its nonce.
"""

import hashlib
import hmac
from typing import Final

from heirloom.domain import encoding, lifetimes
from heirloom.domain.token_keys import TokenKey, TokenKeyring

PERIOD: Final = 5 * lifetimes.MINUTE
"""A nonce is good for at least this long and for less than twice as long, seconds."""

_PURPOSE = b"heirloom dpop nonce 1\x00"
_PERIOD_BYTES = 5
_MAC_BYTES = 16
_BYTES = 1 + _PERIOD_BYTES + _MAC_BYTES


def mint(keyring: TokenKeyring, now: int) -> str:
    """Return the nonce of epoch second *now*."""
    return _text(keyring.current, now // PERIOD)


def good(text: str, keyring: TokenKeyring, now: int) -> bool:
    """Tell whether *text* is the nonce of this period or of the one before, by the clock of any of our functions."""
    try:
        octets = encoding.decode(text)
    except ValueError:
        return False
    key = keyring.keys.get(octets[0]) if len(octets) == _BYTES else None
    if key is None or (key.compromised and key.key_id != keyring.current.key_id):
        return False
    period = int.from_bytes(octets[1 : 1 + _PERIOD_BYTES])
    recent = now // PERIOD - 1 <= period <= (now + lifetimes.CLOCK_SKEW) // PERIOD
    return hmac.compare_digest(text, _text(key, period)) and recent


def _text(key: TokenKey, period: int) -> str:
    body = bytes((key.key_id,)) + period.to_bytes(_PERIOD_BYTES)
    mac = hmac.digest(key.mac, _PURPOSE + body, hashlib.sha256)[:_MAC_BYTES]
    return encoding.encode(body + mac)
