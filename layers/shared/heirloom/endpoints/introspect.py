"""`POST /oauth/introspect` (RFC 7662): what a token is good for right now."""

import hmac
from dataclasses import dataclass

from heirloom import http
from heirloom.domain import encoding, refresh_token, scope
from heirloom.domain.application import Application, families_not_before
from heirloom.domain.errors import Fault, InvalidClient, InvalidToken, OAuthError
from heirloom.domain.events import Event, EventType
from heirloom.domain.family import Family, expired
from heirloom.domain.ports import Configuration, Events, Families, TokenKeys, Verifier
from heirloom.domain.refresh_token import PREFIX, FamilyKey, Forged
from heirloom.endpoints.client import ClientAuthentication
from heirloom.endpoints.refresh import presented_token
from heirloom.http import Request, Response

INACTIVE: dict[str, object] = {"active": False}
"""RFC 7662 §2.2: nothing else is said of a token that is not active, nor why."""

TOLD = ("iss", "sub", "aud", "exp", "iat", "jti", "scope")


@dataclass(frozen=True, slots=True)
class IntrospectionEndpoint:
    """Answers confidential clients: about access tokens to each of them, about a refresh token to its owner alone.

    Anybody else could learn from a stolen refresh token when it is worth presenting.
    """

    clients: ClientAuthentication
    configuration: Configuration
    families: Families
    token_keys: TokenKeys
    verifier: Verifier
    events: Events

    def __call__(self, request: Request) -> Response:
        """Answer 200 for every token, active or not."""
        application = None
        try:
            parameters = request.body_parameters()
            application, credentials = self.clients.identify(request, parameters)
            self.clients.authenticate(request, application, credentials)
            if not application.confidential:
                # RFC 7662 §2.1: "To prevent token scanning attacks, the endpoint MUST also require … authorization".
                raise InvalidClient(reason="a public client asked for introspection")
            return http.answer(self._introspect(http.required(parameters, "token"), application, request.now))
        except OAuthError as error:
            client_id = application.client_id if application else None
            self.events.emit(Event(EventType.REFUSED_REQUEST, request.caller, client_id=client_id, reason=error.reason))
            return http.refusal(error, request)
        except Fault as fault:
            self.events.emit(Event.of_fault(fault, request.caller))
            return http.unavailable()

    def _introspect(self, text: str, application: Application, now: int) -> dict[str, object]:
        if text.startswith(PREFIX):
            return self._refresh_token(text, application, now)
        return self._access_token(text, now)

    def _refresh_token(self, text: str, application: Application, now: int) -> dict[str, object]:
        """Describe a live refresh token; a spent one is not active, though its owner may still repeat it."""
        try:
            token, _ = presented_token(text, self.token_keys)
        except Forged:
            return INACTIVE
        family = self.families.find(token.family)
        if family is None or family.grant.client_id != application.client_id:
            return INACTIVE
        if not self._alive(family, application) or not hmac.compare_digest(family.live_digest, token.digest()):
            return INACTIVE
        idle_lifetime = application.refresh_token.idle_lifetime
        if expired(family, now=now, idle_lifetime=idle_lifetime):
            return INACTIVE
        ends = [family.idle_expires_at, family.absolute_expires_at]
        if idle_lifetime is not None:
            ends.append(family.exchanged_at + idle_lifetime)
        return {
            "active": True,
            "client_id": family.grant.client_id,
            "sub": family.grant.user_id,
            "aud": family.grant.audience,
            "scope": scope.render(family.grant.scope),
            "iat": family.exchanged_at,
            "exp": min(ends),
            "sid": family.grant.session_id,
            **({"cnf": {"jkt": family.key_thumbprint}} if family.key_thumbprint is not None else {}),
        }

    def _access_token(self, text: str, now: int) -> dict[str, object]:
        try:
            claims = self.verifier.access_token(text, audience=None, now=now)
        except InvalidToken:
            return INACTIVE
        if "family_id" in claims and not self._family_stands(str(claims["sub"]), str(claims["family_id"])):
            return INACTIVE
        client_id = claims.get("azp") or claims.get("client_id")
        # RFC 9449 §6.2: whoever introspects instead of reading the token must learn of the key, too.
        binding = {"token_type": "DPoP", "cnf": claims["cnf"]} if "cnf" in claims else {"token_type": "Bearer"}
        return {"active": True, **binding, "client_id": client_id, **{name: claims[name] for name in TOLD}}

    def _family_stands(self, user_id: str, family_id: str) -> bool:
        """Tell whether the family of an access token is not revoked.

        One that is gone counts as revoked: DynamoDB may have deleted the item while the token still lives.
        """
        family = self.families.find(FamilyKey(refresh_token.user_key(user_id), encoding.decode(family_id)))
        if family is None:
            return False
        application = self.configuration.application(family.grant.client_id)
        return application is not None and self._alive(family, application)

    def _alive(self, family: Family, application: Application) -> bool:
        not_before = families_not_before(self.configuration.tenant(), application)
        return family.revoked_at is None and family.created_at >= not_before
