"""An API that access tokens are made for: Auth0's "resource server"."""

import enum
from collections.abc import Mapping
from dataclasses import dataclass, field

from heirloom.domain import lifetimes
from heirloom.domain.application import Application


class TokenDialect(enum.StrEnum):
    """The claims of an API's access tokens."""

    AUTH0 = "access_token"
    RFC9068 = "rfc9068_profile"


class ProofRequirement(enum.StrEnum):
    """Whose access tokens must be bound to a key: Auth0's `required_for`, or nobody's."""

    NOBODY = "nobody"
    PUBLIC_CLIENTS = "public_clients"
    ALL_CLIENTS = "all_clients"


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
    proof_required_for: ProofRequirement = ProofRequirement.NOBODY

    def requires_proof_of(self, application: Application) -> bool:
        """Tell whether *application* gets no access token for this API without a proof of possession."""
        if self.proof_required_for is ProofRequirement.PUBLIC_CLIENTS:
            return not application.confidential
        return self.proof_required_for is ProofRequirement.ALL_CLIENTS
