"""`/oauth/token`: a code becomes tokens, once, for the application it was made for."""

import dataclasses
import json
import re
from urllib.parse import quote_plus

import jwt
import pytest

from heirloom.domain.application import Application, AuthenticationMethod, secret_digest
from heirloom.domain.resource_server import ResourceServer, TokenDialect
from heirloom.http import Response
from tests.endpoints.hands import api_lookups, basic, declare, declare_api, raise_epoch, set_tenant
from tests.faults import BEFORE, FAULTS, Steps, unavailable
from tests.service import (
    ALICE,
    API,
    CALLBACK,
    ISSUER,
    NATIVE,
    ORIGIN,
    SECRET,
    SPA,
    THIRD_PARTY,
    VERIFIER,
    WEB,
    Service,
    claims_of,
    refusal,
    rsa_key,
    tokens,
)

INVALID_GRANT = (400, "invalid_grant")
OPTIONAL_PKCE = dataclasses.replace(WEB, require_proof_key=False)
AWKWARD_SECRET = "a+b%41 c:d&ä="


def form_of(code: str, application: Application = SPA) -> dict[str, str]:
    """The parameters of a code exchange, without client authentication."""
    return {
        "grant_type": "authorization_code",
        "client_id": application.client_id,
        "code": code,
        "redirect_uri": CALLBACK,
        "code_verifier": VERIFIER,
    }


def description_of(response: Response) -> str:
    """What a refusal says to the application's developer."""
    return str(json.loads(response.body)["error_description"])


# ---- The answer


def test_the_answer_has_what_client_libraries_need(service: Service) -> None:
    """RFC 6749 §5.1."""
    response = service.exchange(service.code())
    document = json.loads(response.body)

    assert response.status == 200
    assert response.headers["content-type"] == "application/json"
    assert (response.headers["cache-control"], response.headers["pragma"]) == ("no-store", "no-cache")
    assert document.keys() == {"access_token", "token_type", "expires_in", "scope", "id_token", "refresh_token"}
    assert (document["token_type"], document["expires_in"]) == ("Bearer", 86400)
    assert document["scope"] == "openid email offline_access profile read:notes"
    assert re.fullmatch(r"hrt_[A-Za-z0-9_-]{104}", document["refresh_token"])


def test_an_access_token_in_auth0s_profile(service: Service) -> None:
    """`aud` is an array with userinfo when both `openid` and an API were asked for."""
    token = service.login_tokens()["access_token"]
    claims = claims_of(token)

    assert jwt.get_unverified_header(token) == {"alg": "RS256", "typ": "JWT", "kid": "test-key"}
    assert len(claims.pop("jti")) == 22, "sixteen bytes"
    assert claims.pop("family_id")
    assert claims == {
        "iss": ISSUER,
        "sub": ALICE.user_id,
        "aud": [API, f"{ISSUER}userinfo"],
        "iat": service.now,
        "exp": service.now + 86400,
        "scope": "openid email offline_access profile read:notes",
        "azp": SPA.client_id,
    }


def test_an_access_token_in_the_profile_of_rfc_9068(service: Service) -> None:
    """RFC 9068 §2.1 and §2.2: type `at+jwt`, and the client is called `client_id`."""
    declare_api(service, API, token_dialect=TokenDialect.RFC9068, token_lifetime=600)
    document = service.login_tokens(scope="read:notes")
    claims = claims_of(document["access_token"])

    assert jwt.get_unverified_header(document["access_token"])["typ"] == "at+jwt"
    assert document["expires_in"] == claims["exp"] - claims["iat"] == 600
    assert claims["aud"] == API
    assert (claims["client_id"], claims["auth_time"]) == (SPA.client_id, service.now)
    assert {"iss", "exp", "aud", "sub", "client_id", "iat", "jti"} <= claims.keys()
    assert "azp" not in claims


def test_a_persons_token_is_never_one_of_the_management_api(service: Service) -> None:
    """Not even where the tenant has an API of that name."""
    name = f"{ISSUER}api/v2/"
    service.configuration.apis[name] = ResourceServer(name, "Another", {"read:all": "Read all"}, token_lifetime=600)

    assert service.login_tokens(audience=name, scope="read:all")["expires_in"] == 600


def test_an_id_token_says_who_logged_in_when_and_where(service: Service) -> None:
    """OpenID Connect Core §2: `aud` one string, no `azp`, times as JSON integers."""
    code = service.code()
    service.wait(2.9)
    token = tokens(service.exchange(code))["id_token"]
    claims = claims_of(token)
    (session,) = service.items("SessionsTable")

    assert jwt.get_unverified_header(token) == {"alg": "RS256", "typ": "JWT", "kid": "test-key"}
    assert claims == {
        "iss": ISSUER,
        "sub": ALICE.user_id,
        "aud": SPA.client_id,
        "iat": service.now,
        "exp": service.now + 36000,
        "auth_time": service.now - 2,
        "nonce": "some nonce",
        "sid": session["session_id"]["S"],
        "name": "Alice",
        "nickname": "alice",
        "email": ALICE.email,
        "email_verified": True,
    }


def test_tokens_are_signed_with_the_published_key(service: Service) -> None:
    document = service.login_tokens()

    for name in ("access_token", "id_token"):
        assert jwt.PyJWS().decode(document[name], rsa_key().public_key(), ["RS256"])


def test_without_openid_there_is_no_id_token_and_the_audience_is_the_api_alone(service: Service) -> None:
    document = service.login_tokens(scope="read:notes")

    assert document.keys() == {"access_token", "token_type", "expires_in", "scope"}
    assert claims_of(document["access_token"])["aud"] == API


def test_the_claims_about_a_person_follow_the_scope(service: Service) -> None:
    claims = claims_of(service.login_tokens(scope="openid email")["id_token"])

    assert claims["email"] == ALICE.email
    assert "name" not in claims


def test_no_refresh_token_without_offline_access(service: Service) -> None:
    assert "refresh_token" not in service.login_tokens(scope="openid")
    assert not service.items("FamiliesTable")


def test_a_browser_gets_no_refresh_token_that_does_not_rotate(service: Service) -> None:
    """It is recognised by its `Origin`; the scope shows it and an event says why."""
    service.set_policy(rotating=False)
    code = service.code()

    document = tokens(service.send("POST", "/oauth/token", form_of(code), {"Origin": ORIGIN}))

    assert "refresh_token" not in document
    assert document["scope"] == "openid email profile read:notes"
    assert service.events[-2].type == "w"


@pytest.mark.parametrize(
    ("rotating", "scope"),
    [(True, "openid offline_access"), (False, "openid")],
    ids=["it rotates", "none was asked for"],
)
def test_a_browser_of_which_nothing_is_kept_back_raises_no_warning(
    service: Service, scope: str, *, rotating: bool
) -> None:
    service.set_policy(rotating=rotating)
    code = service.code(scope=scope)

    document = tokens(service.send("POST", "/oauth/token", form_of(code), {"Origin": ORIGIN}))

    assert ("refresh_token" in document) is rotating
    assert service.events.types == ["s", "seacft"]


def test_a_server_gets_a_refresh_token_that_does_not_rotate(service: Service) -> None:
    service.set_policy(rotating=False)

    assert "refresh_token" in service.login_tokens()


@pytest.mark.parametrize(
    "content_type", ["application/json", "Application/JSON; charset=utf-8", "application/json ;charset=UTF-8"]
)
def test_json_is_as_good_as_a_form(service: Service, content_type: str) -> None:
    body = json.dumps(form_of(service.code()) | {"redirect_uri": CALLBACK, "client_secret": "", "audience": None})

    response = service.send("POST", "/oauth/token", headers={"Content-Type": content_type}, body=body.encode())

    assert response.status == 200


def test_a_forms_content_type_may_name_a_charset_and_unknown_parameters_are_ignored(service: Service) -> None:
    headers = {"Content-Type": "Application/X-WWW-Form-Urlencoded;charset=UTF-8", "Auth0-Client": "eyJ9"}

    assert service.send("POST", "/oauth/token", form_of(service.code()) | {"max_age": "600"}, headers).status == 200


# ---- Once, in time, and for whom


def test_a_code_lives_for_less_than_a_minute(service: Service) -> None:
    code, late = service.code(), service.code(prompt="login")
    service.wait(59)
    assert service.exchange(code).status == 200

    service.wait(1)

    assert refusal(service.exchange(late)) == INVALID_GRANT


def test_a_second_use_at_once_is_refused_and_harms_nothing(service: Service) -> None:
    """Browsers and SDKs repeat a request; within ten seconds that is no theft."""
    code = service.code()
    token = tokens(service.exchange(code))["refresh_token"]
    service.wait(10)

    assert refusal(service.exchange(code)) == INVALID_GRANT
    assert service.refresh(token).status == 200


@pytest.mark.parametrize("later", [11, 59])
def test_a_second_use_later_revokes_what_the_first_one_got(service: Service, later: int) -> None:
    """RFC 6749 §4.1.2: "SHOULD revoke (when possible) all tokens previously issued based on" it."""
    code = service.code()
    token = tokens(service.exchange(code))["refresh_token"]
    service.wait(later)

    assert refusal(service.exchange(code)) == INVALID_GRANT
    assert refusal(service.refresh(token)) == INVALID_GRANT
    assert [item["revoked_because"]["S"] for item in service.items("FamiliesTable")] == ["code_reuse"]
    [revoked] = [event for event in service.events if event.type == "srrt"]
    assert (revoked.reason, revoked.user_id) == ("code_reuse", "auth0|alice")
    [refused] = [event for event in service.events if event.type == "feacft"]
    assert (refused.details["revoked"], refused.details["familyId"]) == (True, revoked.details["familyId"])
    assert "tokenCounter" not in revoked.details, "no token was presented"


@pytest.mark.parametrize("later", [60, 3600])
def test_a_second_use_of_an_expired_code_harms_nothing(service: Service, later: int) -> None:
    """Browsers keep callbacks in their history: opened again, one is refused and logs nobody out."""
    code = service.code()
    token = tokens(service.exchange(code))["refresh_token"]
    service.wait(later)

    assert refusal(service.exchange(code)) == INVALID_GRANT
    assert service.refresh(token).status == 200


@pytest.mark.parametrize("marked", ["tenant", "application"])
def test_a_login_from_before_the_mark_of_mass_revocation_gets_nothing(service: Service, marked: str) -> None:
    code = service.code()
    service.wait(1)
    if marked == "tenant":
        set_tenant(service, not_before=service.now)
    else:
        declare(service, SPA, not_before=service.now)

    assert refusal(service.exchange(code)) == INVALID_GRANT
    assert service.items("FamiliesTable") == []


@pytest.mark.parametrize(
    ("application", "changes"),
    [
        pytest.param(NATIVE, {"redirect_uri": CALLBACK}, id="a foreign client"),
        pytest.param(WEB, {}, id="a foreign confidential client"),
        pytest.param(SPA, {"code_verifier": "w" * 43}, id="a wrong verifier"),
        pytest.param(SPA, {"code_verifier": None}, id="no verifier"),
        pytest.param(SPA, {"redirect_uri": "https://app.example/other"}, id="another redirect_uri"),
        pytest.param(SPA, {"redirect_uri": None}, id="no redirect_uri"),
    ],
)
@pytest.mark.parametrize("used", [False, True], ids=["fresh", "used"])
def test_whoever_lacks_what_the_code_is_bound_to_changes_nothing(
    service: Service, application: Application, changes: dict[str, str | None], *, used: bool
) -> None:
    """Also a second use, long after the first: a stranger can neither use a code up nor kill a family with it."""
    code = service.code()
    if used:
        service.exchange(code)
        service.wait(30)
    before = service.contents()

    assert refusal(service.exchange(code, application, **changes)) == INVALID_GRANT
    assert service.contents() == before
    if not used:
        assert service.exchange(code).status == 200


@pytest.mark.parametrize(
    "verifier", ["v" * 42, "v" * 129, "v" * 42 + "ä", "v" * 42 + "+", "v" * 42 + " ", "v" * 43 + "\n"]
)
def test_a_verifier_that_rfc_7636_does_not_know_is_refused(service: Service, verifier: str) -> None:
    response = service.exchange(service.code(), code_verifier=verifier)

    assert refusal(response) == INVALID_GRANT
    assert description_of(response) == "Failed to verify code verifier"


def test_a_verifier_without_a_challenge_is_refused(service: Service) -> None:
    """RFC 9700 §4.8.2: an attacker who took the challenge out of the request must not get further."""
    service.declare(OPTIONAL_PKCE)
    code = service.code(OPTIONAL_PKCE, code_challenge=None, code_challenge_method=None)

    assert refusal(service.exchange(code, OPTIONAL_PKCE)) == INVALID_GRANT
    assert service.exchange(code, OPTIONAL_PKCE, code_verifier=None).status == 200


def test_a_challenge_without_a_verifier_is_refused_also_where_the_challenge_was_optional(service: Service) -> None:
    service.declare(OPTIONAL_PKCE)
    code = service.code(OPTIONAL_PKCE)

    assert refusal(service.exchange(code, OPTIONAL_PKCE, code_verifier=None)) == INVALID_GRANT


@pytest.mark.parametrize("code", ["x", "A" * 43, "é", "\x00", "x" * 20000])
def test_a_code_that_never_was_is_refused_like_one_that_was(service: Service, code: str) -> None:
    used = service.code()
    service.exchange(used)

    assert service.exchange(code).body == service.exchange(used).body


def test_a_code_does_not_outlive_the_login_that_made_it(service: Service) -> None:
    """The login transaction holds the user's epoch."""
    code = service.code()
    raise_epoch(service)
    before = service.contents()

    assert refusal(service.exchange(code)) == INVALID_GRANT
    assert service.contents() == before
    assert service.events[-1].reason == "the login was ended meanwhile"


def test_of_two_exchanges_at_once_the_second_hears_what_it_would_have_heard_later(service: Service) -> None:
    """The first one ends right before the transaction of the other, which had found the code unused."""
    code = service.code()
    answers: list[Response] = []
    with Steps.of(service.client) as steps:
        steps.interpose(BEFORE, lambda: answers.append(service.exchange(code)), calls=range(1, 2))
        assert refusal(service.exchange(code)) == INVALID_GRANT

    assert service.events[-1].reason == "used code"
    [first] = answers
    assert service.refresh(tokens(first)["refresh_token"]).status == 200, "at once, so it harms nothing"


def test_a_login_for_userinfo_alone_looks_up_no_api(service: Service) -> None:
    code = service.code(scope="openid", audience=None)

    with api_lookups(service) as asked:
        tokens(service.exchange(code))

    assert asked == []


def test_a_code_of_a_login_after_the_epoch_was_raised_is_good(service: Service) -> None:
    raise_epoch(service)
    code = service.code()

    assert service.exchange(code).status == 200


def test_no_token_is_made_for_an_api_that_is_gone(service: Service) -> None:
    code = service.code()
    del service.configuration.apis[API]

    response = service.exchange(code)

    assert refusal(response) == INVALID_GRANT
    assert description_of(response) == "Invalid authorization code"


# ---- Who asks


def test_a_confidential_client_may_send_its_secret_in_the_body_or_in_a_header(service: Service) -> None:
    body = service.exchange(service.code(WEB), WEB)
    form = form_of(service.code(WEB, prompt="login"), WEB)
    header = service.send("POST", "/oauth/token", form, basic(WEB.client_id, SECRET))
    del form["client_id"]
    alone = service.send(
        "POST", "/oauth/token", form | {"code": service.code(WEB, prompt="login")}, basic(WEB.client_id, SECRET)
    )

    assert [response.status for response in (body, header, alone)] == [200, 200, 200]


@pytest.mark.parametrize(
    "credentials",
    [
        basic("web", AWKWARD_SECRET),
        basic(quote_plus("web"), quote_plus(AWKWARD_SECRET)),
        basic("%77eb", AWKWARD_SECRET),
    ],
    ids=["raw", "percent-encoded", "client_id percent-encoded alone"],
)
def test_a_basic_header_is_read_raw_and_percent_encoded(service: Service, credentials: dict[str, str]) -> None:
    """RFC 6749 §2.3.1 encodes both parts, and half of the libraries do not."""
    declare(service, WEB, secret_digest=secret_digest(AWKWARD_SECRET))
    code = service.code(WEB)

    assert service.send("POST", "/oauth/token", form_of(code, WEB), credentials).status == 200


def test_a_scheme_is_written_in_any_case(service: Service) -> None:
    (credentials,) = basic(WEB.client_id, SECRET).values()
    header = {"Authorization": credentials.replace("Basic", "bASIC")}

    assert service.send("POST", "/oauth/token", form_of(service.code(WEB), WEB), header).status == 200


@pytest.mark.parametrize(
    ("application", "secret", "headers"),
    [
        pytest.param(WEB, None, {}, id="missing"),
        pytest.param(WEB, "", {}, id="empty"),
        pytest.param(WEB, "wrong", {}, id="wrong"),
        pytest.param(WEB, SECRET[:-1], {}, id="truncated"),
        pytest.param(WEB, None, basic("web", "wrong"), id="wrong in a header"),
        pytest.param(WEB, None, basic("web", ""), id="empty in a header"),
        pytest.param(WEB, None, basic("spa", SECRET), id="another client in the header"),
        pytest.param(SPA, "anything", {}, id="a public client with a secret"),
        pytest.param(SPA, None, basic("spa", "anything"), id="a public client with a secret in a header"),
        pytest.param(dataclasses.replace(SPA, client_id="nobody"), None, {}, id="unknown"),
        pytest.param(
            dataclasses.replace(SPA, client_id="nobody"), None, basic("nobody", "x"), id="unknown in a header"
        ),
    ],
)
def test_a_client_that_does_not_prove_who_it_is_hears_one_text_and_changes_nothing(
    service: Service, application: Application, secret: str | None, headers: dict[str, str]
) -> None:
    """RFC 6749 §5.2; `WWW-Authenticate` only where a header was tried: libraries hide the body when they see it."""
    code = service.code(WEB)
    before = service.contents()
    form = form_of(code, application) | ({} if secret is None else {"client_secret": secret})

    response = service.send("POST", "/oauth/token", form, headers)

    assert (refusal(response), description_of(response)) == ((401, "invalid_client"), "Client authentication failed")
    assert ("www-authenticate" in response.headers) == bool(headers)
    assert service.contents() == before


def test_a_client_must_not_authenticate_twice(service: Service) -> None:
    """RFC 6749 §2.3: "MUST NOT use more than one authentication method in each request"."""
    form = form_of(service.code(WEB), WEB) | {"client_secret": SECRET}

    assert refusal(service.send("POST", "/oauth/token", form, basic("web", SECRET))) == (400, "invalid_request")


def test_a_confidential_client_without_a_stored_secret_lets_nobody_in(service: Service) -> None:
    declare(service, WEB, secret_digest=None)
    code = service.code(WEB)

    for secret in (SECRET, "", "None"):
        assert refusal(service.exchange(code, WEB, client_secret=secret)) == (401, "invalid_client")


def test_a_method_that_is_registered_otherwise_is_taken_as_well(service: Service) -> None:
    declare(service, WEB, token_endpoint_auth_method=AuthenticationMethod.CLIENT_SECRET_BASIC)

    assert service.exchange(service.code(WEB), WEB).status == 200


def test_an_application_without_the_grant_is_refused_and_keeps_its_code(service: Service) -> None:
    code = service.code()
    declare(service, SPA, grant_types=frozenset({"refresh_token"}))

    assert refusal(service.exchange(code)) == (400, "unauthorized_client")

    service.declare(SPA)
    assert service.exchange(code).status == 200


@pytest.mark.parametrize(
    "grant_type",
    ["password", "urn:ietf:params:oauth:grant-type:saml2-bearer", "implicit", "Authorization_Code", "x" * 5000],
)
def test_other_grants_are_not_offered(service: Service, grant_type: str) -> None:
    assert refusal(service.exchange(service.code(), grant_type=grant_type)) == (400, "unsupported_grant_type")


def test_a_code_of_one_public_client_is_worth_nothing_to_another(service: Service) -> None:
    """Also where both have one redirect URI, and the thief has the verifier."""
    code = service.code()

    assert refusal(service.exchange(code, THIRD_PARTY)) == INVALID_GRANT
    assert service.exchange(code).status == 200


def test_exchanges_and_refusals_are_recorded(service: Service) -> None:
    code = service.code()
    service.exchange(code)
    service.exchange(code)

    assert service.events.types == ["s", "seacft", "feacft"]
    assert [event.reason for event in service.events][-1] == "used code"


def test_a_fault_is_recorded_as_one(service: Service) -> None:
    code = service.code()
    with Steps.of(service.client) as steps:
        steps.fail(BEFORE, FAULTS["unreachable"])
        assert unavailable(service.exchange(code))

    assert service.events[-1].alarm == "Fault"
