"""What an authorization request must say, and where its answer may go."""

from collections.abc import Mapping
from dataclasses import replace

import pytest

from heirloom.domain import authorization
from heirloom.domain.application import Application, ApplicationType, AuthenticationMethod, GrantType
from heirloom.domain.authorization import (
    LONGEST_MAX_AGE,
    LONGEST_NONCE,
    LONGEST_STATE,
    AuthorizationRequest,
    AuthorizationResponse,
    Prompt,
    ReplyTo,
    ResponseMode,
    UnknownRedirectUri,
)
from heirloom.domain.claims_request import ClaimsRequest
from heirloom.domain.errors import (
    AccessDenied,
    InvalidRequest,
    InvalidScope,
    InvalidTarget,
    OAuthError,
    RegistrationNotSupported,
    RequestNotSupported,
    RequestUriNotSupported,
    UnauthorizedClient,
    UnsupportedResponseType,
)

CALLBACK = "https://app.example/callback"
CHALLENGE = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM"  # RFC 7636 Appendix B
SPA = Application(
    "spa",
    "App",
    ApplicationType.SINGLE_PAGE,
    AuthenticationMethod.NONE,
    callbacks=frozenset({CALLBACK, "https://other.example/callback"}),
    web_origins=frozenset({"https://app.example"}),
)
SERVER = replace(SPA, token_endpoint_auth_method=AuthenticationMethod.CLIENT_SECRET_POST, require_proof_key=False)
NATIVE = replace(SPA, app_type=ApplicationType.NATIVE)
REPLY = ReplyTo(CALLBACK, ResponseMode.QUERY, "s")
LEAST = {
    "response_type": "code",
    "redirect_uri": CALLBACK,
    "code_challenge": CHALLENGE,
    "code_challenge_method": "S256",
}


def parsed(parameters: Mapping[str, str], application: Application = SPA) -> AuthorizationRequest:
    """The request of a browser that sends these and what no request can do without."""
    return authorization.parse({**LEAST, **parameters}, application, REPLY)


def test_the_least_that_a_request_says() -> None:
    assert parsed({}) == AuthorizationRequest(reply_to=REPLY, scope=frozenset(), challenge=CHALLENGE)


def test_all_that_a_request_can_say() -> None:
    everything = {
        "scope": "openid read",
        "audience": "https://api.example/",
        "nonce": "n",
        "prompt": "login consent",
        "max_age": "0",
        "login_hint": "alice@example.com",
        "dpop_jkt": CHALLENGE.swapcase(),
        "claims": '{"userinfo": {"name": null}}',
    }

    assert parsed(everything) == AuthorizationRequest(
        reply_to=REPLY,
        scope=frozenset({"openid", "read"}),
        audience="https://api.example/",
        challenge=CHALLENGE,
        nonce="n",
        prompt=frozenset({Prompt.LOGIN, Prompt.CONSENT}),
        max_age=0,
        login_hint="alice@example.com",
        key_thumbprint=CHALLENGE.swapcase(),
        claims=ClaimsRequest(userinfo=frozenset({"name"})),
    )


@pytest.mark.parametrize(
    ("parameters", "refusal"),
    [
        ({"request": ""}, RequestNotSupported),
        ({"request_uri": ""}, RequestUriNotSupported),
        ({"registration": ""}, RegistrationNotSupported),
        ({"response_type": "token"}, UnsupportedResponseType),
        ({"response_type": "code id_token"}, UnsupportedResponseType),
        ({"response_type": ""}, UnsupportedResponseType),
        ({"response_mode": "fragment"}, InvalidRequest),
        ({"response_mode": ""}, InvalidRequest),
        ({"code_challenge_method": "plain"}, InvalidRequest),
        ({"scope": "\\"}, InvalidScope),
        ({"resource": "api"}, InvalidTarget),
        ({"dpop_jkt": "x"}, InvalidRequest),
        ({"claims": "x"}, InvalidRequest),
    ],
)
def test_what_is_not_offered_or_malformed_is_refused(parameters: Mapping[str, str], refusal: type[OAuthError]) -> None:
    with pytest.raises(OAuthError) as refused:
        parsed(parameters)

    assert type(refused.value) is refusal


def test_a_request_without_a_response_type_is_told_what_is_missing() -> None:
    with pytest.raises(InvalidRequest, match="Missing required parameter: response_type"):
        authorization.parse({"code_challenge": CHALLENGE, "code_challenge_method": "S256"}, SPA, REPLY)


def test_an_application_without_the_grant_gets_no_code() -> None:
    without = replace(SPA, grant_types=frozenset({GrantType.REFRESH_TOKEN}))

    with pytest.raises(UnauthorizedClient, match="authorization_code"):
        parsed({}, without)


def test_a_public_client_needs_a_challenge_and_a_server_may_do_without() -> None:
    without = {name: value for name, value in LEAST.items() if not name.startswith("code_challenge")}

    with pytest.raises(InvalidRequest):
        authorization.parse(without, SPA, REPLY)
    assert authorization.parse(without, SERVER, REPLY).challenge is None


@pytest.mark.parametrize("state", ["s" * LONGEST_STATE, "é" * (LONGEST_STATE // 6)])
def test_a_state_may_be_as_long_as_its_limit_as_it_stands_in_the_redirect(state: str) -> None:
    parsed({"state": state})
    with pytest.raises(InvalidRequest, match="state"):
        parsed({"state": state + "é"})


def test_a_nonce_may_be_as_long_as_its_limit() -> None:
    assert parsed({"nonce": "n" * LONGEST_NONCE}).nonce == "n" * LONGEST_NONCE
    with pytest.raises(InvalidRequest, match="nonce"):
        parsed({"nonce": "n" * (LONGEST_NONCE + 1)})


@pytest.mark.parametrize(
    ("text", "values"),
    [
        ("", set()),
        (" ", set()),
        ("none", {"none"}),
        ("login  login", {"login"}),
        ("login consent", {"login", "consent"}),
    ],
)
def test_a_prompt_is_a_list(text: str, values: set[str]) -> None:
    prompt = parsed({"prompt": text}).prompt

    assert prompt == values
    assert all(isinstance(value, Prompt) for value in prompt)


@pytest.mark.parametrize("text", ["None", "create", "login create", "none login", "none none consent"])
def test_a_prompt_that_is_unknown_or_contradicts_itself_is_refused(text: str) -> None:
    """OpenID Connect Core §3.1.2.1: `none` with any other value is an error."""
    with pytest.raises(InvalidRequest, match="prompt"):
        parsed({"prompt": text})


@pytest.mark.parametrize("text", ["0", "1", "00000600", str(LONGEST_MAX_AGE)])
def test_a_max_age_is_a_number_of_seconds(text: str) -> None:
    assert parsed({"max_age": text}).max_age == int(text)


@pytest.mark.parametrize(
    "text", ["", "-1", "+1", "1.5", "1e3", " 1", "1_000", "x", "٣", "²", str(LONGEST_MAX_AGE + 1), "0" * 11]
)
def test_a_max_age_that_is_no_number_of_seconds_is_refused(text: str) -> None:
    with pytest.raises(InvalidRequest, match="max_age"):
        parsed({"max_age": text})


def test_of_all_prompts_at_once_the_contradiction_is_what_is_wrong() -> None:
    with pytest.raises(InvalidRequest, match="cannot be combined"):
        parsed({"prompt": " ".join(Prompt)})


def test_a_login_is_good_for_as_long_as_the_request_says() -> None:
    ten_minutes = parsed({"max_age": "600"})

    assert not ten_minutes.login_needed(auth_time=1000, now=1600)
    assert ten_minutes.login_needed(auth_time=1000, now=1601)
    assert not parsed({}).login_needed(auth_time=0, now=2**40)


@pytest.mark.parametrize("uri", [None, "", CALLBACK + "/", "https://evil.example/callback"])
def test_nothing_is_sent_to_an_address_that_is_not_the_applications(uri: str | None) -> None:
    """RFC 6749 §4.1.2.1."""
    parameters = {"state": "s"} | ({} if uri is None else {"redirect_uri": uri})

    with pytest.raises(UnknownRedirectUri, match="redirect_uri is missing or not registered"):
        authorization.reply_to(parameters, SPA)
    with pytest.raises(UnknownRedirectUri, match="redirect_uri is missing or not registered"):
        authorization.reply_to(parameters, NATIVE)


@pytest.mark.parametrize(
    ("mode", "taken_as"),
    [
        (None, ResponseMode.QUERY),
        ("query", ResponseMode.QUERY),
        ("form_post", ResponseMode.FORM_POST),
        ("web_message", ResponseMode.WEB_MESSAGE),
        ("fragment", ResponseMode.QUERY),
    ],
)
def test_the_answer_travels_as_asked_and_an_error_at_least_as_a_query(mode: str | None, taken_as: ResponseMode) -> None:
    parameters = {"redirect_uri": CALLBACK} | ({} if mode is None else {"response_mode": mode})

    assert authorization.reply_to(parameters, SPA) == ReplyTo(CALLBACK, taken_as, None)


def test_a_message_is_posted_to_a_web_origin_alone() -> None:
    elsewhere = {"redirect_uri": "https://other.example/callback"}

    authorization.reply_to(elsewhere, SPA)
    with pytest.raises(UnknownRedirectUri, match="none of the application's web origins"):
        authorization.reply_to({**elsewhere, "response_mode": "web_message"}, SPA)


@pytest.mark.parametrize(
    ("state", "comes_back"),
    [
        ("s", "s"),
        ("", None),
        ("s" * LONGEST_STATE, "s" * LONGEST_STATE),
        ("s" * (LONGEST_STATE + 1), None),
        ("%" * (LONGEST_STATE // 3 + 1), None),
    ],
)
def test_a_state_comes_back_unless_no_answer_could_carry_it(state: str, comes_back: str | None) -> None:
    assert authorization.reply_to({"redirect_uri": CALLBACK, "state": state}, SPA).state == comes_back


def test_an_answer_carries_its_code_or_its_error_and_the_state() -> None:
    with_state, without = REPLY, replace(REPLY, state=None)
    denied = AccessDenied("The person said no", reason="private")
    error = {"error": "access_denied", "error_description": "The person said no"}

    assert AuthorizationResponse.with_code(with_state, "c") == AuthorizationResponse(
        with_state, {"code": "c", "state": "s"}
    )
    assert AuthorizationResponse.with_code(without, "c").parameters == {"code": "c"}
    assert AuthorizationResponse.with_error(with_state, denied).parameters == {**error, "state": "s"}
    assert AuthorizationResponse.with_error(without, denied) == AuthorizationResponse(without, error)


def test_a_code_is_not_in_the_repr() -> None:
    assert "secret" not in repr(AuthorizationResponse.with_code(REPLY, "secret"))
