"""An application: an OAuth client with its settings, and how it proves who it is."""

import enum
import hashlib
import hmac
from collections.abc import Mapping
from dataclasses import dataclass, field

from heirloom.domain import lifetimes, redirect_uri
from heirloom.domain.client_key import ClientKey
from heirloom.domain.errors import InvalidClient, UnauthorizedClient
from heirloom.domain.user_code import MASK, UserCodeCharset


class ApplicationType(enum.StrEnum):
    """Auth0's `app_type`."""

    SINGLE_PAGE = "spa"
    NATIVE = "native"
    REGULAR_WEB = "regular_web"
    NON_INTERACTIVE = "non_interactive"


class AuthenticationMethod(enum.StrEnum):
    """How a client proves who it is at the token endpoint (RFC 7591 §2)."""

    NONE = "none"
    CLIENT_SECRET_POST = "client_secret_post"
    CLIENT_SECRET_BASIC = "client_secret_basic"
    PRIVATE_KEY_JWT = "private_key_jwt"


class GrantType(enum.StrEnum):
    """The grants that the token endpoint offers."""

    AUTHORIZATION_CODE = "authorization_code"
    REFRESH_TOKEN = "refresh_token"
    CLIENT_CREDENTIALS = "client_credentials"
    DEVICE_CODE = "urn:ietf:params:oauth:grant-type:device_code"


@dataclass(frozen=True, slots=True)
class RefreshTokenPolicy:
    """An application's refresh token settings; seconds, `None` for infinite."""

    rotating: bool = True
    leeway: int = lifetimes.LEEWAY
    absolute_lifetime: int | None = lifetimes.REFRESH_TOKEN
    idle_lifetime: int | None = lifetimes.REFRESH_TOKEN
    policies: Mapping[str, frozenset[str]] = field(default_factory=dict)
    """By audience, the scope that an exchange may ask for beyond what was granted (multi-resource refresh tokens)."""
    revoke_on_logout: bool = False
    """Whether a logout ends the families that came from its session."""


@dataclass(frozen=True, slots=True)
class ClientCredentials:
    """What a request brought to prove who it is: nothing, a secret in the body or in a Basic header, or an assertion.

    A Basic header has up to two readings: raw, and percent-decoded as RFC 6749 §2.3.1 has it.
    """

    method: AuthenticationMethod
    client_id: str
    secrets: tuple[str, ...] = field(repr=False, default=())
    assertion: str = field(repr=False, default="")


@dataclass(frozen=True, slots=True)
class Application:
    """One registered application."""

    client_id: str
    name: str
    app_type: ApplicationType
    token_endpoint_auth_method: AuthenticationMethod
    secret_digest: bytes | None = field(default=None, repr=False)
    """SHA-256 of the client secret."""
    public_keys: tuple[ClientKey, ...] = ()
    is_first_party: bool = True
    oidc_conformant: bool = True
    require_pushed_authorization_requests: bool = False
    """Whether its authorization requests must be pushed (RFC 9126 §6)."""
    require_proof_key: bool = True
    """Whether a confidential client must use PKCE; a public one always must."""
    require_proof_of_possession: bool = False
    """Whether each of its token requests must carry a DPoP proof (RFC 9449)."""
    logo_uri: str | None = None
    callbacks: frozenset[str] = frozenset()
    allowed_logout_urls: frozenset[str] = frozenset()
    backchannel_logout_url: str | None = None
    """Where the application hears that a session has ended (OpenID Connect Back-Channel Logout §2.2)."""
    web_origins: frozenset[str] = frozenset()
    allowed_origins: frozenset[str] = frozenset()
    grant_types: frozenset[str] = frozenset({GrantType.AUTHORIZATION_CODE, GrantType.REFRESH_TOKEN})
    refresh_token: RefreshTokenPolicy = field(default_factory=RefreshTokenPolicy)
    id_token_lifetime: int = lifetimes.ID_TOKEN
    not_before: int = 0
    """Epoch seconds: families created earlier are revoked."""

    @property
    def confidential(self) -> bool:
        """Tell whether the application can keep a secret, be it a private key (RFC 6749 §2.1)."""
        return self.token_endpoint_auth_method is not AuthenticationMethod.NONE

    @property
    def keeps_secret(self) -> bool:
        """Tell whether it proves who it is with a client secret."""
        return self.confidential and not self.signs_assertions

    @property
    def signs_assertions(self) -> bool:
        """Tell whether it proves who it is with its private key, and so with no client secret."""
        return self.token_endpoint_auth_method is AuthenticationMethod.PRIVATE_KEY_JWT

    @property
    def proof_key_required(self) -> bool:
        """Tell whether its authorization requests must carry a PKCE challenge."""
        return self.require_proof_key or not self.confidential

    def allows_redirect_to(self, uri: str) -> bool:
        """Tell whether *uri* is a registered callback."""
        return redirect_uri.registered(uri, self.callbacks, native=self.app_type is ApplicationType.NATIVE)

    def allows_origin(self, origin: str) -> bool:
        """Tell whether scripts of *origin* may read this application's answers."""
        return origin in self.web_origins or origin in self.allowed_origins

    def authenticate(self, credentials: ClientCredentials) -> None:
        """Return if *credentials* prove to be this application; raise `InvalidClient`.

        A confidential client may send its secret in the body or in a Basic header, whichever its library prefers.
        A public client has no secret and must not claim one. One that signs assertions has no other way: here it is
        refused.
        """
        if self.signs_assertions:
            raise InvalidClient(reason="missing client assertion")
        if not self.confidential:
            if credentials.method is not AuthenticationMethod.NONE:
                raise InvalidClient(reason="a public client sent a secret")
            return
        expected = self.secret_digest
        if expected is None or not any(hmac.compare_digest(expected, secret_digest(it)) for it in credentials.secrets):
            raise InvalidClient(reason="wrong client secret" if credentials.secrets else "missing client secret")

    def require_grant(self, grant_type: GrantType) -> None:
        """Return if the application may use this grant; raise `UnauthorizedClient`."""
        if grant_type not in self.grant_types:
            raise UnauthorizedClient(f"Grant type '{grant_type}' not allowed for the client.")


def secret_digest(secret: str) -> bytes:
    """Return what is stored of a client secret: generated ones are long and random, so one SHA-256 suffices."""
    return hashlib.sha256(secret.encode("utf-8", "surrogatepass")).digest()


@dataclass(frozen=True, slots=True)
class Tenant:
    """What holds for all applications of this stack; seconds."""

    friendly_name: str = "Heirloom"
    support_url: str | None = None
    default_audience: str | None = None
    session_lifetime: int = lifetimes.SESSION
    idle_session_lifetime: int = lifetimes.IDLE_SESSION
    allowed_logout_urls: frozenset[str] = frozenset()
    require_pushed_requests: bool = False
    """Whether the authorization requests of every application must be pushed (RFC 9126 §5)."""
    revocation_ends_grant: bool = False
    """Whether `/oauth/revoke` ends all families of the user at this application and API, and their consent."""
    user_code_charset: UserCodeCharset = UserCodeCharset.BASE20
    user_code_mask: str = MASK
    not_before: int = 0
    """Epoch seconds: families created earlier are revoked. Set it to now after a restore."""


def pushing_required(tenant: Tenant, application: Application) -> bool:
    """Tell whether this application's authorization requests must be pushed."""
    return tenant.require_pushed_requests or application.require_pushed_authorization_requests


def families_not_before(tenant: Tenant, application: Application) -> int:
    """Return the later of the two marks of mass revocation, epoch seconds."""
    return max(tenant.not_before, application.not_before)
