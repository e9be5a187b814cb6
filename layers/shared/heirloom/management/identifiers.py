"""Ids under which the API shows what has no single name of its own. None of them holds a secret.

A refresh token and a session are shown under user key and family id, or session id, together: with them the item is
found without any index. A grant is shown under a digest of what it is about, and its user.
"""

import hashlib

from heirloom.domain import encoding
from heirloom.domain.refresh_token import FAMILY_ID_BYTES, USER_KEY_BYTES, FamilyKey
from heirloom.domain.session import SESSION_ID_BYTES, SessionKey

_DIGEST_BYTES = 16


def of_family(key: FamilyKey) -> str:
    """Return the id of a refresh token: its family's, whichever generation it is in."""
    return encoding.encode(key.user_key + key.family_id)


def family(text: str) -> FamilyKey | None:
    """Return the family of an id, `None` if it is none."""
    octets = _octets(text, USER_KEY_BYTES + FAMILY_ID_BYTES)
    return FamilyKey(octets[:USER_KEY_BYTES], octets[USER_KEY_BYTES:]) if octets else None


def of_session(key: SessionKey) -> str:
    """Return the id of a session. It ends with what ID tokens have for `sid`, in other letters."""
    return encoding.encode(key.user_key + encoding.decode(key.session_id))


def session(text: str) -> SessionKey | None:
    """Return the session of an id, `None` if it is none."""
    octets = _octets(text, USER_KEY_BYTES + SESSION_ID_BYTES)
    return SessionKey(octets[:USER_KEY_BYTES], encoding.encode(octets[USER_KEY_BYTES:])) if octets else None


def of_grant(user_id: str, client_id: str, audience: str) -> str:
    """Return the id of a grant."""
    return encoding.encode(_digest(client_id, audience) + user_id.encode())


def user_of_grant(text: str) -> str | None:
    """Return the user of a grant's id, `None` if it is none."""
    try:
        return encoding.decode(text)[_DIGEST_BYTES:].decode()
    except ValueError:
        return None


def of_client_grant(client_id: str, audience: str) -> str:
    """Return the id of what an application may get for itself."""
    return f"cgr_{encoding.encode(_digest(client_id, audience))}"


def of_resource_server(identifier: str) -> str:
    """Return the id of an API, for callers that cannot put a URL into a path."""
    return hashlib.sha256(identifier.encode()).hexdigest()[:24]


def _digest(client_id: str, audience: str) -> bytes:
    return hashlib.sha256(f"{client_id} {audience}".encode()).digest()[:_DIGEST_BYTES]


def _octets(text: str, length: int) -> bytes | None:
    try:
        octets = encoding.decode(text)
    except ValueError:
        return None
    return octets if len(octets) == length else None
