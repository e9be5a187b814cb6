"""An operator's program at the deployed Management API: every call is one that the function's role must allow."""

import time
from typing import TYPE_CHECKING, Any

import httpx
import pytest

from tests.deploy.person import Person, exchange, refresh, token
from tests.proofs import Key, ath
from tests.service import ALICE, SPA, THIRD_PARTY

if TYPE_CHECKING:
    from tests.deploy.conftest import Stack

LEAVING = "leaving"
SECRET = "a secret that is good for this test alone"

pytestmark = pytest.mark.usefixtures("applied")


class Program:
    """Calls the Management API with a token of its own."""

    def __init__(self, stack: "Stack", http: httpx.Client) -> None:
        self.http = http
        self.audience = f"{stack.outputs['Issuer']}api/v2/"
        self.form = {"grant_type": "client_credentials", "client_id": "operations", "client_secret": SECRET}
        answer = token(http, self.form | {"audience": self.audience})
        assert answer.status_code == 200, answer.text
        self.headers = {"authorization": f"Bearer {answer.json()['access_token']}"}

    def call(self, method: str, path: str, body: object = None, **query: str) -> Any:
        answer = self.http.request(method, f"/api/v2/{path}", json=body, params=query, headers=self.headers)
        assert answer.status_code < 300, answer.text
        return answer.json() if answer.text else None


@pytest.fixture(name="program")
def _program(stack: "Stack", browser: httpx.Client) -> Program:
    return Program(stack, browser)


@pytest.fixture(name="alice")
def _alice(browser: httpx.Client) -> Person:
    return Person(browser)


def test_it_lists_a_users_refresh_tokens_and_revokes_them(
    browser: httpx.Client, program: Program, alice: Person
) -> None:
    live = exchange(browser, alice.code(SPA))["refresh_token"]
    tokens = program.call("GET", "users/auth0%7Calice/refresh-tokens")["tokens"]
    newest = max(tokens, key=lambda it: str(it["created_at"]))
    assert (newest["client_id"], newest["user_id"]) == ("spa", ALICE.user_id)
    noted = program.call("PATCH", f"refresh-tokens/{newest['id']}", {"refresh_token_metadata": {"device": "phone"}})
    assert noted["refresh_token_metadata"] == {"device": "phone"}

    program.call("POST", "refresh-tokens/revoke", {"user_id": ALICE.user_id})

    refused = refresh(browser, live)
    assert (refused.status_code, refused.json()["error"]) == (400, "invalid_grant")
    assert program.call("GET", "users/auth0%7Calice/refresh-tokens")["tokens"] == []


def test_it_makes_an_application_that_works_at_once_and_deletes_it(browser: httpx.Client, program: Program) -> None:
    made = program.call("POST", "clients", {"name": "Made", "app_type": "non_interactive"})
    own = {"grant_type": "client_credentials", "client_id": made["client_id"], "client_secret": made["client_secret"]}
    assert token(browser, own | {"audience": program.audience}).json()["error"] == "access_denied"
    grant = {"client_id": made["client_id"], "audience": program.audience, "scope": ["read:users"]}
    program.call("POST", "client-grants", grant)
    granted = token(browser, own | {"audience": program.audience}).json()
    assert granted["scope"] == "read:users"

    refused = browser.get("/api/v2/clients", headers={"authorization": f"Bearer {granted['access_token']}"})
    assert (refused.status_code, refused.json()["errorCode"]) == (403, "insufficient_scope")
    assert program.call("PATCH", f"clients/{made['client_id']}", {"name": "Renamed"})["name"] == "Renamed"
    program.call("DELETE", f"clients/{made['client_id']}")
    assert made["client_id"] not in {it["client_id"] for it in program.call("GET", "clients")}


def test_it_makes_finds_changes_and_deletes_a_user(program: Program) -> None:
    made = program.call("POST", "users", {"email": "carol@example.com", "password": "a long password"})
    path = f"users/{made['user_id'].replace('|', '%7C')}"
    assert program.call("PATCH", path, {"email": "dora@example.com"})["email"] == "dora@example.com"
    (found,) = program.call("GET", "users-by-email", email="dora@example.com")
    assert found["user_id"] == made["user_id"]
    assert made["user_id"] in {it["user_id"] for it in program.call("GET", "users")}
    program.call("DELETE", path)
    assert made["user_id"] not in {it["user_id"] for it in program.call("GET", "users")}


def test_it_ends_sessions_and_who_wants_to_know_is_told(browser: httpx.Client, program: Program, alice: Person) -> None:
    """Its queue, its bus, its tables: the same as at a logout."""
    application = SPA.__replace__(client_id=LEAVING)
    live = exchange(browser, alice.code(application), application)["refresh_token"]
    sessions = program.call("GET", "users/auth0%7Calice/sessions")["sessions"]
    (own,) = (it for it in sessions if {"client_id": LEAVING} in it["clients"])
    assert program.call("GET", f"sessions/{own['id']}")["user_id"] == ALICE.user_id

    program.call("DELETE", f"sessions/{own['id']}")

    assert refresh(browser, live, application).status_code == 400


def test_it_withdraws_what_somebody_agreed_to(browser: httpx.Client, program: Program, alice: Person) -> None:
    live = exchange(browser, alice.code(THIRD_PARTY), THIRD_PARTY)["refresh_token"]
    (grant,) = program.call("GET", "grants", user_id=ALICE.user_id, client_id=THIRD_PARTY.client_id)

    program.call("DELETE", f"grants/{grant['id']}")

    assert refresh(browser, live, THIRD_PARTY).status_code == 400
    assert program.call("GET", "grants", user_id=ALICE.user_id, client_id=THIRD_PARTY.client_id) == []


def test_it_may_bind_its_token_to_a_key(stack: "Stack", browser: httpx.Client, program: Program) -> None:
    key, issuer = Key(), stack.outputs["Issuer"]
    now = int(time.time())
    form = program.form | {"audience": program.audience}
    proof = key.proof(now, htu=f"{issuer}oauth/token")
    bound = browser.post("/oauth/token", data=form, headers={"dpop": proof}).json()["access_token"]
    asked: dict[str, Any] = {"htm": "GET", "htu": f"{program.audience}users/auth0%7Calice", "ath": ath(bound)}
    headers = {"authorization": f"DPoP {bound}", "dpop": key.proof(now, **asked)}

    assert browser.get("/api/v2/users/auth0%7Calice", headers=headers).status_code == 200
    assert browser.get("/api/v2/users/auth0%7Calice", headers=headers).status_code == 401, "once"


def test_it_reads_the_log_of_all_functions(program: Program) -> None:
    deadline = time.monotonic() + 20
    types: set[str] = set()
    while time.monotonic() < deadline and not {"s", "seacft", "seccft", "sapi"} <= types:
        types = {event["type"] for event in program.call("GET", "logs", per_page="100")}
    assert {"s", "seacft", "seccft", "sapi"} <= types
    newest = program.call("GET", "logs", per_page="1")[0]
    assert program.call("GET", f"logs/{newest['log_id']}") == newest


def test_without_a_token_nobody_gets_in_and_everybody_reads_the_document(browser: httpx.Client) -> None:
    assert browser.get("/api/v2/users").status_code == 401
    assert browser.get("/api/v2/nothing").json()["errorCode"] == "not_found"
    document = browser.get("/api/v2/openapi.json")
    assert (document.status_code, document.json()["openapi"]) == (200, "3.1.0")
