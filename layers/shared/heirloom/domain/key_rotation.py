"""When keys move: *next* → *current* → *retired* → gone, and token keys through *MAC only* before that.

A run of the rotation is given the keys as they stand, and the time; what it returns is what shall be stored in their
place. It may come early, late by weeks, twice, or after one that died halfway: a key moves when its time has come and
never before, whatever asked for the run.

Each time is made of what causes it. Nobody may shorten them: not the schedule, not the operator.
"""

from collections.abc import Callable, Collection
from dataclasses import dataclass, replace
from typing import Final

from heirloom.domain import lifetimes
from heirloom.domain.token_keys import KeyState

MARGIN: Final = lifetimes.HOUR
"""For requests under way, clocks that differ and stores that are slow to agree."""

SEEN_BY_INSTANCES: Final = lifetimes.CACHED_KEYS_IN_NEED + MARGIN
"""After this, no instance of any function acts on an older version of a secret."""

KEPT_BY_VERIFIERS: Final = lifetimes.DAY
"""Some libraries keep keys by a rule of their own: Microsoft.IdentityModel for 12 h, API Gateway's for up to 2 h."""

SEEN_BY_VERIFIERS: Final = lifetimes.CACHED_CONFIGURATION + 2 * lifetimes.CACHED_JWKS + KEPT_BY_VERIFIERS + MARGIN
"""A new signing key is published for this long before it signs. Twice: in a shared cache, then in a client's."""

SIGNATURES_CHECKED: Final = SEEN_BY_INSTANCES + lifetimes.LONGEST_ACCESS_TOKEN
"""A retired signing key stays published for this long. ID tokens live no longer than access tokens may."""

DERIVATIONS_WALKED: Final = SEEN_BY_INSTANCES + lifetimes.LONGEST_LEEWAY
"""A retired token key derives for this long: copies that were spent within leeway walk to their successor with it."""

TOKEN_KEY_IDS: Final = range(1, 256)
"""An id is one byte of a refresh token."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Key[Id: int | str]:
    """What the rotation knows of a key: everything but its material. Times are epoch seconds."""

    key_id: Id
    state: KeyState
    created_at: int
    published_at: int | None = None
    """Since when a signing key has been seen in the published set; token keys are not published."""
    current_since: int | None = None
    retired_at: int | None = None
    gone_at: int | None = None
    """Since when a token key has no half any more. Its id is not given to another yet."""
    compromised: bool = False


type Keys[Id: int | str] = tuple[Key[Id], ...]
type SigningKeys = Keys[str]
type TokenKeys = Keys[int]


class NoSuchKey(Exception):
    """There is no key with such an id."""


def current[Id: int | str](keys: Keys[Id]) -> Key[Id]:
    """Return the key in use; raise `ValueError` unless exactly one is."""
    (key,) = (key for key in keys if key.state is KeyState.CURRENT)
    return key


def lacks_next[Id: int | str](keys: Keys[Id]) -> bool:
    """Tell whether a key is to be made, for when the current one retires."""
    return not any(key.state is KeyState.NEXT for key in keys)


def with_new[Id: int | str](keys: Keys[Id], key_id: Id, now: int) -> Keys[Id]:
    """Add a key that was just made: the next one, or the first of all, which is current at once."""
    first = not keys
    new: Key[Id] = Key(
        key_id=key_id,
        state=KeyState.CURRENT if first else KeyState.NEXT,
        created_at=now,
        current_since=now if first else None,
    )
    return (*keys, new)


def compromised[Id: int | str](keys: Keys[Id], key_ids: Collection[Id]) -> Keys[Id]:
    """Mark keys whose material somebody else may have."""
    return tuple(replace(key, compromised=True) if key.key_id in key_ids else key for key in keys)


def taken_over[Id: int | str](keys: Keys[Id], now: int) -> Keys[Id]:
    """Fill in the times that earlier releases did not note, never to an earlier move than is safe."""
    return tuple(
        replace(key, current_since=key.created_at)
        if key.state is KeyState.CURRENT and key.current_since is None
        else replace(key, retired_at=now)
        if key.state in {KeyState.RETIRED, KeyState.MAC_ONLY} and key.retired_at is None
        else key
        for key in keys
    )


# ---- Signing keys


def signing_keys_at(
    keys: SigningKeys, *, published: Collection[str], now: int, period: int, ahead: bool = False
) -> SigningKeys:
    """Return the signing keys that shall be at epoch second *now*.

    *published* are the ids that the world can see; *period* is how long a key stays current, in seconds; *ahead* asks
    for the next one before that, if it may sign already.

    A compromised key goes at once. If it is the current one, it goes as soon as another is published, be it for a
    second: verifiers that do not know that one yet refuse its tokens until they look again, which is better than that
    they take the thief's.
    """
    keys = tuple(_with_publication(key, published, now) for key in taken_over(keys, now))
    successors = [key for key in keys if key.published_at is not None and not key.compromised]
    successor = _successor(keys, successors, signing_key_ready_at, now=now, period=period, ahead=ahead)
    keys = _promoted(keys, successor, now)
    return tuple(key for key in keys if not _signing_key_gone(key, now))


def signing_key_ready_at(key: Key[str]) -> int:
    """Return when a next key may sign, if everything goes on as it is."""
    return lifetimes.NEVER if key.published_at is None else key.published_at + SEEN_BY_VERIFIERS


def signing_key_gone_at(key: Key[str]) -> int:
    """Return when a key leaves the published set, as far as that is known."""
    return lifetimes.NEVER if key.retired_at is None else key.retired_at + SIGNATURES_CHECKED


def _signing_key_gone(key: Key[str], now: int) -> bool:
    return signing_key_gone_at(key) <= now or (key.compromised and key.state is not KeyState.CURRENT)


def _with_publication(key: Key[str], published: Collection[str], now: int) -> Key[str]:
    """Note since when *key* has been published; anew, if somebody took it out meanwhile."""
    if key.key_id not in published:
        return replace(key, published_at=None) if key.state is KeyState.NEXT else key
    return key if key.published_at is not None else replace(key, published_at=now)


# ---- Token keys


def token_keys_at(
    keys: TokenKeys, *, now: int, period: int, longest_family: int | None, ahead: bool = False
) -> TokenKeys:
    """Return the token keys that shall be at epoch second *now*.

    *longest_family* is the longest lifetime of a family that any application was ever allowed, `None` if one had no
    end: MAC halves stay for good then. The rest is as for `signing_keys_at`.

    A compromised key mints and derives no more, at once. It stays until its time has come: families hang on it.
    """
    keys = taken_over(keys, now)
    successors = [key for key in keys if not key.compromised]
    successor = _successor(keys, successors, token_key_ready_at, now=now, period=period, ahead=ahead)
    keys = _promoted(keys, successor, now)
    aged = (_aged(key, now, longest_family) for key in keys)
    return tuple(key for key in aged if key.gone_at is None or now < key.gone_at + SEEN_BY_INSTANCES)


def token_key_ready_at(key: Key[int]) -> int:
    """Return when a next key may mint."""
    return key.created_at + SEEN_BY_INSTANCES


def derivation_erased_at(key: Key[int]) -> int:
    """Return when a key loses its derivation half, as far as that is known."""
    return lifetimes.NEVER if key.retired_at is None else key.retired_at + DERIVATIONS_WALKED


def mac_erased_at(key: Key[int], longest_family: int | None) -> int:
    """Return when a key loses its MAC half, as far as that is known: no family that it minted for is alive then."""
    if key.retired_at is None or longest_family is None:
        return lifetimes.NEVER
    return max(derivation_erased_at(key), key.retired_at + SEEN_BY_INSTANCES + longest_family)


def free_token_key_id(keys: TokenKeys) -> int | None:
    """Return the id for a new key, `None` if all are taken: the one that was free for longest."""
    taken = {key.key_id for key in keys}
    newest = max(keys, key=lambda key: key.created_at).key_id if keys else 0
    following = (TOKEN_KEY_IDS[(newest + step) % len(TOKEN_KEY_IDS)] for step in range(len(TOKEN_KEY_IDS)))
    return next((key_id for key_id in following if key_id not in taken), None)


def _aged(key: Key[int], now: int, longest_family: int | None) -> Key[int]:
    if key.state is KeyState.RETIRED and derivation_erased_at(key) <= now:
        key = replace(key, state=KeyState.MAC_ONLY)
    ended = key.state is KeyState.MAC_ONLY and mac_erased_at(key, longest_family) <= now
    unused = key.state is KeyState.NEXT and key.compromised
    return replace(key, state=KeyState.GONE, gone_at=now) if ended or unused else key


# ---- Both


def _successor[Id: int | str](
    keys: Keys[Id],
    successors: Collection[Key[Id]],
    ready_at: Callable[[Key[Id]], int],
    *,
    now: int,
    period: int,
    ahead: bool,
) -> Key[Id] | None:
    """Return the key that takes over now, if one does."""
    if not keys:
        return None
    in_use = current(keys)
    waiting = sorted((key for key in successors if key.state is KeyState.NEXT), key=ready_at)
    due = ahead or in_use.compromised or in_use.current_since is None or in_use.current_since + period <= now
    if not waiting or not due or not (in_use.compromised or ready_at(waiting[0]) <= now):
        return None
    return waiting[0]


def _promoted[Id: int | str](keys: Keys[Id], successor: Key[Id] | None, now: int) -> Keys[Id]:
    if successor is None:
        return keys
    return tuple(
        replace(key, state=KeyState.CURRENT, current_since=now)
        if key == successor
        else replace(key, state=KeyState.RETIRED, retired_at=now)
        if key.state is KeyState.CURRENT
        else key
        for key in keys
    )
