"""How long a request may wait for AWS: until shortly before Lambda would end the function.

The API answers for a function that Lambda ended, 5xx in JSON, and some SDKs take any JSON answer without a refresh
token for the end of the session. No choice of timeouts prevents that alone: a login is a dozen calls one after the
other, and what sends a byte now and then never times out. So the calls of one request share one deadline, and what
still waits then is interrupted, like a program by Ctrl-C.
"""

import math
import signal
import threading
import time
from contextvars import ContextVar
from typing import TYPE_CHECKING, Final, NoReturn, Protocol

if TYPE_CHECKING:
    from botocore.client import BaseClient

MARGIN: Final = 1.0
"""Seconds that are kept for the answer: signing it, or drawing a page."""


class Invocation(Protocol):
    """What Lambda tells a function about its invocation."""

    def get_remaining_time_in_millis(self) -> int:
        """Return the milliseconds until Lambda ends it."""


class OutOfTime(BaseException):
    """No call of this request may go on. botocore would take any `Exception` for a reason to try again."""


_ends_at: ContextVar[float] = ContextVar("ends_at", default=math.inf)
"""On the monotonic clock. Without an invocation, as in the operator's commands, there is no end."""


# Context managers of contextlib are generators, and two of them are a hundredth of a refresh.


class of:  # noqa: N801 - a context manager, like `contextlib.suppress`
    """Let the calls of the block end in time for *invocation* to answer."""

    __slots__ = ("_before", "_left")

    def __init__(self, invocation: Invocation | None) -> None:
        self._left = math.inf if invocation is None else invocation.get_remaining_time_in_millis() / 1000 - MARGIN

    def __enter__(self) -> None:
        self._before = _ends_at.set(time.monotonic() + self._left)

    def __exit__(self, *_: object) -> None:
        _ends_at.reset(self._before)


class held:  # noqa: N801 - as above
    """Let the block raise `OutOfTime` when it still waits at the deadline, or begins after it."""

    __slots__ = ()

    def __enter__(self) -> None:
        _begin()

    def __exit__(self, *_: object) -> None:
        _end()


def holds_for(client: "BaseClient") -> None:
    """Let each call of a client of botocore be `held`."""
    client.meta.events.register("before-call", _begin)
    client.meta.events.register("after-call", _end)
    client.meta.events.register("after-call-error", _end)


def _begin(**_: object) -> None:
    left = _ends_at.get() - time.monotonic()
    if left <= 0:
        raise OutOfTime
    # Lambda calls handlers on the main thread. On another one, as locally, no process is ended and no wait interrupted.
    if left < math.inf and threading.current_thread() is threading.main_thread():
        if signal.getsignal(signal.SIGALRM) is not _interrupt:  # to set it anew takes ten times as long
            signal.signal(signal.SIGALRM, _interrupt)
        signal.setitimer(signal.ITIMER_REAL, left)


def _end(**_: object) -> None:
    if threading.current_thread() is threading.main_thread():
        signal.setitimer(signal.ITIMER_REAL, 0)


def _interrupt(*_: object) -> NoReturn:
    raise OutOfTime
