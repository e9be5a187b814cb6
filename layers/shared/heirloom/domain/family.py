"""The token family, and the judgement on a presented token that the store did not rotate.

One family is one login of one user on one device at one application. The store rotates it by one conditional write,
whose condition is the whole happy path (`Rotation`). When that condition fails, `judge` explains why, from the item
as it stood. The order of its questions is a security property: whoever cannot prove to be the family's client never
reaches the questions whose answers may revoke it.
"""

import enum
import hmac
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Self

from heirloom.domain import lifetimes
from heirloom.domain.application import RefreshTokenPolicy
from heirloom.domain.device import UNKNOWN_DEVICE, Device
from heirloom.domain.refresh_token import FamilyKey, NotDerivable, RefreshToken
from heirloom.domain.token_keys import TokenKeyring, UnknownTokenKey

SLOTS = 8
"""How many spent generations a family remembers."""

MOST_FAMILIES = 200
"""Live ones, of one user at one application."""

LARGEST_ITEM = 1024
"""Bytes: DynamoDB charges a second write unit for a second started KB, and a refresh should cost one."""

_FIXED_BYTES = 530
"""What does not vary with the grant: names, numbers, digests, all slots, a key thumbprint, the marks of no rotation
and of no room.

Not a revocation: a revoked family is never written again.
"""

ATTEMPT_BYTES = 8
"""Random ones, to tell a request's own retried write from that of any other."""

LARGEST_LAST_DEVICE = 41
"""Bytes: an IPv6 address, and any common user agent. A refresh cannot know what else is in the item."""

LONGEST_CLIENT_ID = 32
LONGEST_USER_ID = 48
"""Bytes. With the next bound they keep the largest item under its limit."""

LARGEST_SCOPE_AND_AUDIENCE = 400
"""Bytes, with those of `userinfo_claims_size`."""


@dataclass(frozen=True, slots=True)
class Supersession:
    """When a generation was spent (epoch milliseconds), and the token key that derived its successor."""

    at_ms: int
    key_id: int


@dataclass(frozen=True, slots=True)
class Grant:
    """What a person granted to an application, and the login it came from."""

    client_id: str
    user_id: str
    session_id: str
    audience: str
    scope: frozenset[str]
    auth_time: int
    profile: Mapping[str, object] = field(default_factory=dict)
    """The claims about the person that ID tokens of this family repeat."""
    userinfo_claims: frozenset[str] = frozenset()
    """Claims that `/userinfo` tells beyond the scope, since they were asked for by name."""

    def with_profile(self, profile: Mapping[str, object]) -> Self:
        """Return the grant with these claims about the person."""
        return replace(self, profile=profile)


def room_for_profile(grant: Grant) -> int:
    """Return the bytes left in the family's item for the profile claims of *grant*."""
    texts = (grant.client_id, grant.user_id, grant.session_id, grant.audience, *grant.scope)
    taken = sum(len(text.encode()) + 1 for text in texts) + userinfo_claims_size(grant.userinfo_claims)
    return max(0, LARGEST_ITEM - _FIXED_BYTES - taken)


def profile_text(profile: Mapping[str, object]) -> str:
    """Return the claims about the person as a family's item has them."""
    return json.dumps(dict(profile), ensure_ascii=False, separators=(",", ":"))


def devices_within(grant: Grant, device: Device) -> tuple[Device, Device]:
    """Return as much of *device* as the item of a new family has room for: of where it began, and of its last use.

    The profile claims come first. Without room for the last use of any device, a family never notes it.
    """
    room = room_for_profile(grant) - len(profile_text(grant.profile).encode()) - len("initial_device")
    initial, last = device.within(room - LARGEST_LAST_DEVICE), device.within(LARGEST_LAST_DEVICE)
    return (initial, last) if initial else (device.within(room), UNKNOWN_DEVICE)


def userinfo_claims_size(names: frozenset[str]) -> int:
    """Return the bytes that these names take in a family's item, with the attribute's own; most families have none."""
    return len("userinfo_claims") + 3 + sum(len(name) + 1 for name in names) if names else 0


@dataclass(frozen=True, slots=True)
class Family:
    """A family as its one item holds it. Times are epoch seconds."""

    key: FamilyKey
    grant: Grant
    generation: int
    live_digest: bytes
    superseded: Mapping[int, Supersession]
    """By slot: generation modulo `SLOTS`."""
    attempt: str
    """The request that wrote last, so that a retried write recognises its own work."""
    created_at: int
    absolute_expires_at: int
    exchanged_at: int
    idle_expires_at: int
    revoked_at: int | None = None
    revoked_because: str | None = None
    initial_device: Device = UNKNOWN_DEVICE
    """Where its login was."""
    last_device: Device = UNKNOWN_DEVICE
    """What presented its token last."""
    key_thumbprint: str | None = None
    """RFC 7638 thumbprint of the key to which the family is bound (RFC 9449), if it is."""
    non_rotating: bool | None = None
    """True if its token was last issued or exchanged without rotation: copies of it may be out there.

    False from when it began to rotate until the others of its kind have ended; `None` for any other family.
    """


@dataclass(frozen=True, slots=True)
class Rotation:
    """One exchange of a refresh token: what the store writes, and under which condition.

    `successor` is the presented token itself where the application does not rotate.
    """

    presented: RefreshToken
    successor: RefreshToken
    client_id: str
    attempt: str
    now_ms: int
    leeway: int
    idle_lifetime: int | None
    not_before: int
    requested_scope: frozenset[str] = frozenset()
    """The narrower scope of this exchange; empty for all that was granted."""
    audience: str | None = None
    """The API that this exchange insists on (RFC 8707); `None` for whichever was granted."""
    key_thumbprint: str | None = None
    device: Device = UNKNOWN_DEVICE
    """What presents the token, in at most `LARGEST_LAST_DEVICE` bytes."""

    @property
    def now(self) -> int:
        """Return the time of the request in epoch seconds."""
        return self.now_ms // 1000

    @property
    def rotates(self) -> bool:
        """Tell whether the token changes hands."""
        return self.successor.generation != self.presented.generation

    @property
    def idle_since(self) -> int:
        """Return the epoch second after which the family must have been exchanged last."""
        return -1 if self.idle_lifetime is None else self.now - self.idle_lifetime

    @property
    def idle_expires_at(self) -> int:
        """Return when the family ends if nobody exchanges it again."""
        return lifetimes.ends_at(self.now, self.idle_lifetime)


class Refusal(enum.StrEnum):
    """Why a presented token was not exchanged. The client hears one text for all of them."""

    FORGED = "forged"
    UNKNOWN = "unknown"
    FOREIGN_CLIENT = "foreign_client"
    REVOKED = "revoked"
    EXPIRED = "expired"
    KEY_PROOF = "key_proof"
    GENERATIONS_USED_UP = "generations_used_up"
    """It is of the last generation that a token can count; there is no next one."""
    UNPROVEN = "unproven"
    """Authenticated only by a MAC key that is marked compromised."""


@dataclass(frozen=True, slots=True)
class Refused:
    """The token is not good; the family stays as it is."""

    because: Refusal


@dataclass(frozen=True, slots=True)
class Replayed:
    """A copy of a token that was spent within leeway, or this request's own write: the live token is the answer."""

    live: RefreshToken


@dataclass(frozen=True, slots=True)
class Reused:
    """A genuine token that was spent too long ago: two parties hold the family, which must end."""

    spent_ms_ago: int | None
    """`None` when so many generations ago that the time is no longer known."""


@dataclass(frozen=True, slots=True)
class Underivable:
    """A genuine copy within leeway, but the keys to walk to the live token are not at hand."""


@dataclass(frozen=True, slots=True)
class NothingGranted:
    """The live token, with a request for scopes of which none was granted: refused before it is spent."""


@dataclass(frozen=True, slots=True)
class WrongAudience:
    """The live token, with a request for another API than was granted: refused before it is spent."""


@dataclass(frozen=True, slots=True)
class Unexplained:
    """Nothing is wrong with the token: the condition and this judgement disagree."""


type Judgement = Refused | Replayed | Reused | Underivable | NothingGranted | WrongAudience | Unexplained


def judge(  # noqa: PLR0911 - one question, one answer
    rotation: Rotation, family: Family | None, keyring: TokenKeyring
) -> Judgement:
    """Explain why the store refused *rotation*, given the *family* as it stood (`None`: no such item).

    The token's MAC has been verified, so "forged" here means: minted by us, but not as a member of this line.
    """
    if family is None:
        return Refused(Refusal.UNKNOWN)
    if family.grant.client_id != rotation.client_id:
        return Refused(Refusal.FOREIGN_CLIENT)
    if family.revoked_at is not None or family.created_at < rotation.not_before:
        return Refused(Refusal.REVOKED)
    if expired(family, now=rotation.now, idle_lifetime=rotation.idle_lifetime):
        return Refused(Refusal.EXPIRED)
    if family.key_thumbprint is not None and family.key_thumbprint != rotation.key_thumbprint:
        return Refused(Refusal.KEY_PROOF)
    if hmac.compare_digest(family.live_digest, rotation.presented.digest()):
        if rotation.audience not in {None, family.grant.audience}:
            return WrongAudience()
        nothing_granted = rotation.requested_scope and not rotation.requested_scope & family.grant.scope
        return NothingGranted() if nothing_granted else Unexplained()
    if rotation.presented.generation >= family.generation:
        return Refused(Refusal.FORGED)
    return _judge_spent(rotation, family, keyring)


def surplus(families: Iterable[Family], *, newest: Family, policy: RefreshTokenPolicy, not_before: int) -> list[Family]:
    """Return the families that give way to the *newest* of the same user and application: the least recently used.

    Dead ones do not count. Auth0's limit, with last use in the place of age: the phone in daily use is not logged out
    by test logins.
    """
    now = newest.created_at
    rivals = [
        family
        for family in families
        if family.grant.client_id == newest.grant.client_id
        and family.key != newest.key
        and usable(family, policy=policy, not_before=not_before, now=now)
    ]
    rivals.sort(key=lambda family: (family.exchanged_at, family.created_at))
    return rivals[: max(0, len(rivals) + 1 - MOST_FAMILIES)]


def usable(family: Family, *, policy: RefreshTokenPolicy, not_before: int, now: int) -> bool:
    """Tell whether the live token of a family can be exchanged at epoch second *now*."""
    return (
        family.revoked_at is None
        and family.created_at >= not_before
        and not expired(family, now=now, idle_lifetime=policy.idle_lifetime)
    )


def expired(family: Family, *, now: int, idle_lifetime: int | None) -> bool:
    """Tell whether a family has ended by itself at epoch second *now*; *idle_lifetime* is the current setting."""
    return (
        family.idle_expires_at <= now
        or family.absolute_expires_at <= now
        or (idle_lifetime is not None and family.exchanged_at <= now - idle_lifetime)
    )


def proven(presented: RefreshToken, family: Family, keyring: TokenKeyring) -> bool:
    """Tell whether its secret shows that *presented* is, or was, a token of *family*, whatever its MAC is worth."""
    if not 0 <= family.generation - presented.generation <= SLOTS:
        return False
    try:
        live = _walk(presented, family, keyring)
    except (NotDerivable, UnknownTokenKey):
        return False
    return hmac.compare_digest(family.live_digest, live.digest())


def ended_because(family: Family, *, now: int, idle_lifetime: int | None, not_before: int) -> str | None:
    """Return what ended a family, in a word for the log; `None` while it is alive."""
    if family.revoked_at is not None:
        return family.revoked_because
    if family.created_at < not_before:
        return "not_before"
    if family.absolute_expires_at <= now:
        return "absolute_lifetime"
    return "idle_lifetime" if expired(family, now=now, idle_lifetime=idle_lifetime) else None


def _judge_spent(rotation: Rotation, family: Family, keyring: TokenKeyring) -> Judgement:
    key = keyring.keys.get(rotation.presented.key_id)
    genuine = key is not None and not key.compromised  # a reload may have taken the key away
    if family.generation - rotation.presented.generation > SLOTS:
        # Beyond memory there is no leeway: else a thief who rotates fast would outlive the user.
        return Reused(spent_ms_ago=None) if genuine else Refused(Refusal.UNPROVEN)
    # The clocks of two functions may disagree: a token "spent in the future" was spent just now.
    spent_ms_ago = max(0, rotation.now_ms - family.superseded[rotation.presented.generation % SLOTS].at_ms)
    within_leeway = rotation.leeway > 0 and spent_ms_ago <= (rotation.leeway + lifetimes.CLOCK_SKEW) * 1000
    try:
        live = _walk(rotation.presented, family, keyring)
    except (NotDerivable, UnknownTokenKey):
        if within_leeway:
            return Underivable()
        return Reused(spent_ms_ago) if genuine else Refused(Refusal.UNPROVEN)
    if not hmac.compare_digest(family.live_digest, live.digest()):
        return Refused(Refusal.FORGED)
    own_write = family.attempt == rotation.attempt and family.generation == rotation.presented.generation + 1
    if own_write or within_leeway:
        return Replayed(live)
    return Reused(spent_ms_ago)


def _walk(presented: RefreshToken, family: Family, keyring: TokenKeyring) -> RefreshToken:
    """Follow the derivation from a spent token to the live generation, with the keys that were used then."""
    token = presented
    while token.generation < family.generation:
        token = token.successor(keyring.key(family.superseded[token.generation % SLOTS].key_id))
    return token
