"""`/oauth/revoke` (RFC 7009): families end, and nobody learns anything by asking."""

import dataclasses
import json
from collections.abc import Iterator
from typing import Any

import pytest

from heirloom.domain import encoding
from heirloom.domain.application import Application
from heirloom.domain.errors import StoreUnavailable
from heirloom.domain.family import SLOTS
from heirloom.domain.lifetimes import DAY
from heirloom.domain.refresh_token import RefreshToken
from heirloom.domain.token_keys import KeyState
from heirloom.http import Response
from tests.endpoints.hands import basic, forget_family, set_tenant, store_calls
from tests.endpoints.reading import submit
from tests.faults import BEFORE, FAULTS, Steps, unavailable
from tests.service import (
    BOB,
    NATIVE,
    ONLINE_API,
    ORIGIN,
    SECRET,
    SPA,
    THIRD_PARTY,
    WEB,
    Service,
    answered,
    family_key_of,
    octets_of,
    refusal,
    token_key,
    tokens,
)

INVALID_GRANT = (400, "invalid_grant")


def silent(response: Response) -> bool:
    """Tell whether an answer is the one that says nothing."""
    return (response.status, response.body, response.headers.get("content-type")) == (200, "", "application/json")


@pytest.fixture(name="login")
def _login(service: Service) -> dict[str, Any]:
    """The answer to a login."""
    return service.login_tokens()


def test_a_revoked_family_is_not_refreshed_again(service: Service, login: dict[str, Any]) -> None:
    response = service.revoke(login["refresh_token"])

    assert silent(response)
    assert response.headers["cache-control"] == "no-store"
    assert refusal(service.refresh(login["refresh_token"])) == INVALID_GRANT
    (family,) = service.items("FamiliesTable")
    assert family["revoked_because"]["S"] == "revoked_by_application"
    assert service.events.types == ["s", "seacft", "srrt", "fertft"]


@pytest.mark.parametrize("rotations", [1, 9])
def test_any_genuine_token_of_the_family_ends_it_whatever_its_age(
    service: Service, login: dict[str, Any], rotations: int
) -> None:
    token = login["refresh_token"]
    for _ in range(rotations):
        token = service.refreshed(token)
    service.wait(DAY)

    assert silent(service.revoke(login["refresh_token"]))
    details = service.events[-1].details
    assert (details["tokenCounter"], details["latestCounter"]) == (0, rotations)
    assert refusal(service.refresh(token)) == INVALID_GRANT


def test_a_revocation_is_stronger_than_a_replay(service: Service, login: dict[str, Any]) -> None:
    live = service.refreshed(login["refresh_token"])
    service.revoke(live)

    assert refusal(service.refresh(login["refresh_token"])) == INVALID_GRANT


def test_other_logins_of_the_same_person_go_on(service: Service, login: dict[str, Any]) -> None:
    other = service.login_tokens()["refresh_token"]

    service.revoke(login["refresh_token"])

    assert service.refresh(other).status == 200


def test_the_first_revocation_is_the_one_that_is_remembered(service: Service, login: dict[str, Any]) -> None:
    service.refreshed(login["refresh_token"])
    service.wait(DAY)
    service.refresh(login["refresh_token"])
    before = service.contents()
    service.wait(1)

    assert silent(service.revoke(login["refresh_token"]))
    assert service.contents() == before


@pytest.mark.parametrize("hint", ["refresh_token", "access_token", "nonsense"])
def test_the_hint_is_only_a_hint(service: Service, login: dict[str, Any], hint: str) -> None:
    assert silent(service.revoke(login["refresh_token"], token_type_hint=hint))
    assert refusal(service.refresh(login["refresh_token"])) == INVALID_GRANT


def test_json_is_as_good_as_a_form(service: Service, login: dict[str, Any]) -> None:
    body = json.dumps({"client_id": "spa", "token": login["refresh_token"]}).encode()

    assert silent(service.send("POST", "/oauth/revoke", headers={"Content-Type": "application/json"}, body=body))
    assert refusal(service.refresh(login["refresh_token"])) == INVALID_GRANT


def test_what_is_no_token_of_ours_is_answered_alike_and_costs_no_call(service: Service, login: dict[str, Any]) -> None:
    """RFC 7009 §2.2: "invalid tokens do not cause an error response"."""
    token = login["refresh_token"]
    others = [login["access_token"], login["id_token"], token[:-1], token + "A", "x", "hrt_" + "A" * 104, "\x00", "é"]
    before = service.contents()

    with store_calls(service) as calls:
        assert all(silent(service.revoke(other)) for other in others)

    assert calls == []
    assert service.contents() == before


def test_a_token_of_a_family_that_is_gone_is_answered_alike(service: Service, login: dict[str, Any]) -> None:
    """And leaves no ghost: an update would create what it does not find."""
    forget_family(service, login["refresh_token"])

    assert silent(service.revoke(login["refresh_token"]))
    assert service.items("FamiliesTable") == []


@pytest.mark.parametrize("thief", [NATIVE, THIRD_PARTY, WEB], ids=lambda it: it.client_id)
def test_another_clients_token_is_answered_alike_and_left_alone(
    service: Service, login: dict[str, Any], thief: Application
) -> None:
    """An error, which RFC 7009 §2.1 asks for, would tell whose token it is."""
    before = service.contents()

    assert silent(service.revoke(login["refresh_token"], thief))
    assert service.contents() == before
    assert service.refresh(login["refresh_token"]).status == 200


def test_a_confidential_client_proves_who_it_is_in_either_way(service: Service) -> None:
    first, second = service.login_tokens(WEB)["refresh_token"], service.login_tokens(WEB)["refresh_token"]

    assert silent(service.revoke(first, WEB))
    assert silent(service.send("POST", "/oauth/revoke", {"token": second}, basic("web", SECRET)))
    assert refusal(service.refresh(first, WEB)) == refusal(service.refresh(second, WEB)) == INVALID_GRANT


@pytest.mark.parametrize(
    ("form", "headers"),
    [
        ({"client_id": "web"}, {}),
        ({"client_id": "web", "client_secret": "wrong"}, {}),
        ({}, basic("web", "wrong")),
        ({"client_id": "nobody"}, {}),
        ({"client_id": "spa", "client_secret": "x"}, {}),
    ],
    ids=["missing", "wrong", "wrong in a header", "unknown", "a public client with a secret"],
)
def test_a_client_that_does_not_prove_who_it_is_revokes_nothing(
    service: Service, form: dict[str, str], headers: dict[str, str]
) -> None:
    token = service.login_tokens(WEB)["refresh_token"]
    before = service.contents()

    response = service.send("POST", "/oauth/revoke", {**form, "token": token}, headers)

    assert refusal(response) == (401, "invalid_client")
    assert ("www-authenticate" in response.headers) == bool(headers)
    assert service.contents() == before


def test_a_missing_token_is_an_invalid_request(service: Service) -> None:
    assert refusal(service.revoke("")) == (400, "invalid_request")
    (event,) = service.events
    assert (event.type, event.client_id) == ("fapi", "spa")


def test_a_fault_is_recorded_as_one(service: Service, login: dict[str, Any]) -> None:
    with Steps.of(service.client) as steps:
        steps.fail(BEFORE, FAULTS["unreachable"])
        assert unavailable(service.revoke(login["refresh_token"]))

    assert service.events[-1].alarm == "Fault"


def test_a_script_of_a_registered_origin_may_read_the_answer(service: Service, login: dict[str, Any]) -> None:
    form = {"client_id": SPA.client_id, "token": login["refresh_token"]}

    response = service.send("POST", "/oauth/revoke", form, {"Origin": ORIGIN})

    assert response.headers["access-control-allow-origin"] == ORIGIN


# ---- Keys


def test_a_token_of_a_key_that_this_instance_has_not_seen_yet_is_revoked(service: Service) -> None:
    """A false 200 would leave the family alive."""
    old = service.keys.seen
    service.keys.become(token_key(3, KeyState.CURRENT))
    token = service.login_tokens()["refresh_token"]
    service.keys.seen = old

    assert silent(service.revoke(token))
    assert octets_of(token)[1] == 3
    assert refusal(service.refresh(token)) == INVALID_GRANT


@pytest.mark.parametrize("generation", [0, 1, 2])
def test_with_a_compromised_key_a_token_with_another_secret_ends_nothing(
    service: Service, login: dict[str, Any], generation: int
) -> None:
    """Whoever stole the MAC key can make tokens of any family, but not their secrets."""
    live = service.refreshed(login["refresh_token"])
    one, two = service.keys.seen.keys.values()
    service.keys.become(
        dataclasses.replace(one, state=KeyState.RETIRED, compromised=True),
        dataclasses.replace(two, state=KeyState.CURRENT),
    )
    genuine = RefreshToken.parse(live, service.keys.seen)
    forged = dataclasses.replace(genuine, generation=generation, secret=b"x" * 32).text(service.keys.seen)
    before = service.contents()

    assert silent(service.revoke(forged))
    assert service.contents() == before
    assert silent(service.revoke(live))
    assert refusal(service.refresh(live)) == INVALID_GRANT


def test_with_a_compromised_key_a_spent_token_ends_its_family_if_its_secret_leads_to_the_live_one(
    service: Service, login: dict[str, Any]
) -> None:
    """A logout that presents the token before last is a logout."""
    spent = login["refresh_token"]
    live = service.refreshed(service.refreshed(spent))
    one, two = service.keys.seen.keys.values()
    service.keys.become(
        dataclasses.replace(one, state=KeyState.RETIRED, compromised=True),
        dataclasses.replace(two, state=KeyState.CURRENT),
    )

    assert silent(service.revoke(spent))

    assert refusal(service.refresh(live)) == INVALID_GRANT


@pytest.mark.parametrize("rotations", [1, SLOTS + 1])
def test_with_a_compromised_key_nothing_ends_where_the_walk_is_no_longer_possible(
    service: Service, login: dict[str, Any], rotations: int
) -> None:
    """The derivation half was erased in time, or the family remembers no generation so old."""
    live = spent = login["refresh_token"]
    for _ in range(rotations):
        live = service.refreshed(live)
    one, two = service.keys.seen.keys.values()
    erased = {"state": KeyState.MAC_ONLY, "derivation": None} if rotations == 1 else {"state": KeyState.RETIRED}
    service.keys.become(
        dataclasses.replace(one, compromised=True, **erased), dataclasses.replace(two, state=KeyState.CURRENT)
    )
    before = service.contents()

    assert silent(service.revoke(spent))

    assert service.contents() == before
    assert service.refreshed(live)


def test_with_a_compromised_key_a_token_of_a_family_that_is_gone_is_answered_alike(
    service: Service, login: dict[str, Any]
) -> None:
    one, two = service.keys.seen.keys.values()
    service.keys.become(dataclasses.replace(one, compromised=True), two)
    forget_family(service, login["refresh_token"])

    assert silent(service.revoke(login["refresh_token"]))
    assert service.items("FamiliesTable") == []


# ---- The tenant's other setting: a revocation ends the grant


@pytest.fixture(name="granted")
def _granted(service: Service) -> dict[str, Any]:
    """Logins, by name, in a tenant where revocation ends grants."""
    set_tenant(service, revocation_ends_grant=True)
    service.configuration.apis[ONLINE_API] = dataclasses.replace(
        service.configuration.apis[ONLINE_API], allow_offline_access=True
    )

    def login(application: Application = SPA, **changes: Any) -> str:
        service.cookies.clear()
        return str(service.login_tokens(application, **changes)["refresh_token"])

    return {
        "phone": (login(), SPA),
        "laptop": (login(), SPA),
        "other API": (login(audience=ONLINE_API), SPA),
        "other application": (login(WEB), WEB),
        "other person": (login(email=BOB.email), SPA),
    }


def test_all_devices_of_the_grant_are_revoked_and_nothing_else(service: Service, granted: dict[str, Any]) -> None:
    assert silent(service.revoke(granted["phone"][0]))

    alive = {
        name for name, (token, application) in granted.items() if service.refresh(token, application).status == 200
    }
    assert alive == {"other API", "other application", "other person"}
    revoked = [event for event in service.events if event.type == "srrt"]
    assert len({event.details["familyId"] for event in revoked}) == 2
    assert "slo" not in service.events.types, "no session has ended"


def test_a_login_of_the_grant_that_is_under_way_does_not_slip_through(
    service: Service, granted: dict[str, Any]
) -> None:
    code, elsewhere = service.code(), service.code(WEB)

    service.revoke(granted["phone"][0])

    assert refusal(service.exchange(code)) == INVALID_GRANT
    assert service.exchange(elsewhere, WEB).status == 200
    assert service.refresh(service.login_tokens()["refresh_token"]).status == 200, "a later login is as good as any"


def test_the_person_is_asked_for_consent_again(service: Service) -> None:
    set_tenant(service, revocation_ends_grant=True)
    code = answered(submit(service, service.log_in(THIRD_PARTY), decision="allow"))["code"]
    token = tokens(service.exchange(code, THIRD_PARTY))["refresh_token"]
    assert service.items("GrantsTable") != []

    service.revoke(token, THIRD_PARTY)

    assert service.items("GrantsTable") == []


def test_another_clients_token_ends_no_grant(service: Service, granted: dict[str, Any]) -> None:
    before = service.contents()

    assert silent(service.revoke(granted["phone"][0], WEB))

    assert service.contents() == before


def test_a_token_of_a_family_that_is_gone_ends_no_grant(service: Service, granted: dict[str, Any]) -> None:
    forget_family(service, granted["phone"][0])
    before = service.contents()

    assert silent(service.revoke(granted["phone"][0]))

    assert service.contents() == before


def test_a_token_that_was_revoked_before_ends_no_later_grant(service: Service, granted: dict[str, Any]) -> None:
    """An application may revoke twice; who logged in in between stays logged in."""
    service.revoke(granted["phone"][0])
    service.cookies.clear()
    later = service.login_tokens()["refresh_token"]

    assert silent(service.revoke(granted["phone"][0]))
    assert silent(service.revoke(granted["laptop"][0]))

    assert service.refresh(later).status == 200


def test_a_fault_on_the_way_is_no_false_200_and_a_repetition_ends_the_rest(
    service: Service, granted: dict[str, Any]
) -> None:
    mine = [granted[name][0] for name in ("phone", "laptop")]
    # The one that the store would list, and so revoke, first.
    presented = min(mine, key=lambda token: encoding.encode(family_key_of(token).family_id))
    revoke = type(service.families).revoke
    for successes in range(2):
        calls = iter([*[True] * successes, False])

        def fail(*arguments: Any, calls: Iterator[bool] = calls, **named: Any) -> Any:
            if not next(calls):
                raise StoreUnavailable("revoke: Throttling")
            return revoke(*arguments, **named)

        with pytest.MonkeyPatch.context() as patched:
            patched.setattr(type(service.families), "revoke", fail)
            assert service.revoke(presented).status == 503

    assert silent(service.revoke(presented))
    for token in mine:
        assert refusal(service.refresh(token)) == INVALID_GRANT
