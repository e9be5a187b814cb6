"""One fresh process, which notes how far it is and when. `trials` starts it, with nothing to import but what was built.

`process.py STARTED IMPORT`: the monotonic clock's nanoseconds at which the process was started, and a statement to run.
If that imports a `handler`, standard input has a JSON array for each environment that is restored from this process, or
one for the process itself: the events that it answers. Standard output gets as many lines: the marks of wall and CPU
time in nanoseconds, and the answers.
"""

import os
import sys
import time

type Mark = tuple[int, int]


class Invocation:
    """What Lambda passes beside an event, as far as functions ask."""

    aws_request_id = "invocation"

    def get_remaining_time_in_millis(self) -> int:
        """Return the milliseconds that are left."""
        return 10_000


def main(started: int, statement: str) -> None:
    """Import, note the time, answer, and note it after each answer."""
    output = os.fdopen(os.dup(sys.stdout.fileno()), "w", encoding="utf-8")
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())  # what functions log
    names: dict[str, object] = {}
    exec(statement, names)  # noqa: S102 - of our own making
    imported = mark(started)

    import json  # noqa: PLC0415 - no yardstick pays for what we need

    handler = names.get("handler")
    asked = json.load(sys.stdin)
    for events in asked[:-1]:  # as SnapStart does: the process as it stands, continued in an environment of its own
        if not (child := os.fork()):
            began, spent = time.monotonic_ns(), time.process_time_ns()
            output.write(json.dumps(answered(handler, events, [(0, 0)], began, spent)) + "\n")
            output.flush()
            os._exit(0)
        os.waitpid(child, 0)
    output.write(json.dumps(answered(handler, asked[-1], [imported], started, 0)) + "\n")
    output.flush()


def answered(handler: object, events: list[object], marks: list[Mark], began: int, spent: int) -> dict[str, object]:
    """Answer events one after the other, and tell what was answered and when."""
    answers = []
    for event in events:
        answers.append(handler(event, Invocation()))  # type: ignore[operator] # a function's
        marks.append(mark(began, spent))
    return {"marks": marks, "answers": answers}


def mark(began: int, spent: int = 0) -> Mark:
    """Return the wall time since *began* and the CPU time beyond what was *spent*."""
    return time.monotonic_ns() - began, time.process_time_ns() - spent


if __name__ == "__main__":
    main(int(sys.argv[1]), sys.argv[2])
