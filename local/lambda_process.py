"""Runs a function as Lambda would: imports the handler it is told, then answers one event a line.

It is started as a program by `local.artifacts`, with nothing to import but the built code and Python's own library.
"""

import importlib
import json
import os
import sys
from types import SimpleNamespace


def main(handler: str) -> None:
    """Read events from standard input, write answers to standard output, and to standard error what is logged."""
    answers = os.fdopen(os.dup(sys.stdout.fileno()), "w", encoding="utf-8")
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())
    module, _, name = handler.rpartition(".")
    function = getattr(importlib.import_module(module), name)
    for number, line in enumerate(sys.stdin):
        print(json.dumps(function(json.loads(line), _context(number))), file=answers, flush=True)


def _context(number: int) -> SimpleNamespace:
    """What Lambda tells a function about its invocation, as far as Powertools asks."""
    name = os.environ["AWS_LAMBDA_FUNCTION_NAME"]
    return SimpleNamespace(
        function_name=name,
        function_version="$LATEST",
        invoked_function_arn=f"arn:aws:lambda:eu-central-1:000000000000:function:{name}",
        memory_limit_in_mb="1024",
        aws_request_id=f"invocation-{number}",
        get_remaining_time_in_millis=lambda: 10_000,
    )


if __name__ == "__main__":
    main(sys.argv[1])
