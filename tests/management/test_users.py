"""Users: found, made, changed by the rules of the tenant file, deleted; what ends their logins does so at once."""

from typing import Any

import pytest

from heirloom.adapters.users import DynamoDBUsers, UserConflict
from heirloom.domain.user import User
from tests.endpoints.reading import kind
from tests.management.administrator import Administrator
from tests.service import ALICE, BOB, PASSWORD, SPA, Service

CONNECTION = "Username-Password-Authentication"
CAROL = {"connection": CONNECTION, "email": "Carol@example.com", "password": "a long password", "name": "Carol"}


def identities(own_id: str, provider: str = "auth0") -> list[dict[str, Any]]:
    return [{"connection": CONNECTION, "provider": provider, "user_id": own_id, "isSocial": False}]


def test_a_user_is_shown_without_the_password(admin: Administrator) -> None:
    shown = admin.call("GET", "users/auth0|alice").json

    assert shown == {
        "user_id": ALICE.user_id,
        "email": ALICE.email,
        "email_verified": True,
        "blocked": False,
        "name": "Alice",
        "nickname": "alice",
        "identities": identities("alice"),
    }
    assert admin.call("GET", "users/auth0|alice", fields="email").json == {"email": ALICE.email}


@pytest.mark.parametrize("user_id", ["auth0|nobody", "email:alice@example.com", "x" * 3000])
def test_a_user_that_there_is_not_is_not_found(admin: Administrator, user_id: str) -> None:
    for method, body in (("GET", None), ("PATCH", {"name": "x"})):
        assert admin.call(method, f"users/{user_id}", body).problem == (404, "inexistent_user")


@pytest.mark.parametrize(
    "q",
    ['email:"ALICE@example.com"', "email:alice@example.com", 'user_id:"auth0|alice"', "user_id:auth0|alice"],
)
def test_a_user_is_found_by_address_and_id(admin: Administrator, q: str) -> None:
    answer = admin.call("GET", "users", q=q, include_totals="true", search_engine="v3").json

    assert [user["user_id"] for user in answer["users"]] == [ALICE.user_id]
    assert (answer["start"], answer["limit"], answer["length"], answer["total"]) == (0, 50, 1, 1)


def test_nobody_is_found_where_there_is_nobody(admin: Administrator) -> None:
    assert admin.call("GET", "users", q='email:"nobody@example.com"').json == []
    assert admin.call("GET", "users", q='user_id:"auth0|nobody"').json == []
    assert admin.call("GET", "users-by-email", email="nobody@example.com").json == []
    (found,) = admin.call("GET", "users-by-email", email="Bob@Example.com").json
    assert found["user_id"] == BOB.user_id


@pytest.mark.parametrize("q", ["name:Alice", 'email:"a" OR email:"b"', "email:al*", "alice", "logins_count:[1 TO 2]"])
def test_other_searches_are_refused_not_answered_wrongly(admin: Administrator, q: str) -> None:
    assert admin.call("GET", "users", q=q).problem == (400, "invalid_query_string")


def test_users_are_listed_by_page_and_from_a_checkpoint(service: Service, admin: Administrator) -> None:
    users = DynamoDBUsers(service.client, service.tables["UsersTable"])
    ids = {ALICE.user_id, BOB.user_id}
    for number in range(7):
        user = User(f"auth0|{number}", f"{number}@example.com", "hash")
        users.put(user, replacing=None)
        ids.add(user.user_id)

    by_page: list[str] = []
    for number in range(4):
        page = admin.call("GET", "users", page=number, per_page=3, include_totals="true").json
        assert page["total"] == 9
        by_page += [user["user_id"] for user in page["users"]]
    checkpoints: list[str] = []
    query: dict[str, Any] = {"take": 4}
    while True:
        part = admin.call("GET", "users", **query).json
        checkpoints += [user["user_id"] for user in part["users"]]
        if "next" not in part:
            break
        query["from_"] = part["next"]

    assert sorted(by_page) == sorted(checkpoints) == sorted(ids)


def test_a_new_user_can_log_in(service: Service, admin: Administrator) -> None:
    answer = admin.call("POST", "users", CAROL)

    assert answer.status == 201, answer.body
    made = answer.json
    assert made["user_id"].startswith("auth0|")
    assert (made["email"], made["name"]) == ("Carol@example.com", "Carol")
    assert "password" not in answer.body
    assert kind(service.log_in(email="carol@example.com", password="a long password")) == "redirect"
    assert admin.call("GET", f"users/{made['user_id']}").json == made


def test_a_user_may_bring_an_id(admin: Administrator) -> None:
    assert admin.call("POST", "users", CAROL | {"user_id": "carol"}).json["user_id"] == "auth0|carol"
    other = {"user_id": "hr|7", "email": "dave@example.com", "password": "a long password"}
    made = admin.call("POST", "users", other).json
    assert (made["user_id"], made["identities"]) == ("hr|7", identities("7", "hr"))


def test_an_id_is_decoded_once_and_never_again(admin: Administrator) -> None:
    """An HTTP API decodes all of a path but the percent sign: `%2541` is what comes of somebody's `%41`."""
    for name, email in (("a%41", "one@example.com"), ("aA", "other@example.com")):
        assert admin.call("POST", "users", CAROL | {"user_id": f"hr|{name}", "email": email}).status == 201

    assert admin.call("GET", "users/hr|a%2541").json["email"] == "one@example.com"
    assert admin.call("GET", "users/hr|aA").json["email"] == "other@example.com"


def test_nobody_is_there_twice(admin: Administrator) -> None:
    taken = admin.call("POST", "users", CAROL | {"email": ALICE.email.upper()})
    assert taken.problem == (409, "already_exists")
    assert admin.call("POST", "users", CAROL | {"user_id": "alice"}).problem == (409, "already_exists")
    assert admin.call("PATCH", "users/auth0|bob", {"email": ALICE.email}).problem == (409, "conflict")


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"password": None}, "password: is missing"),
        ({"password": "short"}, "password: String should have at least 8 characters"),
        ({"email": "nobody"}, "email: must be an e-mail address"),
        ({"email": None}, "email: is missing"),
        ({"user_id": "email:x|y"}, "user_id: must be 1 to 48 printable"),
        ({"user_id": 7}, "user_id: Input should be a valid string"),
        ({"connection": "google-oauth2"}, "The connection does not exist."),
        ({"app_metadata": {}}, "app_metadata: not supported"),
        ({"nmae": "Carol"}, "nmae: unknown property; did you mean name?"),
        ({"name": ["Carol"]}, "name: Input should be a valid string"),
    ],
)
def test_a_wrong_user_is_refused_with_the_reason(admin: Administrator, changes: dict[str, Any], said: str) -> None:
    answer = admin.call("POST", "users", CAROL | changes)

    assert answer.status == 400
    assert said in answer.json["message"]
    assert "[0]" not in answer.json["message"]
    assert "a long password" not in answer.body


def test_properties_are_changed_taken_away_and_left_alone(admin: Administrator) -> None:
    answer = admin.call(
        "PATCH", "users/auth0|alice", {"nickname": None, "given_name": "Alice", "connection": CONNECTION}
    )

    assert answer.status == 200
    assert "nickname" not in answer.json
    assert (answer.json["name"], answer.json["given_name"]) == ("Alice", "Alice")
    assert admin.call("PATCH", "users/auth0|alice", {"user_id": "auth0|other"}).status == 400


def test_another_address_is_the_one_to_log_in_with(service: Service, admin: Administrator) -> None:
    assert admin.call("PATCH", "users/auth0|alice", {"email": "new@example.com"}).status == 200

    assert kind(service.log_in(email="new@example.com")) == "redirect"
    service.cookies.clear()
    assert kind(service.log_in(email=ALICE.email)) == "login"


@pytest.mark.parametrize(
    ("change", "reason"),
    [({"password": "another long password"}, "password changed"), ({"blocked": True}, "user blocked")],
)
def test_another_password_or_a_block_ends_all_logins(
    service: Service, admin: Administrator, change: dict[str, Any], reason: str
) -> None:
    token = service.login_tokens()["refresh_token"]
    code = service.code()

    assert admin.call("PATCH", "users/auth0|alice", change).status == 200

    assert service.refresh(token).status == 400
    assert service.exchange(code).status == 400
    assert kind(service.authorize(SPA)) == "login"
    ended = [event for event in service.events if event.type == "srrt"]
    assert [(event.reason, event.caller.address) for event in ended] == [(reason, "192.0.2.9")]
    assert (kind(service.log_in(password=change.get("password", PASSWORD))) == "redirect") is ("password" in change)


def test_the_same_password_or_another_name_ends_none(service: Service, admin: Administrator) -> None:
    token = service.login_tokens()["refresh_token"]

    assert admin.call("PATCH", "users/auth0|alice", {"password": PASSWORD, "name": "A"}).status == 200

    assert service.refresh(token).status == 200


def test_a_user_who_changes_while_they_are_deleted_is_a_conflict(
    service: Service, admin: Administrator, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Their logins have ended, and the same call again deletes them."""

    def changes(users: DynamoDBUsers, user_id: str) -> bool:
        raise UserConflict(users.table, user_id)

    with monkeypatch.context() as meanwhile:
        meanwhile.setattr(DynamoDBUsers, "delete", changes)
        assert admin.call("DELETE", "users/auth0|alice").problem == (409, "conflict")
    assert admin.call("DELETE", "users/auth0|alice").status == 204
    assert kind(service.log_in()) == "login"


def test_a_deleted_user_is_gone_with_everything(service: Service, admin: Administrator) -> None:
    token = service.login_tokens()["refresh_token"]

    answer = admin.call("DELETE", "users/auth0|alice")

    assert (answer.status, answer.body) == (204, "")
    assert service.refresh(token).status == 400
    assert kind(service.authorize(SPA)) == "login"
    assert admin.call("GET", "users/auth0|alice").status == 404
    assert admin.call("DELETE", "users/auth0|alice").status == 204, "as at Auth0"
