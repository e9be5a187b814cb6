"""What the rotation is going to do with each key, if nobody asks for anything else."""

from dataclasses import dataclass

from heirloom.domain import key_rotation, lifetimes
from heirloom.domain.key_rotation import Key, SigningKeys, TokenKeys
from heirloom.domain.token_keys import KeyState


@dataclass(frozen=True, slots=True)
class Move:
    """The state that a key goes to next, and when at the earliest, in epoch seconds; `None` for never.

    It is the first run after that time which moves it.
    """

    to: KeyState
    at: int | None


def of_signing_key(key: Key[str], keys: SigningKeys, *, period: int) -> Move:
    """Return the next move of one of the signing keys."""
    if key.state is KeyState.RETIRED:
        return _move(KeyState.GONE, key_rotation.signing_key_gone_at(key))
    ready = [key_rotation.signing_key_ready_at(one) for one in _waiting(keys)]
    return _change(key, keys, ready, period)


def of_token_key(key: Key[int], keys: TokenKeys, *, period: int, longest_family: int | None) -> Move | None:
    """Return the next move of one of the token keys; `None` when there is none left."""
    if key.state is KeyState.RETIRED:
        return _move(KeyState.MAC_ONLY, key_rotation.derivation_erased_at(key))
    if key.state is KeyState.MAC_ONLY:
        return _move(KeyState.GONE, key_rotation.mac_erased_at(key, longest_family))
    if key.state is KeyState.GONE:
        return None
    ready = [key_rotation.token_key_ready_at(one) for one in _waiting(keys)]
    return _change(key, keys, ready, period)


def _waiting[Id: int | str](keys: key_rotation.Keys[Id]) -> list[Key[Id]]:
    return [one for one in keys if one.state is KeyState.NEXT and not one.compromised]


def _change[Id: int | str](key: Key[Id], keys: key_rotation.Keys[Id], ready: list[int], period: int) -> Move:
    """Return when the current key and the next one change places, which is one moment for both."""
    to = KeyState.CURRENT if key.state is KeyState.NEXT else KeyState.RETIRED
    in_use = key_rotation.current(keys)
    since = in_use.created_at if in_use.current_since is None else in_use.current_since
    return _move(to, max(since + period, min(ready, default=lifetimes.NEVER)))


def _move(to: KeyState, at: int) -> Move:
    return Move(to, None if at >= lifetimes.NEVER else at)
