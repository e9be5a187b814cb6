"""Counting login attempts before the password is looked at, so that parallel guesses count like any other."""

import hashlib
from dataclasses import dataclass

from heirloom.domain import guessing, lifetimes
from heirloom.domain.guessing import Attempts, Brake
from heirloom.domain.ports import LoginAttempts

CONTENTION_PAUSE = 1
"""Seconds to wait for whoever lost a race for the same bucket: people do not race themselves."""


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
        found = self.attempts.find((*buckets, self._remembered))
        remembered = self._is_remembered(found.pop(self._remembered, None))
        for bucket in [name for name, attempts in found.items() if guessing.forgotten(attempts, self.now)]:
            self.attempts.forget(bucket, last_at=found.pop(bucket).last_at)
        pauses = [
            guessing.pause(brake, found.get(bucket, Attempts()), self.now)
            for bucket, brake in buckets.items()
            if not (remembered and bucket == self._account)  # counted there all the same, so it can be taken back
        ]
        if (longest := max(pauses)) > 0:
            return longest
        for bucket, brake in buckets.items():
            # Only the narrowest bucket is strict: many people may log in through one address at once, up to a point.
            meanwhile = 0 if bucket == self._account_from_network else brake.free_attempts
            if not self.attempts.add(bucket, at_most=found.get(bucket, Attempts()).count + meanwhile, now=self.now):
                return CONTENTION_PAUSE
        return 0

    def release(self) -> None:
        """Take this attempt back: it was the owner's, who will be excused here for a while."""
        self.attempts.clear(self._account_from_network)
        self.attempts.take_back(self._network)
        self.attempts.take_back(self._account)
        self.attempts.remember(self._remembered, now=self.now)

    def _buckets(self) -> dict[str, Brake]:
        return {
            self._account_from_network: guessing.ACCOUNT_FROM_ADDRESS,
            self._network: guessing.ADDRESS,
            self._account: guessing.ACCOUNT,
        }

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
