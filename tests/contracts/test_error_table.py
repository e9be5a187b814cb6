"""Every row of the token endpoint's errors, with the status and the very words that client libraries compare.

Auth0 answers most of them 403; RFC 6749 §5.2 says 400, and Spring Security reads an error code from nothing else.
"""

import dataclasses
import json

import pytest

from heirloom.adapters.consents import DynamoDBConsents
from heirloom.adapters.sessions import DynamoDBSessions
from heirloom.adapters.users import DynamoDBUsers
from heirloom.domain import encoding
from heirloom.domain.application import GrantType
from heirloom.domain.events import Caller
from heirloom.domain.family import MOST_FAMILIES
from heirloom.domain.lifetimes import DAY, HOUR
from heirloom.endpoints.operator import Operator
from heirloom.http import Response
from heirloom.tenant import applying
from heirloom.tenant.planning import Action, Plan, UserChange
from heirloom.tenant.store import DynamoDBStore
from tests.contracts.replay import NONCE, STATE, UNKNOWN, authorization_url, callback
from tests.endpoints.hands import basic, declare, store_calls
from tests.proofs import Prover
from tests.service import ALICE, API, CALLBACK, CHALLENGE, ISSUER, SPA, WEB, Service, tokens


def answer(response: Response) -> tuple[int, dict[str, str]]:
    """Status and document of a refusal, which no cache may keep and no challenge hides."""
    assert response.headers["content-type"] == "application/json"
    assert response.headers["cache-control"] == "no-store"
    assert "www-authenticate" not in response.headers
    return response.status, json.loads(response.body)


def refused(error: str, description: str, status: int = 400) -> tuple[int, dict[str, str]]:
    """What a row says."""
    return status, {"error": error, "error_description": description}


INVALID_REFRESH_TOKEN = (400, UNKNOWN)


# ---- A refused refresh token: one answer, whatever the reason


def test_unknown_refresh_token(service: Service) -> None:
    """Genuine to the last bit, but its family is gone."""
    token = service.login_tokens()["refresh_token"]
    (family,) = service.items("FamiliesTable")
    key = {name: family[name] for name in ("user_key", "family_id")}
    service.client.delete_item(TableName=service.tables["FamiliesTable"], Key=key)

    assert answer(service.refresh(token)) == INVALID_REFRESH_TOKEN


@pytest.mark.parametrize("token", ["x", "v1.MjQ1", "hrt_" + "A" * 104, "hrt_" + "A" * 103, "é"])
def test_malformed_refresh_token(service: Service, token: str) -> None:
    assert answer(service.refresh(token)) == INVALID_REFRESH_TOKEN


def test_refresh_token_expired_idle(service: Service) -> None:
    service.set_policy(idle_lifetime=HOUR)
    token = service.login_tokens()["refresh_token"]
    service.wait(HOUR)

    assert answer(service.refresh(token)) == INVALID_REFRESH_TOKEN


def test_refresh_token_expired_absolute(service: Service) -> None:
    """Rotation does not extend it."""
    service.set_policy(absolute_lifetime=HOUR)
    token = service.login_tokens()["refresh_token"]
    service.wait(HOUR - 1)
    token = service.refreshed(token)
    service.wait(1)

    assert answer(service.refresh(token)) == INVALID_REFRESH_TOKEN


def test_refresh_token_revoked(service: Service) -> None:
    token = service.login_tokens()["refresh_token"]
    service.revoke(token)

    assert answer(service.refresh(token)) == INVALID_REFRESH_TOKEN


def test_refresh_token_reused(service: Service) -> None:
    """And its family's live token afterwards."""
    spent = service.login_tokens()["refresh_token"]
    live = service.refreshed(spent)
    service.wait(DAY)

    assert answer(service.refresh(spent)) == answer(service.refresh(live)) == INVALID_REFRESH_TOKEN
    assert service.events.types[-2:] == ["ferrt", "fertft"]


def test_refresh_token_pruned(service: Service) -> None:
    """It gave way to the login that was one too many."""
    token = service.login_tokens()["refresh_token"]
    (family,) = service.items("FamiliesTable")
    others = [
        family | {"family_id": {"S": encoding.encode(number.to_bytes(16))}, "exchanged_at": {"N": str(service.now + 1)}}
        for number in range(MOST_FAMILIES - 1)
    ]
    for start in range(0, len(others), 25):
        puts = [{"PutRequest": {"Item": item}} for item in others[start : start + 25]]
        service.client.batch_write_item(RequestItems={service.tables["FamiliesTable"]: puts})  # type: ignore[dict-item]
    assert service.refresh(service.login_tokens()["refresh_token"]).status == 200

    assert answer(service.refresh(token)) == INVALID_REFRESH_TOKEN
    assert "resource_cleanup" in service.events.types


def test_refresh_token_of_another_client(service: Service) -> None:
    token = service.login_tokens()["refresh_token"]

    assert answer(service.refresh(token, WEB)) == INVALID_REFRESH_TOKEN


def test_user_deleted(service: Service) -> None:
    """By an operator, who ends the logins of whom they delete: the refresh itself reads no user."""
    token = service.login_tokens()["refresh_token"]
    operator = Operator(
        families=service.families,
        sessions=DynamoDBSessions(service.client, service.tables["SessionsTable"]),
        users=DynamoDBUsers(service.client, service.tables["UsersTable"]),
        consents=DynamoDBConsents(service.client, service.tables["GrantsTable"]),
        events=service.events,
    )
    assert operator.delete_user(ALICE.user_id, Caller("", "tests", ""), now=service.now) == 1

    assert answer(service.refresh(token)) == INVALID_REFRESH_TOKEN


def test_user_blocked(service: Service) -> None:
    """By the tenant file, which ends the logins of whom it blocks."""
    token = service.login_tokens()["refresh_token"]
    before = DynamoDBUsers(service.client, service.tables["UsersTable"]).by_id(ALICE.user_id)
    assert before is not None
    blocked = UserChange(Action.UPDATE, ALICE.user_id, dataclasses.replace(before, blocked=True), before)
    store = DynamoDBStore(
        service.client,
        configuration_table=service.tables["ConfigurationTable"],
        users_table=service.tables["UsersTable"],
        families_table=service.tables["FamiliesTable"],
        clock=lambda: service.now,
        events=service.events,
    )

    class NoPasswords:
        def hash(self, password: str) -> str:
            raise AssertionError(password)

    applying.apply(Plan((blocked,)), store, NoPasswords())

    assert answer(service.refresh(token)) == INVALID_REFRESH_TOKEN
    (family,) = [item for item in service.items("FamiliesTable") if "client_id" in item]
    assert family["revoked_because"] == {"S": "user blocked"}


# ---- A request that is wrong in itself


def test_missing_parameter(service: Service) -> None:
    form = {"client_id": "spa", "grant_type": "refresh_token"}

    assert answer(service.send("POST", "/oauth/token", form)) == refused(
        "invalid_request", "Missing required parameter: refresh_token"
    )
    assert answer(service.send("POST", "/oauth/token", form | {"grant_type": "authorization_code"})) == refused(
        "invalid_request", "Missing required parameter: code"
    )


def test_bad_client_authentication(service: Service) -> None:
    """Unknown, wrong, missing and superfluous are one answer. The challenge is for those who sent a Basic header."""
    token = service.login_tokens(WEB)["refresh_token"]
    expected = refused("invalid_client", "Client authentication failed", status=401)
    form = {"grant_type": "refresh_token", "refresh_token": token}

    for credentials in (
        {"client_id": "nobody"},
        {"client_id": "web"},
        {"client_id": "web", "client_secret": "wrong"},
        {"client_id": "spa", "client_secret": "none is registered"},
    ):
        assert answer(service.send("POST", "/oauth/token", form | credentials)) == expected, credentials
    response = service.send("POST", "/oauth/token", form, basic("web", "wrong"))
    assert response.headers["www-authenticate"].startswith("Basic ")
    assert (response.status, json.loads(response.body)) == expected
    assert service.refresh(token, WEB).status == 200, "none of it cost the token"


def test_grant_not_enabled(service: Service) -> None:
    token = service.login_tokens()["refresh_token"]
    declare(service, SPA, grant_types=frozenset({GrantType.AUTHORIZATION_CODE}))

    assert answer(service.refresh(token)) == refused(
        "unauthorized_client", "Grant type 'refresh_token' not allowed for the client."
    )


@pytest.mark.parametrize("grant_type", ["password", "implicit", "http://auth0.com/oauth/grant-type/mfa-otp"])
def test_unknown_grant_type(service: Service, grant_type: str) -> None:
    form = {"client_id": "spa", "grant_type": grant_type}

    assert answer(service.send("POST", "/oauth/token", form)) == refused(
        "unsupported_grant_type", "Grant type not supported"
    )


# ---- Codes


@pytest.mark.parametrize("wait", [0, 30])
def test_code_reused(service: Service, wait: int) -> None:
    """After a moment it also ends what the code got."""
    code = service.code()
    token = tokens(service.exchange(code))["refresh_token"]
    service.wait(wait)

    assert answer(service.exchange(code)) == refused("invalid_grant", "Invalid authorization code")
    assert service.refresh(token).status == (400 if wait else 200)


def test_code_invalid(service: Service) -> None:
    assert answer(service.exchange("unknown")) == refused("invalid_grant", "Invalid authorization code")


def test_pkce_mismatch(service: Service) -> None:
    code = service.code()

    assert answer(service.exchange(code, code_verifier="w" * 43)) == refused(
        "invalid_grant", "Failed to verify code verifier"
    )
    assert service.exchange(code).status == 200


# ---- Proof of possession


def test_dpop_proof_invalid(service: Service) -> None:
    prover = Prover(service)
    login = prover.login_tokens()

    refusal = answer(prover.refresh(login["refresh_token"], htm="GET"))

    assert refusal == refused("invalid_dpop_proof", "The htm of the DPoP proof must be POST")
    assert prover.refresh(login["refresh_token"]).status == 200


def test_dpop_nonce_wanted(service: Service) -> None:
    """The header brings the nonce; the body repeats the refresh token, or auth0-spa-js would forget it."""
    prover = Prover(service)
    login = prover.login_tokens()

    response = prover.refresh(login["refresh_token"], nonce=None)

    status, document = answer(response)
    assert (status, document["error"], document["refresh_token"]) == (400, "use_dpop_nonce", login["refresh_token"])
    assert prover.refresh(login["refresh_token"], nonce=response.headers["dpop-nonce"]).status == 200


# ---- Rows of which Auth0 has more than we


def test_rate_limit(service: Service) -> None:
    """The API throttles as a whole; nothing of ours counts refreshes, so no JSON 429 of ours ends a session."""
    token = service.login_tokens()["refresh_token"]
    with store_calls(service) as calls:
        assert {service.refresh("hrt_" + "A" * 104).status for _ in range(50)} == {400}
    assert calls == []

    live = service.refreshed(token)
    assert {service.refresh(token).status for _ in range(10)} == {200}, "a page that asks ten times at once"
    assert service.refresh(live).status == 200


def test_online_and_offline_scopes_together(service: Service) -> None:
    """We offer no online refresh tokens: `online_access` is dropped like every scope that nobody knows.

    That is how Auth0 answers where its own are not available; `invalid_request` is for tenants that have both.
    """
    request = {
        "client_id": "spa",
        "redirect_uri": CALLBACK,
        "response_type": "code",
        "scope": "openid offline_access online_access",
        "audience": API,
        "state": STATE,
        "nonce": NONCE,
        "code_challenge": CHALLENGE,
        "code_challenge_method": "S256",
    }

    document = tokens(service.exchange(callback(service, authorization_url(f"{ISSUER}authorize", request))["code"]))

    assert document["scope"] == "openid offline_access"
    assert document["refresh_token"].startswith("hrt_"), "and never ORT"
