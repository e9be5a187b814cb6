"""`/oidc/logout`: OpenID Connect RP-Initiated Logout 1.0.

The tests in the first part are called after the modules of the OpenID Foundation's RP-Initiated Logout plan.
"""

import dataclasses
import json
from base64 import urlsafe_b64encode
from urllib.parse import urlencode

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric.rsa import generate_private_key

from heirloom.domain import backchannel_logout
from heirloom.domain.authorization import LONGEST_STATE
from heirloom.domain.backchannel_logout import LogoutNotice
from heirloom.domain.errors import StoreUnavailable
from heirloom.domain.lifetimes import DAY
from heirloom.http import Response
from tests.endpoints.hands import at_once, block, declare, delete_user, set_tenant
from tests.endpoints.reading import kind, read, sign_in, submit
from tests.service import ALICE, BOB, ISSUER, SPA, THIRD_PARTY, WEB, Service, answered, claims_of

HOME = "https://app.example/"
TENANT_HOME = "https://tenant.example/"
SESSION = "__Host-heirloom"


@pytest.fixture(name="hint")
def _hint(service: Service) -> str:
    """An ID token of Alice's, who is logged in."""
    return str(service.login_tokens()["id_token"])


def ask(service: Service, method: str = "GET", **parameters: str) -> Response:
    """Send the browser to the endpoint, as an application does."""
    if method == "POST":
        return service.send("POST", "/oidc/logout", parameters, {"origin": "https://app.example"})
    return service.send("GET", "/oidc/logout", query=parameters)


def seen(response: Response) -> str:
    """Where a person goes, or what they see."""
    return response.headers["location"] if response.status == 303 else f"{response.status} {kind(response)}"


def logged_in(service: Service) -> bool:
    """Tell whether the next application would find the person logged in."""
    return "code" in answered(service.authorize(prompt="none"))


def part(document: dict[str, object]) -> str:
    """One part of a JWT."""
    return urlsafe_b64encode(json.dumps(document).encode()).rstrip(b"=").decode()


# ---- The plan's modules


def test_oidcc_rp_initiated_logout_discovery_endpoint_verification(service: Service) -> None:
    metadata = json.loads(service.send("GET", "/.well-known/openid-configuration").body)

    assert metadata["end_session_endpoint"] == f"{ISSUER}oidc/logout"


@pytest.mark.parametrize("method", ["GET", "POST"])
def test_oidcc_rp_initiated_logout(service: Service, hint: str, method: str) -> None:
    """Back with `state` and nothing else, and silent authentication finds nobody."""
    response = ask(service, method, id_token_hint=hint, post_logout_redirect_uri=HOME, state="a b&c")

    assert seen(response) == f"{HOME}?state=a+b%26c"
    assert SESSION not in service.cookies
    assert service.items("SessionsTable") == []
    assert answered(service.authorize(prompt="none"))["error"] == "login_required"
    assert [(event.type.value, event.client_id, event.user_id) for event in service.events if event.type == "slo"] == [
        ("slo", SPA.client_id, ALICE.user_id)
    ]


def test_oidcc_rp_initiated_logout_no_state(service: Service, hint: str) -> None:
    assert seen(ask(service, id_token_hint=hint, post_logout_redirect_uri=HOME)) == HOME
    assert not logged_in(service)


@pytest.mark.parametrize("state", [{}, {"state": "some state"}], ids=["no state", "state"])
def test_oidcc_rp_initiated_logout_no_post_logout_redirect_uri(
    service: Service, hint: str, state: dict[str, str]
) -> None:
    assert seen(ask(service, id_token_hint=hint, **state)) == "200 signed_out"
    assert not logged_in(service)


def test_oidcc_rp_initiated_logout_no_params(service: Service, hint: str) -> None:
    del hint
    response = ask(service)

    assert seen(response) == "200 logout"
    assert logged_in(service)
    assert seen(submit(service, response)) == "200 signed_out"
    assert not logged_in(service)


def test_oidcc_rp_initiated_logout_only_state(service: Service, hint: str) -> None:
    del hint
    response = ask(service, state="some state")

    assert seen(response) == "200 logout"
    assert seen(submit(service, response)) == "200 signed_out"
    assert not logged_in(service)


@pytest.mark.parametrize("method", ["GET", "POST"])
def test_oidcc_rp_initiated_logout_no_id_token_hint(service: Service, hint: str, method: str) -> None:
    """Any page can send people here: without a hint the person decides, and only then goes back."""
    del hint
    response = ask(service, method, client_id="spa", post_logout_redirect_uri=HOME, state="xyz")

    assert seen(response) == "200 logout"
    assert logged_in(service)
    assert seen(submit(service, response)) == f"{HOME}?state=xyz"
    assert not logged_in(service)


def test_oidcc_rp_initiated_logout_bad_id_token_hint(service: Service, hint: str) -> None:
    """Signed by somebody else, under the name of our key."""
    stranger = generate_private_key(public_exponent=65537, key_size=2048)
    bad = jwt.encode(claims_of(hint), stranger, "RS256", headers={"kid": "test-key", "typ": "JWT"})

    assert seen(ask(service, id_token_hint=bad, post_logout_redirect_uri=HOME)) == "400 invalid_request"
    assert logged_in(service)


@pytest.mark.parametrize("change", ["alg none", "claims", "signature"])
def test_oidcc_rp_initiated_logout_modified_id_token_hint(service: Service, hint: str, change: str) -> None:
    header, payload, signature = hint.split(".")
    match change:
        case "alg none":
            hint = f"{part({'alg': 'none', 'typ': 'JWT', 'kid': 'test-key'})}.{payload}."
        case "claims":
            hint = f"{header}.{part(claims_of(hint) | {'aud': 'web'})}.{signature}"
        case "signature":
            hint = f"{header}.{payload}.{'A' * len(signature)}"

    assert seen(ask(service, id_token_hint=hint, post_logout_redirect_uri=HOME)) == "400 invalid_request"
    assert logged_in(service)
    assert service.events.types[-2:] == ["flo", "ssa"]


@pytest.mark.parametrize(
    "uri", ["https://app.example", "https://app.example//", "https://evil.example/", "javascript:alert(1)", TENANT_HOME]
)
def test_oidcc_rp_initiated_logout_bad_post_logout_redirect_uri(service: Service, hint: str, uri: str) -> None:
    """It leads nowhere and ends nothing: a request that is wrong in one thing is not obeyed in another."""
    set_tenant(service, allowed_logout_urls=frozenset({TENANT_HOME}))

    assert seen(ask(service, id_token_hint=hint, post_logout_redirect_uri=uri, state="x")) == "400 wrong_redirect"
    assert seen(ask(service, client_id="spa", post_logout_redirect_uri=uri, state="x")) == "400 wrong_redirect"
    assert logged_in(service)


def test_oidcc_rp_initiated_logout_query_added_to_post_logout_redirect_uri(service: Service, hint: str) -> None:
    response = ask(service, id_token_hint=hint, post_logout_redirect_uri=f"{HOME}?foo=bar")

    assert seen(response) == "400 wrong_redirect"
    assert logged_in(service)


# ---- Whose session, and who asks


def test_an_expired_hint_is_as_good(service: Service, hint: str) -> None:
    """§2: it "SHOULD accept ID Tokens … even when the exp time has passed"."""
    service.wait(2 * DAY)

    assert seen(ask(service, id_token_hint=hint, post_logout_redirect_uri=HOME)) == HOME
    assert not logged_in(service)


def test_a_hint_of_a_refreshed_id_token_names_the_session_as_well(service: Service) -> None:
    document = json.loads(service.refresh(service.login_tokens()["refresh_token"]).body)

    assert seen(ask(service, id_token_hint=document["id_token"], post_logout_redirect_uri=HOME)) == HOME
    assert not logged_in(service)


def test_a_hint_from_before_the_person_logged_in_again_names_the_session_still(service: Service, hint: str) -> None:
    service.log_in(prompt="login")

    assert seen(ask(service, id_token_hint=hint, post_logout_redirect_uri=HOME)) == HOME
    assert not logged_in(service)


def test_a_hint_for_somebody_else_lets_the_person_decide(service: Service, hint: str) -> None:
    """Whoever has an ID token of their own could log anybody out with it."""
    service.log_in(email=BOB.email, prompt="login")

    response = ask(service, id_token_hint=hint, post_logout_redirect_uri=HOME)

    assert seen(response) == "200 logout"
    assert BOB.email in read(response).text
    assert logged_in(service)
    assert seen(submit(service, response)) == HOME
    assert not logged_in(service)


def test_a_hint_for_another_session_of_the_person_lets_the_person_decide(service: Service, hint: str) -> None:
    service.cookies.clear()
    service.log_in()

    assert seen(ask(service, id_token_hint=hint, post_logout_redirect_uri=HOME)) == "200 logout"
    assert logged_in(service)


def test_client_id_and_hint_must_name_one_application(service: Service, hint: str) -> None:
    """§2: "the OP MUST verify that the Client Identifier matches the one used as the audience"."""
    right = {"id_token_hint": hint, "post_logout_redirect_uri": HOME}

    assert seen(ask(service, **right, client_id="web")) == "400 invalid_request"
    assert logged_in(service)
    assert seen(ask(service, **right, client_id="spa")) == HOME


def test_the_addresses_of_the_application_that_the_hint_was_made_for_count(service: Service) -> None:
    declare(service, WEB, allowed_logout_urls=frozenset({"https://web.example/"}))
    hint = service.login_tokens(WEB)["id_token"]

    assert seen(ask(service, id_token_hint=hint, post_logout_redirect_uri=HOME)) == "400 wrong_redirect"
    assert (
        seen(ask(service, id_token_hint=hint, post_logout_redirect_uri="https://web.example/"))
        == "https://web.example/"
    )


def test_without_an_application_the_tenants_addresses_count(service: Service, hint: str) -> None:
    del hint
    set_tenant(service, allowed_logout_urls=frozenset({TENANT_HOME}))

    assert seen(ask(service, post_logout_redirect_uri=HOME)) == "400 wrong_redirect"
    assert seen(submit(service, ask(service, post_logout_redirect_uri=TENANT_HOME))) == TENANT_HOME


@pytest.mark.parametrize("client_id", ["nobody", "x" * 5000, "\x00"])
def test_an_unknown_application_ends_nothing(service: Service, hint: str, client_id: str) -> None:
    del hint
    assert seen(ask(service, client_id=client_id)) == "400 unknown_application"
    assert logged_in(service)


def test_a_hint_for_an_application_that_is_gone_ends_nothing(service: Service, hint: str) -> None:
    del service.configuration.applications["spa"]

    assert seen(ask(service, id_token_hint=hint, post_logout_redirect_uri=HOME)) == "400 unknown_application"


def test_state_is_added_to_the_query_that_an_address_has(service: Service) -> None:
    declare(service, SPA, allowed_logout_urls=frozenset({f"{HOME}?from=logout"}))
    parameters = {"client_id": "spa", "post_logout_redirect_uri": f"{HOME}?from=logout", "state": "ü"}

    assert seen(ask(service, **parameters)) == f"{HOME}?from=logout&state=%C3%BC"


def test_a_state_that_no_redirect_could_carry_is_refused(service: Service, hint: str) -> None:
    parameters = {"id_token_hint": hint, "post_logout_redirect_uri": HOME}

    assert seen(ask(service, **parameters, state="x" * (LONGEST_STATE + 1))) == "400 invalid_request"
    assert logged_in(service)
    assert len(seen(ask(service, **parameters, state="x" * LONGEST_STATE))) > LONGEST_STATE


@pytest.mark.parametrize("token", ["access token", "logout token", "x", "a.b.c", "x" * 9000])
def test_nothing_but_an_id_token_is_a_hint(service: Service, token: str) -> None:
    document = service.login_tokens()
    match token:
        case "access token":
            token = document["access_token"]
        case "logout token":
            notice = LogoutNotice("spa", ALICE.user_id, claims_of(document["id_token"])["sid"])
            unsigned = backchannel_logout.logout_token(notice, issuer=ISSUER, token_id="1", now=service.now)
            unsigned.claims["auth_time"] = service.now
            token = service.keys.signer().sign(unsigned)

    assert seen(ask(service, id_token_hint=token, post_logout_redirect_uri=HOME)) == "400 invalid_request"
    assert logged_in(service)


# ---- Nobody is logged in


@pytest.mark.parametrize("method", ["GET", "POST"])
def test_whoever_is_not_logged_in_is_sent_on_at_once(service: Service, hint: str, method: str) -> None:
    service.cookies.clear()

    assert seen(ask(service, method, client_id="spa", post_logout_redirect_uri=HOME, state="x")) == f"{HOME}?state=x"
    assert seen(ask(service, method, id_token_hint=hint, post_logout_redirect_uri=HOME)) == HOME
    assert seen(ask(service, method)) == "200 signed_out"


def test_a_session_that_is_not_in_this_browser_is_not_ended_from_it(service: Service, hint: str) -> None:
    """An ID token proves nothing about who holds it."""
    cookies = dict(service.cookies)
    service.cookies.clear()

    ask(service, id_token_hint=hint, post_logout_redirect_uri=HOME)

    service.cookies = cookies
    assert logged_in(service)


@pytest.mark.parametrize("value", ["", "x", "a.b.c", "BPiZbadjt6k.NLNkVMqy54QsOJ99iOy33w.forged"])
def test_a_cookie_that_opens_nothing_is_nobodys(service: Service, value: str) -> None:
    service.cookies[SESSION] = value

    assert seen(ask(service, client_id="spa", post_logout_redirect_uri=HOME)) == HOME
    assert not service.cookies.get(SESSION)


def test_a_forged_secret_ends_no_session(service: Service, hint: str) -> None:
    cookie = service.cookies[SESSION]
    service.cookies[SESSION] = cookie[:-2] + ("AA" if cookie[-2:] != "AA" else "BA")

    assert seen(ask(service, id_token_hint=hint, post_logout_redirect_uri=HOME)) == HOME
    service.cookies[SESSION] = cookie
    assert logged_in(service)


# ---- The question


def test_the_question_says_which_application_asks(service: Service, hint: str) -> None:
    declare(service, SPA, logo_uri="https://cdn.example/notes.svg")
    assert hint

    shown = ask(service, client_id=SPA.client_id)

    assert seen(shown) == "200 logout"
    assert SPA.name in read(shown).text
    assert 'src="https://cdn.example/notes.svg"' in shown.body


def test_a_logout_that_was_agreed_on_and_failed_goes_on_without_another_question(service: Service, hint: str) -> None:
    declare(service, SPA, backchannel_logout_url="https://app.example/logged-out")
    assert hint
    shown = ask(service)
    service.back_channel.fault = StoreUnavailable("queue")
    assert submit(service, shown).status == 503
    service.back_channel.fault = None

    assert seen(ask(service)) == "200 signed_out"

    assert [notice.client_id for notice in service.back_channel] == [SPA.client_id]


def test_the_question_names_the_application_and_the_account_in_the_persons_language(service: Service) -> None:
    service.log_in()

    page = read(ask(service, client_id="spa", post_logout_redirect_uri=HOME, ui_locales="de"))

    assert page.language == "de"
    assert "Notes" in page.text
    assert ALICE.email in page.text
    (form,) = page.forms
    assert form.action == "/oidc/logout"


def test_the_questions_answer_may_lead_to_the_application_and_nowhere_else(service: Service) -> None:
    """Browsers follow form-action through redirects."""
    service.log_in()
    with_address = ask(service, client_id="spa", post_logout_redirect_uri=HOME)
    without = ask(service, client_id="spa")

    def policy(response: Response) -> list[str]:
        return response.headers["content-security-policy"].split("; ")

    assert "form-action 'self' https://app.example" in policy(with_address)
    assert "form-action 'self'" in policy(without)


@pytest.mark.parametrize(
    "forgery",
    [{"csrf": "x"}, {"csrf": "A" * 43}, "another origin", "no cookie"],
    ids=["malformed", "another value", "another origin", "no cookie"],
)
def test_an_answer_that_is_not_the_persons_is_asked_again(service: Service, forgery: dict[str, str] | str) -> None:
    service.log_in()
    form = read(ask(service, client_id="spa", post_logout_redirect_uri=HOME)).forms[-1].fields
    headers = {"origin": "https://evil.example"} if forgery == "another origin" else {}
    if forgery == "no cookie":
        del service.cookies["__Host-heirloom-csrf"]
    changes = forgery if isinstance(forgery, dict) else {}

    response = service.send("POST", "/oidc/logout", form | changes, headers)

    assert seen(response) == "200 logout"
    assert logged_in(service)
    assert "flo" in service.events.types
    assert seen(submit(service, response)) == HOME


@pytest.mark.parametrize(
    ("request_", "answer"),
    [
        ({"client_id": "spa", "post_logout_redirect_uri": "https://evil.example/"}, "400 wrong_redirect"),
        ({"client_id": "nobody"}, "400 unknown_application"),
        ({"id_token_hint": "x"}, "400 invalid_request"),
        ({"client_id": ["spa", "spa"]}, "400 invalid_request"),
    ],
)
def test_what_the_form_carries_is_validated_anew(
    service: Service, request_: dict[str, str | list[str]], answer: str
) -> None:
    service.log_in()
    form = {"request": urlencode(request_, doseq=True), "csrf": service.csrf}

    assert seen(service.send("POST", "/oidc/logout", form)) == answer
    assert logged_in(service)


def test_a_question_that_was_open_while_the_person_left_is_answered_all_the_same(service: Service) -> None:
    service.log_in()
    shown = ask(service, client_id="spa", post_logout_redirect_uri=HOME)
    service.send("GET", "/v2/logout")

    assert seen(submit(service, shown)) == HOME


def test_the_account_of_a_deleted_person_is_not_shown_and_ends_too(service: Service) -> None:
    service.log_in()
    delete_user(service)
    shown = ask(service, client_id="spa", post_logout_redirect_uri=HOME)

    assert ALICE.email not in read(shown).text
    assert seen(submit(service, shown)) == HOME
    assert service.items("SessionsTable") == []


def test_a_blocked_persons_session_ends_too(service: Service, hint: str) -> None:
    block(service)

    assert seen(ask(service, id_token_hint=hint, post_logout_redirect_uri=HOME)) == HOME
    assert service.items("SessionsTable") == []


def test_logout_hint_is_accepted(service: Service, hint: str) -> None:
    assert seen(ask(service, id_token_hint=hint, logout_hint=ALICE.email, post_logout_redirect_uri=HOME)) == HOME


def test_two_logouts_at_once_both_lead_back(service: Service, hint: str) -> None:
    parameters = {"id_token_hint": hint, "post_logout_redirect_uri": HOME}

    answers = at_once([lambda: ask(service, **parameters)] * 4)

    assert [seen(answer) for answer in answers] == [HOME] * 4
    assert service.items("SessionsTable") == []


def test_a_third_party_application_logs_its_person_out_as_well(service: Service) -> None:
    declare(service, THIRD_PARTY)
    response = submit(service, service.log_in(THIRD_PARTY), decision="allow")
    tokens = json.loads(service.exchange(answered(response)["code"], THIRD_PARTY).body)

    assert seen(ask(service, id_token_hint=tokens["id_token"], post_logout_redirect_uri=HOME)) == HOME


def test_a_native_application_gets_its_person_back_by_its_own_scheme(service: Service) -> None:
    native = service.configuration.applications["native"]
    service.declare(dataclasses.replace(native, allowed_logout_urls=frozenset({"com.example.notes:/out"})))
    service.log_in()
    shown = ask(service, client_id="native", post_logout_redirect_uri="com.example.notes:/out", state="s")

    assert "form-action 'self' com.example.notes:" in shown.headers["content-security-policy"]
    assert seen(submit(service, shown)) == "com.example.notes:/out?state=s"


def test_after_a_logout_another_person_may_log_in(service: Service, hint: str) -> None:
    ask(service, id_token_hint=hint)

    sign_in(service, service.authorize(), BOB.email)

    assert logged_in(service)
