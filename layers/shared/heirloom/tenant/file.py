"""The shape of a tenant file: Auth0's property names and defaults, with a few of our own.

Values are taken as they are written, never converted: `leeway: "60"` is a mistake that a person should see.
"""

import re
from datetime import datetime
from typing import Annotated, Literal

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field

from heirloom.domain import lifetimes
from heirloom.domain.claims import CLIENT_SUBJECT
from heirloom.domain.family import LONGEST_CLIENT_ID, LONGEST_USER_ID
from heirloom.domain.user_code import MASK, PLACE


def _matching(pattern: str, rule: str) -> AfterValidator:
    compiled = re.compile(pattern, re.ASCII)

    def check(text: str) -> str:
        if compiled.fullmatch(text) is None:
            raise ValueError(rule)
        return text

    return AfterValidator(check)


def _epoch_seconds(value: object) -> object:
    if isinstance(value, datetime):
        if value.tzinfo is None:
            raise ValueError("must say its time zone, as 2026-01-31T12:00:00Z does")
        return int(value.timestamp())
    return value


type Text = Annotated[str, Field(min_length=1, max_length=200)]
type Url = Annotated[str, Field(max_length=1024)]
type ClientId = Annotated[
    str,
    _matching(
        rf"[A-Za-z0-9_-]{{1,{LONGEST_CLIENT_ID}}}", f"must be 1 to {LONGEST_CLIENT_ID} letters, digits, `_` or `-`"
    ),
]
type ClientSecret = Annotated[str, _matching(r"[\x20-\x7E]{32,512}", "must be 32 to 512 printable ASCII characters")]
type Identifier = Annotated[str, _matching(r"[\x21-\x7E]{1,300}", "must be 1 to 300 printable ASCII characters")]
type ScopeValue = Annotated[
    str,
    # RFC 6749 §3.3
    _matching(
        r"[\x21\x23-\x5B\x5D-\x7E]{1,280}", "must be 1 to 280 ASCII characters without spaces, quotes, backslashes"
    ),
]
type UserId = Annotated[
    str,
    _matching(
        rf"(?!email:)(?!.*{CLIENT_SUBJECT}$)[\x21-\x7E]{{1,{LONGEST_USER_ID}}}",
        f"must be 1 to {LONGEST_USER_ID} printable ASCII characters, not `email:…` nor `…{CLIENT_SUBJECT}`",
    ),
]
type Email = Annotated[str, _matching(r"[^@\s]{1,64}@[^@\s]{1,250}", "must be an e-mail address")]
type Password = Annotated[str, Field(min_length=8, max_length=1024)]
type AccessTokenLifetime = Annotated[int, Field(ge=1, le=lifetimes.LONGEST_ACCESS_TOKEN)]
type RefreshTokenLifetime = Annotated[int, Field(ge=1, le=lifetimes.LONGEST_REFRESH_TOKEN)]
type Hours = Annotated[float, Field(gt=0, le=24 * 365)]
type Minutes = Annotated[int, Field(ge=1, le=60 * 24 * 365)]
type PointInTime = Annotated[int, Field(ge=0), BeforeValidator(_epoch_seconds)]
"""Epoch seconds; a time with its zone becomes that."""


class Model(BaseModel):
    """An object of the file."""

    model_config = ConfigDict(strict=True, extra="forbid", frozen=True)


class TenantFlags(Model):
    """`tenant.flags`."""

    revoke_refresh_token_grant: bool = False
    require_pushed_authorization_requests: bool = False


class DeviceFlow(Model):
    """`tenant.device_flow`: the codes that devices show."""

    charset: Literal["base20", "digits"] = "base20"
    mask: Annotated[
        str,
        _matching(
            rf"\{PLACE}[{PLACE} -]{{0,18}}\{PLACE}",
            "must be 2 to 20 characters: `*` for each of the code's, with spaces or hyphens between them",
        ),
    ] = MASK


class TenantSettings(Model):
    """`tenant`. The two lifetimes are in hours."""

    friendly_name: Text = "Heirloom"
    support_url: Url | None = None
    default_audience: Identifier | None = None
    session_lifetime: Hours | None = None
    session_lifetime_in_minutes: Minutes | None = None
    idle_session_lifetime: Hours | None = None
    idle_session_lifetime_in_minutes: Minutes | None = None
    allowed_logout_urls: list[Url] = []
    flags: TenantFlags = TenantFlags()
    device_flow: DeviceFlow = DeviceFlow()
    not_before: PointInTime = 0


class Policy(Model):
    """`clients[].refresh_token.policies[]`."""

    audience: Identifier
    scope: list[ScopeValue] = []


class RefreshTokens(Model):
    """`clients[].refresh_token`; seconds."""

    rotation_type: Literal["rotating", "non-rotating"] = "rotating"
    expiration_type: Literal["expiring", "non-expiring"] = "expiring"
    leeway: Annotated[int, Field(ge=0, le=lifetimes.LONGEST_LEEWAY)] = lifetimes.LEEWAY
    token_lifetime: RefreshTokenLifetime | None = None
    infinite_token_lifetime: bool = False
    idle_token_lifetime: RefreshTokenLifetime | None = None
    infinite_idle_token_lifetime: bool = False
    policies: list[Policy] = []
    revoke_on_logout: bool = False


class BackchannelLogoutInitiators(Model):
    """`clients[].oidc_logout.backchannel_logout_initiators`."""

    mode: Literal["custom", "all"] = "custom"
    selected_initiators: list[Text] = []


class BackchannelLogout(Model):
    """`clients[].oidc_backchannel_logout`, as Auth0 called it first."""

    backchannel_logout_urls: Annotated[list[Url], Field(max_length=1)] = []


class OidcLogout(BackchannelLogout):
    """`clients[].oidc_logout`."""

    backchannel_logout_initiators: BackchannelLogoutInitiators = BackchannelLogoutInitiators()


class JwtConfiguration(Model):
    """`clients[].jwt_configuration`: the ID token; seconds."""

    lifetime_in_seconds: AccessTokenLifetime = lifetimes.ID_TOKEN
    alg: Literal["RS256"] = "RS256"


class ProofOfPossession(Model):
    """`resourceServers[].proof_of_possession`."""

    mechanism: Literal["none", "dpop"]
    required: bool = False
    required_for: Literal["all_clients", "public_clients"] = "all_clients"


class JwkSet(Model):
    """`clients[].jwks` (RFC 7517 §5)."""

    keys: list[dict[str, object]] = Field(repr=False)


class PrivateKeyJwt(Model):
    """`clients[].client_authentication_methods.private_key_jwt`."""

    credentials: list[dict[str, object]] = Field(repr=False)


class ClientAuthenticationMethods(Model):
    """`clients[].client_authentication_methods`."""

    private_key_jwt: PrivateKeyJwt


class Credential(Model):
    """`clients[].client_authentication_methods.private_key_jwt.credentials[]`."""

    credential_type: Literal["public_key"] = "public_key"
    pem: str | None = Field(default=None, repr=False)
    alg: Text | None = None
    kid: Text | None = None


class Client(Model):
    """`clients[]`."""

    name: Text
    client_id: ClientId | None = None
    client_secret: ClientSecret | None = Field(default=None, repr=False)
    app_type: Literal["spa", "native", "regular_web", "non_interactive"] | None = None
    is_first_party: bool = True
    oidc_conformant: bool = True
    token_endpoint_auth_method: (
        Literal["none", "client_secret_post", "client_secret_basic", "private_key_jwt"] | None
    ) = None
    jwks: JwkSet | None = None
    client_authentication_methods: dict[str, object] | None = Field(default=None, repr=False)
    require_proof_key: bool = True
    require_proof_of_possession: bool = False
    require_pushed_authorization_requests: bool = False
    callbacks: list[Url] = []
    allowed_logout_urls: list[Url] = []
    web_origins: list[Url] = []
    allowed_origins: list[Url] = []
    grant_types: list[Text] | None = None
    refresh_token: RefreshTokens = RefreshTokens()
    jwt_configuration: JwtConfiguration = JwtConfiguration()
    oidc_logout: OidcLogout = OidcLogout()
    oidc_backchannel_logout: BackchannelLogout = BackchannelLogout()
    logo_uri: Url | None = None
    not_before: PointInTime = 0


class Scope(Model):
    """`resourceServers[].scopes[]`."""

    value: ScopeValue
    description: Annotated[str, Field(max_length=500)] = ""


class Api(Model):
    """`resourceServers[]`; seconds."""

    identifier: Identifier
    name: Text | None = None
    scopes: list[Scope] = []
    allow_offline_access: bool = False
    token_lifetime: AccessTokenLifetime = lifetimes.ACCESS_TOKEN
    token_dialect: Literal["access_token", "rfc9068_profile"] = "access_token"
    signing_alg: Literal["RS256"] = "RS256"
    skip_consent_for_verifiable_first_party_clients: bool = True
    proof_of_possession: ProofOfPossession | None = None


class ClientGrant(Model):
    """`clientGrants[]`; `client_id` may be the client's name, as in exports."""

    client_id: Text
    audience: Identifier
    scope: list[ScopeValue] = []
    subject_type: Literal["client", "user"] = "client"


class Address(Model):
    """`users[].address` (OpenID Connect Core §5.1.1)."""

    formatted: str | None = None
    street_address: str | None = None
    locality: str | None = None
    region: str | None = None
    postal_code: str | None = None
    country: str | None = None


class Claims(Model):
    """The standard claims of OpenID Connect Core §5.1 but `sub` and `email`."""

    email_verified: bool | None = None
    name: str | None = None
    nickname: str | None = None
    given_name: str | None = None
    family_name: str | None = None
    middle_name: str | None = None
    preferred_username: str | None = None
    picture: Url | None = None
    profile: Url | None = None
    website: Url | None = None
    gender: str | None = None
    birthdate: str | None = None
    zoneinfo: str | None = None
    locale: str | None = None
    updated_at: int | None = None
    phone_number: str | None = None
    phone_number_verified: bool | None = None
    address: Address | None = None


class Person(Claims):
    """`users[]`: ours."""

    user_id: UserId
    email: Email
    password: Password | None = Field(default=None, repr=False)
    blocked: bool | None = None


class ForeignHash(Model):
    """`custom_password_hash.hash` of an imported user."""

    value: str = Field(repr=False)
    encoding: Literal["utf8"] = "utf8"


class ForeignPassword(Model):
    """`custom_password_hash.password` of an imported user."""

    encoding: Literal["utf8"] = "utf8"


class CustomPasswordHash(Model):
    """`custom_password_hash` of an imported user."""

    algorithm: Literal["bcrypt", "argon2"]
    hash: ForeignHash
    password: ForeignPassword = ForeignPassword()


class ImportedPerson(Claims):
    """An entry of a file of users."""

    user_id: UserId
    email: Email
    password_hash: str | None = Field(default=None, repr=False)
    custom_password_hash: CustomPasswordHash | None = Field(default=None, repr=False)
    blocked: bool | None = None
