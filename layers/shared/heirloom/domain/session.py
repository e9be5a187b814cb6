"""A person's login session in one browser."""

import hashlib
import hmac
from dataclasses import dataclass, field, replace

from heirloom.domain import encoding, lifetimes
from heirloom.domain.application import Tenant
from heirloom.domain.device import UNKNOWN_DEVICE, Device
from heirloom.domain.refresh_token import USER_KEY_BYTES

SESSION_ID_BYTES = 16
SECRET_BYTES = 32
MOST_CLIENT_IDS = 100
"""Applications that one session remembers; its item stays far below DynamoDB's limit."""
MOST_UNTOLD_CLIENT_IDS = 50
"""After so many, only those are remembered that want to be told of the end."""

RENEWAL = 5 * lifetimes.MINUTE
"""An idle session is renewed at most this often: a write a page would buy nothing."""


@dataclass(frozen=True, slots=True)
class SessionKey:
    """The primary key of a session; `session_id` is the ID token's `sid` and no secret."""

    user_key: bytes
    session_id: str


@dataclass(frozen=True, slots=True)
class SessionCookie:
    """What the browser holds: the key of its session and the secret that proves it."""

    key: SessionKey
    secret: bytes = field(repr=False)

    @property
    def value(self) -> str:
        """Return the cookie's value."""
        return f"{encoding.encode(self.key.user_key)}.{self.key.session_id}.{encoding.encode(self.secret)}"


@dataclass(frozen=True, slots=True)
class Session:
    """A session as the store holds it. Times are epoch seconds."""

    key: SessionKey
    user_id: str
    secret_digest: bytes = field(repr=False)
    created_at: int
    auth_time: int
    """When the person last proved who they are."""
    epoch: int
    """The user's epoch at login."""
    used_at: int
    idle_expires_at: int
    absolute_expires_at: int
    client_ids: frozenset[str] = frozenset()
    """The applications that took part."""
    initial_device: Device = UNKNOWN_DEVICE
    last_device: Device = UNKNOWN_DEVICE
    ended_at: int | None = None
    """When the person logged out. What follows from it may be under way still."""

    @property
    def expires_at(self) -> int:
        """Return when the session ends if it is not used again."""
        return min(self.idle_expires_at, self.absolute_expires_at)


def parse_cookie(value: str) -> SessionCookie | None:
    """Return what a cookie says, `None` if it is not one of ours."""
    match value.split("."):
        case [user_key, session_id, secret]:
            pass
        case _:
            return None
    try:
        cookie = SessionCookie(SessionKey(encoding.decode(user_key), session_id), encoding.decode(secret))
        sized = len(encoding.decode(session_id)) == SESSION_ID_BYTES and len(cookie.secret) == SECRET_BYTES
    except ValueError:
        return None
    return cookie if sized and len(cookie.key.user_key) == USER_KEY_BYTES else None


def secret_digest(secret: bytes) -> bytes:
    """Return what is stored of a session's secret."""
    return hashlib.sha256(secret).digest()


def begin(*, cookie: SessionCookie, user_id: str, epoch: int, tenant: Tenant, device: Device, now: int) -> Session:
    """Return a new session for a person who logged in *now*."""
    absolute = lifetimes.ends_at(now, tenant.session_lifetime)
    return Session(
        key=cookie.key,
        user_id=user_id,
        secret_digest=secret_digest(cookie.secret),
        created_at=now,
        auth_time=now,
        epoch=epoch,
        used_at=now,
        idle_expires_at=lifetimes.ends_at(now, tenant.idle_session_lifetime),
        absolute_expires_at=absolute,
        initial_device=device,
        last_device=device,
    )


def go_on(previous: Session, login: Session) -> Session:
    """Return the session that *login*, of the same person in the same browser, makes of the *previous* one."""
    return replace(
        login,
        created_at=previous.created_at,
        client_ids=previous.client_ids,
        initial_device=previous.initial_device or login.initial_device,
    )


def opens(cookie: SessionCookie, session: Session) -> bool:
    """Tell whether *cookie* is the one of *session*, whatever became of that."""
    return hmac.compare_digest(session.secret_digest, secret_digest(cookie.secret))


def ended_because(session: Session, *, epoch: int, tenant: Tenant, now: int) -> str | None:
    """Return what ended *session*, in a word for the log; `None` while it is good."""
    if session.ended_at is not None:
        return "logout"
    if session.epoch != epoch:
        return "all_logins_ended"
    if session.auth_time < tenant.not_before:
        return "not_before"
    if now >= min(session.absolute_expires_at, session.auth_time + tenant.session_lifetime):
        return "absolute_lifetime"
    idle_expires_at = min(session.idle_expires_at, session.used_at + tenant.idle_session_lifetime)
    return "idle_lifetime" if now >= idle_expires_at else None


def valid(session: Session, *, epoch: int, tenant: Tenant, now: int) -> bool:
    """Tell whether *session* is good now: not expired, not ended by a logout, a later epoch or a mark."""
    return ended_because(session, epoch=epoch, tenant=tenant, now=now) is None
