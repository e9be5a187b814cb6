"""Clients of AWS services, and what becomes of their faults."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from botocore.exceptions import BotoCoreError, ClientError

from heirloom.adapters import answers, deadline
from heirloom.adapters.deadline import OutOfTime
from heirloom.adapters.retries import ATTEMPTS, CONNECT_TIMEOUT, READ_TIMEOUT
from heirloom.domain.errors import StoreUnavailable

if TYPE_CHECKING:
    from mypy_boto3_dynamodb.client import DynamoDBClient
    from mypy_boto3_events.client import EventBridgeClient
    from mypy_boto3_logs.client import CloudWatchLogsClient
    from mypy_boto3_secretsmanager.client import SecretsManagerClient

_OURS = frozenset({"ValidationException", "AccessDeniedException", "SerializationException"})
"""Error codes that no retry mends: a wrong expression, a missing permission. They stay what they are."""


class Contention(StoreUnavailable):
    """A transaction on the same item was under way. Nothing was done, and trying again soon helps."""


class ConditionFailed(Exception):
    """The condition of a write did not hold; `item` is what stood there, if the write asked for it."""

    def __init__(self, item: Mapping[str, Any] | None) -> None:
        super().__init__("condition failed")
        self.item = item


def dynamodb() -> "DynamoDBClient":
    """Return a DynamoDB client."""
    client: DynamoDBClient = _client("dynamodb")
    return client


def secrets_manager() -> "SecretsManagerClient":
    """Return a Secrets Manager client."""
    client: SecretsManagerClient = _client("secretsmanager")
    return client


def event_bridge() -> "EventBridgeClient":
    """Return an EventBridge client."""
    client: EventBridgeClient = _client("events")
    return client


def cloudwatch_logs() -> "CloudWatchLogsClient":
    """Return a CloudWatch Logs client, which searches, and so takes longer than a store."""
    client: CloudWatchLogsClient = _client("logs", read_timeout=4)
    return client


def sqs() -> Any:  # noqa: ANN401 - its types are no dependency of ours
    """Return an SQS client."""
    return _client("sqs")


def _client(service: str, read_timeout: float = READ_TIMEOUT) -> Any:  # noqa: ANN401 - each service has a client type of its own
    import boto3  # noqa: PLC0415 - half of a cold start, and most requests need none of it
    from botocore.config import Config  # noqa: PLC0415 - as above

    config = Config(
        connect_timeout=CONNECT_TIMEOUT,
        read_timeout=read_timeout,
        retries={"mode": "standard", "total_max_attempts": ATTEMPTS},
        tcp_keepalive=True,
        parameter_validation=False,
        max_pool_connections=20,
    )
    client = boto3.client(service, config=config)
    deadline.holds_for(client)
    answers.must_be_whole(client, attempts=ATTEMPTS)
    return client


class translated_faults:  # noqa: N801 - a context manager, like `contextlib.suppress`
    """Turn what botocore raises into `ConditionFailed`, or `StoreUnavailable` with the name of *operation*."""

    __slots__ = ("_operation",)

    def __init__(self, operation: str) -> None:
        self._operation = operation

    def __enter__(self) -> None:
        """Begin."""

    def __exit__(self, _: object, error: BaseException | None, __: object) -> None:
        if isinstance(error, ClientError):
            code = error_code(error)
            if code == "ConditionalCheckFailedException":
                item: Any = error.response.get("Item")
                raise ConditionFailed(item) from None
            if code == "TransactionConflictException":
                raise Contention(self._operation) from None
            if code not in _OURS:
                raise StoreUnavailable(f"{self._operation}: {code}") from error
        elif isinstance(error, BotoCoreError | OutOfTime):
            raise StoreUnavailable(f"{self._operation}: {type(error).__name__}") from error


def error_code(error: ClientError) -> str:
    """Return the code of an error that a service answered with."""
    return error.response.get("Error", {}).get("Code", "unknown")
