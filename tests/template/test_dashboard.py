"""The dashboard is JSON that CloudWatch understands, about metrics that there are, of everything that the stack has."""

import json
import re
from typing import Any

import pytest

from heirloom.adapters.events import REPLAYED
from heirloom.domain.events import Alarm, EventType
from local.template import Template

AWS_METRICS = {
    "AWS/ApiGateway": {"Count", "4xx", "5xx", "Latency"},
    "AWS/Lambda": {"Duration", "Invocations", "Errors", "Throttles", "ConcurrentExecutions"},
    "AWS/DynamoDB": {
        "ConsumedReadCapacityUnits",
        "ConsumedWriteCapacityUnits",
        "ReadThrottleEvents",
        "WriteThrottleEvents",
    },
    "AWS/SQS": {"ApproximateNumberOfMessagesVisible"},
}
"""Names as AWS documents them for these services."""

OF_KEYS = {"SigningKeyAge", "TokenKeyAge"}

type Series = tuple[str, str, str, str]
"""Namespace, metric, and the one dimension with its value."""


def widgets(template: Template, kind: str) -> list[dict[str, Any]]:
    """The properties of all widgets of a kind."""
    (dashboard,) = template.of_type("AWS::CloudWatch::Dashboard").values()
    document = json.loads(dashboard["DashboardBody"]["Fn::Sub"])
    return [one["properties"] for one in document["widgets"] if one["type"] == kind]


def written_out(metrics: list[list[Any]]) -> list[Series]:
    """The metrics of a widget without CloudWatch's shorthand: `.` repeats a value from above, `...` all the rest."""
    series: list[Series] = []
    for metric in metrics:
        values = [value for value in metric if isinstance(value, str)]
        if values[0] == "...":
            values = [*series[-1][: 5 - len(values)], *values[1:]]
        namespace, name, dimension, value = (
            series[-1][place] if value == "." else value for place, value in enumerate(values)
        )
        series.append((namespace, name, dimension, value))
    return series


@pytest.fixture(name="series")
def _series(template: Template) -> set[Series]:
    """All that the dashboard draws."""
    return {one for widget in widgets(template, "metric") for one in written_out(widget["metrics"])}


def referred(text: str) -> set[str]:
    """What CloudFormation puts in."""
    return set(re.findall(r"\$\{([\w:.]+)\}", text))


def test_it_refers_to_what_there_is(template: Template) -> None:
    (dashboard,) = template.of_type("AWS::CloudWatch::Dashboard").values()
    names = referred(dashboard["DashboardBody"]["Fn::Sub"]) - {"AWS::Region", "AWS::StackName"}

    assert {name.partition(".")[0] for name in names} <= set(template.resources)


def test_metrics_of_ours_are_those_that_the_code_counts(template: Template, series: set[Series]) -> None:
    counted = {event_type.name.title().replace("_", "") for event_type in EventType} | set(Alarm) | {REPLAYED}
    filtered = {
        transformation["MetricName"]
        for one in template.of_type("AWS::Logs::MetricFilter").values()
        for transformation in one["MetricTransformations"]
    }
    drawn = {(name, dimension, value) for namespace, name, dimension, value in series if namespace == "Heirloom"}

    assert {name for name, _, _ in drawn} <= counted | filtered | OF_KEYS
    assert {(dimension, value) for _, dimension, value in drawn} == {("service", "${AWS::StackName}")}
    assert {name for name, _, _ in drawn} >= {
        *Alarm,
        *OF_KEYS,
        REPLAYED,
        "Login",
        "CodeExchanged",
        "RefreshTokenExchanged",
        "RefreshTokenReused",
        "RefreshTokenRevoked",
        "FailedRefreshTokenExchange",
    }


def test_metrics_of_aws_are_those_of_the_services(series: set[Series]) -> None:
    for namespace, name, _, _ in series:
        assert namespace == "Heirloom" or name in AWS_METRICS[namespace]


@pytest.mark.parametrize(
    ("kind", "namespace", "dimension"),
    [
        ("AWS::Serverless::Function", "AWS/Lambda", "FunctionName"),
        ("AWS::DynamoDB::Table", "AWS/DynamoDB", "TableName"),
    ],
)
def test_every_function_and_every_table_is_in_every_picture_of_its_kind(
    template: Template, series: set[Series], kind: str, namespace: str, dimension: str
) -> None:
    for metric in AWS_METRICS[namespace]:
        drawn = {(one[2], one[3]) for one in series if one[:2] == (namespace, metric)}
        assert drawn == {(dimension, f"${{{name}}}") for name in template.of_type(kind)}, metric


def test_durations_are_drawn_at_three_percentiles(template: Template) -> None:
    stats = [
        widget["stat"] for widget in widgets(template, "metric") if written_out(widget["metrics"])[0][1] == "Duration"
    ]

    assert stats == ["p50", "p95", "p99"]


def test_what_it_asks_the_logs_it_asks_of_log_groups_of_the_stack(template: Template) -> None:
    groups = set(template.of_type("AWS::Logs::LogGroup"))
    asked = [widget["query"] for widget in widgets(template, "log")]

    assert len(asked) == 2
    for query in asked:
        sources = re.findall(r"SOURCE '\$\{(\w+)\}'", query)
        assert sources
        assert set(sources) <= groups


def test_the_shorthand_is_written_out_as_cloudwatch_does() -> None:
    metrics: list[list[Any]] = [["A", "m", "d", "x"], [".", "n", ".", "."], ["...", "y"], ["...", {"stat": "p99"}]]

    first, renamed, other, again = written_out(metrics)

    assert (first, renamed) == (("A", "m", "d", "x"), ("A", "n", "d", "x"))
    assert other == again == ("A", "n", "d", "y")
