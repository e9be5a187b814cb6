"""Our retries are those of botocore's standard mode."""

from typing import Any

import boto3
import pytest
from botocore.awsrequest import AWSResponse
from botocore.compat import HTTPHeaders
from botocore.exceptions import (
    BotoCoreError,
    ClientError,
    ConnectionClosedError,
    ConnectTimeoutError,
    EndpointConnectionError,
    ReadTimeoutError,
    SSLError,
)
from botocore.retries import standard
from botocore.retries.quota import RetryQuota as QuotaOfBotocore

from heirloom.adapters import aws_json
from heirloom.adapters.answers import GarbledAnswer
from heirloom.adapters.retries import ATTEMPTS, Retries, RetryQuota

CODES = sorted(
    {
        *vars(standard.ThrottledRetryableChecker)["_THROTTLED_ERROR_CODES"],
        *vars(standard.TransientRetryableChecker)["_TRANSIENT_ERROR_CODES"],
        "ConditionalCheckFailedException",
        "TransactionCanceledException",
        "ValidationException",
        "InternalServerError",
        "AccessDeniedException",
        "ResourceNotFoundException",
        "500",
    }
)
MODEL: Any = boto3.client("dynamodb", region_name="us-east-1").meta.service_model
UNANSWERED: list[BotoCoreError] = [
    kind(endpoint_url="https://dynamodb.example", error=OSError("no"))
    for kind in (ConnectTimeoutError, ReadTimeoutError, EndpointConnectionError, ConnectionClosedError, SSLError)
]


class OfBotocore:
    """What botocore decides about the attempts of one call of DynamoDB."""

    def __init__(self) -> None:
        self.quota = QuotaOfBotocore()
        detector = standard.ThrottlingErrorDetector(standard.RetryEventAdapter())
        self.checker = standard.RetryQuotaChecker(self.quota, detector)
        self.policy = standard.RetryPolicy(
            standard.StandardRetryConditions(max_attempts=ATTEMPTS),
            standard.ExponentialBackoff(random=lambda: 1.0, service_name="dynamodb", throttling_detector=detector),
        )

    def pause_after(self, attempt: int, error: ClientError | BotoCoreError) -> float | None:
        """The longest pause after an attempt that failed so."""
        answered = isinstance(error, ClientError)
        response: Any = error.response if isinstance(error, ClientError) else None
        raw: Any = None
        context = standard.RetryContext(
            attempt_number=attempt,
            operation_model=MODEL.operation_model("UpdateItem"),
            parsed_response=response,
            http_response=AWSResponse("", response["ResponseMetadata"]["HTTPStatusCode"], HTTPHeaders(), raw)
            if answered
            else None,
            caught_exception=None if answered else error,
        )
        if not self.policy.should_retry(context) or not self.checker.acquire_retry_quota(context):
            return None
        return float(self.policy.compute_retry_delay(context))


def refused(code: str, status: int) -> ClientError:
    """An answer of the service."""
    answer: Any = {"Error": {"Code": code, "Message": ""}, "ResponseMetadata": {"HTTPStatusCode": status}}
    return ClientError(answer, "UpdateItem")


MODELED = {shape.name for shape in MODEL.operation_model("UpdateItem").error_shapes}
"""Errors that DynamoDB describes, and does not answer with 429: botocore would go by the description then."""

ERRORS: dict[str, ClientError | BotoCoreError] = {
    **{
        f"{code} {status}": refused(code, status)
        for code in CODES
        for status in (400, 403, 429, 500, 502, 503, 504, 505)
        if status != 429 or code not in MODELED
    },
    **{type(error).__name__: error for error in UNANSWERED},
}


@pytest.mark.parametrize("error", ERRORS.values(), ids=ERRORS.keys())
def test_what_is_tried_again_and_when_is_as_in_botocore(
    error: ClientError | BotoCoreError, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Pauses are drawn from nothing to what botocore's are: here the longest are compared."""
    monkeypatch.setattr("heirloom.adapters.retries.secrets.randbelow", lambda steps: steps)
    quota, theirs = RetryQuota(), OfBotocore()
    ours = Retries(quota, backoff=0.025)

    for attempt in range(1, ATTEMPTS + 1):
        expected = theirs.pause_after(attempt, error)
        pause = ours.pause_after(error)
        assert (pause is None) == (expected is None)
        if pause is None:
            break
        assert pause == pytest.approx(expected)
    assert quota.left == theirs.quota.available_capacity


def test_garbage_is_tried_again() -> None:
    assert Retries(RetryQuota(), backoff=0.05).pause_after(GarbledAnswer()) is not None


def test_when_everything_fails_the_quota_ends_the_retries() -> None:
    quota, theirs = RetryQuota(), OfBotocore()
    error = refused("InternalServerError", 500)
    calls = 0
    while Retries(quota, backoff=0.025).pause_after(error) is not None:
        assert theirs.pause_after(1, error) is not None
        calls += 1

    assert calls == 35
    assert theirs.pause_after(1, error) is None


def test_a_retry_that_succeeds_gives_back_what_it_took_and_a_call_earns_a_little() -> None:
    quota = RetryQuota(left=100)
    call = Retries(quota, backoff=0.025)

    call.pause_after(refused("InternalServerError", 500))
    assert quota.left == 86
    call.succeeded()
    assert quota.left == 100
    Retries(quota, backoff=0.025).succeeded()
    assert quota.left == 101
    Retries(full := RetryQuota(), backoff=0.025).succeeded()
    assert full.left == 500


def test_pauses_are_spread() -> None:
    error = refused("ThrottlingException", 400)

    drawn = {Retries(RetryQuota(), backoff=0.025).pause_after(error) for _ in range(50)}

    assert len(drawn) > 10
    assert all(pause is not None and 0 <= pause < 1 for pause in drawn)


@pytest.mark.parametrize("service", ["dynamodb", "secretsmanager"])
def test_the_first_pause_is_that_of_the_service(service: str) -> None:
    backoff = standard.ExponentialBackoff(random=lambda: 1.0, service_name=service)
    protocol = {"dynamodb": aws_json.DYNAMODB, "secretsmanager": aws_json.SECRETS_MANAGER}[service]

    assert protocol.backoff == backoff.delay_amount(standard.RetryContext(attempt_number=1))
