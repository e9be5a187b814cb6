"""What an operator or the schedule asks of the rotation, and what they hear: ids, states and times, and no secret.

The same document goes to the function and, on a local stack, to the command that works without one.

    {"action": "show"}
    {"action": "rotate"}                                  what is due; the schedule says this
    {"action": "rotate", "ahead": ["signing"]}            the next signing key now, if it may sign already
    {"action": "revoke", "ring": "signing", "keys": […]}  compromised keys; without "keys", all of that ring
"""

from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any

from heirloom.adapters.key_rotation import KeyRotation, Ring
from heirloom.domain import key_rotation, key_schedule
from heirloom.domain.key_rotation import Key, NoSuchKey, SigningKeys, TokenKeys
from heirloom.domain.key_schedule import Move
from heirloom.domain.token_keys import KeyState

type Request = Mapping[str, Any]
type Answer = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Keys:
    """Both rings at one time."""

    signing: SigningKeys
    token: TokenKeys


class NotUnderstood(Exception):
    """The request is none of those above."""


def answer(request: Request, rotation: KeyRotation, now: int) -> Answer:
    """Do what *request* asks, and say how the keys stand; a wrong request changes nothing and is answered with `error`.

    Raise what the rotation raises.
    """
    before = Keys(rotation.signing_keys(), rotation.token_keys())
    try:
        _act(request, rotation, now)
    except (NotUnderstood, NoSuchKey) as refused:
        return {"error": type(refused).__name__, "reason": str(refused)}
    after = Keys(rotation.signing_keys(), rotation.token_keys())
    longest_family = rotation.longest_family()
    return {
        "now": now,
        "signing_keys": [
            _described(
                key,
                key_schedule.of_signing_key(key, after.signing, period=rotation.signing_key_period),
                key_rotation.signing_key_ready_at(key),
            )
            for key in after.signing
        ],
        "token_keys": [
            _described(
                key,
                key_schedule.of_token_key(
                    key, after.token, period=rotation.token_key_period, longest_family=longest_family
                ),
                key_rotation.token_key_ready_at(key),
            )
            for key in after.token
        ],
        "moved": [*_moved(Ring.SIGNING, before.signing, after.signing), *_moved(Ring.TOKEN, before.token, after.token)],
        "token_key_ids_exhausted": bool(after.token) and key_rotation.lacks_next(after.token),
    }


def age(keys: list[Answer], now: int) -> int:
    """Return how long the current one of described keys has been current, in seconds."""
    (current,) = (key for key in keys if key["state"] == "current")
    since = next(current[name] for name in ("current_since", "created_at") if name in current)
    return now - int(since)


def _act(request: Request, rotation: KeyRotation, now: int) -> None:
    match dict(request):
        case {"action": "show", **rest} if not rest:
            return
        case {"action": "rotate", "ahead": list(ahead), **rest} if not rest:
            rotation.rotate(now, ahead=[_ring(ring) for ring in ahead])
        case {"action": "rotate", **rest} if not rest:
            rotation.rotate(now)
        case {"action": "revoke", "ring": Ring.SIGNING, **rest}:
            rotation.revoke_signing_keys(_key_ids(rest, str), now)
        case {"action": "revoke", "ring": Ring.TOKEN, **rest}:
            rotation.revoke_token_keys(_key_ids(rest, int), now)
        case _:
            raise NotUnderstood("no such request")


def _key_ids[Id: int | str](rest: Mapping[str, Any], of: type[Id]) -> list[Id] | None:
    """Return the keys that the rest of a request names, `None` for all: a slip must not stand for that."""
    match rest:
        case {"keys": [_, *_] as named, **more} if not more and all(type(one) is of for one in named):
            key_ids: list[Id] = named
            return key_ids
        case _ if not rest:
            return None
        case _:
            raise NotUnderstood("keys are a list of ids")


def _ring(name: object) -> Ring:
    try:
        return Ring(str(name))
    except ValueError:
        raise NotUnderstood(f"no ring {name}") from None


def _described[Id: int | str](key: Key[Id], move: Move | None, ready_at: int) -> Answer:
    told = {field.name: getattr(key, field.name) for field in fields(key) if field.name != "key_id"}
    return (
        {"id": key.key_id}
        | {name: value for name, value in told.items() if value is not None}
        | ({"ready_at": ready_at} if key.state is KeyState.NEXT else {})
        | {"next_state": move.to if move else None, "moves_at": move.at if move else None}
    )


def _moved[Id: int | str](ring: Ring, before: key_rotation.Keys[Id], after: key_rotation.Keys[Id]) -> list[Answer]:
    """Return what became of each key whose state changed; one that was just made comes from `None`."""
    former = {key.key_id: key.state for key in before}
    latter = {key.key_id: key.state for key in after}
    return [
        {"ring": ring, "id": key_id, "from": former.get(key_id), "to": latter.get(key_id, "gone")}
        for key_id in former | latter
        if former.get(key_id) != latter.get(key_id)
    ]
