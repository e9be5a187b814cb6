"""Events as structured log lines and CloudWatch metrics (Embedded Metric Format)."""

from dataclasses import dataclass

from aws_lambda_powertools import Logger
from aws_lambda_powertools.metrics import MetricUnit, single_metric

from heirloom.domain.events import Event


@dataclass(frozen=True, slots=True)
class LoggedEvents:
    """The port `Events`."""

    logger: Logger

    def emit(self, event: Event) -> None:
        """Write one line and count one; an alarm is counted under its own name too."""
        self.logger.info(
            event.type.name.lower(),
            extra={
                "type": event.type.value,
                "client_id": event.client_id,
                "user_id": event.user_id,
                "reason": event.reason,
                "ip": event.caller.address,
                "user_agent": event.caller.user_agent,
                "request_id": event.caller.request_id,
                "details": dict(event.details),
            },
        )
        _count(event.type.name.title().replace("_", ""))
        if event.alarm is not None:
            _count(event.alarm)


def _count(name: str) -> None:
    with single_metric(name=name, unit=MetricUnit.Count, value=1):
        pass
