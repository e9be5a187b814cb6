"""`/authorize`: what is asked of the person, and where the answer goes."""

import dataclasses
import re
from typing import Any
from urllib.parse import parse_qs, quote, urlencode, urlsplit

import pytest

from heirloom.domain import lifetimes
from heirloom.domain.application import Application
from heirloom.domain.family import LARGEST_SCOPE_AND_AUDIENCE
from heirloom.domain.lifetimes import DAY, MINUTE
from tests.endpoints.hands import block, declare, declare_api, delete_user, raise_epoch, set_tenant, store_calls
from tests.endpoints.reading import kind, read, sign_in, submit
from tests.service import (
    ALICE,
    API,
    BOB,
    CALLBACK,
    CHALLENGE,
    ISSUER,
    NATIVE,
    ONLINE_API,
    ORIGIN,
    SPA,
    THIRD_PARTY,
    WEB,
    Service,
    answered,
    authorization_request,
    claims_of,
    tokens,
)

OPTIONAL_PKCE = dataclasses.replace(WEB, require_proof_key=False)
SESSION = "__Host-heirloom"

# ---- What may be asked


@pytest.mark.parametrize(
    "response_type", ["token", "id_token", "code token", "code id_token", "none", "Code", "code ", "code code"]
)
def test_response_types_but_code_are_refused(service: Service, response_type: str) -> None:
    answer = answered(service.authorize(response_type=response_type))

    assert (answer["error"], answer["state"]) == ("unsupported_response_type", "some state")
    assert "code" not in answer


@pytest.mark.parametrize("application", [SPA, NATIVE, THIRD_PARTY, WEB], ids=lambda it: it.client_id)
def test_a_challenge_is_required(service: Service, application: Application) -> None:
    """RFC 9700 §2.1.1: public clients MUST use PKCE; ours require it of confidential ones too, unless they opt out."""
    response = service.authorize(application, code_challenge=None, code_challenge_method=None)

    assert parse_qs(urlsplit(response.headers["location"]).query)["error"] == ["invalid_request"]


def test_a_confidential_application_may_do_without_a_challenge_if_it_says_so(service: Service) -> None:
    service.declare(OPTIONAL_PKCE)

    assert kind(service.authorize(OPTIONAL_PKCE, code_challenge=None, code_challenge_method=None)) == "login"


def test_a_public_application_cannot_opt_out_of_the_challenge(service: Service) -> None:
    declare(service, SPA, require_proof_key=False)

    assert answered(service.authorize(code_challenge=None, code_challenge_method=None))["error"] == "invalid_request"


@pytest.mark.parametrize("application", [SPA, OPTIONAL_PKCE], ids=lambda it: it.client_id)
@pytest.mark.parametrize(
    ("challenge", "method"),
    [
        pytest.param("v" * 43, "plain", id="plain"),
        pytest.param("v" * 43, None, id="no method, which means plain"),
        pytest.param(CHALLENGE, "s256", id="another case"),
        pytest.param(CHALLENGE, "S512", id="unknown method"),
        pytest.param(CHALLENGE[:-1], "S256", id="too short"),
        pytest.param(CHALLENGE + "A", "S256", id="too long"),
        pytest.param(CHALLENGE + "=", "S256", id="padded"),
        pytest.param("+" + CHALLENGE[1:], "S256", id="another alphabet"),
        pytest.param(None, "S256", id="method without challenge"),
    ],
)
def test_only_a_well_formed_s256_challenge_is_taken(
    service: Service, application: Application, challenge: str | None, method: str | None
) -> None:
    service.declare(application)

    response = service.authorize(application, code_challenge=challenge, code_challenge_method=method)

    assert answered(response)["error"] == "invalid_request"


def test_an_application_without_the_grant_is_refused(service: Service) -> None:
    declare(service, SPA, grant_types=frozenset({"refresh_token"}))

    assert answered(service.authorize())["error"] == "unauthorized_client"


def test_an_audience_that_is_no_api_is_refused(service: Service) -> None:
    assert answered(service.authorize(audience="https://nowhere.example/"))["error"] == "access_denied"


def test_without_an_audience_the_tenants_default_is_meant(service: Service) -> None:
    set_tenant(service, default_audience=API)

    assert claims_of(service.login_tokens(audience=None)["access_token"])["aud"] == [API, f"{ISSUER}userinfo"]


def test_without_any_audience_the_token_is_for_userinfo(service: Service) -> None:
    assert claims_of(service.login_tokens(audience=None)["access_token"])["aud"] == f"{ISSUER}userinfo"


def test_unknown_scopes_are_dropped_and_the_answer_says_so(service: Service) -> None:
    granted = service.login_tokens(scope="openid read:notes write:everything")

    assert granted["scope"] == "openid read:notes"


def test_offline_access_that_the_api_does_not_allow_is_dropped_with_a_warning(service: Service) -> None:
    granted = service.login_tokens(audience=ONLINE_API, scope="openid offline_access read:all")

    assert granted["scope"] == "openid read:all"
    assert "refresh_token" not in granted
    assert "w" in service.events.types


def test_scope_and_audience_that_would_not_fit_a_family_are_refused(service: Service) -> None:
    """Both are stored with each family, whose item must stay under 1 KB."""
    scopes = {f"read:{number:020}": "" for number in range(20)}
    declare_api(service, API, scopes=scopes)

    assert answered(service.authorize(scope=" ".join(scopes)))["error"] == "invalid_scope"


def test_up_to_the_last_byte_they_are_taken(service: Service) -> None:
    longest = "s" * (LARGEST_SCOPE_AND_AUDIENCE - len(API))
    declare_api(service, API, scopes={longest: "", f"{longest}s": ""})

    assert kind(service.authorize(scope=longest)) == "login"
    assert answered(service.authorize(scope=f"{longest}s"))["error"] == "invalid_scope"


def test_what_is_unknown_is_ignored(service: Service) -> None:
    """RFC 6749 §3.1: "The authorization server MUST ignore unrecognized request parameters"."""
    assert kind(service.authorize(auth0Client="eyJ9", acr_values="x", claims="{}", device="phone")) == "login"


@pytest.mark.parametrize("name", ["request", "request_uri", "registration"])
def test_what_openid_connect_offers_and_we_do_not_is_refused_by_name(service: Service, name: str) -> None:
    """OpenID Connect Core §3.1.2.6."""
    assert answered(service.authorize(SPA, **{name: "https://evil.example/"}))["error"] == f"{name}_not_supported"


def test_a_form_post_opens_a_request_as_a_query_does(service: Service) -> None:
    """OpenID Connect Core §3.1.2.1: "MUST support the use of the HTTP GET and POST methods"."""
    form = authorization_request(SPA)

    shown = service.send("POST", "/authorize", form)

    assert kind(shown) == "login"
    assert "code" in answered(sign_in(service, shown, ALICE.email))


def test_the_login_page_says_who_asks(service: Service) -> None:
    declare(service, SPA, logo_uri="https://cdn.example/notes.svg")

    shown = service.authorize()

    assert SPA.name in read(shown).text
    assert 'src="https://cdn.example/notes.svg"' in shown.body


# ---- Where the answer goes


@pytest.mark.parametrize(
    "redirect_uri",
    [
        "https://app.example/callback/",
        "https://app.example/callbac",
        "https://app.example/callback?next=1",
        "https://app.example/callback?",
        "https://app.example/callback#",
        "https://app.example/callback#fragment",
        "https://app.example/callback/../evil",
        "https://app.example/Callback",
        "https://APP.example/callback",
        "HTTPS://app.example/callback",
        "https://app.example:443/callback",
        "https://app.example./callback",
        "http://app.example/callback",
        "https://evil.app.example/callback",
        "https://app.example.evil.example/callback",
        "https://app.example@evil.example/callback",
        "https://evil.example/callback",
        "//app.example/callback",
        "/callback",
        "javascript:alert(1)",
        "data:text/html,x",
        " https://app.example/callback",
        "https://app.example/callback\n",
        "https://app.example/callback\x00",
        "https://app.example/%63allback",
        "http://127.0.0.1/callback",
        "",
        None,
    ],
)
@pytest.mark.parametrize("flaw", [{}, {"response_type": "token"}], ids=["good request", "bad request"])
def test_nothing_goes_to_an_address_that_is_not_registered_to_the_letter(
    service: Service, redirect_uri: str | None, flaw: dict[str, str]
) -> None:
    """RFC 9700 §2.1: exact string matching; RFC 6749 §4.1.2.1: "MUST NOT automatically redirect"."""
    response = service.authorize(SPA, redirect_uri=redirect_uri, **flaw)

    assert (response.status, kind(response)) == (400, "wrong_redirect")
    assert "evil.example" not in str(response.headers)


@pytest.mark.parametrize("client_id", ["nobody", "SPA", "spa ", "spa\x00", "x" * 5000, "", None])
def test_nothing_goes_anywhere_for_an_unknown_application(service: Service, client_id: str | None) -> None:
    response = service.authorize(client_id=client_id)

    assert (response.status, kind(response)) == (400, "unknown_application")
    assert "client_id is missing or names no registered application" in read(response).text, "its developer is told"


@pytest.mark.parametrize(
    "redirect_uri",
    [
        "http://127.0.0.1/callback",
        "http://127.0.0.1:1/callback",
        "http://127.0.0.1:51234/callback",
        "http://[::1]:51234/callback",
        "com.example.notes:/callback",
    ],
)
def test_a_native_application_gets_its_answer_on_any_loopback_port_or_its_own_scheme(
    service: Service, redirect_uri: str
) -> None:
    """RFC 8252 §7.1 and §7.3; the token endpoint compares with the port that was asked."""
    declare(service, NATIVE, callbacks=NATIVE.callbacks | {"http://[::1]/callback"})

    response = service.log_in(NATIVE, redirect_uri=redirect_uri)

    assert response.headers["location"].startswith(f"{redirect_uri}?code=")
    assert service.exchange(answered(response)["code"], NATIVE, redirect_uri=redirect_uri).status == 200


@pytest.mark.parametrize(
    "redirect_uri",
    [
        "http://localhost:51234/callback",
        "https://127.0.0.1:51234/callback",
        "http://127.0.0.2:51234/callback",
        "http://[::1]:51234/callback",
        "http://127.0.0.1:51234/other",
        "http://127.0.0.1:51234/callback/",
        "http://127.0.0.1:51234/callback?x=1",
        "http://127.0.0.1:51234/callback?",
        "http://127.0.0.1:51234/callback#",
        "http://127.0.0.1:51234/callback#x",
        "http://127.0.0.1:/callback",
        "http://127.0.0.1:00000080/callback",
        "http://127.0.0.1:99999/callback",
        "http://127.0.0.1:-1/callback",
        "http://127.0.0.1:x/callback",
        "http://127.0.0.1:51234@evil.example/callback",
        "http://evil.example\\@127.0.0.1:51234/callback",
        "http://127.0.0.1.evil.example/callback",
        "http://127.0.0.1:51234 /callback",
        "http://127.0.0.1:51234\t/callback",
        "http://2130706433/callback",
        "com.example.notes:/callback?",
        "com.example.notes:/other",
        "com.example.notes://callback",
        "com.example.evil:/callback",
        "COM.EXAMPLE.NOTES:/callback",
    ],
)
def test_a_native_application_gets_no_answer_anywhere_else(service: Service, redirect_uri: str) -> None:
    response = service.authorize(NATIVE, redirect_uri=redirect_uri)

    assert (response.status, kind(response)) == (400, "wrong_redirect")


def test_only_native_applications_may_choose_a_port(service: Service) -> None:
    declare(service, SPA, callbacks=frozenset({"http://127.0.0.1/callback"}))

    assert kind(service.authorize(redirect_uri="http://127.0.0.1:51234/callback")) == "wrong_redirect"


def test_a_callback_keeps_its_own_query(service: Service) -> None:
    """RFC 6749 §3.1.2: the query component "MUST be retained"."""
    declare(service, SPA, callbacks=frozenset({f"{CALLBACK}?from=heirloom"}))

    response = service.authorize(redirect_uri=f"{CALLBACK}?from=heirloom", prompt="none")

    assert response.headers["location"].startswith(f"{CALLBACK}?from=heirloom&error=login_required")


@pytest.mark.parametrize("state", ["x", "a b&c=d", "ünïcödé", '"<script>', "\r\nSet-Cookie: x=y", "s" * 4096])
@pytest.mark.parametrize("prompt", ["login", "none"])
def test_state_comes_back_to_the_letter(service: Service, state: str, prompt: str) -> None:
    """RFC 6749 §4.1.2: "The exact value received from the client"."""
    response = service.authorize(prompt="none", state=state)
    if prompt == "login":
        response = service.log_in(state=state)

    assert answered(response)["state"] == state
    assert "\n" not in response.headers["location"]


@pytest.mark.parametrize("changes", [{}, {"prompt": "none"}, {"scope": "a\\b"}], ids=["code", "silent", "error"])
def test_every_answer_names_its_issuer(service: Service, changes: dict[str, Any]) -> None:
    """RFC 9207 §2: in errors too."""
    response = service.log_in() if not changes else service.authorize(**changes)

    assert answered(response)["iss"] == ISSUER


def test_a_session_from_before_the_mark_of_mass_revocation_is_over(service: Service) -> None:
    """After a restore, sessions that were logged out live again; the mark ends them with the families."""
    service.log_in()
    service.wait(1)
    set_tenant(service, not_before=service.now)

    assert kind(service.authorize()) == "login"
    assert answered(service.authorize(prompt="none"))["error"] == "login_required"
    assert service.events.types[-1] == "fsa"


def test_a_state_that_no_redirect_could_carry_is_refused_without_it(service: Service) -> None:
    """An emoji is twelve bytes in a URL."""
    answer = answered(service.authorize(state="\U0001f5dd" * 400))

    assert (answer["error"], "state" in answer) == ("invalid_request", False)


def test_no_state_comes_back_where_none_was_sent(service: Service) -> None:
    assert set(answered(service.log_in(state=None))) == {"code", "iss"}


def test_a_code_cannot_be_guessed(service: Service) -> None:
    """RFC 6749 §10.10: 256 random bits are more than the 160 that it asks for."""
    assert re.fullmatch(r"[A-Za-z0-9_-]{43}", service.code())


def test_the_nonce_is_in_the_id_token(service: Service) -> None:
    assert claims_of(service.login_tokens(nonce="n-0S6_WzA2Mj")["id_token"])["nonce"] == "n-0S6_WzA2Mj"


def test_no_nonce_is_in_the_id_token_where_none_was_sent(service: Service) -> None:
    assert "nonce" not in claims_of(service.login_tokens(nonce=None)["id_token"])


def test_the_way_back_is_a_303(service: Service) -> None:
    """RFC 9700 §4.12: a 307 would hand the password on."""
    assert service.log_in().status == 303


# ---- Response modes


def test_form_post_hands_the_answer_over_in_a_form(service: Service) -> None:
    shown = service.log_in(response_mode="form_post", state='"><script>')
    page = read(shown)

    assert kind(shown) == "form_post"
    assert page.forms[0].action == CALLBACK
    assert page.forms[0].fields["state"] == '"><script>'
    assert f"form-action {ORIGIN}" in shown.headers["content-security-policy"].split("; ")
    assert service.exchange(page.forms[0].fields["code"]).status == 200


def test_form_post_hands_an_error_over_in_a_form(service: Service) -> None:
    fields = read(service.authorize(response_mode="form_post", prompt="none")).forms[0].fields

    assert (fields["error"], fields["state"]) == ("login_required", "some state")


def test_web_message_posts_to_the_origin_of_the_redirect_uri_alone(service: Service) -> None:
    service.log_in()

    shown = service.authorize(response_mode="web_message", prompt="none")
    page = read(shown)

    assert kind(shown) == "web_message"
    assert page.target_origin == ORIGIN
    assert page.message is not None
    assert page.message["state"] == "some state"
    assert service.exchange(page.message["code"]).status == 200


def test_web_message_says_login_required(service: Service) -> None:
    """auth0-spa-js waits for exactly this in its hidden frame."""
    page = read(service.authorize(response_mode="web_message", prompt="none"))

    assert page.message == {
        "error": "login_required",
        "error_description": "Login required",
        "state": "some state",
        "iss": ISSUER,
    }


def test_web_message_may_be_framed_by_the_applications_web_origins_and_by_nobody_else(service: Service) -> None:
    declare(
        service,
        SPA,
        web_origins=frozenset({ORIGIN, "http://localhost:3000"}),
        allowed_origins=frozenset({"https://api.example"}),
    )
    declare(service, THIRD_PARTY, web_origins=frozenset({"https://other.example"}))

    policy = service.authorize(response_mode="web_message", prompt="none").headers["content-security-policy"]

    (ancestors,) = [directive for directive in policy.split("; ") if directive.startswith("frame-ancestors")]
    assert ancestors.split()[1:] == ["http://localhost:3000", ORIGIN]


@pytest.mark.parametrize("web_origins", [set(), {"https://other.example"}, {"https://app.example:8443"}])
def test_web_message_for_an_unregistered_origin_gets_an_error_page(service: Service, web_origins: set[str]) -> None:
    declare(service, SPA, web_origins=frozenset(web_origins))
    service.log_in()

    response = service.authorize(response_mode="web_message", prompt="none")

    assert (response.status, kind(response)) == (400, "wrong_redirect")


def test_web_message_for_a_private_use_scheme_gets_an_error_page(service: Service) -> None:
    assert kind(service.authorize(NATIVE, response_mode="web_message")) == "wrong_redirect"


def test_the_login_page_can_never_be_framed_not_even_for_web_message(service: Service) -> None:
    shown = service.authorize(response_mode="web_message")

    assert kind(shown) == "login"
    assert "frame-ancestors 'none'" in shown.headers["content-security-policy"].split("; ")


@pytest.mark.parametrize("mode", ["fragment", "QUERY", "query.jwt", "web_message form_post"])
def test_other_response_modes_are_refused_in_the_query(service: Service, mode: str) -> None:
    assert answered(service.authorize(response_mode=mode))["error"] == "invalid_request"


# ---- prompt, max_age, hints


def test_a_person_without_a_session_is_asked_to_log_in(service: Service) -> None:
    shown = service.authorize()

    assert (shown.status, kind(shown)) == (200, "login")
    assert SPA.name in read(shown).text


def test_a_person_with_a_session_is_sent_on_at_once(service: Service) -> None:
    service.log_in()

    assert "code" in answered(service.authorize())


def test_prompt_none_shows_no_page(service: Service) -> None:
    assert answered(service.authorize(prompt="none"))["error"] == "login_required"

    service.log_in()

    assert "code" in answered(service.authorize(prompt="none"))


def test_prompt_none_without_consent_is_refused(service: Service) -> None:
    service.log_in()

    assert answered(service.authorize(THIRD_PARTY, prompt="none"))["error"] == "consent_required"


@pytest.mark.parametrize("prompt", ["none login", "none consent", "login none", "create", "NONE", "login,consent"])
def test_prompts_that_contradict_or_that_nobody_knows_are_refused(service: Service, prompt: str) -> None:
    service.log_in()

    assert answered(service.authorize(prompt=prompt))["error"] == "invalid_request"


def test_prompt_login_asks_a_person_who_is_logged_in_again(service: Service) -> None:
    service.log_in()
    service.wait(30)

    shown = service.authorize(prompt="login")
    code = answered(sign_in(service, shown, ALICE.email))["code"]

    assert kind(shown) == "login"
    assert claims_of(tokens(service.exchange(code))["id_token"])["auth_time"] == service.now


def test_prompt_login_with_a_consent_page_behind_it_asks_once(service: Service) -> None:
    service.log_in()
    service.wait(DAY)

    shown = service.authorize(THIRD_PARTY, prompt="login consent")
    consent = sign_in(service, shown, ALICE.email)
    service.wait(lifetimes.FRESH_LOGIN)

    assert (kind(shown), kind(consent)) == ("login", "consent")
    assert "code" in answered(submit(service, consent, decision="allow"))


def test_a_consent_page_that_was_left_open_does_not_stand_for_the_login_that_was_asked_for(service: Service) -> None:
    consent = service.log_in(THIRD_PARTY, prompt="login")
    service.wait(lifetimes.FRESH_LOGIN + 1)

    assert kind(submit(service, consent, decision="allow")) == "login"
    assert not service.items("CodesTable")


def test_prompt_consent_asks_for_what_needs_no_asking(service: Service) -> None:
    shown = service.log_in(prompt="consent")

    assert kind(shown) == "consent"
    assert "code" in answered(submit(service, shown, decision="allow"))
    assert kind(service.authorize(prompt="consent")) == "consent"


def test_select_account_offers_the_account_that_is_there(service: Service) -> None:
    service.log_in()

    shown = service.authorize(prompt="select_account")
    chooser = read(shown).forms[0]

    assert ALICE.email in read(shown).text
    assert chooser.buttons == [("action", "continue")]
    assert "code" in answered(service.send("POST", "/login", {**chooser.fields, "action": "continue"}))


def test_select_account_lets_another_one_in(service: Service) -> None:
    service.log_in()
    (alices,) = service.items("SessionsTable")

    answer = answered(sign_in(service, service.authorize(prompt="select_account"), BOB.email))

    assert claims_of(tokens(service.exchange(answer["code"]))["id_token"])["sub"] == BOB.user_id
    (bobs,) = service.items("SessionsTable")
    assert bobs["user_id"]["S"] == BOB.user_id != alices["user_id"]["S"]


@pytest.mark.parametrize("changes", [{"prompt": "login"}, {"max_age": "60"}, {"prompt": "select_account login"}])
def test_the_choosers_button_does_not_stand_for_a_login(service: Service, changes: dict[str, str]) -> None:
    service.log_in()
    service.wait(61)
    form = {"request": urlencode(authorization_request(SPA, **changes)), "csrf": service.csrf, "action": "continue"}

    assert kind(service.send("POST", "/login", form)) == "login"


def test_the_choosers_button_without_a_session_leads_to_the_login_page(service: Service) -> None:
    service.log_in()
    shown = service.authorize(prompt="select_account")
    del service.cookies[SESSION]
    chooser = read(shown).forms[0]

    assert kind(service.send("POST", "/login", {**chooser.fields, "action": "continue"})) == "login"


@pytest.mark.parametrize(("age", "max_age", "expected"), [(60, 60, "redirect"), (61, 60, "login"), (1, 0, "login")])
def test_max_age_asks_for_a_login_that_is_no_older(service: Service, age: int, max_age: int, expected: str) -> None:
    service.log_in()
    service.wait(age)

    assert kind(service.authorize(max_age=str(max_age))) == expected


def test_the_log_tells_a_silent_authentication_from_a_login(service: Service) -> None:
    service.log_in()
    service.authorize(prompt="none")
    service.wait(1)
    service.authorize(prompt="none", max_age="0")
    service.authorize(audience="https://nowhere.example/")

    assert service.events.types == ["s", "ssa", "fsa", "f"]


def test_max_age_with_prompt_none_is_refused_when_the_login_is_older(service: Service) -> None:
    service.log_in()
    service.wait(61)

    assert answered(service.authorize(max_age="60", prompt="none"))["error"] == "login_required"


def test_max_age_zero_is_met_by_the_login_it_asks_for(service: Service) -> None:
    service.log_in()
    service.wait(5)

    assert "code" in answered(sign_in(service, service.authorize(max_age="0"), ALICE.email))


@pytest.mark.parametrize("max_age", ["-1", "1.5", "ten", "2147483648", "9" * 5000, "1_0", "१", "0x10"])
def test_a_max_age_that_is_no_number_of_seconds_is_refused(service: Service, max_age: str) -> None:
    assert answered(service.authorize(max_age=max_age))["error"] == "invalid_request"


def test_login_hint_fills_the_address_in(service: Service) -> None:
    hint = '"><script>alert(1)</script>@example.com'

    assert read(service.authorize(login_hint=hint)).forms[0].fields["email"] == hint


@pytest.mark.parametrize(
    ("ui_locales", "accept_language", "expected"),
    [
        ("de", "en", "de"),
        ("xx de-CH", "en", "de"),
        (None, "de;q=0.9, en;q=0.1", "de"),
        ("xx", "xx", "en"),
        (None, "", "en"),
    ],
)
def test_pages_speak_the_language_that_was_asked_for(
    service: Service, ui_locales: str | None, accept_language: str, expected: str
) -> None:
    query = authorization_request(SPA, ui_locales=ui_locales)

    shown = service.send("GET", "/authorize", query=query, headers={"Accept-Language": accept_language})

    assert read(shown).language == expected


def test_a_native_application_gets_no_answer_that_nobody_sees(service: Service) -> None:
    """RFC 8252 §8.6: any program on the device may ask in its name and take its port or scheme."""
    service.log_in()

    shown = service.authorize(NATIVE)
    chooser = read(shown).forms[0]

    assert chooser.buttons == [("action", "continue")]
    assert answered(service.authorize(NATIVE, prompt="none"))["error"] == "interaction_required"
    assert "code" in answered(service.send("POST", "/login", {**chooser.fields, "action": "continue"}))


# ---- Sessions


def test_an_idle_session_ends(service: Service) -> None:
    set_tenant(service, idle_session_lifetime=60 * MINUTE)
    service.log_in()
    for _ in range(3):
        service.wait(60 * MINUTE - 1)
        assert "code" in answered(service.authorize(prompt="none"))

    service.wait(60 * MINUTE)

    assert kind(service.authorize()) == "login"


def test_no_use_makes_a_session_outlive_its_absolute_lifetime(service: Service) -> None:
    set_tenant(service, session_lifetime=3 * DAY, idle_session_lifetime=2 * DAY)
    service.log_in()
    service.wait(2 * DAY - 1)
    assert "code" in answered(service.authorize(prompt="none"))
    service.wait(DAY)
    assert "code" in answered(service.authorize(prompt="none"))

    service.wait(1)

    assert kind(service.authorize()) == "login"


@pytest.mark.parametrize("setting", ["session_lifetime", "idle_session_lifetime"])
def test_a_shorter_session_lifetime_acts_at_once_and_a_longer_one_revives_nothing(
    service: Service, setting: str
) -> None:
    set_tenant(service, **{setting: DAY})
    service.log_in()
    service.wait(MINUTE)
    set_tenant(service, **{setting: MINUTE})
    assert kind(service.authorize()) == "login"

    set_tenant(service, **{setting: 7 * DAY})
    service.wait(DAY)

    assert kind(service.authorize()) == "login"


@pytest.mark.parametrize("end", [raise_epoch, block, delete_user])
def test_a_session_ends_with_its_users_logins(service: Service, end: object) -> None:
    service.log_in()
    assert callable(end)
    end(service)

    assert kind(service.authorize()) == "login"
    assert answered(service.authorize(prompt="none"))["error"] == "login_required"


def test_nothing_but_the_exact_session_cookie_opens_a_session(service: Service) -> None:
    service.log_in()
    good = service.cookies[SESSION]
    user_key, session_id, secret = good.split(".")
    service.send("GET", "/v2/logout", query={"client_id": "spa", "returnTo": "https://app.example/"})
    service.log_in(email=BOB.email)
    bobs_key, bobs_id, bobs_secret = service.cookies[SESSION].split(".")
    flipped = ("B" if bobs_secret[0] == "A" else "A") + bobs_secret[1:]
    forgeries = [
        good,  # ended by the logout
        f"{bobs_key}.{bobs_id}.{secret}",
        f"{bobs_key}.{bobs_id}.{flipped}",
        f"{bobs_key}.{bobs_id}.{bobs_secret}=",
        f"{bobs_key}.{bobs_id}.{bobs_secret}.",
        f"{bobs_key}.{bobs_id}.{bobs_secret}A",
        f"{bobs_key}.{bobs_id}.",
        f"{bobs_key}.{bobs_id}",
        f"{user_key}.{bobs_id}.{bobs_secret}",
        f"{bobs_key}.{session_id}.{bobs_secret}",
        f'"{bobs_key}.{bobs_id}.{bobs_secret}"',
        "",
        "..",
        "é",
    ]

    for forgery in forgeries:
        service.cookies[SESSION] = forgery
        assert answered(service.authorize(prompt="none"))["error"] == "login_required", forgery

    service.cookies[SESSION] = f"{bobs_key}.{bobs_id}.{bobs_secret}"
    assert "code" in answered(service.authorize(prompt="none"))


def test_an_application_that_takes_part_in_a_session_is_noted_once(service: Service) -> None:
    service.log_in()

    with store_calls(service) as calls:
        service.authorize(prompt="none")

    assert "UpdateItem" not in calls, "the code is what is written"


def test_the_store_holds_no_code_no_session_secret_and_no_token(service: Service) -> None:
    """Nothing in the tables can be presented."""
    code = service.code()
    document = tokens(service.exchange(code))
    secrets = [code, service.cookies[SESSION].split(".")[2], document["refresh_token"], document["access_token"]]

    stored = repr(service.contents())

    assert not [secret for secret in secrets if secret in stored]


def test_a_query_that_is_no_query_gets_an_error_page(service: Service) -> None:
    response = service.send("GET", "/authorize", query="client_id=spa&client_id=web&redirect_uri=" + quote(CALLBACK))

    assert (response.status, kind(response)) == (400, "invalid_request")
