"""Tells applications that a session has ended: works on the queue that logouts fill."""

from typing import Any

from heirloom.adapters import backchannel_queue
from heirloom.wiring import backchannel_logout


def handler(event: dict[str, Any], _context: object) -> dict[str, Any]:
    """Deliver what an SQS event holds."""
    return backchannel_queue.serve(backchannel_logout.delivery, event)
