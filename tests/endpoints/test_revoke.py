"""`/oauth/revoke` (RFC 7009): families end, and nobody learns anything by asking."""

import dataclasses
import json
from typing import Any

import pytest

from heirloom.domain.application import Application
from heirloom.domain.lifetimes import DAY
from heirloom.domain.refresh_token import RefreshToken
from heirloom.domain.token_keys import KeyState
from heirloom.http import Response
from tests.endpoints.hands import basic, store_calls
from tests.service import NATIVE, ORIGIN, SECRET, SPA, THIRD_PARTY, WEB, Service, octets_of, refusal, token_key

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
    (family,) = service.items("FamiliesTable")
    key = {name: family[name] for name in ("user_key", "family_id")}
    service.client.delete_item(TableName=service.tables["FamiliesTable"], Key=key)

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
def test_with_a_compromised_key_only_the_live_token_ends_its_family(
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
