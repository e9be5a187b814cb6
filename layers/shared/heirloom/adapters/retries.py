"""When a call to AWS is made again, and after how long: the standard mode of AWS's SDKs ("Retry behavior").

For calls that leave botocore out; tests/adapters/test_retries.py holds it next to botocore's own.
"""

import secrets
from dataclasses import dataclass, field
from threading import Lock
from typing import Final

from botocore.exceptions import BotoCoreError, ClientError

# The SDKs' own defaults would try for minutes, and a function has seconds. What still fails is answered 503, and the
# caller's retry is a replay.
ATTEMPTS: Final = 3
CONNECT_TIMEOUT: Final = 0.5
READ_TIMEOUT: Final = 1.0
"""Seconds of one attempt, until there is a connection, and until something of an answer is there."""

THROTTLED: Final = frozenset(
    {
        "BandwidthLimitExceeded",
        "EC2ThrottledException",
        "LimitExceededException",
        "PriorRequestNotComplete",
        "ProvisionedThroughputExceededException",
        "RequestLimitExceeded",
        "RequestThrottled",
        "RequestThrottledException",
        "SlowDown",
        "ThrottledException",
        "Throttling",
        "ThrottlingException",
        "TooManyRequestsException",
        "TransactionInProgressException",
    }
)
_TRANSIENT: Final = frozenset({"RequestTimeout", "RequestTimeoutException"})
_TRANSIENT_STATUSES: Final = frozenset({500, 502, 503, 504})
_TOO_MANY_REQUESTS: Final = 429

_BACKOFF_WHEN_THROTTLED: Final = 1.0

_STEPS: Final = 1000
"""As fine as pauses are drawn: callers must not come back all at once."""

_CAPACITY: Final = 500
_COST: Final = 14
_COST_WHEN_THROTTLED: Final = 5
_EARNED: Final = 1


@dataclass(slots=True)
class RetryQuota:
    """What an environment may spend on retries, so that it does not help to bring down what is down.

    A retry takes from it and, when it succeeds, gives that back; each call that succeeds at once gives a little.
    """

    left: int = _CAPACITY
    _lock: Lock = field(default_factory=Lock, repr=False)

    def take(self, cost: int) -> bool:
        """Tell whether there was enough left, and take it then."""
        with self._lock:
            if cost > self.left:
                return False
            self.left -= cost
            return True

    def give(self, amount: int) -> None:
        """Put back what was taken, or earned."""
        if self.left < _CAPACITY:
            with self._lock:
                self.left = min(_CAPACITY, self.left + amount)


@dataclass(slots=True)
class Retries:
    """The attempts of one call."""

    quota: RetryQuota
    backoff: float
    """Seconds that the first pause may take, and a second when throttled; the next one may take twice as long."""
    _attempt: int = 1
    _taken: int = 0

    def pause_after(self, error: ClientError | BotoCoreError) -> float | None:
        """Return the seconds until the next attempt, `None` if there is none."""
        throttled = _is_throttling(error)
        cost = _COST_WHEN_THROTTLED if throttled else _COST
        if self._attempt >= ATTEMPTS or not (throttled or _is_transient(error)) or not self.quota.take(cost):
            return None
        longest = (_BACKOFF_WHEN_THROTTLED if throttled else self.backoff) * 2.0 ** (self._attempt - 1)
        self._attempt, self._taken = self._attempt + 1, cost
        return longest * secrets.randbelow(_STEPS) / _STEPS  # the module random would be seeded in the snapshot

    def succeeded(self) -> None:
        """Note that the call got its answer."""
        self.quota.give(self._taken or _EARNED)


def _is_throttling(error: ClientError | BotoCoreError) -> bool:
    return isinstance(error, ClientError) and (_code(error) in THROTTLED or _status(error) == _TOO_MANY_REQUESTS)


def _is_transient(error: ClientError | BotoCoreError) -> bool:
    """Tell whether the next attempt may succeed; without an answer of the service it always may."""
    if isinstance(error, ClientError):
        return _code(error) in _TRANSIENT or _status(error) in _TRANSIENT_STATUSES
    return True


def _code(error: ClientError) -> str:
    return error.response.get("Error", {}).get("Code", "")


def _status(error: ClientError) -> int:
    return error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0)
