"""The `client_credentials` grant (RFC 6749 §4.4): an application gets an access token for itself."""

from dataclasses import dataclass, replace

from heirloom.domain import client_grant, management_api, scope
from heirloom.domain.application import Application, GrantType
from heirloom.domain.client_grant import ClientGrant
from heirloom.domain.errors import InvalidRequest, UnauthorizedClient
from heirloom.domain.events import Event, EventType
from heirloom.domain.ports import Configuration, Events
from heirloom.domain.resource_indicator import requested_audience
from heirloom.domain.resource_server import ResourceServer
from heirloom.endpoints.issuance import Exchange, require_binding
from heirloom.http import Parameters, Request


@dataclass(frozen=True, slots=True)
class ClientCredentialsGrant:
    """Hands out what the tenant file grants to an application. Warm, that is no call to the store."""

    configuration: Configuration
    events: Events
    issuer: str

    def exchange(
        self, request: Request, application: Application, parameters: Parameters, key_thumbprint: str | None
    ) -> Exchange:
        """Return what the application may have: no refresh token and no ID token; raise an `OAuthError` or a fault."""
        audience = requested_audience(parameters) or self.configuration.tenant().default_audience
        if audience is None:
            raise InvalidRequest("Missing required parameter: audience")
        requested = scope.parse(parameters.get("scope"))
        application.require_grant(GrantType.CLIENT_CREDENTIALS)
        if not application.confidential:
            # RFC 6749 §4.4: "MUST only be used by confidential clients".
            raise UnauthorizedClient("Grant type 'client_credentials' not allowed for a public client.")
        grant, api = self._declared(application, audience)
        granted = client_grant.narrowed(grant, api, requested)
        require_binding(api, application, key_thumbprint)
        self.events.emit(
            Event(
                EventType.CLIENT_CREDENTIALS_EXCHANGED,
                request.caller,
                client_id=application.client_id,
                details={"audience": audience, "scope": scope.render(granted.scope)},
            )
        )
        return Exchange(granted, granted.scope, family_id=None, refresh_token=None, refreshed=False)

    def _declared(self, application: Application, audience: str) -> tuple[ClientGrant | None, ResourceServer | None]:
        if audience != management_api.audience(self.issuer):
            grant = self.configuration.client_grant(application.client_id, audience)
            return grant, self.configuration.resource_server(audience)
        grant = self.configuration.client_grant(application.client_id, management_api.AUDIENCE)
        return grant and replace(grant, audience=audience), management_api.api(self.issuer)
