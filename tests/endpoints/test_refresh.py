"""`grant_type=refresh_token`: what an application hears, and what it costs."""

import dataclasses
import json
import re
from typing import Any, NoReturn

import pytest

from heirloom.adapters.families import DynamoDBFamilies
from heirloom.domain import encoding
from heirloom.domain.events import Alarm
from heirloom.domain.family import SLOTS
from heirloom.domain.lifetimes import DAY, HOUR
from heirloom.domain.ports import RotationRefused
from heirloom.domain.refresh_token import PREFIX
from heirloom.domain.token_keys import KeyState, TokenKey, TokenKeyring
from heirloom.http import Response
from tests.endpoints.hands import (
    basic,
    declare,
    declare_api,
    family_of,
    forget_family,
    set_tenant,
    store_calls,
)
from tests.faults import unavailable
from tests.service import (
    ALICE,
    API,
    CALLBACK,
    ISSUER,
    ORIGIN,
    SECRET,
    SPA,
    THIRD_PARTY,
    WEB,
    Service,
    claims_of,
    family_key_of,
    octets_of,
    refusal,
    token_key,
    tokens,
)

INVALID_GRANT = (400, "invalid_grant")
LEEWAY = 60


def refused(response: Response) -> bool:
    """Tell whether an answer is the one text that all refusals share (Auth0's SDKs match it)."""
    document = json.loads(response.body)
    expected = {"error": "invalid_grant", "error_description": "Unknown or invalid refresh token."}
    return response.status == 400 and document == expected


@pytest.fixture(name="login")
def _login(service: Service) -> dict[str, Any]:
    """The answer to a login."""
    return service.login_tokens()


# ---- The answer


def test_a_refresh_answers_with_all_tokens_anew(service: Service, login: dict[str, Any]) -> None:
    """auth0-spa-js and Auth0.Android lose the session when one is missing."""
    service.wait(100)
    response = service.refresh(login["refresh_token"])
    document = tokens(response)

    assert document.keys() == {"access_token", "token_type", "expires_in", "scope", "id_token", "refresh_token"}
    assert (document["token_type"], document["expires_in"]) == ("Bearer", 86400)
    assert response.headers["cache-control"] == "no-store"
    assert re.fullmatch(r"hrt_[A-Za-z0-9_-]{104}", document["refresh_token"])
    assert not [name for name in ("access_token", "id_token", "refresh_token") if document[name] == login[name]]
    access_token = claims_of(document["access_token"])
    assert (access_token["iat"], access_token["exp"]) == (service.now, service.now + 86400)
    assert access_token["gty"] == "refresh_token"
    assert access_token["aud"] == [API, f"{ISSUER}userinfo"]


def test_a_refreshed_id_token_differs_from_the_first_in_its_times_and_its_nonce_alone(
    service: Service, login: dict[str, Any]
) -> None:
    """OpenID Connect Core §12.2: clients compare `iss`, `sub`, `aud`, `auth_time` and `sid`, and refuse a nonce."""
    first = claims_of(login["id_token"])
    document = login
    for _ in range(3):
        service.wait(HOUR)
        document = tokens(service.refresh(document["refresh_token"]))

    refreshed = claims_of(document["id_token"])

    assert first.pop("nonce") == "some nonce"
    assert refreshed == first | {"iat": service.now, "exp": service.now + 36000}
    assert isinstance(refreshed["aud"], str)
    assert isinstance(refreshed["auth_time"], int)


def test_a_refreshed_id_token_keeps_its_claims_when_the_person_changes(service: Service, login: dict[str, Any]) -> None:
    """No read on the hot path: `/userinfo` has what is new."""
    table = service.tables["UsersTable"]
    for item in service.items("UsersTable"):
        service.client.delete_item(TableName=table, Key={"user_id": item["user_id"]})

    assert claims_of(tokens(service.refresh(login["refresh_token"]))["id_token"])["name"] == "Alice"


def test_a_refresh_is_one_call_to_the_store(service: Service, login: dict[str, Any]) -> None:
    with store_calls(service) as calls:
        assert service.refresh(login["refresh_token"]).status == 200

    assert calls == ["UpdateItem"]


def test_what_other_requests_need_is_ignored_here(service: Service, login: dict[str, Any]) -> None:
    """auth0-spa-js sends its authorization parameters along."""
    response = service.refresh(
        login["refresh_token"], redirect_uri=CALLBACK, max_age="600", audience="https://x", scope=""
    )

    assert claims_of(tokens(response)["access_token"])["aud"] == [API, f"{ISSUER}userinfo"]


def test_json_is_as_good_as_a_form(service: Service) -> None:
    """auth0-python sends exactly this."""
    token = service.login_tokens(WEB)["refresh_token"]
    form = {"client_id": "web", "refresh_token": token, "scope": "", "grant_type": "refresh_token"}
    body = json.dumps(form | {"client_secret": SECRET}).encode()

    assert service.send("POST", "/oauth/token", headers={"Content-Type": "application/json"}, body=body).status == 200


def test_the_script_of_a_registered_origin_may_read_the_answer_and_the_refusal(
    service: Service, login: dict[str, Any]
) -> None:
    form = {"grant_type": "refresh_token", "client_id": "spa", "refresh_token": login["refresh_token"]}

    for expected in (200, 400):
        response = service.send("POST", "/oauth/token", form, {"Origin": ORIGIN})
        assert response.status == expected
        assert response.headers["access-control-allow-origin"] == ORIGIN
        form["refresh_token"] = "hrt_"


# ---- Scope


def test_scopes_beyond_the_grant_are_dropped(service: Service, login: dict[str, Any]) -> None:
    document = tokens(service.refresh(login["refresh_token"], scope="read:notes write:notes admin openid"))

    assert document["scope"] == "openid read:notes"


def test_a_refresh_with_the_scope_of_the_first_request_gets_it_whole(service: Service, login: dict[str, Any]) -> None:
    """oidc-client-ts and Authlib always send it."""
    document = tokens(service.refresh(login["refresh_token"], scope="openid profile email offline_access read:notes"))

    assert document["scope"] == login["scope"]


@pytest.mark.parametrize("scope", ["write:notes", "OPENID", "x " * 100])
def test_a_scope_of_which_nothing_was_granted_is_refused_before_the_token_is_spent(
    service: Service, login: dict[str, Any], scope: str
) -> None:
    before = service.contents()

    assert refusal(service.refresh(login["refresh_token"], scope=scope)) == (400, "invalid_scope")
    assert service.contents() == before
    assert service.refresh(login["refresh_token"]).status == 200


def test_as_many_scopes_as_a_request_may_have_fit_into_the_condition(service: Service, login: dict[str, Any]) -> None:
    """DynamoDB limits the length of an expression: 100 values are the most that we take."""
    many = " ".join(f"s{number}" for number in range(99))

    assert refusal(service.refresh(login["refresh_token"], scope=many)) == (400, "invalid_scope")
    assert tokens(service.refresh(login["refresh_token"], scope=f"{many} openid"))["scope"] == "openid"


@pytest.mark.parametrize("scope", ['"', "a\\b", "a\tb", "é", "a\x00", "x" * 1025, " ".join(map(str, range(101)))])
def test_a_malformed_scope_is_refused_and_spends_nothing(service: Service, login: dict[str, Any], scope: str) -> None:
    before = service.contents()

    assert refusal(service.refresh(login["refresh_token"], scope=scope)) == (400, "invalid_scope")
    assert service.contents() == before


def test_a_spent_token_with_a_foreign_scope_is_still_a_stolen_one(service: Service, login: dict[str, Any]) -> None:
    """Asking for nonsense must not get around the kill."""
    service.refreshed(login["refresh_token"])
    service.wait(LEEWAY + 2)

    assert refused(service.refresh(login["refresh_token"], scope="nonsense"))
    assert service.events.types[-1] == "ferrt"


def test_a_replay_with_a_foreign_scope_says_so_and_a_replay_without_one_works(
    service: Service, login: dict[str, Any]
) -> None:
    live = service.refreshed(login["refresh_token"])

    assert refusal(service.refresh(login["refresh_token"], scope="nonsense")) == (400, "invalid_scope")
    assert service.refreshed(login["refresh_token"]) == live


# ---- Replay and reuse


def test_a_copy_within_leeway_gets_the_live_token_with_fresh_tokens_beside_it(
    service: Service, login: dict[str, Any]
) -> None:
    first = tokens(service.refresh(login["refresh_token"]))
    service.wait(LEEWAY)
    before = family_of(service, login["refresh_token"])

    second = tokens(service.refresh(login["refresh_token"]))

    assert second["refresh_token"] == first["refresh_token"]
    assert service.keys.reloads == 0, "what is led to the live token needs no other keys"
    assert second["access_token"] != first["access_token"]
    assert claims_of(second["id_token"])["iat"] == service.now
    assert family_of(service, login["refresh_token"]) == before
    assert service.events[-1].details["replayed"] is True


def test_an_older_ancestor_within_its_leeway_is_led_to_the_live_token(service: Service, login: dict[str, Any]) -> None:
    token = login["refresh_token"]
    for _ in range(SLOTS):
        token = service.refreshed(token)
        service.wait(1)

    assert service.refreshed(login["refresh_token"]) == token


def test_a_copy_after_leeway_ends_the_family_for_both(service: Service, login: dict[str, Any]) -> None:
    live = service.refreshed(login["refresh_token"])
    service.wait(LEEWAY + 1.001)

    assert refused(service.refresh(login["refresh_token"]))
    assert refused(service.refresh(live))
    (family,) = service.items("FamiliesTable")
    assert (family["revoked_because"]["S"], family["revoked_at"]["N"]) == ("reuse", str(service.now))
    reuse = service.events[-2]
    assert (reuse.type, reuse.details["tokenCounter"], reuse.details["latestCounter"]) == ("ferrt", 0, 1)


def test_a_copy_from_beyond_memory_ends_the_family_however_fast_it_went(
    service: Service, login: dict[str, Any]
) -> None:
    """A thief who rotates quickly does not outlive the user."""
    token = login["refresh_token"]
    for _ in range(SLOTS + 1):
        token = service.refreshed(token)

    assert refused(service.refresh(login["refresh_token"]))
    assert refused(service.refresh(token))


def test_with_a_leeway_of_zero_any_copy_ends_the_family(service: Service, login: dict[str, Any]) -> None:
    service.set_policy(leeway=0)
    live = service.refreshed(login["refresh_token"])

    assert refused(service.refresh(login["refresh_token"]))
    assert refused(service.refresh(live))


def test_leeway_is_what_the_application_says_now(service: Service, login: dict[str, Any]) -> None:
    live = service.refreshed(login["refresh_token"])
    service.wait(300)
    service.set_policy(leeway=600)
    assert service.refreshed(login["refresh_token"]) == live

    service.set_policy(leeway=10)

    assert refused(service.refresh(login["refresh_token"]))


def test_a_token_of_a_family_that_is_gone_is_refused_like_any_other(service: Service, login: dict[str, Any]) -> None:
    """DynamoDB deletes what has ended long ago; the log says which family that was, and nothing that it cannot know."""
    forget_family(service, login["refresh_token"])

    assert refused(service.refresh(login["refresh_token"]))

    event = service.events[-1]
    family_id = encoding.encode(family_key_of(login["refresh_token"]).family_id)
    assert (event.type, event.reason, event.user_id) == ("fertft", "unknown", None)
    assert event.details == {"error": "invalid_grant", "familyId": family_id, "tokenCounter": 0}


def test_a_refusal_is_logged_with_whose_it_was_and_what_ended_it(service: Service, login: dict[str, Any]) -> None:
    service.revoke(login["refresh_token"])

    assert refused(service.refresh(login["refresh_token"]))

    event = service.events[-1]
    assert (event.type, event.reason, event.user_id) == ("fertft", "revoked", ALICE.user_id)
    assert event.details == {
        "error": "invalid_grant",
        "familyId": encoding.encode(family_key_of(login["refresh_token"]).family_id),
        "tokenCounter": 0,
        "latestCounter": 0,
        "session_id": claims_of(login["id_token"])["sid"],
        "endedBecause": "revoked_by_application",
    }


def test_a_refusal_by_a_living_family_names_nothing_that_ended_it(service: Service, login: dict[str, Any]) -> None:
    assert refused(service.refresh(login["refresh_token"], THIRD_PARTY))

    assert service.events[-1].reason == "foreign_client"
    assert "endedBecause" not in service.events[-1].details


def test_a_refusal_of_the_store_that_nothing_explains_is_a_fault_and_wakes_somebody(
    service: Service, login: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nobody is told that a token is bad which by all that we know is good."""
    family = family_of(service, login["refresh_token"])

    def refuse(*_: object) -> NoReturn:
        raise RotationRefused(family)

    with monkeypatch.context() as patched:
        patched.setattr(DynamoDBFamilies, "rotate", refuse)
        assert unavailable(service.refresh(login["refresh_token"]))

    [warning] = [event for event in service.events if event.alarm is Alarm.CONDITION_UNEXPLAINED]
    assert (warning.client_id, warning.user_id) == ("spa", ALICE.user_id)
    assert (warning.details["tokenCounter"], warning.details["latestCounter"]) == (0, 0)
    assert service.refresh(login["refresh_token"]).status == 200


# ---- What does not rotate


def test_an_application_that_does_not_rotate_gets_its_token_back_and_its_time_renewed(service: Service) -> None:
    service.set_policy(rotating=False, idle_lifetime=DAY)
    token = service.login_tokens()["refresh_token"]
    for _ in range(5):
        service.wait(DAY - 1)
        assert service.refreshed(token) == token

    service.wait(DAY)

    assert refused(service.refresh(token))


def test_a_family_goes_on_when_its_application_stops_rotating_and_when_it_starts(
    service: Service, login: dict[str, Any]
) -> None:
    second = service.refreshed(login["refresh_token"])
    service.set_policy(rotating=False)
    assert service.refreshed(second) == second
    assert service.refreshed(login["refresh_token"]) == second, "it keeps its leeway"
    service.set_policy(rotating=True)
    third = service.refreshed(second)
    service.wait(LEEWAY + 2)

    assert third != second
    assert refused(service.refresh(second))
    assert refused(service.refresh(third))


# ---- How long


def test_an_idle_family_ends(service: Service) -> None:
    service.set_policy(idle_lifetime=DAY)
    token = service.login_tokens()["refresh_token"]
    service.wait(DAY - 1)
    token = service.refreshed(token)
    service.wait(DAY)

    assert refused(service.refresh(token))


def test_no_use_makes_a_family_outlive_its_absolute_lifetime(service: Service) -> None:
    service.set_policy(absolute_lifetime=3 * DAY, idle_lifetime=2 * DAY)
    token = service.login_tokens()["refresh_token"]
    service.wait(2 * DAY - 1)
    token = service.refreshed(token)
    service.wait(DAY)
    token = service.refreshed(token)
    service.wait(1)

    assert refused(service.refresh(token))


def test_infinite_lifetimes_have_no_end(service: Service) -> None:
    service.set_policy(absolute_lifetime=None, idle_lifetime=None)
    token = service.login_tokens()["refresh_token"]
    service.wait(50 * 365 * DAY)

    assert service.refreshed(token)


def test_a_shorter_idle_lifetime_acts_at_once_and_a_longer_one_revives_nothing(service: Service) -> None:
    service.set_policy(idle_lifetime=10 * DAY)
    token = service.login_tokens()["refresh_token"]
    service.wait(DAY)
    service.set_policy(idle_lifetime=DAY)
    assert refused(service.refresh(token))

    service.set_policy(idle_lifetime=100 * DAY)
    service.wait(9 * DAY)

    assert refused(service.refresh(token))


def test_a_shorter_idle_lifetime_bites_a_family_whose_idle_lifetime_was_infinite(service: Service) -> None:
    service.set_policy(idle_lifetime=None)
    token = service.login_tokens()["refresh_token"]
    service.wait(DAY)
    service.set_policy(idle_lifetime=DAY)

    assert refused(service.refresh(token))


def test_the_absolute_lifetime_is_fixed_at_login(service: Service) -> None:
    service.set_policy(absolute_lifetime=2 * DAY)
    token = service.login_tokens()["refresh_token"]
    service.set_policy(absolute_lifetime=None)
    service.wait(2 * DAY)

    assert refused(service.refresh(token))


def test_a_spent_token_of_a_family_that_has_ended_harms_nothing(service: Service, login: dict[str, Any]) -> None:
    service.set_policy(idle_lifetime=DAY)
    service.refreshed(login["refresh_token"])
    service.wait(DAY)
    before = service.contents()

    assert refused(service.refresh(login["refresh_token"]))
    assert service.contents() == before
    assert service.events[-1].reason == "expired"


@pytest.mark.parametrize("by", ["application", "tenant"])
def test_a_mark_of_mass_revocation_ends_what_was_made_before_it(
    service: Service, login: dict[str, Any], by: str
) -> None:
    service.wait(10)
    if by == "tenant":
        set_tenant(service, not_before=service.now)
    else:
        declare(service, SPA, not_before=service.now)
    after = service.login_tokens()["refresh_token"]

    assert refused(service.refresh(login["refresh_token"]))
    assert service.refresh(after).status == 200


def test_a_mark_of_mass_revocation_of_one_application_leaves_the_others_alone(service: Service) -> None:
    token = service.login_tokens(WEB)["refresh_token"]
    service.wait(10)
    declare(service, SPA, not_before=service.now)

    assert service.refresh(token, WEB).status == 200


# ---- Who asks


@pytest.mark.parametrize("headers", [{}, basic("web", "wrong"), basic("web", "")])
def test_a_confidential_client_must_prove_who_it_is_and_loses_nothing_when_it_fails(
    service: Service, headers: dict[str, str]
) -> None:
    """RFC 6749 §6: "If the client type is confidential …, the client MUST authenticate"."""
    token = service.login_tokens(WEB)["refresh_token"]
    before = service.contents()
    form = {"grant_type": "refresh_token", "client_id": "web", "refresh_token": token}

    assert refusal(service.send("POST", "/oauth/token", form, headers)) == (401, "invalid_client")
    assert service.contents() == before
    assert service.send("POST", "/oauth/token", form, basic("web", SECRET)).status == 200


def test_a_confidential_clients_spent_token_harms_nothing_without_its_secret(service: Service) -> None:
    token = service.login_tokens(WEB)["refresh_token"]
    live = service.refreshed(token, WEB)
    service.wait(HOUR)

    assert refusal(service.refresh(token, WEB, client_secret=None)) == (401, "invalid_client")
    assert service.refresh(live, WEB).status == 200


def test_an_application_without_the_grant_is_refused_and_keeps_its_token(
    service: Service, login: dict[str, Any]
) -> None:
    declare(service, SPA, grant_types=frozenset({"authorization_code"}))
    assert refusal(service.refresh(login["refresh_token"])) == (400, "unauthorized_client")

    service.declare(SPA)

    assert service.refresh(login["refresh_token"]).status == 200


def test_no_token_is_made_for_an_api_that_is_gone(service: Service, login: dict[str, Any]) -> None:
    api = service.configuration.apis.pop(API)
    assert refused(service.refresh(login["refresh_token"]))

    service.configuration.apis[API] = api
    assert service.refresh(login["refresh_token"]).status == 200


def test_a_new_lifetime_of_the_api_shows_in_the_next_token(service: Service, login: dict[str, Any]) -> None:
    declare_api(service, API, token_lifetime=600)

    document = tokens(service.refresh(login["refresh_token"]))

    claims = claims_of(document["access_token"])
    assert document["expires_in"] == claims["exp"] - claims["iat"] == 600


# ---- Forgeries and keys


def forgeries(token: str) -> list[str]:
    """Texts that are close to a token."""
    octets = octets_of(token)
    flipped = [octets[:i] + bytes([octets[i] ^ 1]) + octets[i + 1 :] for i in range(len(octets))]
    return [
        *(PREFIX + encoding.encode(each) for each in flipped),
        *(token[:length] for length in (1, 3, 4, 5, 50, 107)),
        *(token + tail for tail in ("A", "=", "==", " ", "\n", "\x00")),
        " " + token,
        token.upper(),
        token.replace("hrt_", "HRT_"),
        token.removeprefix("hrt_"),
        "hrt_" + "/" * 104,
        "hrt_" + "é" * 104,
        "hrt_" + "A" * 104,
        "Bearer " + token,
    ]


def test_nothing_but_the_exact_token_costs_a_call_to_the_store(service: Service, login: dict[str, Any]) -> None:
    """Every bit flip, truncation, padding and other alphabet is refused before any I/O."""
    with store_calls(service) as calls:
        for forgery in forgeries(login["refresh_token"]):
            assert refused(service.refresh(forgery)), forgery

    assert calls == []
    assert service.refresh(login["refresh_token"]).status == 200


def at(key: TokenKey, state: KeyState) -> TokenKey:
    """A key at another stage of its life."""
    return dataclasses.replace(key, state=state, derivation=None if state is KeyState.MAC_ONLY else key.derivation)


def test_a_family_survives_the_rotation_of_the_keys(service: Service, login: dict[str, Any]) -> None:
    one, two = service.keys.seen.keys.values()
    service.keys.become(at(one, KeyState.RETIRED), at(two, KeyState.CURRENT))

    token = service.refreshed(login["refresh_token"])

    assert (octets_of(login["refresh_token"])[1], octets_of(token)[1]) == (1, 2)
    assert service.refreshed(login["refresh_token"]) == token
    service.keys.become(at(one, KeyState.MAC_ONLY), at(two, KeyState.CURRENT))
    assert service.refresh(token).status == 200


def test_a_token_of_a_key_that_this_instance_has_not_seen_yet_reloads_the_keys(service: Service) -> None:
    one, two = service.keys.seen.keys.values()
    service.keys.become(at(one, KeyState.RETIRED), at(two, KeyState.CURRENT))
    token = service.login_tokens()["refresh_token"]
    service.keys.seen = TokenKeyring.of(at(one, KeyState.CURRENT))

    assert service.refresh(token).status == 200
    assert service.keys.reloads == 1


def test_a_token_of_a_key_that_nobody_knows_is_forged_after_one_reload(service: Service, login: dict[str, Any]) -> None:
    one, two = service.keys.seen.keys.values()
    service.keys.become(at(two, KeyState.CURRENT))

    assert refused(service.refresh(login["refresh_token"]))
    assert service.keys.reloads == 1
    service.keys.become(at(one, KeyState.CURRENT))
    assert service.refresh(login["refresh_token"]).status == 200


def test_a_copy_that_cannot_be_led_to_the_live_token_is_refused_without_a_kill(
    service: Service, login: dict[str, Any]
) -> None:
    """The keys are reloaded once; then somebody is woken, and nobody loses the family."""
    one, two = service.keys.seen.keys.values()
    live = service.refreshed(login["refresh_token"])
    service.keys.become(at(one, KeyState.MAC_ONLY), at(two, KeyState.CURRENT))

    assert refused(service.refresh(login["refresh_token"]))
    assert [event.alarm for event in service.events if event.alarm] == ["SuccessorUnderivable"]
    assert service.keys.reloads == 1
    assert service.refresh(live).status == 200


def test_a_copy_whose_own_key_is_gone_after_the_reload_is_answered_all_the_same(
    service: Service, login: dict[str, Any]
) -> None:
    """Its MAC was good a moment ago, and the walk proves its secret."""
    one, two = service.keys.seen.keys.values()
    three = token_key(3, KeyState.CURRENT)
    service.keys.become(at(one, KeyState.RETIRED), three)
    live = service.refreshed(login["refresh_token"])
    service.keys.seen = TokenKeyring.of(at(one, KeyState.CURRENT), two)
    service.keys.stored = TokenKeyring.of(three)

    assert service.refreshed(login["refresh_token"]) == live


@pytest.mark.parametrize("forget", [False, True], ids=["derivable", "not derivable"])
def test_a_compromised_key_revokes_nothing_unless_the_secret_itself_is_proven(
    service: Service, login: dict[str, Any], *, forget: bool
) -> None:
    one, two = service.keys.seen.keys.values()
    live = service.refreshed(login["refresh_token"])
    state = KeyState.MAC_ONLY if forget else KeyState.RETIRED
    service.keys.become(dataclasses.replace(at(one, state), compromised=True), at(two, KeyState.CURRENT))
    service.wait(HOUR)

    assert refused(service.refresh(login["refresh_token"]))
    assert service.refresh(live).status == (200 if forget else 400)


def test_a_missing_token_is_an_invalid_request(service: Service) -> None:
    response = service.refresh("")

    assert refusal(response) == (400, "invalid_request")
    assert json.loads(response.body)["error_description"] == "Missing required parameter: refresh_token"
