"""Dollars of what was counted. What cannot be counted here is assumed, in one place and cautiously."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from benchmarks import operations, prices
from benchmarks.assumptions import CALL_MS, WHOLE_CORE
from benchmarks.counting import Usage
from benchmarks.operations import Counted
from local import template
from local.template import Template

MILLION: Final = 1_000_000
_GB: Final = 1e9
_HOURS: Final = 730
_SECONDS: Final = _HOURS * 3600

CPU_MS: Final[Mapping[str, float]] = {
    operations.LOGIN: 65,
    operations.EXCHANGE: 10,
    operations.SILENT: 3,
    operations.REFRESH: 3,
    operations.REFRESH_DPOP: 4,
    operations.REPLAY: 3,
    operations.REUSE: 3,
    operations.REVOKE: 4,
    operations.LOGOUT: 7,
    operations.USERINFO: 2,
    operations.INTROSPECTION: 3,
    operations.JWKS: 0.5,
    operations.MACHINE: 3,
    operations.ACCOUNT: 15,
    operations.MANAGEMENT: 5,
}
"""Milliseconds of a whole core for one operation, measured on x86 with warm caches and rounded up."""

CPU_MARGIN: Final = 1.5
COLD_SHARE: Final = 0.01
"""The share of requests that meet a fresh environment."""
REQUESTS_A_MINUTE: Final = 60
"""Requests that one environment answers in a minute. The fewer they are, the less a cache saves."""
SECRET_CACHE_MINUTES: Final = 5
TRACED_SHARE: Final = 0.05
"""X-Ray's default beyond the first request of a second."""
POLLERS: Final = 5
POLL_SECONDS: Final = 20
"""How Lambda asks a queue that is empty."""
ITEM_OVERHEAD: Final = 100
"""Bytes that DynamoDB adds to each item when it charges for storage."""


@dataclass(frozen=True, slots=True)
class Bill:
    """Dollars by the service that asks for them."""

    lines: Mapping[str, float]

    @property
    def total(self) -> float:
        """Return the sum."""
        return sum(self.lines.values())

    def __add__(self, other: "Bill") -> "Bill":
        """Return both together."""
        names = [*self.lines, *(name for name in other.lines if name not in self.lines)]
        return Bill({name: self.lines.get(name, 0) + other.lines.get(name, 0) for name in names})

    def times(self, factor: float) -> "Bill":
        """Return so many of it."""
        return Bill({name: dollars * factor for name, dollars in self.lines.items()})


@dataclass(frozen=True, slots=True)
class Costs:
    """What requests cost on the functions of the template."""

    document: Template
    edge: Template
    counted: Counted

    def billed_ms(self, name: str) -> float:
        """Return the milliseconds for which Lambda bills one operation."""
        usage = self.counted.operations[name]
        share = self._memory(usage) / WHOLE_CORE
        return CPU_MARGIN * CPU_MS[name] / share + CALL_MS * usage.calls.total()

    def a_million(self, name: str) -> Bill:
        """Return what a million of these operations cost."""
        usage = self.counted.operations[name]
        requests, gigabytes = len(usage.functions), self._memory(usage) / 1024
        return Bill(
            {
                "HTTP API": requests * prices.HTTP_API.dollars,
                "Lambda": requests * prices.LAMBDA_REQUESTS.dollars
                + MILLION * self.billed_ms(name) / 1000 * gigabytes * prices.LAMBDA_COMPUTE.dollars,
                "SnapStart": self._restores(usage),
                "DynamoDB": usage.write_units * prices.DYNAMODB_WRITES.dollars
                + (usage.read_units + requests * self._read_again()) * prices.DYNAMODB_READS.dollars,
                "Secrets Manager": requests * self._secrets_read_again(usage) * prices.SECRET_READS.dollars,
                "EventBridge, SQS": usage.calls_of("events") * prices.EVENTS.dollars
                + usage.calls_of("sqs") * prices.QUEUE.dollars,
                "logs": usage.log_bytes * MILLION / _GB * (prices.LOGS.dollars + prices.LOG_STORAGE.dollars),
                "X-Ray": requests * TRACED_SHARE * prices.TRACES.dollars if self._traced() else 0,
                "transfer": usage.sent_bytes * MILLION / _GB * prices.TRANSFER.dollars,
            }
        )

    def idle_families(self) -> Bill:
        """Return what a million families cost a month while nobody uses them."""
        gigabytes = (self.counted.family_bytes + ITEM_OVERHEAD) * MILLION / _GB
        return Bill(
            {
                "storage": gigabytes * prices.DYNAMODB_STORAGE.dollars,
                "point-in-time recovery": gigabytes * prices.DYNAMODB_RECOVERY.dollars,
                "deletion by TTL": 0,
            }
        )

    def a_month(self) -> Bill:
        """Return what a stack costs a month before anybody calls it."""
        polls = POLLERS * _SECONDS / POLL_SECONDS
        queues = len(self.document.of_type("AWS::Lambda::EventSourceMapping"))
        return Bill(
            {
                "secrets": len(self._kind("AWS::SecretsManager::Secret")) * prices.SECRETS.dollars,
                "queue, asked while it is empty": queues * polls / MILLION * prices.QUEUE.dollars,
                "alarms": len(self._kind("AWS::CloudWatch::Alarm")) * prices.ALARMS.dollars,
                "key that encrypts alarms": len(self._kind("AWS::KMS::Key")) * prices.KMS_KEYS.dollars,
                "dashboard": len(self._kind("AWS::CloudWatch::Dashboard")) * prices.DASHBOARDS.dollars,
                "custom metrics": self.metrics() * prices.METRICS.dollars,
                "SnapStart's cache": sum(self._snapshots.values()) * _SECONDS * prices.SNAPSTART_CACHE.dollars,
            }
        )

    def metrics(self) -> int:
        """Return how many metrics of ours there can be at most: one for each type of event, and the alarms' own."""
        from heirloom.domain.events import Alarm, EventType  # noqa: PLC0415 - not before the meter watches imports

        return len(EventType) + len(Alarm) + OTHER_METRICS + len(self._kind("AWS::Logs::MetricFilter"))

    def signed_by_kms(self, name: str, price: prices.Price) -> float:
        """Return what KMS would ask for the signatures of a million operations."""
        return self.counted.operations[name].signatures * price.dollars

    def edge_a_month(self) -> Bill:
        """Return what CloudFront and WAF cost a month before anybody comes: each rule that is there in any case."""
        (firewall,) = self.edge.of_type("AWS::WAFv2::WebACL").values()
        rules = [rule for rule in firewall["Rules"] if "Fn::If" not in rule]
        return Bill({"CloudFront": 0, "WAF": prices.WEB_ACL.dollars + len(rules) * prices.WAF_RULES.dollars})

    def before(self, name: str) -> Bill:
        """Return what CloudFront and WAF add to a million operations."""
        usage = self.counted.operations[name]
        gigabytes = usage.sent_bytes * MILLION / _GB
        saved = gigabytes * (prices.CLOUDFRONT_TRANSFER.dollars - prices.TRANSFER.dollars)
        return Bill(
            {
                "CloudFront": len(usage.functions) * prices.CLOUDFRONT_REQUESTS.dollars + saved,
                "WAF": len(usage.functions) * prices.WAF_REQUESTS.dollars,
            }
        )

    def _memory(self, usage: Usage) -> int:
        by_name = {function.name: logical_id for logical_id, function in template.functions(self.document).items()}
        properties = self._kind("AWS::Serverless::Function")
        return max(int(properties[by_name[name]]["MemorySize"]) for name in usage.functions)

    def _restores(self, usage: Usage) -> float:
        """Return what a million times of restoring for one request in a hundred costs."""
        restored = sum(self._snapshots[name] for name in usage.functions)
        return COLD_SHARE * MILLION * restored * prices.SNAPSTART_RESTORE.dollars

    @property
    def _snapshots(self) -> dict[str, float]:
        """The GB of the snapshot of each function, by its name: 0 for those that begin without."""
        common = self.document.document["Globals"]["Function"]["SnapStart"]
        functions = self._kind("AWS::Serverless::Function")
        return {
            function.name: int(functions[logical_id]["MemorySize"]) / 1024
            if functions[logical_id].get("SnapStart", common)["ApplyOn"] != "None"
            else 0.0
            for logical_id, function in template.functions(self.document).items()
        }

    def _read_again(self) -> float:
        """Return the read units of one request's share in what environments read again when a cache has aged."""
        return self.counted.configuration_reads / REQUESTS_A_MINUTE

    def _secrets_read_again(self, usage: Usage) -> float:
        return self.counted.secret_reads / (REQUESTS_A_MINUTE * SECRET_CACHE_MINUTES) if usage.signatures else 0

    def _traced(self) -> bool:
        common, parameters = self.document.document["Globals"]["Function"], self.document.document["Parameters"]
        return "Tracing" in common and parameters[common["Tracing"]["Ref"]]["Default"] == "Active"

    def _kind(self, kind: str) -> dict[str, Any]:
        return self.document.of_type(kind)


OTHER_METRICS: Final = 3
"""Metrics besides those of the events' types and alarms: replays, and the ages of the keys."""


def cognito(users: int, tiers: tuple[tuple[float, float], ...]) -> float:
    """Return what Amazon Cognito's list asks for so many monthly active users."""
    dollars, below = 0.0, 0.0
    for up_to, price in tiers:
        dollars += max(0.0, min(users, up_to) - below) * price
        below = up_to
    return dollars
