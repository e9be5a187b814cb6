"""What people agreed to: shown, and withdrawn with what came of it."""

from typing import Any

from heirloom.http import Response
from tests.endpoints.reading import kind, submit
from tests.management.administrator import Administrator
from tests.service import ALICE, API, BOB, THIRD_PARTY, Service, answered, tokens


def agreed(service: Service, email: str = ALICE.email) -> str:
    """Let somebody agree to what the third party asks for; return its refresh token."""
    service.cookies.clear()
    answer: Response = submit(service, service.log_in(THIRD_PARTY, email=email), decision="allow")
    exchanged = service.exchange(answered(answer)["code"], THIRD_PARTY)
    return str(tokens(exchanged)["refresh_token"])


def grants(admin: Administrator, **query: Any) -> list[Any]:
    found: list[Any] = admin.call("GET", "grants", **{"user_id": ALICE.user_id, **query}).json
    return found


def test_a_grant_is_shown_as_auth0_shows_it(service: Service, admin: Administrator) -> None:
    agreed(service)
    agreed(service, BOB.email)

    (shown,) = grants(admin)

    assert shown == {
        "id": shown["id"],
        "clientID": "stranger",
        "user_id": ALICE.user_id,
        "audience": API,
        "scope": ["email", "offline_access", "openid", "profile", "read:notes"],
    }
    assert grants(admin, client_id="stranger", audience=API) == [shown]
    assert grants(admin, client_id="other") == grants(admin, audience="urn:x") == []
    totals = admin.call("GET", "grants", user_id=ALICE.user_id, include_totals="true").json
    assert (totals["total"], totals["grants"]) == (1, [shown])
    assert admin.call("GET", "grants", client_id="stranger").problem == (400, "invalid_query_string")


def test_a_withdrawn_grant_ends_what_came_of_it_and_is_asked_for_again(service: Service, admin: Administrator) -> None:
    token = agreed(service)
    cookies = dict(service.cookies)
    bobs = agreed(service, BOB.email)
    (shown,) = grants(admin)

    answer = admin.call("DELETE", f"grants/{shown['id']}")

    assert (answer.status, answer.body) == (204, "")
    assert grants(admin) == []
    assert service.refresh(token, THIRD_PARTY).status == 400
    assert service.refresh(bobs, THIRD_PARTY).status == 200
    service.cookies = cookies
    assert kind(service.authorize(THIRD_PARTY)) == "consent"
    assert admin.call("DELETE", f"grants/{shown['id']}").status == 204, "as at Auth0"


def test_all_of_a_person_are_withdrawn(service: Service, admin: Administrator) -> None:
    token = agreed(service)

    assert admin.call("DELETE", "grants", user_id=ALICE.user_id).status == 204

    assert grants(admin) == []
    assert service.refresh(token, THIRD_PARTY).status == 400
    assert admin.call("DELETE", "grants").problem == (400, "invalid_query_string")


def test_what_is_no_grant_is_left_alone(service: Service, admin: Administrator) -> None:
    token = agreed(service)

    for grant_id in ("nonsense", "A" * 40, "%"):
        assert admin.call("DELETE", f"grants/{grant_id}").status == 204

    assert len(grants(admin)) == 1
    assert service.refresh(token, THIRD_PARTY).status == 200
