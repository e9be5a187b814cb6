"""The log: Auth0's members, a few fields to search by, both ways to page."""

from typing import Any

import pytest

from heirloom.domain.events import Caller, LoggedEvent
from tests.management.administrator import Administrator


@pytest.fixture(autouse=True)
def _events(admin: Administrator) -> None:
    for number in range(5):
        admin.log.append(
            LoggedEvent(
                log_id=f"event-{number}",
                at_ms=1_800_000_000_000 + number,
                type="sertft" if number % 2 else "fertft",
                caller=Caller("192.0.2.1", "tests", f"request-{number}"),
                client_id="spa",
                user_id="auth0|alice" if number < 3 else None,
                reason="expired" if number == 0 else None,
                details={"audience": "urn:a", "scope": "openid", "tokenCounter": number},
            )
        )


def ids(admin: Administrator, **query: Any) -> list[str]:
    answer = admin.call("GET", "logs", **query)
    assert answer.status == 200, answer.body
    return [event["log_id"] for event in answer.json]


def test_an_event_is_shown_as_auth0_shows_it(admin: Administrator) -> None:
    assert admin.call("GET", "logs/event-0").json == {
        "log_id": "event-0",
        "_id": "event-0",
        "date": "2027-01-15T08:00:00Z",
        "type": "fertft",
        "description": "expired",
        "client_id": "spa",
        "user_id": "auth0|alice",
        "ip": "192.0.2.1",
        "user_agent": "tests",
        "hostname": "login.example",
        "audience": "urn:a",
        "scope": "openid",
        "details": {"audience": "urn:a", "scope": "openid", "tokenCounter": 0},
    }
    assert admin.call("GET", "logs/none").problem == (404, "inexistent_log")


def test_the_newest_come_first_by_page(admin: Administrator) -> None:
    assert ids(admin) == [f"event-{number}" for number in (4, 3, 2, 1, 0)]
    assert ids(admin, per_page=2, page=1, sort="date:-1") == ["event-2", "event-1"]
    totals = admin.call("GET", "logs", per_page=2, include_totals="true", fields="log_id").json
    assert totals == {
        "start": 0,
        "limit": 2,
        "length": 2,
        "total": 5,
        "logs": [{"log_id": "event-4"}, {"log_id": "event-3"}],
    }


def test_after_an_event_the_oldest_come_first(admin: Administrator) -> None:
    assert ids(admin, take=2) == ["event-0", "event-1"]
    assert ids(admin, from_="event-1", take=2) == ["event-2", "event-3"]
    assert ids(admin, from_="event-4") == []
    assert admin.call("GET", "logs", from_="none").problem == (400, "invalid_query_string")


@pytest.mark.parametrize(
    ("q", "found"),
    [
        ("type:sertft", ["event-3", "event-1"]),
        ('type:"sertft" AND user_id:"auth0|alice"', ["event-1"]),
        ("type:sertft client_id:spa", ["event-3", "event-1"]),
        ("client_id:other", []),
        ("", ["event-4", "event-3", "event-2", "event-1", "event-0"]),
    ],
)
def test_events_are_searched_by_a_few_fields(admin: Administrator, q: str, found: list[str]) -> None:
    assert ids(admin, q=q) == found


@pytest.mark.parametrize(
    "q",
    [
        "sertft",
        "type:s*",
        'type:"a" OR type:"b"',
        "type:a type:b",
        "NOT type:a",
        "date:[2027 TO *]",
        "description:expired",
        'user_id:"a" || "',
        'user_id:"a\\" }"',
    ],
)
def test_other_searches_are_refused_and_reach_no_log(admin: Administrator, q: str) -> None:
    assert admin.call("GET", "logs", q=q).problem == (400, "invalid_query_string")


def test_another_order_is_refused(admin: Administrator) -> None:
    assert admin.call("GET", "logs", sort="date:1").problem == (400, "invalid_query_string")
