"""One login and what becomes of its tokens, on the deployed stack: every call is one that a role must allow."""

import dataclasses
import json
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import httpx
import jwt
import pytest

from heirloom.domain import encoding
from heirloom.domain.application import GrantType
from tests.deploy.conftest import tenant_command
from tests.deploy.person import Person, exchange, refresh
from tests.endpoints.assertions import SIGNING, assertion, with_assertion
from tests.proofs import Key, ath
from tests.service import (
    ALICE,
    API,
    CALLBACK,
    NATIVE,
    ORIGIN,
    PASSWORD,
    SPA,
    THIRD_PARTY,
    VERIFIER,
    authorization_request,
    family_key_of,
)

if TYPE_CHECKING:
    from tests.deploy.conftest import Stack

LEAVING = dataclasses.replace(SPA, client_id="leaving")
IMPATIENT = dataclasses.replace(SPA, client_id="impatient")
pytestmark = pytest.mark.usefixtures("applied")


@pytest.fixture
def alice(browser: httpx.Client) -> Person:
    return Person(browser)


def test_the_tenant_file_is_applied_to_the_deployed_stack_once(stack: "Stack", applied: str, tenant_file: Path) -> None:
    assert "+ application impatient" in applied
    assert "+ user auth0|alice" in applied
    assert tenant_command(stack, "plan", tenant_file) == "no changes\n"


def test_a_login_gives_tokens_that_the_published_keys_check(
    stack: "Stack", browser: httpx.Client, alice: Person
) -> None:
    tokens = exchange(browser, alice.code(SPA))

    keys = jwt.PyJWKSet.from_dict(browser.get("/.well-known/jwks.json").json())
    header = jwt.get_unverified_header(tokens["access_token"])
    issuer = stack.outputs["Issuer"]
    claims = jwt.decode(tokens["access_token"], keys[header["kid"]], algorithms=["RS256"], audience=API, issuer=issuer)
    identity = jwt.decode(
        tokens["id_token"], keys[header["kid"]], algorithms=["RS256"], audience=SPA.client_id, issuer=issuer
    )
    assert claims["sub"] == identity["sub"] == ALICE.user_id
    assert identity["nonce"] == "some nonce"


def test_a_pushed_request_leads_to_tokens(browser: httpx.Client, alice: Person) -> None:
    pushed = browser.post("/oauth/par", data=authorization_request(SPA), headers={"origin": ORIGIN})
    assert pushed.status_code == 201, pushed.text
    query = {"client_id": SPA.client_id, "request_uri": pushed.json()["request_uri"]}

    assert exchange(browser, alice.code(SPA, query))["refresh_token"]

    assert alice.request("GET", "/authorize", params=query).status_code == 400


def test_userinfo_knows_whose_token_it_is(browser: httpx.Client, alice: Person) -> None:
    tokens = exchange(browser, alice.code(SPA))

    answer = browser.get("/userinfo", headers={"authorization": f"Bearer {tokens['access_token']}"})

    assert answer.status_code == 200, answer.text
    assert (answer.json()["sub"], answer.json()["email"]) == (ALICE.user_id, ALICE.email)


def test_tokens_of_a_proof_are_good_with_that_key_alone(stack: "Stack", browser: httpx.Client, alice: Person) -> None:
    """Both functions must be allowed to take proofs."""
    key, issuer = Key(), stack.outputs["Issuer"]
    target = f"{issuer}oauth/token"

    def prove(**claims: Any) -> dict[str, str]:
        return {"dpop": key.proof(int(time.time()), **{"htu": target, **claims})}

    form = {"grant_type": "authorization_code", "client_id": SPA.client_id, "code": alice.code(SPA)}
    form |= {"redirect_uri": CALLBACK, "code_verifier": VERIFIER}
    demand = browser.post("/oauth/token", data=form, headers=prove())
    assert demand.json()["error"] == "use_dpop_nonce", demand.text
    nonce = demand.headers["dpop-nonce"]
    answer = browser.post("/oauth/token", data=form, headers=prove(nonce=nonce))
    assert answer.status_code == 200, answer.text
    bound = answer.json()["access_token"]
    asked = prove(htm="GET", htu=f"{issuer}userinfo", ath=ath(bound)) | {"authorization": f"DPoP {bound}"}

    assert browser.get("/userinfo", headers=asked).json()["sub"] == ALICE.user_id
    assert browser.get("/userinfo", headers=asked).status_code == 401, "once"
    assert refresh(browser, answer.json()["refresh_token"]).json()["error"] == "invalid_grant"


def test_a_second_login_in_the_browser_asks_for_no_password(browser: httpx.Client, alice: Person) -> None:
    exchange(browser, alice.code(SPA))

    again = alice.request("GET", "/authorize", params=authorization_request(SPA))

    assert again.status_code == 303
    assert "code=" in again.headers["location"]


def test_a_third_party_asks_for_consent_once(browser: httpx.Client, alice: Person) -> None:
    alice.code(SPA)
    consent = alice.request("GET", "/authorize", params=authorization_request(THIRD_PARTY))
    assert consent.status_code == 200
    assert "Stranger" in consent.text

    assert exchange(browser, alice.code(THIRD_PARTY), THIRD_PARTY)["refresh_token"]

    again = alice.request("GET", "/authorize", params=authorization_request(THIRD_PARTY))
    assert "code=" in again.headers["location"]


def test_a_refresh_turns_the_generation_and_its_replay_leads_to_the_same_token(
    browser: httpx.Client, alice: Person
) -> None:
    spent = exchange(browser, alice.code(SPA))["refresh_token"]

    rotated, replayed = refresh(browser, spent), refresh(browser, spent)

    assert rotated.status_code == replayed.status_code == 200
    assert rotated.json()["refresh_token"] == replayed.json()["refresh_token"] != spent


def test_a_revoked_family_is_refused(browser: httpx.Client, alice: Person) -> None:
    live = exchange(browser, alice.code(SPA))["refresh_token"]

    answer = browser.post("/oauth/revoke", data={"client_id": SPA.client_id, "token": live})

    assert (answer.status_code, answer.text) == (200, "")
    refused = refresh(browser, live)
    assert (refused.status_code, refused.json()["error"]) == (400, "invalid_grant")


def test_a_token_presented_after_it_was_spent_throws_both_devices_out(browser: httpx.Client, alice: Person) -> None:
    """The application has no leeway. The live token of the honest device dies with the thief's."""
    stolen = exchange(browser, alice.code(IMPATIENT), IMPATIENT)["refresh_token"]
    live = refresh(browser, stolen, IMPATIENT).json()["refresh_token"]

    for presented in (stolen, live):
        refused = refresh(browser, presented, IMPATIENT)
        assert (refused.status_code, refused.json()["error"]) == (400, "invalid_grant")
        assert refused.json()["error_description"] == "Unknown or invalid refresh token."


def test_a_revocation_ends_the_whole_grant_where_the_tenant_wants_that(browser: httpx.Client, alice: Person) -> None:
    """On all devices, and the consent."""
    first = exchange(browser, alice.code(THIRD_PARTY), THIRD_PARTY)["refresh_token"]
    second = exchange(browser, alice.code(THIRD_PARTY), THIRD_PARTY)["refresh_token"]

    browser.post("/oauth/revoke", data={"client_id": THIRD_PARTY.client_id, "token": first})

    assert refresh(browser, second, THIRD_PARTY).json()["error"] == "invalid_grant"
    consent = alice.request("GET", "/authorize", params=authorization_request(THIRD_PARTY))
    assert 'name="decision"' in consent.text


def test_a_client_that_signs_assertions_pushes_exchanges_asks_and_revokes(
    stack: "Stack", browser: httpx.Client, alice: Person
) -> None:
    """Each of the functions that it calls takes its assertions, once."""
    now, issuer = int(time.time()), stack.outputs["Issuer"]

    def signed(path: str, form: dict[str, str], jti: str) -> httpx.Response:
        text = assertion(aud=issuer, iat=now, exp=now + 180, jti=jti)
        return browser.post(path, data=with_assertion(form, text))

    request = {name: value for name, value in authorization_request(SIGNING).items() if name != "client_id"}
    pushed = signed("/oauth/par", request, "pushed")
    assert pushed.status_code == 201, pushed.text
    code = alice.code(SIGNING, {"client_id": SIGNING.client_id, "request_uri": pushed.json()["request_uri"]})
    form = {"grant_type": "authorization_code", "code": code, "redirect_uri": CALLBACK, "code_verifier": VERIFIER}
    live = signed("/oauth/token", form, "exchanged").json()["refresh_token"]

    assert signed("/oauth/introspect", {"token": live}, "asked").json()["active"] is True
    assert signed("/oauth/revoke", {"token": live}, "revoked").status_code == 200
    assert signed("/oauth/introspect", {"token": live}, "asked again").json() == {"active": False}
    assert signed("/oauth/introspect", {"token": live}, "asked again").status_code == 401, "once"


def test_a_code_is_good_for_one_exchange(browser: httpx.Client, alice: Person) -> None:
    code = alice.code(SPA)
    exchange(browser, code)

    with pytest.raises(AssertionError, match="invalid_grant"):
        exchange(browser, code)


def test_a_device_is_confirmed_and_gets_tokens(browser: httpx.Client, alice: Person) -> None:
    """Each of its codes is made, answered and spent by a function that may do just that."""
    asked = {"client_id": NATIVE.client_id, "scope": "openid offline_access", "audience": API}
    device = browser.post("/oauth/device/code", data=asked).json()
    form = {
        "grant_type": GrantType.DEVICE_CODE.value,
        "client_id": NATIVE.client_id,
        "device_code": device["device_code"],
    }
    heard = [browser.post("/oauth/token", data=form).json()["error"] for _ in range(2)]
    login = alice.submit(alice.request("GET", "/activate"), user_code=device["user_code"].lower())
    shown = alice.submit(login, email=ALICE.email, password=PASSWORD, action="sign_in")
    assert device["user_code"] in shown.text

    assert alice.submit(shown, decision="allow").status_code == 200
    granted = browser.post("/oauth/token", data=form)

    assert heard == ["authorization_pending", "slow_down"]
    assert granted.status_code == 200, granted.text
    assert granted.json()["refresh_token"]
    assert browser.post("/oauth/token", data=form).json()["error"] == "invalid_grant"


def test_a_wrong_password_is_refused_and_counted(browser: httpx.Client) -> None:
    """The brakes are a table that only this function writes."""
    somebody = Person(browser)
    page = somebody.request("GET", "/authorize", params=authorization_request(SPA))

    refused = somebody.submit(page, email=ALICE.email, password="wrong", action="sign_in")

    assert refused.status_code == 400
    assert "code=" not in refused.headers.get("location", "")


def test_logout_ends_the_session(alice: Person) -> None:
    alice.code(SPA)

    gone = alice.request("GET", "/v2/logout", params={"client_id": SPA.client_id, "returnTo": f"{ORIGIN}/"})

    assert gone.status_code in {302, 303}, gone.text
    page = alice.request("GET", "/authorize", params=authorization_request(SPA))
    assert page.status_code == 200
    assert 'name="password"' in page.text


def test_a_person_sees_their_devices_and_signs_out_what_is_not_theirs_any_more(
    browser: httpx.Client, alice: Person
) -> None:
    """One device, an application with its consent, and then everything else."""
    phone = Person(browser)
    lost = exchange(browser, phone.code(SPA))["refresh_token"]
    kept = exchange(browser, alice.code(SPA))["refresh_token"]
    stranger = exchange(browser, alice.code(THIRD_PARTY), THIRD_PARTY)["refresh_token"]
    shown = alice.request("GET", "/account")
    assert 'name="session"' in shown.text
    assert "alice@" in shown.text

    done = alice.submit(shown, family=encoding.encode(family_key_of(lost).family_id))
    assert (done.status_code, done.headers["location"]) == (303, "/account")
    assert refresh(browser, lost).status_code == 400
    alice.submit(shown, application=THIRD_PARTY.client_id)
    assert refresh(browser, stranger, THIRD_PARTY).status_code == 400
    assert 'name="decision"' in alice.request("GET", "/authorize", params=authorization_request(THIRD_PARTY)).text
    alice.submit(shown, everything="others")

    assert 'name="session"' not in alice.request("GET", "/account").text
    assert 'name="password"' in phone.request("GET", "/authorize", params=authorization_request(SPA)).text
    assert refresh(browser, kept).status_code == 200


def test_a_logout_ends_what_shall_end_with_it_and_is_told_to_who_wants_to_know(
    stack: "Stack", browser: httpx.Client, alice: Person
) -> None:
    """Through the queue to the function that signs: nobody listens at the address, which its log says."""
    tokens = exchange(browser, alice.code(LEAVING), LEAVING)

    leaving = {"id_token_hint": tokens["id_token"], "post_logout_redirect_uri": f"{ORIGIN}/", "state": "bye"}
    gone = alice.request("GET", "/oidc/logout", params=leaving)

    assert (gone.status_code, gone.headers["location"]) == (303, f"{ORIGIN}/?state=bye")
    refused = refresh(browser, tokens["refresh_token"], LEAVING)
    assert (refused.status_code, refused.json()["error"]) == (400, "invalid_grant")
    messages: list[str] = []
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline and not messages:
        events = stack.client("logs").filter_log_events(logGroupName="/aws/lambda/heirloom/backchannel_logout")[
            "events"
        ]
        messages = [event["message"] for event in events if "oidc_backchannel_logout_failed" in event["message"]]
    assert any("NewConnectionError" in message and '"client_id":"leaving"' in message for message in messages), messages


def test_the_bus_hears_of_every_family_that_ends(stack: "Stack", browser: httpx.Client, alice: Person) -> None:
    """From each of the three functions that may end one, under its own role."""
    sqs, events = stack.client("sqs"), stack.client("events")
    queue = sqs.create_queue(QueueName="families-that-ended")["QueueUrl"]
    arn = sqs.get_queue_attributes(QueueUrl=queue, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    bus = stack.outputs["EventBus"].rpartition("/")[2]
    events.put_rule(Name="all", EventBusName=bus, EventPattern=json.dumps({"source": ["heirloom"]}))
    events.put_targets(Rule="all", EventBusName=bus, Targets=[{"Id": "queue", "Arn": arn}])

    stolen = exchange(browser, alice.code(IMPATIENT), IMPATIENT)["refresh_token"]
    refresh(browser, stolen, IMPATIENT)
    refresh(browser, stolen, IMPATIENT)
    live = exchange(browser, alice.code(SPA))["refresh_token"]
    browser.post("/oauth/revoke", data={"client_id": SPA.client_id, "token": live})
    id_token = exchange(browser, alice.code(LEAVING), LEAVING)["id_token"]
    alice.request("GET", "/oidc/logout", params={"id_token_hint": id_token})

    heard: set[tuple[str, str]] = set()
    deadline = time.monotonic() + 20
    while time.monotonic() < deadline and len(heard) < 3:
        for message in sqs.receive_message(QueueUrl=queue, MaxNumberOfMessages=10).get("Messages", []):
            event = json.loads(message["Body"])
            heard.add((event["detail-type"], event["detail"]["reason"]))
    assert heard == {
        ("RefreshTokenReused", "reused"),
        ("RefreshTokenRevoked", "revoked_by_application"),
        ("RefreshTokenRevoked", "logout"),
    }


def test_every_log_group_has_heard_its_function_and_no_token(
    stack: "Stack", browser: httpx.Client, alice: Person
) -> None:
    """What functions log goes where the template says, in JSON, and holds nothing to present."""
    tokens = exchange(browser, alice.code(SPA))
    refresh(browser, tokens["refresh_token"])
    logs = stack.client("logs")
    deadline = time.monotonic() + 5

    messages: list[str] = []
    while time.monotonic() < deadline and not any("heirloom" in message for message in messages):
        events = logs.filter_log_events(logGroupName="/aws/lambda/heirloom/token")["events"]
        messages = [event["message"] for event in events]
    assert any('"service":"heirloom"' in message for message in messages)
    assert not [message for message in messages if "hrt_" in message or tokens["access_token"] in message]
