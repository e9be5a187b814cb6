"""The answer of the token endpoint: access token, ID token, refresh token (RFC 6749 §5.1)."""

import secrets
from dataclasses import dataclass, field

from heirloom.domain import claims, encoding, management_api, scope
from heirloom.domain.application import Application
from heirloom.domain.client_grant import ClientGrant
from heirloom.domain.errors import INVALID_CODE, UNKNOWN_REFRESH_TOKEN, InvalidDPoPProof, InvalidGrant
from heirloom.domain.family import Grant
from heirloom.domain.ports import Configuration, Signer
from heirloom.domain.resource_server import ResourceServer


@dataclass(frozen=True, slots=True)
class Exchange:
    """What a grant was exchanged for."""

    grant: Grant | ClientGrant
    scope: frozenset[str]
    family_id: str | None
    refresh_token: str | None = field(repr=False)
    refreshed: bool
    nonce: str | None = None


def api_of(exchange: Exchange, configuration: Configuration, issuer: str) -> ResourceServer | None:
    """Return the API of what was exchanged, `None` for a grant that is good for `/userinfo` alone.

    Raise `InvalidGrant` when the API is gone: no token is made for what the tenant no longer declares.
    """
    audience = exchange.grant.audience
    if audience == claims.userinfo_audience(issuer):
        return None
    if audience == management_api.audience(issuer) and isinstance(exchange.grant, ClientGrant):
        return management_api.api(issuer)
    api = configuration.resource_server(audience)
    if api is None:
        text = UNKNOWN_REFRESH_TOKEN if exchange.refreshed else INVALID_CODE
        raise InvalidGrant(text, reason="the API is gone", details={"audience": audience})
    return api


def require_binding(api: ResourceServer | None, application: Application, key_thumbprint: str | None) -> None:
    """Return if *application* may have an access token for *api* that is bound to this key, or to none.

    Raise `InvalidDPoPProof`.
    """
    if key_thumbprint is None and api is not None and api.requires_proof_of(application):
        raise InvalidDPoPProof("This API takes access tokens of this application with a DPoP proof only")


def issue(
    exchange: Exchange,
    application: Application,
    api: ResourceServer | None,
    signer: Signer,
    *,
    issuer: str,
    now: int,
    key_thumbprint: str | None,
) -> dict[str, object]:
    """Return the token endpoint's answer, its tokens signed for this request.

    The access token is bound to the key of *key_thumbprint*, if the request has a proof of one. The ID token comes
    whenever the grant has `openid`, however narrow the scope of this one exchange.
    """
    circumstances = claims.Issue(
        issuer=issuer,
        now=now,
        token_id=encoding.encode(secrets.token_bytes(16)),
        refreshed=exchange.refreshed,
        family_id=exchange.family_id,
        key_thumbprint=key_thumbprint,
    )
    document: dict[str, object] = {
        "access_token": signer.sign(claims.access_token(exchange.grant, exchange.scope, api, circumstances)),
        "token_type": "Bearer" if key_thumbprint is None else "DPoP",
        "expires_in": claims.access_token_lifetime(api),
        "scope": scope.render(exchange.scope),
    }
    if isinstance(exchange.grant, Grant) and scope.OPENID in exchange.grant.scope:
        id_token = claims.id_token(exchange.grant, application.id_token_lifetime, circumstances, exchange.nonce)
        document["id_token"] = signer.sign(id_token)
    if exchange.refresh_token is not None:
        document["refresh_token"] = exchange.refresh_token
    return document
