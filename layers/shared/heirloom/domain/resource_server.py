"""An API that access tokens are made for: Auth0's "resource server"."""

import enum
from collections.abc import Mapping
from dataclasses import dataclass, field

from heirloom.domain import lifetimes


class TokenDialect(enum.StrEnum):
    """The claims of an API's access tokens."""

    AUTH0 = "access_token"
    RFC9068 = "rfc9068_profile"


@dataclass(frozen=True, slots=True)
class ResourceServer:
    """One API. `identifier` is its audience; `token_lifetime` in seconds."""

    identifier: str
    name: str
    scopes: Mapping[str, str] = field(default_factory=dict)
    """Scope value to description."""
    allow_offline_access: bool = False
    token_lifetime: int = lifetimes.ACCESS_TOKEN
    token_dialect: TokenDialect = TokenDialect.AUTH0
    skip_consent_for_first_party: bool = True
