"""Base64url without padding, decoded strictly (RFC 4648 §5)."""

import base64
import re

_ALPHABET = re.compile(r"[A-Za-z0-9_-]*", re.ASCII)


def encode(octets: bytes) -> str:
    """Return *octets* as base64url without padding."""
    return base64.urlsafe_b64encode(octets).rstrip(b"=").decode("ascii")


def decode(text: str) -> bytes:
    """Return the octets of *text*.

    Raise `ValueError` unless *text* is the one encoding of its octets: Python's own decoder skips what it does
    not know and ignores spare bits, so several texts would pass for one value.
    """
    if _ALPHABET.fullmatch(text) is None:
        raise ValueError("not base64url")
    octets = base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
    if encode(octets) != text:
        raise ValueError("not canonical base64url")
    return octets
