"""The page about the logs has what the code logs: all of it, and nothing else."""

import json
import re
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import pytest
from aws_lambda_powertools import Logger

from heirloom.adapters.events import LoggedEvents
from heirloom.domain.events import Alarm, Caller, Event, EventType
from heirloom.domain.family import Refusal
from local import template
from local.template import ROOT
from tests.docs.logs_page import PAGE, details, table
from tests.endpoints.test_why_logged_out import SESSIONS, WAYS

SOURCES = "".join(path.read_text("utf-8") for path in Path(ROOT, "layers/shared/heirloom").rglob("*.py"))
FUNCTIONS = "".join(path.read_text("utf-8") for path in Path(ROOT, "functions").rglob("*.py"))


def test_every_type_of_event_is_there_with_its_name() -> None:
    told = {code: name.strip("`") for code, (name, *_) in table("## Events").items()}

    assert told == {event_type.value: event_type.name.lower() for event_type in EventType}


def test_every_other_line_is_there() -> None:
    """Whatever is logged under a message of its own, rather than as an event."""
    messages = re.findall(r'logger\.(?:info|warning|error|exception)\("([^"]+)"', SOURCES + FUNCTIONS)

    assert set(table("## Events", 2)) == set(messages)


def test_every_detail_is_explained_and_is_one_of_the_code() -> None:
    """That no event has others is checked with every event of every other test."""
    explained = set(table("## Events", 1))

    assert explained == set().union(*(details(event_type) for event_type in EventType))
    assert not [name for name in explained if f'"{name}"' not in SOURCES]


def test_every_reason_of_a_refused_refresh_is_explained() -> None:
    assert set(table("## Reasons of a refused refresh")) == {*Refusal, "underivable"}


def test_every_way_to_be_logged_out_is_explained() -> None:
    """Each of them is walked by another test."""
    assert set(table("## Why a family ended")) == {because for _, _, because in WAYS.values()}


def test_every_end_of_a_session_is_explained() -> None:
    assert set(table("## Why a session ended")) == set(SESSIONS.values())


@contextmanager
def noting(logger: Logger) -> Iterator[None]:
    """Log a mistake as the last resort of the functions does."""
    try:
        yield
    except Exception:
        logger.exception("mistake")
        raise


def test_a_line_has_the_fields_that_the_page_says(capsys: pytest.CaptureFixture[str]) -> None:
    fields = set(table("# Logs"))
    logger = Logger(service="test_logs")
    event = Event(EventType.WARNING, Caller("a", "b", "c"), "d", "e", "f", {"attempt": 1}, Alarm.FAULT)

    LoggedEvents("test_logs", "Heirloom").emit(event)
    with suppress(LookupError), noting(logger):
        EventType["NOTHING"]

    lines = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    counted = {metric["Name"] for line in lines for one in directives(line) for metric in one["Metrics"]}
    assert set().union(*lines) - counted == fields - {"xray_trace_id"}
    assert counted == {"Warning", Alarm.FAULT}


def directives(line: dict[str, Any]) -> list[dict[str, Any]]:
    """What of a line are metrics."""
    found: list[dict[str, Any]] = line.get("_aws", {}).get("CloudWatchMetrics", [])
    return found


def test_the_example_is_a_line_of_today() -> None:
    (example,) = re.findall(r"```json\n(.*?)```", PAGE.read_text("utf-8"), re.DOTALL)
    line = json.loads(example)

    assert set(line) <= set(table("# Logs"))
    assert line["message"] == EventType(line["type"]).name.lower()
    assert set(line["details"]) == details(line["type"])


def test_the_access_log_has_the_fields_that_the_page_says() -> None:
    (stage,) = template.load().of_type("AWS::ApiGatewayV2::Stage").values()

    assert set(table("## The access log")) == set(json.loads(stage["AccessLogSettings"]["Format"]["Fn::Sub"]))
