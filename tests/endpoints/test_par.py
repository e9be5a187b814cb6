"""`POST /oauth/par`: the application sends its request itself, and the browser brings a reference to it (RFC 9126)."""

import json
import re
from dataclasses import replace
from typing import Any
from urllib.parse import parse_qsl, urlencode

import pytest

from heirloom.domain.application import AuthenticationMethod
from heirloom.http import LARGEST_BODY
from tests.endpoints.assertions import SIGNING, assertion, with_assertion
from tests.endpoints.hands import at_once, basic, declare, push, pushed, set_tenant, store_calls
from tests.endpoints.reading import kind, read, sign_in, submit
from tests.proofs import Prover
from tests.service import (
    ALICE,
    API,
    BOB,
    CALLBACK,
    ISSUER,
    ONLINE_API,
    ORIGIN,
    SECRET,
    SPA,
    START,
    THIRD_PARTY,
    WEB,
    Service,
    answered,
    authorization_request,
    claims_of,
    refusal,
    tokens,
    with_changes,
)

LOGIN = 3600
"""Seconds from the push in which the person must have logged in."""


def bring(service: Service, query: dict[str, str], **beside: str) -> Any:
    """Send the browser to `/authorize` with a reference, and perhaps with parameters *beside* it."""
    return service.send("GET", "/authorize", query={**query, **beside})


# ---- The story


@pytest.mark.parametrize("application", [SPA, WEB], ids=["public", "confidential"])
def test_a_pushed_request_leads_to_tokens(service: Service, application: Any) -> None:
    response = push(service, application)
    document = json.loads(response.body)
    assert (response.status, document["expires_in"]) == (201, 60)
    assert re.fullmatch(r"urn:ietf:params:oauth:request_uri:[A-Za-z0-9_-]{43}", document["request_uri"])
    assert response.headers["cache-control"] == "no-store"

    query = {"client_id": application.client_id, "request_uri": document["request_uri"]}
    answer = answered(sign_in(service, bring(service, query), ALICE.email))

    assert (answer["state"], answer["iss"]) == ("some state", ISSUER)
    granted = tokens(service.exchange(answer["code"], application))
    assert granted["scope"] == "openid email offline_access profile read:notes"
    assert claims_of(granted["id_token"])["nonce"] == "some nonce"


def test_no_reference_is_given_twice(service: Service) -> None:
    assert len({json.loads(push(service).body)["request_uri"] for _ in range(8)}) == 8


def test_a_post_to_authorize_may_bring_the_reference(service: Service) -> None:
    assert kind(service.send("POST", "/authorize", pushed(service))) == "login"


def test_the_login_takes_its_time(service: Service) -> None:
    """The reference must be brought within a minute; a wrong password and a search for the right one take longer."""
    shown = bring(service, pushed(service))
    service.wait(600)
    again = sign_in(service, shown, ALICE.email, "not hers")
    assert kind(again) == "login"
    service.wait(LOGIN - 601)

    assert "code" in answered(sign_in(service, again, ALICE.email))


def test_login_and_consent_carry_the_reference_and_nothing_else(service: Service) -> None:
    query = pushed(service, THIRD_PARTY, state="kept from the browser")
    shown = bring(service, query, state="from the browser", login_hint="eve@example.com")
    assert kind(shown) == "login"
    assert dict(parse_qsl(read(shown).forms[-1].fields["request"])) == query
    assert "kept from the browser" not in shown.body

    consent = sign_in(service, shown, ALICE.email)
    assert kind(consent) == "consent"
    assert dict(parse_qsl(read(consent).forms[-1].fields["request"])) == query
    service.wait(600)  # to think it over
    answer = answered(submit(service, consent, decision="allow"))

    assert answer["state"] == "kept from the browser"
    assert tokens(service.exchange(answer["code"], THIRD_PARTY))


def test_a_no_is_answered_and_may_become_a_yes(service: Service) -> None:
    """Only a code spends the request."""
    consent = sign_in(service, bring(service, pushed(service, THIRD_PARTY)), ALICE.email)

    assert answered(submit(service, consent, decision="deny"))["error"] == "access_denied"
    assert "code" in answered(submit(service, consent, decision="allow"))


def test_silent_authentication_works_with_a_pushed_request(service: Service) -> None:
    frame = {"prompt": "none", "response_mode": "web_message"}
    before = read(bring(service, pushed(service, SPA, **frame))).message
    service.log_in()
    after = read(bring(service, pushed(service, SPA, **frame))).message

    assert before is not None
    assert before["error"] == "login_required"
    assert after is not None
    assert tokens(service.exchange(after["code"]))


def test_what_was_pushed_decides_and_what_stands_beside_it_does_not(service: Service) -> None:
    """RFC 9126 §4 and RFC 9101 §6.3: the browser cannot change the request."""
    service.log_in()
    request = authorization_request(SPA, scope="openid email read:all", audience=ONLINE_API, state="another")
    beside = {name: value for name, value in request.items() if name != "client_id"}
    beside |= {"redirect_uri": "https://evil.example/", "response_type": "token", "prompt": "login", "claims": "x"}

    response = bring(service, pushed(service, scope="openid read:notes"), **beside)

    assert response.headers["location"].startswith(f"{CALLBACK}?")
    answer = answered(response)
    assert answer["state"] == "some state"
    assert claims_of(tokens(service.exchange(answer["code"]))["access_token"])["aud"][0] == API


def test_resource_and_claims_may_be_pushed(service: Service) -> None:
    service.log_in()
    claims = json.dumps({"userinfo": {"email": None}})
    query = pushed(service, scope="openid read:notes", audience=None, resource=API, claims=claims)

    token = claims_of(tokens(service.exchange(answered(bring(service, query))["code"]))["access_token"])

    assert (token["aud"], token["userinfo_claims"]) == ([API, f"{ISSUER}userinfo"], ["email"])


def test_json_is_as_good_as_a_form(service: Service) -> None:
    body = json.dumps(authorization_request(SPA)).encode()
    response = service.send("POST", "/oauth/par", body=body, headers={"Content-Type": "application/json"})

    assert response.status == 201


# ---- Who may push


def test_a_confidential_client_proves_who_it_is(service: Service) -> None:
    form = authorization_request(WEB)
    unnamed = with_changes(form, {"client_id": None})

    assert refusal(push(service, WEB, client_secret=None)) == (401, "invalid_client")
    assert refusal(push(service, WEB, client_secret="x" * 32)) == (401, "invalid_client")
    for body in (form, unnamed):
        response = service.send("POST", "/oauth/par", body, basic(WEB.client_id, SECRET))
        assert response.status == 201
        query = {"client_id": WEB.client_id, "request_uri": json.loads(response.body)["request_uri"]}
        assert kind(bring(service, query)) == "login"
    other = service.send("POST", "/oauth/par", authorization_request(SPA), basic(WEB.client_id, SECRET))
    assert refusal(other) == (401, "invalid_client")


def test_what_the_client_authenticates_with_is_not_stored(service: Service) -> None:
    push(service, WEB, state="kept")

    (item,) = service.items("PushedRequestsTable")
    stored = dict(parse_qsl(item["request"]["S"]))
    assert stored == authorization_request(WEB, state="kept")
    assert SECRET not in str(item)


def test_a_client_that_signs_assertions_may_push_each_once(service: Service) -> None:
    """RFC 9126 §2: its audience may be the issuer, the token endpoint, or this one."""
    service.declare(SIGNING)
    for audience in (ISSUER, f"{ISSUER}oauth/token", f"{ISSUER}oauth/par"):
        form = with_assertion(authorization_request(SIGNING), assertion(jti=audience, aud=audience))
        assert service.send("POST", "/oauth/par", form).status == 201
        assert refusal(service.send("POST", "/oauth/par", form)) == (401, "invalid_client")
    assert refusal(push(service, SIGNING, client_secret=None)) == (401, "invalid_client")
    assert "assertion" not in str(service.items("PushedRequestsTable"))


# ---- Proofs of possession (RFC 9449 §10.1)


def test_a_proof_that_comes_with_a_pushed_request_binds_the_code(service: Service) -> None:
    """As `dpop_jkt` would."""
    prover = Prover(service)
    response = service.send("POST", "/oauth/par", authorization_request(SPA), prover.header(htu=f"{ISSUER}oauth/par"))
    query = {"client_id": "spa", "request_uri": json.loads(response.body)["request_uri"]}
    code = answered(sign_in(service, bring(service, query), ALICE.email))["code"]
    prover.learn_nonce()

    assert refusal(service.exchange(code)) == (400, "invalid_grant")
    stolen = Prover(service, nonce=prover.nonce)
    assert refusal(service.exchange(code, SPA, stolen.header())) == (400, "invalid_grant")
    token = tokens(service.exchange(code, SPA, prover.header()))["access_token"]
    assert claims_of(token)["cnf"] == {"jkt": prover.key.thumbprint}


def test_a_proof_may_come_beside_the_name_of_its_key_and_of_no_other(service: Service) -> None:
    prover = Prover(service)
    for key, expected in ((prover.key, 201), (Prover(service).key, 400)):
        form = authorization_request(SPA, dpop_jkt=key.thumbprint)
        assert service.send("POST", "/oauth/par", form, prover.header(htu=f"{ISSUER}oauth/par")).status == expected


def test_a_proof_that_is_not_good_is_refused_and_one_that_is_is_taken_once(service: Service) -> None:
    prover, here = Prover(service), f"{ISSUER}oauth/par"
    form = authorization_request(SPA)
    for changes in ({"htu": f"{ISSUER}oauth/token"}, {"htu": here, "htm": "GET"}, {"htu": here, "iat": START - 61}):
        response = service.send("POST", "/oauth/par", form, prover.header(**changes))
        assert refusal(response) == (400, "invalid_dpop_proof")
    assert service.items("PushedRequestsTable") == service.items("SingleUseTable") == []

    header = prover.header(htu=here)
    assert service.send("POST", "/oauth/par", form, header).status == 201
    assert refusal(service.send("POST", "/oauth/par", form, header)) == (400, "invalid_dpop_proof")


def test_the_store_holds_no_reference(service: Service) -> None:
    """Whoever reads it can bring none of the requests."""
    request_uri = pushed(service)["request_uri"]

    (item,) = service.items("PushedRequestsTable")
    assert request_uri.rpartition(":")[2] not in str(item)


def test_a_script_of_the_applications_origin_may_read_the_answer(service: Service) -> None:
    for form in (authorization_request(SPA), authorization_request(SPA, scope='"')):
        mine = service.send("POST", "/oauth/par", form, {"Origin": ORIGIN})
        others = service.send("POST", "/oauth/par", form, {"Origin": "https://evil.example"})
        assert mine.headers["access-control-allow-origin"] == ORIGIN
        assert "access-control-allow-origin" not in others.headers


# ---- What may not be pushed


@pytest.mark.parametrize(
    ("changes", "error"),
    [
        ({"request_uri": "urn:ietf:params:oauth:request_uri:x"}, "invalid_request"),
        ({"request_uri": "https://client.example/request"}, "invalid_request"),
        ({"request": "eyJ.e30."}, "request_not_supported"),
        ({"registration": "{}"}, "registration_not_supported"),
        ({"redirect_uri": None}, "invalid_request"),
        ({"redirect_uri": "https://evil.example/"}, "invalid_request"),
        ({"response_type": None}, "invalid_request"),
        ({"response_type": "token"}, "unsupported_response_type"),
        ({"response_mode": "fragment"}, "invalid_request"),
        ({"scope": '"'}, "invalid_scope"),
        ({"audience": "https://nowhere.example/"}, "access_denied"),
        ({"resource": ONLINE_API}, "invalid_target"),
        ({"audience": None, "resource": "https://nowhere.example/"}, "invalid_target"),
        ({"claims": "[]"}, "invalid_request"),
        ({"code_challenge": None}, "invalid_request"),
        ({"code_challenge_method": "plain"}, "invalid_request"),
        ({"prompt": "none login"}, "invalid_request"),
        ({"max_age": "x"}, "invalid_request"),
        ({"state": "x" * 5000}, "invalid_request"),
        ({"nonce": "x" * 5000}, "invalid_request"),
        ({"id_token_hint": "x"}, "invalid_request"),
    ],
)
def test_what_authorize_would_refuse_is_refused_at_once(
    service: Service, changes: dict[str, str | None], error: str
) -> None:
    assert refusal(push(service, SPA, **changes)) == (400, error)
    assert service.items("PushedRequestsTable") == []
    assert service.events.types == ["fpar"]
    assert service.events[-1].client_id == "spa"


def test_a_resource_may_be_repeated_and_only_one_be_asked_for(service: Service) -> None:
    body = f"{urlencode(authorization_request(SPA, audience=None))}&resource={API}&resource={ONLINE_API}"
    headers = {"Content-Type": "application/x-www-form-urlencoded"}

    assert refusal(service.send("POST", "/oauth/par", body=body.encode(), headers=headers)) == (400, "invalid_target")


def test_an_application_without_the_grant_may_not_push(service: Service) -> None:
    declare(service, SPA, grant_types=frozenset({"refresh_token"}))

    assert refusal(push(service)) == (400, "unauthorized_client")


def test_a_body_that_is_too_large_is_refused_as_such(service: Service) -> None:
    """RFC 9126 §2.3."""
    assert refusal(push(service, x="x" * LARGEST_BODY)) == (413, "invalid_request")

    room = LARGEST_BODY - len(urlencode(authorization_request(SPA, x="")))
    assert push(service, x="x" * room).status == 201
    assert push(service, x="x" * (room + 1)).status == 413


# ---- Which reference is good


def refused(response: Any) -> tuple[int, str]:
    """The page for a reference that is not good, whose text for developers is always the same."""
    assert response.status == 400
    assert "request_uri is unknown, expired or was used" in read(response).text
    return response.status, kind(response)


def test_a_reference_is_brought_within_a_minute(service: Service) -> None:
    query = pushed(service)
    service.wait(59)
    assert kind(bring(service, query)) == "login"
    service.wait(1)
    assert refused(bring(service, query)) == (400, "start_again")
    assert service.events[-1].reason == "pushed request: expired"


def test_a_login_that_takes_more_than_an_hour_starts_again(service: Service) -> None:
    shown = bring(service, pushed(service, THIRD_PARTY))
    service.wait(LOGIN - 1)
    consent = sign_in(service, shown, ALICE.email)
    assert kind(consent) == "consent"
    service.wait(1)

    assert refused(sign_in(service, shown, ALICE.email)) == (400, "start_again")
    assert refused(submit(service, consent, decision="allow")) == (400, "start_again")
    assert service.items("GrantsTable") == service.items("CodesTable") == []


def test_a_reference_is_good_for_one_code(service: Service) -> None:
    query = pushed(service)
    shown, in_another_tab = bring(service, query), bring(service, query)
    assert "code" in answered(sign_in(service, shown, ALICE.email))

    assert refused(sign_in(service, in_another_tab, ALICE.email)) == (400, "start_again")
    assert refused(bring(service, query)) == (400, "start_again")
    assert service.events[-1].reason == "pushed request: used"
    service.cookies.clear()
    assert refused(bring(service, query)) == (400, "start_again")


def test_of_many_at_once_one_gets_a_code(service: Service) -> None:
    service.log_in()
    query = pushed(service)

    responses = at_once([lambda: bring(service, query)] * 8)

    assert sorted(kind(it) for it in responses) == ["redirect", *["start_again"] * 7]


def test_a_reload_before_the_login_is_no_second_use(service: Service) -> None:
    """RFC 9126 §4 has browsers in mind whose users reload."""
    query = pushed(service)

    assert [kind(bring(service, query)) for _ in range(3)] == ["login"] * 3


def test_a_reference_of_another_client_is_not_good_and_stays_good_for_its_own(service: Service) -> None:
    query = pushed(service)

    assert refused(bring(service, query | {"client_id": THIRD_PARTY.client_id})) == (400, "start_again")
    assert service.events[-1].reason == "pushed request: of another client"
    assert kind(bring(service, query)) == "login"


@pytest.mark.parametrize("reference", ["", "x", "A" * 43, "x" * 4000, "\x00", "é"])
def test_a_reference_that_never_was_is_not_good(service: Service, reference: str) -> None:
    query = {"client_id": "spa", "request_uri": f"urn:ietf:params:oauth:request_uri:{reference}"}

    assert refused(bring(service, query)) == (400, "start_again")
    assert service.events[-1].reason == "pushed request: unknown"


def test_a_reference_names_its_client(service: Service) -> None:
    query = pushed(service)

    assert kind(service.send("GET", "/authorize", query={"request_uri": query["request_uri"]})) == "unknown_application"
    assert kind(bring(service, query | {"client_id": "nobody"})) == "unknown_application"


def test_a_reference_to_somewhere_else_is_not_followed(service: Service) -> None:
    for request_uri in ("https://client.example/request", "urn:ietf:params:oauth:request", "URN:x"):
        assert answered(service.authorize(request_uri=request_uri))["error"] == "request_uri_not_supported"


def test_what_was_pushed_is_judged_anew_when_it_is_brought(service: Service) -> None:
    """The tenant file may have changed in between."""
    query = pushed(service)
    declare(service, SPA, callbacks=frozenset({"https://app.example/new"}))
    assert kind(bring(service, query)) == "wrong_redirect"
    declare(service, SPA)
    del service.configuration.apis[API]
    assert answered(bring(service, query))["error"] == "access_denied"


def test_a_form_that_names_a_reference_of_another_browser_is_still_its_own_persons_login(service: Service) -> None:
    """A reference gives nobody a session: whoever goes on with it logs in."""
    query = pushed(service)
    service.log_in(email=BOB.email)
    form = {"request": urlencode(query), "csrf": service.csrf, "action": "continue"}

    code = answered(service.send("POST", "/login", form))["code"]

    assert claims_of(tokens(service.exchange(code))["id_token"])["sub"] == BOB.user_id


# ---- Who must push


@pytest.mark.parametrize("where", ["application", "tenant"])
def test_whoever_must_push_is_not_answered_otherwise(service: Service, where: str) -> None:
    service.log_in()
    if where == "application":
        declare(service, SPA, require_pushed_authorization_requests=True)
    else:
        set_tenant(service, require_pushed_requests=True)

    answer = answered(service.authorize())
    assert (answer["error"], answer["error_description"]) == (
        "invalid_request",
        "Authorization requests of this application must be pushed",
    )
    form = {"request": urlencode(authorization_request(SPA)), "csrf": service.csrf, "action": "continue"}
    assert "code" not in service.send("POST", "/login", form).headers.get("location", "")
    assert kind(bring(service, pushed(service))) == "redirect"


def test_other_applications_need_not_push(service: Service) -> None:
    declare(service, SPA, require_pushed_authorization_requests=True)

    assert kind(service.authorize(WEB)) == "login"


# ---- What it costs


def test_a_login_without_a_pushed_request_costs_no_more_than_before(service: Service) -> None:
    service.log_in()
    with store_calls(service) as plain:
        service.authorize()
    query = pushed(service)
    with store_calls(service) as by_reference:
        bring(service, query)

    assert sorted(by_reference) == sorted([*plain, "GetItem", "UpdateItem"])


def test_a_public_client_with_a_secret_is_refused(service: Service) -> None:
    assert refusal(push(service, client_secret="x")) == (401, "invalid_client")
    web = replace(WEB, token_endpoint_auth_method=AuthenticationMethod.CLIENT_SECRET_BASIC)
    service.declare(web)
    assert push(service, web).status == 201
