"""Saved queries ask the stack's own log groups for what is logged there; the operations page knows each of them."""

import json
import re
from pathlib import Path
from typing import Any

import pytest

from local.template import ROOT, Template, functions
from tests.docs.logs_page import table
from tests.insights import Query, discovered

QUERIES = "AWS::Logs::QueryDefinition"
OF_INSIGHTS = {"@timestamp", "@log"}
OF_LAMBDA = {"record.status"}
"""From `platform.report`, a line that Lambda itself writes."""


@pytest.fixture(name="queries")
def _queries(template: Template) -> dict[str, dict[str, Any]]:
    return template.of_type(QUERIES)


def test_they_are_saved_unless_somebody_says_no(template: Template, queries: dict[str, dict[str, Any]]) -> None:
    assert template.document["Parameters"]["SavedQueries"]["Default"] == "true"
    assert {template.resources[name]["Condition"] for name in queries} == {"HasSavedQueries"}
    for query in queries.values():
        assert query["Name"]["Fn::Sub"].startswith("${AWS::StackName}/"), "a folder for each stack"


def test_they_ask_the_stack_s_log_groups(template: Template, queries: dict[str, dict[str, Any]]) -> None:
    groups = {"Ref": set(template.of_type("AWS::Logs::LogGroup"))}

    for name, query in queries.items():
        assert query["LogGroupNames"], name
        assert {one["Ref"] for one in query["LogGroupNames"]} <= groups["Ref"], name
    everywhere = {one.logical_id.removesuffix("Function") + "Logs" for one in functions(template).values()}
    for name in ("ErrorTracesQuery", "WarningsByAlarmQuery"):
        assert {one["Ref"] for one in queries[name]["LogGroupNames"]} == everywhere, name


def test_they_ask_for_what_is_logged(queries: dict[str, dict[str, Any]]) -> None:
    """In Insights a field that there is not is no mistake: it is empty for ever."""
    of_lines = {*table("# Logs"), *(f"details.{name}" for name in table("## Events", 1))}
    of_requests = set(table("## The access log"))

    for name, query in queries.items():
        named = Query.of(query["QueryString"]).named - OF_INSIGHTS
        of_api = query["LogGroupNames"] == [{"Ref": "ApiLogs"}]
        assert named <= (of_requests if of_api else of_lines | OF_LAMBDA), name


def test_the_types_that_they_name_are_types(queries: dict[str, dict[str, Any]]) -> None:
    for query in queries.values():
        for listed in re.findall(r"type (?:=|in) (\[.*?\]|'\w+')", query["QueryString"], re.DOTALL):
            assert set(re.findall(r"'(\w+)'", listed)) <= set(table("## Events"))


def test_what_is_refused_is_among_the_refusals(queries: dict[str, dict[str, Any]]) -> None:
    """All that the page calls failed or refused; and reuse, which is refused too."""
    refusals = {
        code
        for code, (name, *_) in table("## Events").items()
        if name.strip("`").startswith(("failed_", "refused_")) or code == "ferrt"
    }
    (listed,) = re.findall(r"type in (\[.*?\])", queries["RefusalsByReasonQuery"]["QueryString"], re.DOTALL)

    assert set(re.findall(r"'(\w+)'", listed)) == refusals


def test_the_operations_page_names_them_and_no_others(queries: dict[str, dict[str, Any]]) -> None:
    page = Path(ROOT, "docs/operations.md").read_text("utf-8")
    named = {
        name
        for line in re.findall(r"^\* Query: (?:.*\n?)(?:  .*\n)*", page, re.MULTILINE)
        for name in re.findall(r"(?<!\*)\*([A-Z][^*]+)\*(?!\*)", " ".join(line.split()))
    }

    assert named == {query["Name"]["Fn::Sub"].partition("/")[2] for query in queries.values()}


# ---- The queries, answered


def lines(*documents: dict[str, Any]) -> list[dict[str, str]]:
    return [discovered(document) for document in documents]


def test_reuse_is_counted_by_application(queries: dict[str, dict[str, Any]]) -> None:
    log = lines(
        *[{"type": "ferrt", "client_id": client_id} for client_id in ("spa", "web", "spa")],
        {"type": "sertft", "client_id": "spa"},
    )

    assert Query.of(queries["ReuseByApplicationQuery"]["QueryString"]).answer(log) == [
        {"client_id": "spa", "reuses": "2"},
        {"client_id": "web", "reuses": "1"},
    ]


def test_warnings_are_those_with_an_alarm(queries: dict[str, dict[str, Any]]) -> None:
    log = lines({"type": "w", "reason": "offline_access was dropped"}, {"type": "w", "alarm": "Fault", "reason": "x"})

    [row] = Query.of(queries["WarningsByAlarmQuery"]["QueryString"]).answer(log)

    assert row == {"alarm": "Fault", "reason": "x"}


def test_errors_are_those_of_the_code_and_of_lambda(queries: dict[str, dict[str, Any]]) -> None:
    log = lines(
        {"level": "INFO", "message": "login"},
        {"level": "ERROR", "message": "mistake", "exception_name": "KeyError"},
        {"type": "platform.report", "record": {"status": "timeout"}},
        {"type": "platform.report", "record": {"status": "success"}},
    )

    rows = Query.of(queries["ErrorTracesQuery"]["QueryString"]).answer(log)

    assert rows == [
        {"level": "ERROR", "message": "mistake", "exception_name": "KeyError"},
        {"record.status": "timeout"},
    ]


@pytest.mark.parametrize(
    "text", ["filter type = ", "filter (a = 'b'", "fields a | show b", "stats sum(a) by b", "sort a"]
)
def test_what_insights_would_not_understand_is_noticed(text: str) -> None:
    with pytest.raises(ValueError, match=r".*"):
        Query.of(text)


def test_a_line_is_discovered_as_insights_does() -> None:
    line = json.loads('{"a": {"b": true, "c": null}, "d": 1}')

    assert discovered(line) == {"a.b": "1", "d": "1"}
