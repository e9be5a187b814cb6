"""A function that SnapStart has frozen and thawed: imported once, then continued in several environments.

Each of them is a fork of this process, which test_snapshot starts as a program. Standard input holds
`{"before": [event…], "later": seconds, "restored": [[event…]…]}`: what was answered before the snapshot (on Lambda
nothing), how much later it is thawed, and what each environment is asked. Standard output gets for each environment its
answers, its calls to AWS, and the modules that were imported for them.
"""

import importlib
import json
import os
import sys
import time
from collections.abc import Callable
from typing import Any

type Event = dict[str, Any]
type Handler = Callable[[Event, object], Any]

_later = 0


def main() -> None:
    """Import the function that is on the path, freeze it, and thaw it."""
    answers = os.fdopen(os.dup(sys.stdout.fileno()), "w", encoding="utf-8")
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())  # what functions log
    told = json.load(sys.stdin)
    _hold_the_clock()
    handler = importlib.import_module("app").handler
    for event in told["before"]:
        handler(event, None)
    json.dump([_thawed(handler, events, told["later"]) for events in told["restored"]], answers)
    answers.flush()


def _hold_the_clock() -> None:
    seconds, nanoseconds = time.time, time.time_ns
    time.time = lambda: seconds() + _later
    time.time_ns = lambda: nanoseconds() + _later * 10**9


def _thawed(handler: Handler, events: list[Event], later: int) -> Any:
    reading, writing = os.pipe()
    if not os.fork():
        os.close(reading)
        with os.fdopen(writing, "w", encoding="utf-8") as parent:
            json.dump(_asked(handler, events, later), parent)
        os._exit(0)
    os.close(writing)
    with os.fdopen(reading, encoding="utf-8") as child:
        told = child.read()
    os.wait()
    return json.loads(told)


def _asked(handler: Handler, events: list[Event], later: int) -> Any:
    global _later  # noqa: PLW0603 - it is another day
    _later = later
    imported = set(sys.modules)
    calls = _noted_calls()
    answers = [handler(event, None) for event in events]
    return {"answers": answers, "calls": calls, "imported": sorted(set(sys.modules) - imported)}


def _noted_calls() -> list[str]:
    calls: list[str] = []
    service: Any = sys.modules["heirloom.adapters.aws_json"].Service
    call = service.call

    def noting(service: Any, operation: str, parameters: Event) -> Any:
        calls.append(operation)
        return call(service, operation, parameters)

    service.call = noting
    return calls


if __name__ == "__main__":
    main()
