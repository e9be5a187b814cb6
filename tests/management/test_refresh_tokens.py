"""Refresh tokens: listed while they live, read without themselves, revoked for good, with notes beside them."""

import dataclasses
import json
from typing import Any

import pytest

from heirloom.domain.lifetimes import EVIDENCE
from heirloom.tenant import reading
from tests.management.administrator import Administrator
from tests.service import ALICE, API, BOB, SPA, WEB, Service, family_key_of, refusal

OF_ALICE = "users/auth0|alice/refresh-tokens"
DAY = 86400


@pytest.fixture(name="token")
def _token(service: Service) -> str:
    """A refresh token of alice."""
    return str(service.login_tokens()["refresh_token"])


def listed(admin: Administrator, **query: Any) -> list[Any]:
    answer = admin.call("GET", OF_ALICE, **query)
    assert answer.status == 200, answer.body
    tokens: list[Any] = answer.json["tokens"]
    return tokens


def works(service: Service, token: str, application: Any = SPA) -> bool:
    answer = service.refresh(token, application)
    assert answer.status == 200 or refusal(answer) == (400, "invalid_grant")
    return answer.status == 200


def test_a_refresh_token_is_shown_as_auth0_shows_it_and_never_itself(
    service: Service, admin: Administrator, token: str
) -> None:
    service.wait(10)
    service.user_agent = "Notes/1.0"
    token = service.refreshed(token)

    (shown,) = listed(admin)

    assert shown == {
        "id": shown["id"],
        "user_id": ALICE.user_id,
        "client_id": "spa",
        "session_id": shown["session_id"],
        "created_at": "2027-01-15T08:00:00Z",
        "last_exchanged_at": "2027-01-15T08:00:10Z",
        "idle_expires_at": "2027-02-14T08:00:00Z",
        "expires_at": "2027-02-14T08:00:00Z",
        "rotating": True,
        "device": {
            "initial_ip": "192.0.2.1",
            "initial_user_agent": "tests",
            "last_ip": "192.0.2.1",
            "last_user_agent": "Notes/1.0",
        },
        "resource_servers": [{"audience": API, "scopes": "email offline_access openid profile read:notes"}],
    }
    assert admin.call("GET", f"refresh-tokens/{shown['id']}").json == shown
    assert admin.call("GET", f"sessions/{shown['session_id']}").json["id"] == shown["session_id"]
    assert token not in json.dumps(shown)
    assert len(shown["id"]) == 32


def test_rotation_changes_no_id(service: Service, admin: Administrator, token: str) -> None:
    (before,) = listed(admin)
    service.refreshed(token)

    (after,) = listed(admin)
    assert after["id"] == before["id"]


def test_what_cannot_be_used_any_more_is_not_shown(service: Service, admin: Administrator, token: str) -> None:
    (shown,) = listed(admin)
    assert service.revoke(token).status == 200

    assert listed(admin) == []
    assert admin.call("GET", f"refresh-tokens/{shown['id']}").problem == (404, "inexistent_refresh_token")

    service.login_tokens()
    service.wait(31 * DAY)
    assert listed(admin) == []


def test_a_shorter_idle_lifetime_shows_at_once(service: Service, admin: Administrator, token: str) -> None:
    assert token
    policy = dataclasses.replace(SPA.refresh_token, idle_lifetime=60)
    admin.declare(dataclasses.replace(SPA, refresh_token=policy))

    assert listed(admin)[0]["idle_expires_at"] == "2027-01-15T08:01:00Z"
    service.wait(61)
    assert listed(admin) == []


def test_an_endless_refresh_token_shows_no_end(service: Service, admin: Administrator) -> None:
    policy = dataclasses.replace(SPA.refresh_token, idle_lifetime=None, absolute_lifetime=None)
    admin.declare(dataclasses.replace(SPA, refresh_token=policy))
    service.login_tokens()

    (shown,) = listed(admin)

    assert not shown.keys() & {"expires_at", "idle_expires_at", "last_exchanged_at"}


def test_lists_go_on_from_a_checkpoint_and_keep_to_the_user_and_the_application(
    service: Service, admin: Administrator
) -> None:
    for application in (SPA, SPA, WEB):
        service.cookies.clear()
        service.login_tokens(application)
    service.cookies.clear()
    service.login_tokens(email=BOB.email)

    first = admin.call("GET", OF_ALICE, take=2).json
    second = admin.call("GET", OF_ALICE, take=2, from_=first["next"]).json

    ids = [token["id"] for token in first["tokens"] + second["tokens"]]
    assert len(ids) == len(set(ids)) == 3
    assert ids == sorted(ids)
    assert "next" not in second
    at_web = admin.call("GET", "refresh-tokens", user_id=ALICE.user_id, client_id="web").json["refresh_tokens"]
    assert [token["client_id"] for token in at_web] == ["web"]
    some = admin.call("GET", "refresh-tokens", user_id=ALICE.user_id, fields="id,client_id").json["refresh_tokens"]
    assert all(token.keys() == {"id", "client_id"} for token in some)
    others = admin.call("GET", "refresh-tokens", user_id=ALICE.user_id, fields="id", include_fields="false").json
    assert all("id" not in token and "client_id" in token for token in others["refresh_tokens"])


def test_a_user_without_any_has_an_empty_list(admin: Administrator) -> None:
    assert admin.call("GET", "users/auth0|nobody/refresh-tokens").json == {"tokens": []}


@pytest.mark.parametrize("query", [{}, {"take": 0}, {"take": 101}, {"take": "x"}, {"from_": "%"}, {"user": "x"}])
def test_a_wrong_query_is_refused_with_its_reason(admin: Administrator, query: dict[str, Any]) -> None:
    given = query if not query else {"user_id": ALICE.user_id, **query}
    answer = admin.call("GET", "refresh-tokens", **given)

    assert answer.problem == (400, "invalid_query_string")
    assert answer.json["message"].startswith("Query validation error: ")


# ---- Revocation


def test_a_deleted_refresh_token_is_good_for_nothing(service: Service, admin: Administrator, token: str) -> None:
    spent, token = token, service.refreshed(token)
    token_id = admin.refresh_token_id(ALICE.user_id, "spa")

    answer = admin.call("DELETE", f"refresh-tokens/{token_id}")

    assert (answer.status, answer.body) == (202, "")
    assert not works(service, token)
    assert not works(service, spent)
    (event,) = [event for event in service.events if event.type == "srrt"]
    assert (event.reason, event.caller.address) == ("revoked_by_operator", "192.0.2.9")
    assert admin.call("DELETE", f"refresh-tokens/{token_id}").status == 202, "as at Auth0"


@pytest.mark.parametrize("token_id", ["nonsense", "A" * 32, "%", "x" * 500])
def test_to_delete_what_there_is_not_does_nothing(
    service: Service, admin: Administrator, token: str, token_id: str
) -> None:
    assert admin.call("DELETE", f"refresh-tokens/{token_id}").status == 202
    assert works(service, token)


def test_a_users_refresh_tokens_end_and_the_session_goes_on(service: Service, admin: Administrator) -> None:
    alices = [(service.login_tokens(it)["refresh_token"], it) for it in (SPA, WEB)]
    cookies = dict(service.cookies)
    service.cookies.clear()
    bobs = service.login_tokens(email=BOB.email)["refresh_token"]

    assert admin.call("DELETE", OF_ALICE).status == 202

    assert not any(works(service, token, application) for token, application in alices)
    assert works(service, bobs)
    service.cookies = cookies
    assert "code=" in service.authorize(SPA).headers["location"]


@pytest.mark.parametrize(
    ("body", "left"),
    [
        ({"user_id": ALICE.user_id}, {"bob at spa"}),
        ({"user_id": ALICE.user_id, "client_id": "spa"}, {"alice at web", "bob at spa"}),
        ({"user_id": ALICE.user_id, "client_id": "spa", "audience": API}, {"alice at web", "bob at spa"}),
        (
            {"user_id": ALICE.user_id, "client_id": "spa", "audience": "urn:x"},
            {"alice at spa", "alice at web", "bob at spa"},
        ),
        ({"user_id": ALICE.user_id, "client_id": "unknown"}, {"alice at spa", "alice at web", "bob at spa"}),
        ({"user_id": "auth0|nobody"}, {"alice at spa", "alice at web", "bob at spa"}),
    ],
)
def test_many_are_revoked_at_once(service: Service, admin: Administrator, body: dict[str, str], left: set[str]) -> None:
    logins = {
        "alice at spa": (service.login_tokens()["refresh_token"], SPA),
        "alice at web": (service.login_tokens(WEB)["refresh_token"], WEB),
    }
    service.cookies.clear()
    logins["bob at spa"] = (service.login_tokens(email=BOB.email)["refresh_token"], SPA)

    answer = admin.call("POST", "refresh-tokens/revoke", body)

    assert (answer.status, answer.body) == (202, "")
    assert {name for name, login in logins.items() if works(service, *login)} == left


def test_those_with_some_ids_are_revoked(service: Service, admin: Administrator, token: str) -> None:
    other = service.login_tokens(WEB)["refresh_token"]
    ids = [admin.refresh_token_id(ALICE.user_id, "spa"), "nonsense"]

    assert admin.call("POST", "refresh-tokens/revoke", {"ids": ids}).status == 202

    assert not works(service, token)
    assert works(service, other, WEB)


def test_all_of_an_application_are_revoked_by_its_mark(service: Service, admin: Administrator, token: str) -> None:
    other = service.login_tokens(WEB)["refresh_token"]

    assert admin.call("POST", "refresh-tokens/revoke", {"client_id": "spa"}).status == 202

    service.declare(admin.applied("spa"))
    assert not works(service, token)
    assert works(service, other, WEB)
    service.wait(2)
    service.cookies.clear()
    assert works(service, service.login_tokens()["refresh_token"])
    assert admin.call("POST", "refresh-tokens/revoke", {"client_id": "unknown"}).status == 202


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"audience": API},
        {"user_id": "a", "audience": API},
        {"client_id": "spa", "audience": API},
        {"ids": []},
        {"ids": ["a"], "user_id": "b"},
        {"ids": ["a"] * 101},
        {"ids": "a"},
        {"user_id": ""},
        {"user_id": "a", "everything": True},
        [],
        "{",
        '"text"',
        '{"user_id": "\\ud800"}',
    ],
)
def test_a_wrong_body_revokes_nothing(service: Service, admin: Administrator, token: str, body: object) -> None:
    answer = admin.call("POST", "refresh-tokens/revoke", body)

    assert answer.problem == (400, "invalid_body")
    assert works(service, token)


def test_a_body_is_json(service: Service, admin: Administrator, token: str) -> None:
    form = {"content-type": "application/x-www-form-urlencoded"}
    assert admin.call("POST", "refresh-tokens/revoke", {"user_id": ALICE.user_id}, headers=form).status == 400
    large = {"user_id": "x" * (129 * 1024)}
    assert admin.call("POST", "refresh-tokens/revoke", large).problem == (413, "payload_too_large")
    assert works(service, token)


# ---- Metadata


def test_what_is_noted_is_read_again_and_replaced_whole(service: Service, admin: Administrator, token: str) -> None:
    path = f"refresh-tokens/{admin.refresh_token_id(ALICE.user_id, 'spa')}"

    answer = admin.call("PATCH", path, {"refresh_token_metadata": {"device": "Alice’s phone", "a-1_b": ""}})

    assert answer.status == 200
    assert answer.json["refresh_token_metadata"] == {"device": "Alice’s phone", "a-1_b": ""}
    assert listed(admin)[0] == admin.call("GET", path).json == answer.json
    again = admin.call("PATCH", path, {"refresh_token_metadata": {"other": "x"}}).json
    assert again["refresh_token_metadata"] == {"other": "x"}
    assert works(service, token), "a refresh is not disturbed by it"
    assert admin.call("PATCH", path, {}).json["refresh_token_metadata"] == {"other": "x"}
    assert "refresh_token_metadata" not in admin.call("PATCH", path, {"refresh_token_metadata": {}}).json
    assert "refresh_token_metadata" not in admin.call("GET", path).json


def test_as_much_is_noted_as_at_auth0_and_no_more(admin: Administrator, token: str) -> None:
    assert token
    path = f"refresh-tokens/{admin.refresh_token_id(ALICE.user_id, 'spa')}"
    most = {f"{number:0>255}": "v" * 255 for number in range(25)}
    assert admin.call("PATCH", path, {"refresh_token_metadata": most}).json["refresh_token_metadata"] == most

    for wrong in (
        most | {"one more": "x"},
        most | {"another": "x"},
        {"k" * 256: "x"},
        {"k": "x" * 256},
        {"k": 1},
        {"k": None},
        {"": "x"},
        {"dotted.name": "x"},
        ["k"],
    ):
        answer = admin.call("PATCH", path, {"refresh_token_metadata": wrong})
        assert answer.problem == (400, "invalid_body"), wrong
    assert admin.call("GET", path).json["refresh_token_metadata"] == most


def test_it_lies_beside_the_family_and_goes_with_it(service: Service, admin: Administrator, token: str) -> None:
    family_before = family_items(service)
    path = f"refresh-tokens/{admin.refresh_token_id(ALICE.user_id, 'spa')}"
    admin.call("PATCH", path, {"refresh_token_metadata": {"device": "phone"}})

    assert family_items(service) == family_before
    (noted,) = metadata_items(service)
    family = service.families.find(family_key_of(token))
    assert family is not None
    assert int(noted["expires_at"]["N"]) == family.absolute_expires_at + EVIDENCE
    assert "user_id" not in noted
    assert [it.key for it in service.families.of_user(ALICE.user_id)] == [family.key]

    admin.call("DELETE", path)
    (noted,) = metadata_items(service)
    assert "metadata" not in noted
    assert int(noted["expires_at"]["N"]) == service.now, "DynamoDB deletes it"


def test_nothing_is_noted_about_what_has_ended(service: Service, admin: Administrator, token: str) -> None:
    path = f"refresh-tokens/{admin.refresh_token_id(ALICE.user_id, 'spa')}"
    service.revoke(token)

    assert admin.call("PATCH", path, {"refresh_token_metadata": {"a": "b"}}).status == 404
    assert admin.call("PATCH", f"refresh-tokens/{'A' * 32}", {"refresh_token_metadata": {"a": "b"}}).status == 404
    assert metadata_items(service) == []


def family_items(service: Service) -> list[dict[str, Any]]:
    return [item for item in service.items("FamiliesTable") if "live_digest" in item]


def metadata_items(service: Service) -> list[dict[str, Any]]:
    return [item for item in service.items("FamiliesTable") if item["family_id"]["S"].startswith("metadata:")]


# ---- Device credentials


def test_they_are_device_credentials_too(service: Service, admin: Administrator, token: str) -> None:
    admin.declare(dataclasses.replace(WEB, refresh_token=dataclasses.replace(WEB.refresh_token, rotating=False)))
    service.login_tokens(WEB)
    ids = {it["client_id"]: it["id"] for it in listed(admin)}

    answer = admin.call("GET", "device-credentials", user_id=ALICE.user_id, include_totals="true").json

    assert answer["total"] == 2
    shown = {it["client_id"]: it for it in answer["device_credentials"]}
    assert shown["spa"] == {
        "id": ids["spa"],
        "device_name": "tests",
        "type": "rotating_refresh_token",
        "user_id": ALICE.user_id,
        "client_id": "spa",
    }
    assert shown["web"]["type"] == "refresh_token"
    one = admin.call("GET", "device-credentials", user_id=ALICE.user_id, type="refresh_token").json
    assert [it["client_id"] for it in one] == ["web"]
    assert admin.call("GET", "device-credentials", user_id=ALICE.user_id, type="public_key").json == []
    assert admin.call("GET", "device-credentials").problem == (400, "invalid_query_string")

    answer = admin.call("DELETE", f"device-credentials/{ids['spa']}")
    assert (answer.status, answer.body) == (204, "")
    assert not works(service, token)


def test_the_mark_of_mass_revocation_is_none_that_a_file_would_refuse(admin: Administrator, token: str) -> None:
    """The file that is applied next knows nothing of it, and must not bring anything back to life."""
    assert token
    admin.call("POST", "refresh-tokens/revoke", {"client_id": "spa"})
    mark = admin.applied("spa").not_before

    assert mark == admin.service.now + 1
    assert reading.read({"clients": []}, now=admin.service.now).applications == {}
