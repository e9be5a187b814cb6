"""The contender's end of the benchmark: a program that does what a line asks for, and answers each with a line.

Lines are JSON. They come on standard input, and answers go to the descriptor that `CONTROL_FD` names: standard output
is where a function logs.
"""

import json
import os
import sys
import time
from collections.abc import Callable, Mapping
from typing import Any

type Message = dict[str, Any]
type Answers = Mapping[str, Callable[[Message], Message]]


def serve(hello: Message, answers: Answers) -> None:
    """Say *hello*, then answer each message by the function that its `do` names, until nobody asks any more."""
    with os.fdopen(int(os.environ["CONTROL_FD"]), "w", encoding="utf-8") as channel:
        known = {"usage": usage, **answers}
        print(json.dumps(hello), file=channel, flush=True)
        for line in sys.stdin:
            message = json.loads(line)
            print(json.dumps(known[message["do"]](message)), file=channel, flush=True)


def usage(_: Message) -> Message:
    """Return the milliseconds of processor time that this process, with all its threads, has used so far."""
    return {"cpu_ms": time.process_time() * 1000}


def timed[T](act: Callable[[], T]) -> tuple[T, float, float]:
    """Return what *act* returns, and the milliseconds of time and of processor time that it took."""
    began, cpu_began = time.perf_counter(), time.process_time()
    result = act()
    cpu, wall = time.process_time() - cpu_began, time.perf_counter() - began
    return result, wall * 1000, cpu * 1000
