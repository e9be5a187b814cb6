"""`claims`: what is asked for by name is told, where it was asked for and as often as tokens are refreshed."""

import json
from typing import Any

import pytest

from heirloom.domain.user import SCOPE_OF_CLAIM
from tests.endpoints.hands import declare_api, family_of
from tests.endpoints.reading import kind, read, submit
from tests.service import ALICE, API, BOB, ISSUER, SPA, THIRD_PARTY, Service, answered, claims_of, tokens

OPENID = "openid offline_access"


def asking(**members: object) -> str:
    return json.dumps(members)


def userinfo(service: Service, access_token: str) -> dict[str, Any]:
    response = service.send("GET", "/userinfo", headers={"Authorization": f"Bearer {access_token}"})
    assert response.status == 200
    document: dict[str, Any] = json.loads(response.body)
    return document


def test_userinfo_tells_what_was_asked_for_by_name(service: Service) -> None:
    """Without the other claims of that scope, and not in the ID token."""
    document = service.login_tokens(scope=OPENID, claims=asking(userinfo={"email": {"essential": True}, "name": None}))

    assert userinfo(service, document["access_token"]) == {"sub": ALICE.user_id, "email": ALICE.email, "name": "Alice"}
    assert not claims_of(document["id_token"]).keys() & SCOPE_OF_CLAIM.keys()


def test_the_id_token_tells_what_was_asked_for_by_name(service: Service) -> None:
    document = service.login_tokens(scope=OPENID, claims=asking(id_token={"email": None, "auth_time": None}))

    told = claims_of(document["id_token"])
    assert (told["email"], told.get("email_verified"), told.get("name")) == (ALICE.email, None, None)
    assert "auth_time" in told
    assert userinfo(service, document["access_token"]) == {"sub": ALICE.user_id}
    assert "userinfo_claims" not in claims_of(document["access_token"])


def test_refreshed_tokens_are_good_for_the_same_claims(service: Service) -> None:
    claims = asking(userinfo={"nickname": None}, id_token={"email": None})
    document = service.login_tokens(scope=OPENID, claims=claims)

    for _ in range(2):
        document = tokens(service.refresh(document["refresh_token"]))
        assert userinfo(service, document["access_token"]) == {"sub": ALICE.user_id, "nickname": "alice"}
        assert claims_of(document["id_token"])["email"] == ALICE.email


def test_claims_by_name_are_told_beside_those_of_the_scope(service: Service) -> None:
    document = service.login_tokens(scope="openid email", claims=asking(userinfo={"name": None, "email": None}))

    assert userinfo(service, document["access_token"]) == {
        "sub": ALICE.user_id,
        "name": "Alice",
        "email": ALICE.email,
        "email_verified": True,
    }
    assert claims_of(document["access_token"])["userinfo_claims"] == ["name"]


def test_a_token_that_is_not_for_userinfo_carries_no_names(service: Service) -> None:
    document = service.login_tokens(scope=f"{OPENID} read:notes", claims=asking(userinfo={"name": None}))
    narrow = tokens(service.refresh(document["refresh_token"], scope="read:notes"))

    assert claims_of(document["access_token"])["userinfo_claims"] == ["name"]
    assert "userinfo_claims" not in claims_of(narrow["access_token"])


def test_without_openid_there_is_nobody_to_ask_about(service: Service) -> None:
    document = service.login_tokens(scope="offline_access read:notes", claims=asking(userinfo={"name": None}))

    assert "userinfo_claims" not in claims_of(document["access_token"])
    assert "id_token" not in document
    grant = family_of(service, document["refresh_token"]).grant
    assert (grant.profile, grant.userinfo_claims) == ({}, frozenset()), "and nothing about anybody is kept"


def test_nor_is_anybody_asked_whether_it_may_be_told(service: Service) -> None:
    claims = asking(userinfo={"name": None}, id_token={"email": None})

    submit(service, service.log_in(THIRD_PARTY, scope="read:notes", claims=claims), decision="allow")

    [consent] = service.items("GrantsTable")
    assert consent["scope"]["SS"] == ["read:notes"]


def test_claims_that_nobody_has_are_ignored(service: Service) -> None:
    """A claim that the token sets itself cannot be asked to be another one either."""
    claims = asking(
        userinfo={"phone_number": None, "password_hash": None, "groups": {"essential": True}},
        id_token={"iss": {"value": "https://evil.example/"}, "aud": None, "email": {"value": "eve@example.com"}},
    )
    document = service.login_tokens(scope=OPENID, claims=claims)

    assert userinfo(service, document["access_token"]) == {"sub": ALICE.user_id}
    told = claims_of(document["id_token"])
    assert (told["iss"], told["aud"], told["email"]) == (ISSUER, SPA.client_id, ALICE.email)


# ---- Consent


def test_a_person_is_asked_before_a_claim_is_told_by_name(service: Service) -> None:
    """A third party that names `email` is not told it on a yes to `openid`."""
    service.log_in(THIRD_PARTY, scope="openid")
    submit(service, service.authorize(THIRD_PARTY, scope="openid"), decision="allow")
    assert kind(service.authorize(THIRD_PARTY, scope="openid")) == "redirect"

    by_scope = read(service.authorize(THIRD_PARTY, scope="openid email")).text
    shown = [
        service.authorize(THIRD_PARTY, scope="openid", claims=asking(**{member: {"email": None}}))
        for member in ("userinfo", "id_token")
    ]
    assert [(kind(page), read(page).text) for page in shown] == [("consent", by_scope)] * 2
    agreed = submit(service, shown[0], decision="allow")

    assert tokens(service.exchange(answered(agreed)["code"], THIRD_PARTY))["scope"] == "openid"
    claims = asking(userinfo={"email": None})
    assert kind(service.authorize(THIRD_PARTY, scope="openid", claims=claims)) == "redirect"
    claims = asking(userinfo={"name": None})
    assert answered(service.authorize(THIRD_PARTY, scope="openid", claims=claims, prompt="none"))["error"] == (
        "consent_required"
    )


# ---- The person


@pytest.mark.parametrize("member", ["id_token", "userinfo"])
def test_a_person_whom_the_request_names_is_the_only_one_it_is_answered_about(service: Service, member: str) -> None:
    """OpenID Connect Core §5.5.1 and §3.1.2.2: as an `id_token_hint` would."""
    about_alice = asking(**{member: {"sub": {"value": ALICE.user_id}}})
    service.log_in()
    assert "code" in answered(service.authorize(prompt="none", claims=about_alice))

    about_bob = asking(**{member: {"sub": {"value": BOB.user_id}}})
    assert answered(service.authorize(prompt="none", claims=about_bob))["error"] == "login_required"
    assert kind(service.authorize(claims=about_bob)) == "login"
    assert answered(service.log_in(claims=about_bob))["error"] == "login_required"
    assert "code" in answered(service.log_in(email=BOB.email, claims=about_bob))


def test_a_hint_and_a_name_that_disagree_are_about_nobody(service: Service) -> None:
    hint = service.login_tokens()["id_token"]
    about_bob = asking(id_token={"sub": {"value": BOB.user_id}})

    for email in (ALICE.email, BOB.email):
        answer = service.log_in(email=email, claims=about_bob, id_token_hint=hint)
        assert answered(answer)["error"] == "login_required"


def test_a_context_class_that_is_essential_cannot_be_had(service: Service) -> None:
    claims = asking(id_token={"acr": {"essential": True, "values": ["urn:mace:incommon:iap:silver"]}})

    assert answered(service.authorize(claims=claims))["error"] == "unmet_authentication_requirements"


# ---- Bounds


def test_names_have_to_fit_beside_scope_and_audience(service: Service) -> None:
    """They live in the family, whose item keeps its bound."""
    every_claim = asking(userinfo=dict.fromkeys(SCOPE_OF_CLAIM))
    document = service.login_tokens(scope=OPENID, audience=None, claims=every_claim)
    refreshed = tokens(service.refresh(document["refresh_token"]))
    assert claims_of(refreshed["access_token"])["userinfo_claims"] == sorted(SCOPE_OF_CLAIM)

    long = declare_api(service, API, scopes={"x" * 250: ""})
    answer = answered(service.authorize(scope=f"{OPENID} {'x' * 250}", audience=long.identifier, claims=every_claim))
    assert (answer["error"], answer["error_description"]) == (
        "invalid_request",
        "Too many claims are asked for by name: ask for their scopes",
    )
    by_scope = f"{OPENID} profile email address phone {'x' * 250}"
    assert "code" in answered(service.authorize(scope=by_scope, audience=long.identifier, claims=every_claim))


def test_a_name_counts_before_a_scope_where_an_id_token_has_little_room(service: Service) -> None:
    declare_api(service, API, scopes={"x" * 339: ""})
    scope = f"openid profile email offline_access {'x' * 339}"

    by_scope = claims_of(service.login_tokens(scope=scope)["id_token"])
    by_name = claims_of(service.login_tokens(scope=scope, claims=asking(id_token={"email": None}))["id_token"])

    assert ("name" in by_scope, "email" in by_scope) == (True, False)
    assert by_name["email"] == ALICE.email
