"""The token function's handler, called with the events of refreshes as Lambda calls it, with warm caches."""

import json
from typing import Any

from benchmarks.performance import control, functions
from benchmarks.performance.control import Message
from local import gateway, template
from local.gateway import Context


def main() -> None:
    """Answer the benchmark: `begin` with a token, then `refresh` so many times."""
    handler = gateway.load(template.functions(template.load())["TokenFunction"])
    context = Context("token", "3f1c2a64-8b1d-4a5e-9c7f-2d6b0e8a1c35")
    live: list[str] = []

    def begin(message: Message) -> Message:
        live[:] = [message["token"]]
        return {}

    def refresh(message: Message) -> Message:
        wall, cpu = [], []
        answer: dict[str, Any] = {}
        for _ in range(message["times"]):
            event = functions.refresh(live[0])
            answer, took, used = control.timed(lambda event=event: handler(event, context))  # type: ignore[misc]
            if answer["statusCode"] != 200:  # noqa: PLR2004 - HTTP's
                raise RuntimeError(str(answer))
            live[0] = json.loads(answer["body"])["refresh_token"]
            wall.append(took)
            cpu.append(used)
        return {"wall_ms": wall, "cpu_ms": sum(cpu), "body": answer.get("body")}

    control.serve({}, {"begin": begin, "refresh": refresh})


if __name__ == "__main__":
    main()
