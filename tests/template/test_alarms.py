"""Alarms watch what there is, in the stack's own dimensions, and lead to the page that says what to do."""

import json
import os
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from heirloom.adapters import key_requests
from heirloom.adapters.events import LoggedEvents
from heirloom.domain.events import Alarm, Caller, Event, EventType
from local import gateway
from local.template import ROOT, Template, environment, functions

ALARMS = "AWS::CloudWatch::Alarm"
FUNCTIONS = "AWS::Serverless::Function"
STACK = {"Ref": "AWS::StackName"}
TOPIC = {"Fn::If": ["OwnAlarmTopic", {"Ref": "AlarmTopic"}, {"Ref": "AlarmTopicArn"}]}

type Metric = tuple[str, str, tuple[str, ...]]
"""A metric's namespace, its name, and the names of its dimensions."""


def watched(template: Template) -> dict[str, Metric]:
    """What each alarm watches."""
    return {
        name: (alarm["Namespace"], alarm["MetricName"], tuple(one["Name"] for one in alarm["Dimensions"]))
        for name, alarm in template.of_type(ALARMS).items()
    }


def emitted(text: str) -> Iterator[tuple[Metric, dict[str, Any]]]:
    """The metrics that lines of a log hold (Embedded Metric Format), each with its line."""
    for line in map(json.loads, text.splitlines()):
        for directive in line.get("_aws", {}).get("CloudWatchMetrics", []):
            for metric in directive["Metrics"]:
                for dimensions in directive["Dimensions"]:
                    yield (directive["Namespace"], metric["Name"], tuple(dimensions)), line


@pytest.fixture(name="of_keys")
def _of_keys(
    template: Template, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], of_events: object
) -> set[Metric]:
    """What the function that keeps the keys counts at each run, in the same environment."""
    del of_events
    handler: Any = gateway.load(functions(template)["RotateKeysFunction"])
    current = [{"state": "current", "current_since": 0}]
    answer = {"moved": [], "token_key_ids_exhausted": False, "signing_keys": current, "token_keys": current}
    monkeypatch.setitem(handler.__globals__, "rotation", lambda: None)
    monkeypatch.setattr(key_requests, "answer", lambda *_: answer)
    handler({"action": "rotate"}, None)
    return {metric for metric, _ in emitted(capsys.readouterr().out)}


def filtered(template: Template) -> Iterator[Metric]:
    """The metrics that CloudWatch counts in a log."""
    for one in template.of_type("AWS::Logs::MetricFilter").values():
        for counted in one["MetricTransformations"]:
            dimensions = tuple(dimension["Key"] for dimension in counted["Dimensions"])
            yield counted["MetricNamespace"], counted["MetricName"], dimensions


@pytest.fixture(name="of_events")
def _of_events(
    template: Template, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> dict[Metric, dict[str, Any]]:
    """What the code counts when everything happens that can, in the environment that the template gives."""
    for name, value in environment(template, issuer="https://login.example/").items():
        if name.startswith("POWERTOOLS_"):
            monkeypatch.setenv(name, value)
    events, caller = LoggedEvents.of(os.environ), Caller("", "", "")
    for event_type in EventType:
        events.emit(Event(event_type, caller))
    for alarm in Alarm:
        events.emit(Event(EventType.WARNING, caller, alarm=alarm))
    return dict(emitted(capsys.readouterr().out))


def test_a_metric_of_ours_is_watched_under_the_name_and_dimension_that_the_code_gives_it(
    template: Template, of_events: dict[Metric, dict[str, Any]], of_keys: set[Metric]
) -> None:
    ours = {metric for metric in watched(template).values() if metric[0] == "Heirloom"}

    assert ours <= {*of_events, *of_keys, *filtered(template)}


def test_every_sign_of_trouble_has_its_alarm(template: Template) -> None:
    alone = {alarm["MetricName"] for alarm in template.of_type(ALARMS).values() if alarm["Namespace"] == "Heirloom"}

    assert set(Alarm) <= alone
    assert "RefreshTokenReused" in alone


def test_metrics_are_the_stack_s_and_of_nobody_in_particular(
    template: Template, of_events: dict[Metric, dict[str, Any]]
) -> None:
    """Two stacks in one account do not mix, and the number of metrics does not grow with users or applications."""
    own = environment(template, issuer="https://login.example/", prefix="mine-")["POWERTOOLS_SERVICE_NAME"]

    assert own == "mine"
    for (_, _, dimensions), line in of_events.items():
        assert dimensions == ("service",)
        assert line["service"] == "heirloom"
    for name, alarm in template.of_type(ALARMS).items():
        if alarm["Namespace"] == "Heirloom":
            assert alarm["Dimensions"] == [{"Name": "service", "Value": STACK}], name


def test_what_the_api_turned_away_is_counted_in_its_log(template: Template) -> None:
    """A brake on guessing answers 429 too, but from a function: only without one is the integration's time "-"."""
    (stage,) = template.of_type("AWS::ApiGatewayV2::Stage").values()
    line = json.loads(stage["AccessLogSettings"]["Format"]["Fn::Sub"])
    (counting,) = template.of_type("AWS::Logs::MetricFilter").values()
    (transformation,) = counting["MetricTransformations"]

    assert counting["LogGroupName"] == {"Ref": "ApiLogs"}
    assert set(re.findall(r"\$\.(\w+)", counting["FilterPattern"])) == {"status", "integrationLatency"} <= set(line)
    assert transformation["Dimensions"] == [{"Key": "service", "Value": "$.service"}]
    assert line["service"] == "${AWS::StackName}"


@pytest.mark.parametrize("metric", ["Errors", "Throttles"])
def test_every_function_is_watched(template: Template, metric: str) -> None:
    """All of its versions together: the dimension is its name alone."""
    watching = {
        name.removesuffix(f"{metric}Alarm"): alarm["Dimensions"]
        for name, alarm in template.of_type(ALARMS).items()
        if (alarm["Namespace"], alarm["MetricName"]) == ("AWS/Lambda", metric)
    }

    assert watching == {
        name.removesuffix("Function"): [{"Name": "FunctionName", "Value": {"Ref": name}}]
        for name in template.of_type(FUNCTIONS)
    }


def test_the_latency_that_users_wait_for_is_watched_at_the_99th_percentile(template: Template) -> None:
    slow = {name: alarm for name, alarm in template.of_type(ALARMS).items() if "ExtendedStatistic" in alarm}

    assert set(slow) == {"TokenLatencyAlarm", "AuthorizeLatencyAlarm"}
    for alarm in slow.values():
        assert (alarm["MetricName"], alarm["ExtendedStatistic"]) == ("Duration", "p99")
        assert alarm["Threshold"] == {"Ref": "LatencyThreshold"}


@pytest.mark.parametrize("ring", ["Signing", "Token"])
def test_a_key_that_is_too_old_or_of_which_nobody_hears_for_a_day_is_noticed(template: Template, ring: str) -> None:
    """A day has 86,400 seconds, so an age in hundreds of thousands is a sixth more than the period."""
    alarm = template.of_type(ALARMS)[f"{ring}KeyAgeAlarm"]
    period = template.document["Parameters"][f"{ring}KeyRotationDays"]["Default"]
    (schedule,) = template.of_type("AWS::Events::Rule").values()

    assert alarm["Period"] * alarm["EvaluationPeriods"] == 24 * 3600
    assert "DatapointsToAlarm" not in alarm, "all of them"
    assert (alarm["Statistic"], alarm["TreatMissingData"]) == ("Maximum", "breaching")
    threshold = int(alarm["Threshold"]["Fn::Sub"].replace(f"${{{ring}KeyRotationDays}}", str(period)))
    assert 1.1 < threshold / (period * 86_400) < 1.2
    assert schedule["ScheduleExpression"] == "rate(1 hour)", "several times in each period of the alarm"


def test_every_alarm_is_one_metric_and_tells_the_topic(template: Template) -> None:
    for name, alarm in template.of_type(ALARMS).items():
        assert "Metrics" not in alarm, name
        assert {"Statistic", "ExtendedStatistic"} & set(alarm), name
        assert alarm["AlarmActions"] == alarm["OKActions"] == [TOPIC], name
        assert "TreatMissingData" in alarm, name
        assert "Condition" not in template.resources[name], name


def test_the_topic_is_encrypted_and_cloudwatch_of_this_account_may_use_it(template: Template) -> None:
    (topic,) = template.of_type("AWS::SNS::Topic").values()
    (policy,) = template.of_type("AWS::SNS::TopicPolicy").values()
    _, for_cloudwatch = template.of_type("AWS::KMS::Key")["AlarmKey"]["KeyPolicy"]["Statement"]
    (publish,) = policy["PolicyDocument"]["Statement"]

    assert topic["KmsMasterKeyId"] == {"Fn::GetAtt": ["AlarmKey", "Arn"]}
    assert set(for_cloudwatch["Action"]) == {"kms:Decrypt", "kms:GenerateDataKey*"}
    assert publish["Action"] == "sns:Publish"
    for statement in (for_cloudwatch, publish):
        assert statement["Principal"] == {"Service": "cloudwatch.amazonaws.com"}
        assert statement["Condition"]["StringEquals"] == {"aws:SourceAccount": {"Ref": "AWS::AccountId"}}


def test_a_topic_of_one_s_own_takes_the_place_of_the_stack_s(template: Template) -> None:
    own = {"AlarmKey", "AlarmTopic", "AlarmTopicPolicy"}

    assert {name for name, one in template.resources.items() if one.get("Condition") == "OwnAlarmTopic"} == own
    assert template.resources["AlarmSubscription"]["Condition"] == "HasAlarmEmail"
    assert template.document["Outputs"]["AlarmTopic"]["Value"] == TOPIC


# ---- docs/operations.md


@pytest.fixture(name="sections", scope="module")
def _sections() -> dict[str, str]:
    """What the page says of alarms, by the anchor of each heading."""
    page = Path(ROOT, "docs/operations.md").read_text("utf-8")
    alarms = page.partition("\n## Alarms\n")[2].partition("\n## ")[0]
    _, *parts = re.split(r"^### ", alarms, flags=re.MULTILINE)
    titled = (part.partition("\n") for part in parts)
    return {title.lower().replace(" ", "-"): text for title, _, text in titled}


def test_every_alarm_leads_to_its_section_and_every_section_is_some_alarm_s(
    template: Template, sections: dict[str, str]
) -> None:
    named = {
        name: re.search(r"\S+\. docs/operations\.md#([\w-]+)$", alarm["AlarmDescription"])
        for name, alarm in template.of_type(ALARMS).items()
    }

    assert not [name for name, anchor in named.items() if anchor is None]
    assert {anchor[1] for anchor in named.values() if anchor} == set(sections)


def test_every_section_names_its_alarms_and_says_what_it_means_where_to_look_and_what_to_do(
    template: Template, sections: dict[str, str]
) -> None:
    alarms = template.of_type(ALARMS)
    for anchor, text in sections.items():
        for named in re.findall(r"`(\w+Alarm)`", text):
            assert alarms[named]["AlarmDescription"].endswith(f"#{anchor}"), named
        assert re.match(r"\n`\w+Alarm`", text), anchor
        assert "\n* Query: " in text, anchor
        assert "\n* Action: " in text, anchor
