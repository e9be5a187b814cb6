"""AWS list prices of us-east-1 in US dollars, without free tiers and without discounts for volume."""

from dataclasses import dataclass
from typing import Final

AS_OF: Final = "2026-11-26"
"""When the prices were last compared with the pages that they come from."""


@dataclass(frozen=True, slots=True)
class Price:
    """A list price: dollars for one *unit*, and the page that says so."""

    dollars: float
    unit: str
    source: str


_API_GATEWAY: Final = "https://aws.amazon.com/api-gateway/pricing/"
_CLOUDFRONT: Final = "https://aws.amazon.com/cloudfront/pricing/"
_CLOUDWATCH: Final = "https://aws.amazon.com/cloudwatch/pricing/"
_DYNAMODB: Final = "https://aws.amazon.com/dynamodb/pricing/on-demand/"
_EC2: Final = "https://aws.amazon.com/ec2/pricing/on-demand/"
_EVENTBRIDGE: Final = "https://aws.amazon.com/eventbridge/pricing/"
_KMS: Final = "https://aws.amazon.com/kms/pricing/"
_LAMBDA: Final = "https://aws.amazon.com/lambda/pricing/"
_SECRETS_MANAGER: Final = "https://aws.amazon.com/secrets-manager/pricing/"
_SQS: Final = "https://aws.amazon.com/sqs/pricing/"
_WAF: Final = "https://aws.amazon.com/waf/pricing/"
_XRAY: Final = "https://aws.amazon.com/xray/pricing/"

HTTP_API: Final = Price(1.00, "million requests", _API_GATEWAY)
LAMBDA_REQUESTS: Final = Price(0.20, "million requests", _LAMBDA)
LAMBDA_COMPUTE: Final = Price(0.0000133334, "GB-second on arm64", _LAMBDA)
SNAPSTART_CACHE: Final = Price(0.0000015046, "GB-second of a published version", _LAMBDA)
SNAPSTART_RESTORE: Final = Price(0.0001397998, "GB restored", _LAMBDA)
DYNAMODB_WRITES: Final = Price(0.625, "million write units", _DYNAMODB)
DYNAMODB_READS: Final = Price(0.125, "million read units", _DYNAMODB)
DYNAMODB_STORAGE: Final = Price(0.25, "GB-month", _DYNAMODB)
DYNAMODB_RECOVERY: Final = Price(0.20, "GB-month of point-in-time recovery", _DYNAMODB)
SECRETS: Final = Price(0.40, "secret and month", _SECRETS_MANAGER)
SECRET_READS: Final = Price(5.00, "million calls", _SECRETS_MANAGER)
EVENTS: Final = Price(1.00, "million events", _EVENTBRIDGE)
QUEUE: Final = Price(0.40, "million calls", _SQS)
LOGS: Final = Price(0.50, "GB taken in", _CLOUDWATCH)
LOG_STORAGE: Final = Price(0.03, "GB-month", _CLOUDWATCH)
METRICS: Final = Price(0.30, "metric and month", _CLOUDWATCH)
ALARMS: Final = Price(0.10, "alarm and month", _CLOUDWATCH)
DASHBOARDS: Final = Price(3.00, "dashboard and month", _CLOUDWATCH)
TRACES: Final = Price(5.00, "million traces", _XRAY)
TRANSFER: Final = Price(0.09, "GB to the Internet", _EC2)
CLOUDFRONT_REQUESTS: Final = Price(1.00, "million HTTPS requests", _CLOUDFRONT)
CLOUDFRONT_TRANSFER: Final = Price(0.085, "GB to the Internet", _CLOUDFRONT)
WEB_ACL: Final = Price(5.00, "web ACL and month", _WAF)
WAF_RULES: Final = Price(1.00, "rule and month", _WAF)
WAF_REQUESTS: Final = Price(0.60, "million requests", _WAF)
KMS_KEYS: Final = Price(1.00, "key and month", _KMS)
KMS_RSA_SIGNATURES: Final = Price(3.00, "million signatures by RSA 2048", _KMS)
KMS_EC_SIGNATURES: Final = Price(15.00, "million signatures by ECC", _KMS)

ALL: Final = {
    "HTTP API": HTTP_API,
    "Lambda requests": LAMBDA_REQUESTS,
    "Lambda compute": LAMBDA_COMPUTE,
    "SnapStart cache": SNAPSTART_CACHE,
    "SnapStart restores": SNAPSTART_RESTORE,
    "DynamoDB writes": DYNAMODB_WRITES,
    "DynamoDB reads": DYNAMODB_READS,
    "DynamoDB storage": DYNAMODB_STORAGE,
    "DynamoDB backups": DYNAMODB_RECOVERY,
    "Secrets Manager": SECRETS,
    "Secrets Manager calls": SECRET_READS,
    "EventBridge": EVENTS,
    "SQS": QUEUE,
    "CloudWatch Logs": LOGS,
    "CloudWatch Logs, kept": LOG_STORAGE,
    "CloudWatch metrics": METRICS,
    "CloudWatch alarms": ALARMS,
    "CloudWatch dashboards": DASHBOARDS,
    "X-Ray": TRACES,
    "data transfer": TRANSFER,
    "CloudFront requests": CLOUDFRONT_REQUESTS,
    "CloudFront transfer": CLOUDFRONT_TRANSFER,
    "WAF": WEB_ACL,
    "WAF rules": WAF_RULES,
    "WAF requests": WAF_REQUESTS,
    "KMS keys": KMS_KEYS,
    "KMS, RSA": KMS_RSA_SIGNATURES,
    "KMS, elliptic curve": KMS_EC_SIGNATURES,
}

COGNITO_SOURCE: Final = "https://aws.amazon.com/cognito/pricing/"
COGNITO_ESSENTIALS: Final = ((10_000, 0.0), (float("inf"), 0.015))
COGNITO_LITE: Final = (
    (50_000, 0.0),
    (100_000, 0.0055),
    (1_000_000, 0.0046),
    (10_000_000, 0.00325),
    (float("inf"), 0.0025),
)
"""Up to how many monthly active users, and dollars for each of them above the step before."""
