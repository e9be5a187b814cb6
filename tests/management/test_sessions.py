"""Sessions: shown without their cookie, ended as by a logout, or with all that came from them."""

import dataclasses
from typing import Any

from heirloom.domain.backchannel_logout import LogoutNotice
from tests.management.administrator import Administrator
from tests.service import ALICE, BOB, SPA, WEB, Service, answered, claims_of, tokens

OF_ALICE = "users/auth0|alice/sessions"


def sessions(admin: Administrator, **query: Any) -> list[Any]:
    answer = admin.call("GET", OF_ALICE, **query)
    assert answer.status == 200, answer.body
    found: list[Any] = answer.json["sessions"]
    return found


def logged_in(service: Service) -> bool:
    return "code=" in service.authorize(SPA).headers.get("location", "")


def both_applications(service: Service) -> dict[str, str]:
    """Refresh tokens of one session at two applications."""
    first = service.login_tokens()["refresh_token"]
    code = answered(service.authorize(WEB))["code"]
    return {"spa": first, "web": tokens(service.exchange(code, WEB))["refresh_token"]}


def test_a_session_is_shown_as_auth0_shows_it(service: Service, admin: Administrator) -> None:
    both_applications(service)

    (shown,) = sessions(admin)

    assert shown == {
        "id": shown["id"],
        "user_id": ALICE.user_id,
        "created_at": "2027-01-15T08:00:00Z",
        "authenticated_at": "2027-01-15T08:00:00Z",
        "last_interacted_at": "2027-01-15T08:00:00Z",
        "idle_expires_at": "2027-01-18T08:00:00Z",
        "expires_at": "2027-01-22T08:00:00Z",
        "device": {
            "initial_ip": "192.0.2.1",
            "initial_user_agent": "tests",
            "last_ip": "192.0.2.1",
            "last_user_agent": "tests",
        },
        "clients": [{"client_id": "spa"}, {"client_id": "web"}],
    }
    assert admin.call("GET", f"sessions/{shown['id']}").json == shown
    cookie = service.cookies["__Host-heirloom"].rpartition(".")[2]
    assert cookie not in str(shown)


def test_refresh_tokens_name_their_session(service: Service, admin: Administrator) -> None:
    service.login_tokens()
    (token,) = admin.call("GET", "users/auth0|alice/refresh-tokens").json["tokens"]

    assert token["session_id"] == sessions(admin)[0]["id"]


def test_ended_and_expired_sessions_are_not_shown(service: Service, admin: Administrator) -> None:
    service.login_tokens()
    service.send("GET", "/v2/logout", query={"client_id": "spa"})
    assert sessions(admin) == []

    service.login_tokens()
    (shown,) = sessions(admin)
    service.wait(4 * 86400)
    assert sessions(admin) == []
    assert admin.call("GET", f"sessions/{shown['id']}").problem == (404, "inexistent_session")


def test_a_deleted_session_ends_as_by_a_logout(service: Service, admin: Administrator) -> None:
    """With what shall end with it, and a word to whoever wants to know; other refresh tokens live on."""
    policy = dataclasses.replace(WEB.refresh_token, revoke_on_logout=True)
    admin.declare(dataclasses.replace(WEB, refresh_token=policy, backchannel_logout_url="https://web.example/bye"))
    held = both_applications(service)
    (shown,) = sessions(admin)

    answer = admin.call("DELETE", f"sessions/{shown['id']}")

    assert (answer.status, answer.body) == (202, "")
    assert not logged_in(service)
    assert service.refresh(held["spa"]).status == 200
    assert service.refresh(held["web"], WEB).status == 400
    sid = claims_of(service.login_tokens()["id_token"])["sid"]
    assert [(it.client_id, it.user_id) for it in service.back_channel] == [("web", ALICE.user_id)]
    assert service.back_channel[0] != LogoutNotice("web", ALICE.user_id, sid)
    assert admin.call("DELETE", f"sessions/{shown['id']}").status == 202, "as at Auth0"


def test_a_revoked_session_takes_all_with_it_that_came_from_it(service: Service, admin: Administrator) -> None:
    held = both_applications(service)
    (shown,) = sessions(admin)
    service.cookies.clear()
    elsewhere = service.login_tokens()["refresh_token"]

    answer = admin.call("POST", f"sessions/{shown['id']}/revoke")

    assert (answer.status, answer.body) == (202, "")
    assert service.events.types.count("slo") == 1
    assert service.refresh(held["spa"]).status == 400
    assert service.refresh(held["web"], WEB).status == 400
    assert service.refresh(elsewhere).status == 200
    assert len(sessions(admin)) == 1
    assert admin.call("POST", f"sessions/{shown['id']}/revoke").problem == (404, "inexistent_session")


def test_all_sessions_of_a_user_end(service: Service, admin: Administrator) -> None:
    held = service.login_tokens()["refresh_token"]
    first = dict(service.cookies)
    service.cookies.clear()
    service.login_tokens()
    second = dict(service.cookies)
    service.cookies.clear()
    service.login_tokens(email=BOB.email)
    bobs = dict(service.cookies)
    assert len(sessions(admin)) == 2
    part = admin.call("GET", OF_ALICE, take=1).json
    assert len(part["sessions"]) == 1
    assert len(sessions(admin, take=1, from_=part["next"])) == 1

    assert admin.call("DELETE", OF_ALICE).status == 202

    assert sessions(admin) == []
    for cookies, good in ((first, False), (second, False), (bobs, True)):
        service.cookies = cookies
        assert logged_in(service) is good
    assert service.refresh(held).status == 200


def test_ids_that_are_none_are_not_found(admin: Administrator) -> None:
    for session_id in ("nonsense", "A" * 32, "A" * 31):
        assert admin.call("GET", f"sessions/{session_id}").status == 404
        assert admin.call("POST", f"sessions/{session_id}/revoke").status == 404
        assert admin.call("DELETE", f"sessions/{session_id}").status == 202
