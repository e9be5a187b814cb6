"""A tenant file means what Auth0's documentation says, or what ours does; what it cannot mean is said, all at once."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from heirloom.domain import lifetimes
from heirloom.domain.application import (
    Application,
    ApplicationType,
    AuthenticationMethod,
    RefreshTokenPolicy,
    Tenant,
    secret_digest,
)
from heirloom.domain.resource_server import ProofRequirement, ResourceServer, TokenDialect
from heirloom.tenant import reading
from heirloom.tenant.reading import Desired
from heirloom.tenant.remarks import Invalid
from tests.tenant.documents import ADA, API, NATIVE, NOTES_API, NOW, SPA, WEB, WHOLE, changed, without

WEB_ONLY = "must use https, or for native applications a private-use scheme such as com.example.app"


def read(document: object) -> Desired:
    return reading.read(document, now=NOW)


def client(**properties: Any) -> Application:
    """The application of a file with this one client."""
    ((_, application),) = (read({"clients": [properties]}).applications or {}).items()
    return application


def problems(document: object) -> list[str]:
    with pytest.raises(Invalid) as refused:
        read(document)
    return [str(remark) for remark in refused.value.remarks]


# ---- What it means


def test_a_single_page_application_gets_the_defaults() -> None:
    assert client(**SPA) == Application(
        client_id="spa",
        name="Notes",
        app_type=ApplicationType.SINGLE_PAGE,
        token_endpoint_auth_method=AuthenticationMethod.NONE,
        callbacks=frozenset({"https://app.example/"}),
        web_origins=frozenset({"https://app.example"}),
    )


def test_a_regular_web_application_proves_itself_with_its_secret() -> None:
    application = client(**WEB)
    assert application.token_endpoint_auth_method is AuthenticationMethod.CLIENT_SECRET_POST
    assert application.secret_digest == secret_digest("s" * 32)
    assert application.proof_key_required


def test_a_native_application_may_have_loopback_and_private_callbacks() -> None:
    assert client(**NATIVE).callbacks == {"http://127.0.0.1/callback", "com.example.notes:/callback"}


def test_every_property_of_a_client_has_its_effect() -> None:
    application = client(
        **WEB
        | {
            "is_first_party": False,
            "oidc_conformant": False,
            "token_endpoint_auth_method": "client_secret_basic",
            "require_proof_key": False,
            "require_proof_of_possession": True,
            "require_pushed_authorization_requests": True,
            "allowed_logout_urls": ["https://web.example/"],
            "oidc_logout": {"backchannel_logout_urls": ["https://web.example/logged-out"]},
            "allowed_origins": ["https://web.example:8443"],
            "web_origins": ["https://web.example"],
            "grant_types": ["authorization_code"],
            "logo_uri": "https://web.example/logo.png",
            "jwt_configuration": {"lifetime_in_seconds": 300, "alg": "RS256"},
            "not_before": NOW,
            "refresh_token": {
                "rotation_type": "non-rotating",
                "expiration_type": "expiring",
                "leeway": 5,
                "token_lifetime": 1000,
                "idle_token_lifetime": 500,
                "revoke_on_logout": True,
            },
        }
    )
    assert application == Application(
        client_id="web",
        name="Notes on the web",
        app_type=ApplicationType.REGULAR_WEB,
        token_endpoint_auth_method=AuthenticationMethod.CLIENT_SECRET_BASIC,
        secret_digest=secret_digest("s" * 32),
        is_first_party=False,
        oidc_conformant=False,
        require_proof_key=False,
        require_proof_of_possession=True,
        require_pushed_authorization_requests=True,
        logo_uri="https://web.example/logo.png",
        callbacks=frozenset({"https://web.example/callback"}),
        allowed_logout_urls=frozenset({"https://web.example/"}),
        backchannel_logout_url="https://web.example/logged-out",
        web_origins=frozenset({"https://web.example"}),
        allowed_origins=frozenset({"https://web.example:8443"}),
        grant_types=frozenset({"authorization_code"}),
        refresh_token=RefreshTokenPolicy(
            rotating=False, leeway=5, absolute_lifetime=1000, idle_lifetime=500, revoke_on_logout=True
        ),
        id_token_lifetime=300,
        not_before=NOW,
    )


@pytest.mark.parametrize(
    ("tokens", "absolute", "idle"),
    [
        ({}, 2_592_000, 2_592_000),
        ({"token_lifetime": 1000}, 1000, 1000),
        ({"token_lifetime": 31_557_600}, 31_557_600, 2_592_000),
        ({"token_lifetime": 1000, "infinite_token_lifetime": True}, None, 2_592_000),
        ({"infinite_token_lifetime": True, "idle_token_lifetime": 31_557_600}, None, 31_557_600),
        ({"infinite_idle_token_lifetime": True}, 2_592_000, None),
        ({"rotation_type": "non-rotating", "expiration_type": "non-expiring"}, None, None),
    ],
)
def test_refresh_tokens_live_as_long_as_the_file_says(
    tokens: dict[str, Any], absolute: int | None, idle: int | None
) -> None:
    policy = client(**WEB | {"refresh_token": tokens}).refresh_token
    assert (policy.absolute_lifetime, policy.idle_lifetime) == (absolute, idle)


@pytest.mark.parametrize(
    ("policy", "required_for"),
    [
        (None, ProofRequirement.NOBODY),
        ({"mechanism": "none", "required": False}, ProofRequirement.NOBODY),
        ({"mechanism": "dpop", "required": False, "required_for": "public_clients"}, ProofRequirement.NOBODY),
        ({"mechanism": "dpop", "required": True}, ProofRequirement.ALL_CLIENTS),
        ({"mechanism": "dpop", "required": True, "required_for": "all_clients"}, ProofRequirement.ALL_CLIENTS),
        ({"mechanism": "dpop", "required": True, "required_for": "public_clients"}, ProofRequirement.PUBLIC_CLIENTS),
    ],
)
def test_an_api_says_whose_tokens_must_be_bound(policy: object, required_for: ProofRequirement) -> None:
    apis = read(changed("resourceServers", 0, "proof_of_possession", to=policy)).resource_servers
    assert apis is not None
    assert apis[API].proof_required_for is required_for


def test_leeway_is_a_minute_by_default() -> None:
    assert client(**SPA).refresh_token.leeway == 60


def test_a_machine_gets_the_grant_that_needs_no_person_and_the_others_the_two_that_do() -> None:
    assert client(**WEB | {"app_type": "non_interactive"}).grant_types == {"client_credentials"}
    assert client(**WEB).grant_types == client(**SPA).grant_types == {"authorization_code", "refresh_token"}


def test_a_client_without_an_id_gets_the_same_one_each_time() -> None:
    nameless = {name: value for name, value in SPA.items() if name != "client_id"}
    assert client(**nameless).client_id == client(**nameless).client_id
    assert client(**nameless).client_id != client(**nameless | {"name": "Other"}).client_id
    assert len(client(**nameless).client_id) == 32


def test_an_api_gets_the_defaults() -> None:
    apis = read({"resourceServers": [{"identifier": API}]}).resource_servers
    assert apis == {API: ResourceServer(API, API)}
    assert apis is not None
    assert apis[API].token_lifetime == 86_400
    assert not apis[API].allow_offline_access


def test_every_property_of_an_api_has_its_effect() -> None:
    api = NOTES_API | {
        "token_lifetime": 600,
        "token_dialect": "rfc9068_profile",
        "signing_alg": "RS256",
        "skip_consent_for_verifiable_first_party_clients": False,
    }
    assert read({"resourceServers": [api]}).resource_servers == {
        API: ResourceServer(
            identifier=API,
            name="Notes API",
            scopes={"read:notes": "Read your notes"},
            allow_offline_access=True,
            token_lifetime=600,
            token_dialect=TokenDialect.RFC9068,
            skip_consent_for_first_party=False,
        )
    }


@pytest.mark.parametrize(
    ("settings", "absolute", "idle"),
    [
        ({}, 7 * 86_400, 3 * 86_400),
        ({"session_lifetime": 24}, 86_400, 86_400),
        ({"session_lifetime": 0.5}, 1800, 1800),
        ({"session_lifetime_in_minutes": 90, "idle_session_lifetime_in_minutes": 10}, 5400, 600),
        ({"session_lifetime": 48, "idle_session_lifetime": 1}, 172_800, 3600),
    ],
)
def test_sessions_are_given_in_hours_or_in_minutes(settings: dict[str, Any], absolute: int, idle: int) -> None:
    tenant = read({"tenant": settings}).tenant
    assert tenant == Tenant(session_lifetime=absolute, idle_session_lifetime=idle)


def test_a_mark_of_mass_revocation_may_be_a_time() -> None:
    moment = datetime.fromtimestamp(NOW - 5, UTC).astimezone(tz=None)
    tenant = read({"tenant": {"not_before": moment}}).tenant
    assert tenant is not None
    assert tenant.not_before == NOW - 5


def test_flags_of_the_tenant_have_their_effect() -> None:
    flags = {"revoke_refresh_token_grant": True, "require_pushed_authorization_requests": True}
    assert read({"tenant": {"flags": flags}}).tenant == Tenant(revocation_ends_grant=True, require_pushed_requests=True)
    assert read({"tenant": {"flags": dict.fromkeys(flags, False)}}).tenant == Tenant()


def test_a_user_has_an_id_an_address_a_password_and_claims() -> None:
    (user,) = read({"users": [ADA | {"email_verified": True, "address": {"country": "UK"}}]}).users
    assert (user.user_id, user.email, user.password, user.blocked) == (
        "auth0|ada",
        "Ada@example.com",
        "a long password",
        None,
    )
    assert user.claims == {"name": "Ada", "email_verified": True, "address": {"country": "UK"}}


def test_no_password_is_shown_with_what_is_desired() -> None:
    assert "a long password" not in repr(read(WHOLE))
    assert "s" * 32 not in repr(read(WHOLE))


def test_a_section_that_is_not_there_asks_for_nothing() -> None:
    assert read({}) == Desired()
    assert read({"clients": []}).applications == {}


def test_null_is_as_good_as_nothing() -> None:
    """Exports have it for what was never set."""
    assert client(**SPA | {"client_secret": None, "logo_uri": None, "refresh_token": None}) == client(**SPA)


# ---- What is not supported


def test_known_properties_without_effect_are_reported_by_name() -> None:
    document = changed("clients", 0, "addons", to={"samlp": {}})
    document["resourceServers"][0]["token_lifetime_for_web"] = 7200
    document["tenant"]["flags"] = {"enable_sso": True}
    document["rules"] = []
    assert [str(remark) for remark in read(document).ignored] == [
        "rules: not supported",
        "resourceServers[0].token_lifetime_for_web: not supported",
        "clients[0].addons: not supported",
        "tenant.flags.enable_sso: not supported",
    ]


@pytest.mark.parametrize("name", ["oidc_logout", "oidc_backchannel_logout"])
def test_both_names_that_auth0_has_for_a_back_channel_are_read(name: str) -> None:
    properties = {name: {"backchannel_logout_urls": ["https://web.example/logged-out"]}}
    assert client(**WEB | properties).backchannel_logout_url == "https://web.example/logged-out"


def test_two_back_channels_are_refused() -> None:
    """Auth0 takes one address, and would send to none or to either."""
    urls = [{"backchannel_logout_urls": [f"https://web.example/{number}"]} for number in (1, 2)]
    properties = dict(zip(("oidc_logout", "oidc_backchannel_logout"), urls, strict=True))
    assert problems({"clients": [WEB | properties]}) == [
        "clients[0].oidc_backchannel_logout: has another URL than oidc_logout"
    ]
    both = urls[0]["backchannel_logout_urls"] + urls[1]["backchannel_logout_urls"]
    assert len(problems({"clients": [WEB | {"oidc_logout": {"backchannel_logout_urls": both}}]})) == 1


@pytest.mark.parametrize(
    "url", ["http://web.example/", "https://web.example/#x", "com.example.notes:/x", "/x", "https://u@web.example/"]
)
def test_a_back_channel_is_an_https_address(url: str) -> None:
    (problem,) = problems({"clients": [WEB | {"oidc_logout": {"backchannel_logout_urls": [url]}}]})
    assert problem.startswith("clients[0].oidc_logout.backchannel_logout_urls[0]: must ")


@pytest.mark.parametrize(
    ("initiators", "ignored"),
    [
        ({"mode": "custom", "selected_initiators": ["rp-logout", "idp-logout"]}, []),
        ({"mode": "custom", "selected_initiators": ["rp-logout", "password-changed"]}, ["password-changed"]),
        ({"mode": "all"}, ["all"]),
    ],
)
def test_initiators_that_are_not_sent_are_reported(initiators: object, ignored: list[str]) -> None:
    properties = {"backchannel_logout_urls": ["https://web.example/"], "backchannel_logout_initiators": initiators}
    desired = read({"clients": [WEB | {"oidc_logout": properties}]})
    assert [str(remark) for remark in desired.ignored] == [
        f"clients[0].oidc_logout.backchannel_logout_initiators: {name}: sent after a logout alone" for name in ignored
    ]


def test_grants_that_are_not_offered_are_reported() -> None:
    desired = read(changed("clients", 0, "grant_types", to=["implicit", "authorization_code", "refresh_token"]))
    assert [str(remark) for remark in desired.ignored] == ["clients[0].grant_types[0]: implicit is not offered"]
    assert desired.applications is not None
    assert desired.applications["spa"].grant_types == {"authorization_code", "refresh_token"}


def test_device_codes_are_for_native_applications_that_ask_for_them() -> None:
    device = "urn:ietf:params:oauth:grant-type:device_code"
    desired = read({"clients": [each | {"grant_types": [device]} for each in (SPA, WEB, NATIVE)]})
    assert desired.applications is not None
    assert {name: set(each.grant_types) for name, each in desired.applications.items()} == {
        "spa": set(),
        "web": set(),
        "native": {device},
    }
    assert [str(remark) for remark in desired.ignored] == [
        f"clients[{number}].grant_types[0]: {device} is for native applications alone" for number in (0, 1)
    ]
    assert device not in client(**NATIVE).grant_types


@pytest.mark.parametrize(
    ("device_flow", "expected"),
    [
        ({}, ("base20", "****-****")),
        ({"charset": "base20", "mask": "****-****"}, ("base20", "****-****")),
        ({"charset": "digits", "mask": "***-***-***"}, ("digits", "***-***-***")),
        ({"mask": "** ** ***"}, ("base20", "** ** ***")),
    ],
)
def test_the_codes_that_devices_show_have_a_shape(device_flow: dict[str, str], expected: tuple[str, str]) -> None:
    tenant = read({"tenant": {"device_flow": device_flow}}).tenant
    assert tenant is not None
    assert (tenant.user_code_charset, tenant.user_code_mask) == expected


@pytest.mark.parametrize(
    ("device_flow", "problem"),
    [
        ({"mask": "***-***"}, "device_flow.mask: is too short: such codes can be guessed"),
        ({"charset": "digits"}, "device_flow.mask: is too short: such codes can be guessed"),
        ({"charset": "digits", "mask": "****-****"}, "device_flow.mask: is too short: such codes can be guessed"),
        ({"mask": "*" * 21}, "device_flow.mask: must be 2 to 20 characters"),
        ({"mask": "-********"}, "device_flow.mask: must be 2 to 20 characters"),
        ({"mask": "****_****"}, "device_flow.mask: must be 2 to 20 characters"),
        ({"charset": "emoji"}, "device_flow.charset: Input should be 'base20' or 'digits'"),
        ({"length": 8}, "device_flow.length: unknown property"),
    ],
)
def test_codes_that_could_be_guessed_or_not_be_typed_are_refused(device_flow: dict[str, object], problem: str) -> None:
    assert [text.startswith(f"tenant.{problem}") for text in problems({"tenant": {"device_flow": device_flow}})] == [
        True
    ]


@pytest.mark.parametrize(
    ("steps", "value"),
    [
        (("clients", 0, "signed_request_object"), {"required": True}),
        (("clients", 0, "organization_usage"), "require"),
        (("clients", 1, "jwks_uri"), "https://web.example/jwks.json"),
        (("clients", 1, "compliance_level"), "fapi1_adv_pkj_par"),
        (("resourceServers", 0, "enforce_policies"), True),
        (("resourceServers", 0, "token_encryption"), {"format": "compact-nested-jwe"}),
        (("resourceServers", 0, "subject_type_authorization"), {"user": {"policy": "require_client_grant"}}),
        (("resourceServers", 0, "subject_type_authorization"), {"client": {"policy": "deny_all"}}),
        (("tenant", "session_cookie"), {"mode": "non-persistent"}),
        (("users", 0, "multifactor"), ["guardian"]),
        (("guardianPolicies",), {"policies": ["all-applications"]}),
    ],
)
def test_what_protects_in_auth0_is_refused_since_ignoring_it_would_open_a_door(
    steps: tuple[str | int, ...], value: object
) -> None:
    (problem,) = problems(changed(*steps, to=value))
    assert "protects something in Auth0" in problem


@pytest.mark.parametrize(
    ("steps", "value"),
    [
        (("clients", 0, "signed_request_object"), {"required": False, "credentials": []}),
        (("clients", 0, "organization_usage"), "deny"),
        (("resourceServers", 0, "enforce_policies"), False),
        (("tenant", "session_cookie"), {"mode": "persistent"}),
        (("guardianPolicies",), {"policies": []}),
    ],
)
def test_protection_that_is_off_is_reported_like_anything_else(steps: tuple[str | int, ...], value: object) -> None:
    assert len(read(changed(*steps, to=value)).ignored) == 1


# ---- What is refused


@pytest.mark.parametrize(
    ("steps", "value", "problem"),
    [
        (("clents",), [], "clents: unknown property; did you mean clients?"),
        (("clients", 0, "callback"), [], "clients[0].callback: unknown property; did you mean callbacks?"),
        (("clients", 0, "colour"), "red", "clients[0].colour: unknown property"),
        (("clients", 0, 7), "red", "clients[0].7: unknown property"),
        (
            ("clients", 0, "refresh_token"),
            {"leewy": 3},
            "clients[0].refresh_token.leewy: unknown property; did you mean leeway?",
        ),
        (("resourceServers", 0, "scopes", 0, "colour"), 1, "resourceServers[0].scopes[0].colour: unknown property"),
        (("users", 0, "shoe_size"), 46, "users[0].shoe_size: unknown property"),
        (("tenant", "color"), "red", "tenant.color: unknown property"),
        (("clients",), {}, "clients: must be a list"),
        (("clients", 0), "spa", "clients[0]: must be a mapping of properties"),
        (("tenant",), [], "tenant: must be a mapping of properties"),
        (("clients", 0, "client_id"), "a b", "clients[0].client_id: must be 1 to 32 letters, digits, `_` or `-`"),
        (("clients", 0, "client_id"), "x" * 33, "clients[0].client_id: must be 1 to 32 letters, digits, `_` or `-`"),
        (("clients", 0, "client_id"), 7, "clients[0].client_id: Input should be a valid string"),
        (
            ("clients", 1, "client_secret"),
            "s" * 31,
            "clients[1].client_secret: must be 32 to 512 printable ASCII characters",
        ),
        (
            ("clients", 1, "app_type"),
            "desktop",
            "clients[1].app_type: Input should be 'spa', 'native', 'regular_web' or 'non_interactive'",
        ),
        (
            ("clients", 0, "token_endpoint_auth_method"),
            "client_secret_post",
            "clients[0].token_endpoint_auth_method: must be none: everybody can read a single-page application",
        ),
        (
            ("resourceServers", 0, "proof_of_possession"),
            {"mechanism": "mtls", "required": False},
            "resourceServers[0].proof_of_possession.mechanism: Input should be 'none' or 'dpop'",
        ),
        (
            ("resourceServers", 0, "proof_of_possession"),
            {"mechanism": "none", "required": True},
            "resourceServers[0].proof_of_possession.mechanism: must be dpop where required is true",
        ),
        (
            ("resourceServers", 0, "proof_of_possession"),
            {"mechanism": "dpop", "require": True},
            "resourceServers[0].proof_of_possession.require: unknown property",
        ),
        (
            ("clients", 2, "require_proof_key"),
            False,
            "clients[2].require_proof_key: must be true: a client that keeps no secret needs PKCE",
        ),
        (
            ("clients", 0, "callbacks"),
            ["http://app.example/"],
            "clients[0].callbacks[0]: must use https, except on localhost",
        ),
        (
            ("clients", 0, "callbacks", 0),
            "https://*.app.example/",
            "clients[0].callbacks[0]: must not have wildcards: they are compared exactly",
        ),
        (
            ("clients", 0, "callbacks", 0),
            "https://app;example/",
            "clients[0].callbacks[0]: must have a host of letters, digits, dots and hyphens",
        ),
        (
            ("clients", 0, "callbacks", 0),
            "com.example.notes:/callback",
            f"clients[0].callbacks[0]: {WEB_ONLY}",
        ),
        (
            ("clients", 1, "allowed_logout_urls"),
            ["/bye"],
            "clients[1].allowed_logout_urls[0]: must be an absolute URI without a fragment",
        ),
        (
            ("clients", 0, "logo_uri"),
            "http://app.example/logo.png",
            "clients[0].logo_uri: must use https, except on localhost",
        ),
        (
            ("clients", 0, "jwt_configuration"),
            {"alg": "HS256"},
            "clients[0].jwt_configuration.alg: Input should be 'RS256'",
        ),
        (
            ("clients", 0, "refresh_token"),
            {"leeway": 3601},
            "clients[0].refresh_token.leeway: Input should be less than or equal to 3600",
        ),
        (
            ("clients", 0, "refresh_token"),
            {"leeway": -1},
            "clients[0].refresh_token.leeway: Input should be greater than or equal to 0",
        ),
        (
            ("clients", 0, "refresh_token"),
            {"leeway": "60"},
            "clients[0].refresh_token.leeway: Input should be a valid integer",
        ),
        (
            ("clients", 0, "refresh_token"),
            {"leeway": True},
            "clients[0].refresh_token.leeway: Input should be a valid integer",
        ),
        (
            ("clients", 0, "refresh_token"),
            [],
            "clients[0].refresh_token: Input should be a valid dictionary or instance of RefreshTokens",
        ),
        (
            ("clients", 0, "refresh_token"),
            {"token_lifetime": 31_557_601},
            "clients[0].refresh_token.token_lifetime: Input should be less than or equal to 31557600",
        ),
        (
            ("clients", 0, "refresh_token"),
            {"token_lifetime": 100, "idle_token_lifetime": 101},
            "clients[0].refresh_token.idle_token_lifetime: must not be longer than token_lifetime, 100 s",
        ),
        (
            ("clients", 0, "refresh_token"),
            {"rotation_type": "non-rotating"},
            "clients[0].refresh_token.rotation_type: must be rotating in a single-page application",
        ),
        (
            ("clients", 1, "refresh_token"),
            {"expiration_type": "non-expiring"},
            "clients[1].refresh_token.expiration_type: must be expiring when rotation_type is rotating",
        ),
        (
            ("clients", 0, "not_before"),
            NOW + 1,
            "clients[0].not_before: must not be in the future: nobody could log in until then",
        ),
        (
            ("clients", 0, "not_before"),
            datetime(2026, 1, 1),  # noqa: DTZ001 - that is the mistake
            "clients[0].not_before: must say its time zone, as 2026-01-31T12:00:00Z does",
        ),
        (
            ("clients", 1, "client_id"),
            "spa",
            "clients[1].client_id: is given twice, or it is missing and two clients have one name",
        ),
        (
            ("resourceServers", 0, "identifier"),
            "a b",
            "resourceServers[0].identifier: must be 1 to 300 printable ASCII characters",
        ),
        (("resourceServers", 0, "signing_alg"), "HS256", "resourceServers[0].signing_alg: Input should be 'RS256'"),
        (
            ("resourceServers", 0, "token_dialect"),
            "access_token_authz",
            "resourceServers[0].token_dialect: Input should be 'access_token' or 'rfc9068_profile'",
        ),
        (
            ("resourceServers", 0, "token_lifetime"),
            2_592_001,
            "resourceServers[0].token_lifetime: Input should be less than or equal to 2592000",
        ),
        (
            ("resourceServers", 0, "scopes", 0, "value"),
            "read notes",
            "resourceServers[0].scopes[0].value: must be 1 to 280 ASCII characters without spaces, quotes, backslashes",
        ),
        (
            ("resourceServers", 0, "scopes", 0, "value"),
            "offline_access",
            "resourceServers[0].scopes[0].value: offline_access is a scope of OpenID Connect; an API cannot have it",
        ),
        (
            ("resourceServers", 0, "scopes"),
            [{"value": "a"}, {"value": "a"}],
            "resourceServers[0].scopes[1].value: is given twice",
        ),
        (("resourceServers",), [NOTES_API, NOTES_API], "resourceServers[1].identifier: is given twice"),
        (
            ("tenant", "default_audience"),
            "https://other.example",
            "tenant.default_audience: names no API of resourceServers",
        ),
        (("tenant", "session_lifetime"), 0, "tenant.session_lifetime: Input should be greater than 0"),
        (
            ("tenant", "support_url"),
            "javascript:alert(1)",
            f"tenant.support_url: {WEB_ONLY}",
        ),
        (
            ("users", 0, "user_id"),
            "x" * 49,
            "users[0].user_id: must be 1 to 48 printable ASCII characters, not `email:…` nor `…@clients`",
        ),
        (
            ("users", 0, "user_id"),
            "email:x",
            "users[0].user_id: must be 1 to 48 printable ASCII characters, not `email:…` nor `…@clients`",
        ),
        (
            ("users", 0, "user_id"),
            "ada@clients",
            "users[0].user_id: must be 1 to 48 printable ASCII characters, not `email:…` nor `…@clients`",
        ),
        (("users", 0, "email"), "ada", "users[0].email: must be an e-mail address"),
        (("users", 0, "password"), "short", "users[0].password: String should have at least 8 characters"),
        (("users", 0, "email_verified"), "yes", "users[0].email_verified: Input should be a valid boolean"),
        (("users",), [ADA, ADA | {"email": "b@example.com"}], "users[1].user_id: is given twice"),
        (("users",), [ADA, ADA | {"user_id": "b", "email": "ADA@example.COM"}], "users[1].email: is another user's"),
    ],
)
def test_a_mistake_is_named_with_its_place(steps: tuple[str | int, ...], value: object, problem: str) -> None:
    assert problems(changed(*steps, to=value)) == [problem]


@pytest.mark.parametrize(
    "origin",
    [
        "https://app.example/",
        "https://app.example/path",
        "https://App.example",
        "https://app.example:443",
        "http://localhost:80",
        "http://app.example",
        "app.example",
        "https://*.example",
        "null",
        "https://app.example:99999",
        "https://user@app.example",
    ],
)
def test_what_no_browser_sends_as_an_origin_is_refused(origin: str) -> None:
    """It would never match, or it would match too much."""
    (problem,) = problems(changed("clients", 0, "web_origins", to=[origin]))
    assert problem.startswith("clients[0].web_origins[0]: must ")


@pytest.mark.parametrize("origin", ["https://app.example:8443", "http://localhost:8401", "http://[::1]:3000"])
def test_origins_as_browsers_send_them_are_taken(origin: str) -> None:
    assert client(**SPA | {"web_origins": [origin]}).web_origins == {origin}


@pytest.mark.parametrize(
    ("steps", "problem"),
    [
        (("clients", 0, "name"), "clients[0].name: is missing"),
        (("resourceServers", 0, "identifier"), "resourceServers[0].identifier: is missing"),
        (("users", 0, "email"), "users[0].email: is missing"),
    ],
)
def test_what_has_no_default_must_be_there(steps: tuple[str | int, ...], problem: str) -> None:
    assert problems(without(*steps)) == [problem]


def test_third_parties_get_nothing_that_lasts_for_ever() -> None:
    document = changed("clients", 1, "is_first_party", to=False)
    document["clients"][1]["refresh_token"] = {"infinite_idle_token_lifetime": True}
    assert problems(document) == [
        "clients[1].refresh_token.infinite_idle_token_lifetime: must be false in a third-party application"
    ]
    document["clients"][1]["refresh_token"] = {"rotation_type": "non-rotating", "expiration_type": "non-expiring"}
    assert problems(document) == [
        "clients[1].refresh_token.expiration_type: must be expiring in a third-party application"
    ]


def test_sessions_in_two_units_are_refused() -> None:
    settings = {"session_lifetime": 1, "session_lifetime_in_minutes": 60}
    assert problems({"tenant": settings}) == [
        "tenant.session_lifetime: must not be given together with session_lifetime_in_minutes"
    ]


def test_an_idle_session_does_not_outlast_the_session() -> None:
    assert problems({"tenant": {"session_lifetime": 1, "idle_session_lifetime": 2}}) == [
        "tenant.idle_session_lifetime: must not be longer than session_lifetime"
    ]


def test_two_clients_of_one_name_need_ids() -> None:
    nameless = {name: value for name, value in SPA.items() if name != "client_id"}
    assert problems({"clients": [nameless, nameless]}) == [
        "clients[1].client_id: is given twice, or it is missing and two clients have one name"
    ]


def test_every_mistake_is_told_at_once() -> None:
    document = changed("clients", 0, "callbacks", to=["http://app.example/", "https://app.example/#"])
    document["clients"][1]["client_secret"] = "short"
    document["users"][0]["email"] = "ada"
    document["tenant"]["sesion_lifetime"] = 1
    assert len(problems(document)) == 5


@pytest.mark.parametrize("document", [None, [], "text", 7])
def test_a_file_that_is_no_mapping_is_refused(document: object) -> None:
    assert problems(document) == ["the file: must be a mapping of properties"]


def test_no_secret_is_repeated_in_what_is_said_about_it() -> None:
    document = changed("clients", 1, "client_secret", to="hunter2" * 3)
    document["users"][0]["password"] = "hunter2"
    assert "hunter2" not in "".join(problems(document))


# ---- Leeway


@pytest.mark.parametrize(("leeway", "shortest"), [(600, 600), (601, 600), (60, 1)])
def test_theft_must_be_noticed_before_the_stolen_access_token_expires(leeway: int, shortest: int) -> None:
    document = changed("resourceServers", 0, "token_lifetime", to=shortest)
    document["clients"] = [SPA | {"refresh_token": {"leeway": leeway}}]
    text = "must be shorter than the shortest access token lifetime that the application can get"
    assert problems(document) == [f"clients[0].refresh_token.leeway: {text}, {shortest} s"]


@pytest.mark.parametrize(("leeway", "warned"), [(0, True), (1, False), (60, False), (61, True), (599, True)])
def test_a_leeway_that_is_none_or_generous_is_warned_about(leeway: int, *, warned: bool) -> None:
    document = changed("resourceServers", 0, "token_lifetime", to=600)
    document["clients"] = [SPA | {"refresh_token": {"leeway": leeway}}]
    assert [remark.path for remark in read(document).warnings] == (
        [("clients", 0, "refresh_token", "leeway")] if warned else []
    )


def test_a_token_that_does_not_rotate_needs_no_leeway() -> None:
    tokens = {"rotation_type": "non-rotating", "expiration_type": "expiring", "leeway": 0}
    assert read(changed("clients", 1, "refresh_token", to=tokens)).warnings == ()


# ---- Warnings


def test_scopes_that_no_login_can_carry_together_are_warned_about() -> None:
    scopes = [{"value": f"scope:{number}".ljust(40, "x")} for number in range(10)]
    (warning,) = read(changed("resourceServers", 0, "scopes", to=scopes)).warnings
    assert warning.path == ("resourceServers", 0)
    assert "a login that asks for more than 400 of them is refused" in warning.text


def test_a_single_page_application_without_origins_is_warned_about() -> None:
    (warning,) = read(without("clients", 0, "web_origins")).warnings
    assert str(warning) == "clients[0]: a single-page application without web_origins cannot read our answers"


def test_a_secret_that_a_public_client_cannot_keep_is_reported() -> None:
    desired = read(changed("clients", 0, "client_secret", to="s" * 32))
    assert [str(remark) for remark in desired.ignored] == [
        "clients[0].client_secret: the client authenticates without one"
    ]
    assert desired.applications is not None
    assert desired.applications["spa"].secret_digest is None


def test_a_mark_in_the_past_is_taken_and_one_in_the_future_is_not() -> None:
    """The time of applying is the limit: a second later it would lock everybody out."""
    assert client(**SPA | {"not_before": NOW}).not_before == NOW
    later = datetime.fromtimestamp(NOW, UTC) + timedelta(seconds=1)
    assert len(problems({"clients": [SPA | {"not_before": later}]})) == 1


def test_lifetimes_end_where_auth0s_do() -> None:
    assert lifetimes.LONGEST_REFRESH_TOKEN == 31_557_600
    assert (
        client(**SPA | {"refresh_token": {"token_lifetime": 31_557_600}}).refresh_token.absolute_lifetime == 31_557_600
    )


# ---- Multi-resource refresh tokens


def test_policies_open_apis_by_audience() -> None:
    tokens = {"policies": [{"audience": API, "scope": ["read:notes"]}, {"audience": "urn:other"}]}
    policy = client(**SPA | {"refresh_token": tokens}).refresh_token
    assert policy.policies == {API: frozenset({"read:notes"}), "urn:other": frozenset()}


def test_policies_of_a_third_party_or_twice_for_one_api_are_refused() -> None:
    twice = [{"audience": API, "scope": []}, {"audience": API, "scope": ["read:notes"]}]
    assert problems(changed("clients", 1, "refresh_token", to={"policies": twice})) == [
        "clients[1].refresh_token.policies[1].audience: is given twice"
    ]
    document = changed("clients", 1, "refresh_token", to={"policies": twice[:1]})
    document["clients"][1]["is_first_party"] = False
    assert problems(document) == [
        "clients[1].refresh_token.policies: are for first-party applications: nobody is asked for consent"
    ]


def test_policies_without_effect_are_warned_about() -> None:
    policies = [{"audience": "urn:nothing"}, {"audience": API, "scope": ["read:notes", "a", "b"]}]
    document = changed("clients", 1, "refresh_token", to={"policies": policies})
    assert [str(warning) for warning in read(document).warnings] == [
        "clients[1].refresh_token.policies[0].audience: names no API of resourceServers, and has no effect",
        "clients[1].refresh_token.policies[1].scope: has no effect: the API has no a, b",
    ]
    document["resourceServers"][0]["skip_consent_for_verifiable_first_party_clients"] = False
    assert "clients[1].refresh_token.policies[1].audience: has no effect: this API asks for consent" in [
        str(warning) for warning in read(document).warnings
    ]
