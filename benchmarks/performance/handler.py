"""The token function's handler, called with the events of refreshes as Lambda calls it, with warm caches."""

import json
from http import HTTPStatus
from typing import Any, Final

from benchmarks.performance import control, functions
from benchmarks.performance.control import Message
from local import gateway, template
from local.gateway import Context

_PATIENCE: Final = 10


def main() -> None:
    """Answer the benchmark: `begin` with a token, then `refresh` so many times."""
    handler = gateway.load(template.functions(template.load())["TokenFunction"])
    context = Context("token", "3f1c2a64-8b1d-4a5e-9c7f-2d6b0e8a1c35")
    live: list[str] = []
    faults: list[float] = []

    def begin(message: Message) -> Message:
        live[:] = [message["token"]]
        return {}

    def refresh(message: Message) -> Message:
        wall: list[float] = []
        cpu: list[float] = []
        answer: dict[str, Any] = {}
        while len(wall) < message["times"]:
            event = functions.refresh(live[0])
            answer, took, used = control.timed(lambda event=event: handler(event, context))  # type: ignore[misc]
            if answer["statusCode"] == HTTPStatus.SERVICE_UNAVAILABLE and len(faults) < _PATIENCE:
                faults.append(took)  # a busy machine: the next try is a replay, and is measured in its place
                continue
            if answer["statusCode"] != HTTPStatus.OK:
                raise RuntimeError(str(answer))
            live[0] = json.loads(answer["body"])["refresh_token"]
            wall.append(took)
            cpu.append(used)
        return {"wall_ms": wall, "cpu_ms": sum(cpu), "body": answer.get("body")}

    control.serve({}, {"begin": begin, "refresh": refresh})


if __name__ == "__main__":
    main()
