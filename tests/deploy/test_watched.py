"""Alarms, their topic and the dashboard, as they are deployed."""

import json
from typing import TYPE_CHECKING

from local.template import Template

if TYPE_CHECKING:
    from tests.deploy.conftest import Stack


def test_every_alarm_of_the_template_is_there_and_tells_the_topic(stack: "Stack", template: Template) -> None:
    pages = stack.client("cloudwatch").get_paginator("describe_alarms").paginate()
    deployed = {alarm["AlarmName"]: alarm for page in pages for alarm in page["MetricAlarms"]}

    for name in template.of_type("AWS::CloudWatch::Alarm"):
        alarm = deployed[stack.physical(name)]
        assert alarm["AlarmActions"] == alarm["OKActions"] == [stack.outputs["AlarmTopic"]], name


def test_the_dashboard_draws_the_functions_and_tables_that_were_deployed(stack: "Stack", template: Template) -> None:
    dashboard = stack.client("cloudwatch").get_dashboard(DashboardName=stack.physical("Dashboard"))
    body = json.loads(dashboard["DashboardBody"])

    drawn = json.dumps(body)
    assert "${" not in drawn
    for kind in ("AWS::Serverless::Function", "AWS::DynamoDB::Table"):
        for name in template.of_type(kind):
            assert stack.physical(name) in drawn, name


def test_functions_are_traced(stack: "Stack", template: Template) -> None:
    for name in template.of_type("AWS::Serverless::Function"):
        function = stack.client("lambda").get_function_configuration(FunctionName=stack.physical(name))
        assert function["TracingConfig"]["Mode"] == "Active", name
