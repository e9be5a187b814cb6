"""Proof Key for Code Exchange (RFC 7636), method S256 alone."""

import hashlib
import hmac
import re

from heirloom.domain import encoding
from heirloom.domain.errors import InvalidGrant, InvalidRequest

METHOD = "S256"

_CHALLENGE = re.compile(r"[A-Za-z0-9_-]{43}", re.ASCII)
_VERIFIER = re.compile(r"[A-Za-z0-9._~-]{43,128}", re.ASCII)


def challenge_of(*, challenge: str | None, method: str | None, required: bool) -> str | None:
    """Return the challenge of an authorization request, or `None` where the client may do without.

    Raise `InvalidRequest` when it is required and missing, malformed, or of another method: "plain" protects from
    nothing that reads the request (RFC 9700 §2.1.1), and it is what a missing method means (RFC 7636 §4.3).
    """
    if challenge is None:
        if required or method is not None:
            raise InvalidRequest("Missing required parameter: code_challenge")
        return None
    if method != METHOD:
        raise InvalidRequest("code_challenge_method must be S256")
    if _CHALLENGE.fullmatch(challenge) is None:
        raise InvalidRequest("code_challenge must be the base64url of a SHA-256")
    return challenge


def prove(*, challenge: str | None, verifier: str | None) -> None:
    """Return if *verifier* answers *challenge*; raise `InvalidGrant`.

    A verifier without a challenge is refused: someone took the challenge out of the request (RFC 9700 §4.8.2).
    """
    if challenge is None and verifier is None:
        return
    proven = (
        challenge is not None
        and verifier is not None
        and _VERIFIER.fullmatch(verifier) is not None
        and hmac.compare_digest(encoding.encode(hashlib.sha256(verifier.encode("ascii")).digest()), challenge)
    )
    if not proven:
        raise InvalidGrant("Failed to verify code verifier")
