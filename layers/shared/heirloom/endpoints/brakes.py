"""Counting attempts before what was guessed is looked at, so that parallel guesses count like any other."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass

from heirloom.domain import encoding, guessing, lifetimes
from heirloom.domain.guessing import Attempts, Brake
from heirloom.domain.ports import LoginAttempts

CONTENTION_PAUSE = 1
"""Seconds to wait for whoever lost a race for the same bucket: people do not race themselves."""


@dataclass(frozen=True, slots=True)
class Bucket:
    """Where attempts are counted, and how many pass."""

    name: str
    brake: Brake
    strict: bool = False
    """Whether of parallel attempts only one passes. Many people may share an address at once, up to a point."""


def count(
    attempts: LoginAttempts,
    buckets: Sequence[Bucket],
    found: dict[str, Attempts],
    *,
    now: int,
    excused: str | None = None,
) -> int:
    """Count one attempt if it may be made now, and return 0; else return how many seconds to wait.

    *found* is what the buckets held; the one that is *excused* asks for no pause.
    """
    for name in [name for name, seen in found.items() if guessing.forgotten(seen, now)]:
        attempts.forget(name, last_at=found.pop(name).last_at)
    pauses = [
        guessing.pause(bucket.brake, found.get(bucket.name, Attempts()), now)
        for bucket in buckets
        if bucket.name != excused  # counted there all the same, so it can be taken back
    ]
    if (longest := max(pauses)) > 0:
        return longest
    for bucket in buckets:
        meanwhile = 0 if bucket.strict else bucket.brake.free_attempts
        if not attempts.add(bucket.name, at_most=found.get(bucket.name, Attempts()).count + meanwhile, now=now):
            return CONTENTION_PAUSE
    return 0


@dataclass(frozen=True, slots=True)
class UserCodeBrakes:
    """The brakes on guessing user codes (RFC 8628 §5.1): from this network, by this person if somebody is logged in."""

    attempts: LoginAttempts
    network: str
    user_key: bytes | None
    now: int

    def count(self) -> int:
        """Count the attempt if it may be made now, and return 0; else return how many seconds to wait."""
        buckets = self._buckets()
        found = self.attempts.find(tuple(bucket.name for bucket in buckets))
        return count(self.attempts, buckets, found, now=self.now)

    def release(self) -> None:
        """Take this attempt back: it was no guess."""
        for bucket in self._buckets():
            self.attempts.take_back(bucket.name)

    def _buckets(self) -> list[Bucket]:
        buckets = [Bucket(f"user code from:{self.network}", guessing.USER_CODES_FROM_ADDRESS)]
        if self.user_key is not None:
            name = f"user code by:{encoding.encode(self.user_key)}"
            buckets.append(Bucket(name, guessing.USER_CODES_OF_ACCOUNT, strict=True))
        return buckets


@dataclass(frozen=True, slots=True)
class Brakes:
    """The brakes on one attempt: at this account, from this network, at this epoch second."""

    attempts: LoginAttempts
    email: str
    network: str
    now: int

    def count(self) -> int:
        """Count the attempt if it may be made now, and return 0; else return how many seconds to wait."""
        buckets = self._buckets()
        found = self.attempts.find((*(bucket.name for bucket in buckets), self._remembered))
        remembered = self._is_remembered(found.pop(self._remembered, None))
        return count(self.attempts, buckets, found, now=self.now, excused=self._account if remembered else None)

    def release(self) -> None:
        """Take this attempt back: it was the owner's, who will be excused here for a while."""
        self.attempts.clear(self._account_from_network)
        self.attempts.take_back(self._network)
        self.attempts.take_back(self._account)
        self.attempts.remember(self._remembered, now=self.now)

    def _buckets(self) -> list[Bucket]:
        return [
            Bucket(self._account_from_network, guessing.ACCOUNT_FROM_ADDRESS, strict=True),
            Bucket(self._network, guessing.ADDRESS),
            Bucket(self._account, guessing.ACCOUNT),
        ]

    def _is_remembered(self, success: Attempts | None) -> bool:
        return success is not None and self.now - success.last_at < lifetimes.REMEMBERED_ADDRESS

    @property
    def _account(self) -> str:
        # Hashed: what people type here is sometimes their password.
        return "account:" + hashlib.sha256(self.email.encode()).hexdigest()

    @property
    def _network(self) -> str:
        return f"network:{self.network}"

    @property
    def _account_from_network(self) -> str:
        return f"{self._account}:{self.network}"

    @property
    def _remembered(self) -> str:
        return f"remembered:{self._account_from_network}"
