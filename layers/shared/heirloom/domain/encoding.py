"""Base64url without padding, decoded strictly (RFC 4648 §5)."""

import base64
from binascii import b2a_base64

_URL_SAFE = bytes.maketrans(b"+/", b"-_")


def encode(octets: bytes) -> str:
    """Return *octets* as base64url without padding."""
    return b2a_base64(octets, newline=False).translate(_URL_SAFE, b"=").decode("ascii")


def decode(text: str) -> bytes:
    """Return the octets of *text*.

    Raise `ValueError` unless *text* is the one encoding of its octets: Python's own decoder skips what it does
    not know and ignores spare bits, so several texts would pass for one value.
    """
    octets = base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
    if encode(octets) != text:
        raise ValueError("not canonical base64url")
    return octets
