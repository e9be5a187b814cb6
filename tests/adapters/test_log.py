"""The functions' log groups, read again: from a local CloudWatch Logs, and with what is asked of the real one."""

import json
import secrets
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import pytest
from botocore.exceptions import ClientError

from heirloom.adapters import log
from heirloom.adapters.log import CloudWatchLog
from heirloom.domain.errors import StoreUnavailable
from local import processes, stack

if TYPE_CHECKING:
    from mypy_boto3_logs.client import CloudWatchLogsClient

NOW = 1_800_000_000


@pytest.fixture(scope="module", name="logs")
def _logs() -> Iterator["CloudWatchLogsClient"]:
    with processes.ministack() as aws:
        yield stack.client("logs", aws)


class Groups:
    """The groups of one stack."""

    def __init__(self, client: "CloudWatchLogsClient") -> None:
        self.client = client
        self.prefix = f"/aws/lambda/{secrets.token_hex(8)}/"
        for name in log.FUNCTIONS:
            client.create_log_group(logGroupName=self.prefix + name)
            client.create_log_stream(logGroupName=self.prefix + name, logStreamName="one")
        self.log = CloudWatchLog(lambda: client, self.prefix, lambda: NOW)

    def write(self, function: str, at_ms: int, line: object) -> None:
        message = line if isinstance(line, str) else json.dumps(line)
        event: Any = {"timestamp": at_ms, "message": message}
        self.client.put_log_events(logGroupName=self.prefix + function, logStreamName="one", logEvents=[event])


@pytest.fixture(name="groups")
def _groups(logs: "CloudWatchLogsClient") -> Groups:
    return Groups(logs)


def line(number: int, **changes: object) -> dict[str, object]:
    """An event as a function writes it."""
    return {
        "level": "INFO",
        "message": "refresh_token_exchanged",
        "service": "heirloom",
        "type": "sertft",
        "client_id": "spa",
        "user_id": "auth0|alice",
        "reason": None,
        "ip": "192.0.2.1",
        "user_agent": "tests",
        "request_id": f"request-{number}",
        "details": {"number": number},
        **changes,
    }


def numbers(events: list[Any]) -> list[int]:
    return [event.details["number"] for event in events]


def test_events_of_all_functions_come_in_one_order(groups: Groups) -> None:
    for number, function in enumerate(log.FUNCTIONS):
        groups.write(function, (NOW - 4000 * number) * 1000, line(number))

    assert numbers(groups.log.newest({}, at_most=100)) == list(range(len(log.FUNCTIONS)))
    assert numbers(groups.log.newest({}, at_most=2)) == [0, 1]
    assert numbers(groups.log.after(None, at_most=2)) == [5, 4]


def test_an_event_has_all_that_was_written(groups: Groups) -> None:
    groups.write("token", NOW * 1000 - 5, line(1, type="fertft", reason="expired", user_id=None))

    (event,) = groups.log.newest({}, at_most=1)

    assert (event.at_ms, event.type, event.reason, event.client_id, event.user_id) == (
        NOW * 1000 - 5,
        "fertft",
        "expired",
        "spa",
        None,
    )
    assert (event.caller.address, event.caller.user_agent, event.caller.request_id) == (
        "192.0.2.1",
        "tests",
        "request-1",
    )
    assert groups.log.find(event.log_id) == event


def test_other_lines_are_none(groups: Groups) -> None:
    """Lambda's own, metrics, faults with their traces, and whatever is no JSON."""
    at = NOW * 1000 - 1
    groups.write("token", at, "START RequestId: 1")
    groups.write("token", at, {"time": "…", "type": "platform.report", "record": {"requestId": "1"}})
    groups.write("token", at, {"_aws": {}, "service": "heirloom", "RefreshTokenExchanged": [1.0]})
    groups.write("token", at, {"level": "ERROR", "message": "mistake", "exception": "…"})
    groups.write("token", at, "[]")

    assert groups.log.newest({}, at_most=10) == []


def test_what_is_wanted_is_found_and_nothing_else(groups: Groups) -> None:
    for number, changes in enumerate([{}, {"type": "ferrt"}, {"user_id": "auth0|bob"}, {"ip": "192.0.2.2"}]):
        groups.write("token", NOW * 1000 - number, line(number, **changes))

    assert numbers(groups.log.newest({"type": "ferrt"}, at_most=10)) == [1]
    assert numbers(groups.log.newest({"user_id": "auth0|bob"}, at_most=10)) == [2]
    assert numbers(groups.log.newest({"ip": "192.0.2.2", "type": "sertft"}, at_most=10)) == [3]
    assert numbers(groups.log.newest({"client_id": "spa"}, at_most=10)) == [0, 1, 2, 3]


def test_checkpoints_lead_on_without_a_gap_or_a_repetition_even_within_a_millisecond(groups: Groups) -> None:
    for number in range(9):
        groups.write(log.FUNCTIONS[number % 3], NOW * 1000 - 10 + number // 4, line(number))
    read: list[int] = []
    checkpoint = None
    while events := groups.log.after(checkpoint, at_most=2):
        read += numbers(events)
        checkpoint = events[-1].log_id

    assert sorted(read) == list(range(9))


@pytest.mark.parametrize("log_id", ["", "nonsense", "A" * 19, "A" * 21, "%"])
def test_what_is_no_id_is_none(groups: Groups, log_id: str) -> None:
    assert groups.log.find(log_id) is None
    with pytest.raises(ValueError, match=r".*"):
        groups.log.after(log_id, at_most=1)


def test_an_id_of_an_event_that_is_gone_finds_nothing(groups: Groups) -> None:
    assert groups.log.find("A" * 20) is None


class Answers:
    """CloudWatch Logs, as a test has it answer."""

    def __init__(self, *, pages: int = 1, fault: Exception | None = None) -> None:
        self.asked: list[dict[str, Any]] = []
        self.pages = pages
        self.fault = fault

    def filter_log_events(self, **arguments: Any) -> dict[str, Any]:
        self.asked.append(arguments)
        if self.fault is not None:
            raise self.fault
        return {"events": []} | ({"nextToken": "more"} if len(self.asked) < self.pages else {})

    @property
    def log(self) -> CloudWatchLog:
        return CloudWatchLog(lambda: self, "/aws/lambda/x/", lambda: NOW)  # type: ignore[return-value, arg-type]


def test_the_real_one_is_asked_to_search_by_itself() -> None:
    """Else it would send every line that there is. The local one takes any such pattern for all that there is."""
    answers = Answers()

    answers.log.newest({"type": "sertft", "user_id": "auth0|alice"}, at_most=1)

    (pattern,) = {it["filterPattern"] for it in answers.asked}
    assert pattern == (
        '{ ($.type = "*") && ($.request_id = "*") && ($.type = "sertft") && ($.user_id = "auth0|alice") }'
    )
    assert {it["logGroupName"] for it in answers.asked} == {f"/aws/lambda/x/{name}" for name in log.FUNCTIONS}


def test_the_last_minute_comes_first_and_no_time_is_searched_twice() -> None:
    answers = Answers()

    answers.log.newest({}, at_most=1)

    spans = [(it["startTime"], it["endTime"]) for it in answers.asked if it["logGroupName"].endswith("/token")]
    assert spans == [
        ((NOW - 60) * 1000 + 1, NOW * 1000),
        ((NOW - 3600) * 1000 + 1, (NOW - 60) * 1000),
        (0, (NOW - 3600) * 1000),
    ]


def test_a_search_without_end_is_a_fault_and_not_half_an_answer() -> None:
    answers = Answers(pages=10**6)

    with pytest.raises(StoreUnavailable, match="too many events"):
        answers.log.newest({}, at_most=1)
    assert len(answers.asked) == 40


def test_a_throttled_search_is_a_fault() -> None:
    throttled = ClientError({"Error": {"Code": "ThrottlingException", "Message": "Rate exceeded"}}, "FilterLogEvents")

    with pytest.raises(StoreUnavailable, match="ThrottlingException"):
        Answers(fault=throttled).log.after(None, at_most=1)
