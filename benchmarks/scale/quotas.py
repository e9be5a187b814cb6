"""What AWS allows before anybody asks for more, in us-east-1; other Regions and new accounts begin lower."""

from dataclasses import dataclass
from typing import Final

AS_OF: Final = "2026-11-26"
"""When the quotas were last compared with the pages that they come from."""


@dataclass(frozen=True, slots=True)
class Quota:
    """So many of a *unit*; the page that says so, and whether AWS raises it on request."""

    amount: int
    unit: str
    source: str
    can_be_raised: bool = False


_API_GATEWAY: Final = "https://docs.aws.amazon.com/apigateway/latest/developerguide/limits.html"
_DYNAMODB: Final = "https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/"
_LAMBDA: Final = "https://docs.aws.amazon.com/lambda/latest/dg/"

API_REQUESTS: Final = Quota(
    10_000, "requests a second, all APIs of the account in the Region", _API_GATEWAY, can_be_raised=True
)
API_BURST: Final = Quota(5_000, "requests at once; follows from the rate", _API_GATEWAY)
CONCURRENCY: Final = Quota(
    1_000,
    "functions at work, all of the account in the Region",
    _LAMBDA + "lambda-concurrency.html",
    can_be_raised=True,
)
REQUESTS_PER_CONCURRENCY: Final = Quota(
    10, "requests a second for each of these, however short they are", _LAMBDA + "lambda-concurrency.html"
)
SCALING: Final = Quota(1_000, "more environments of a function in 10 seconds", _LAMBDA + "scaling-behavior.html")
SCALING_SECONDS: Final = 10
PARTITION_WRITES: Final = Quota(
    1_000, "write units a second, one partition", _DYNAMODB + "bp-partition-key-design.html"
)
PARTITION_READS: Final = Quota(3_000, "read units a second, one partition", _DYNAMODB + "bp-partition-key-design.html")
TABLE_WRITES: Final = Quota(
    40_000, "write units a second, one table on demand", _DYNAMODB + "ServiceQuotas.html", can_be_raised=True
)
NEW_TABLE_WRITES: Final = Quota(
    4_000,
    "write units a second, a new table; later twice the former peak within 30 minutes",
    _DYNAMODB + "warm-throughput-scenarios.html",
    can_be_raised=True,  # by warm throughput, for a charge
)
SECRET_READS: Final = Quota(
    10_000,
    "`GetSecretValue` and `DescribeSecret` a second",
    "https://docs.aws.amazon.com/secretsmanager/latest/userguide/reference_limits.html",
)
PUBLISHED_EVENTS: Final = Quota(
    10_000,
    "`PutEvents` a second",
    "https://docs.aws.amazon.com/eventbridge/latest/userguide/eb-quota.html",
    can_be_raised=True,
)

ALL: Final = {
    "API Gateway": API_REQUESTS,
    "API Gateway, burst": API_BURST,
    "Lambda, concurrency": CONCURRENCY,
    "Lambda, requests": REQUESTS_PER_CONCURRENCY,
    "Lambda, scaling": SCALING,
    "DynamoDB, partition, writes": PARTITION_WRITES,
    "DynamoDB, partition, reads": PARTITION_READS,
    "DynamoDB, table": TABLE_WRITES,
    "DynamoDB, new table": NEW_TABLE_WRITES,
    "Secrets Manager": SECRET_READS,
    "EventBridge": PUBLISHED_EVENTS,
}
