"""The `authorization_code` grant (RFC 6749 §4.1.3): a login becomes a family."""

import secrets
from dataclasses import dataclass

from heirloom import http
from heirloom.domain import authorization_code, claims, encoding, scope
from heirloom.domain.application import Application, GrantType, families_not_before
from heirloom.domain.authorization_code import AuthorizationCode, CodeUsed
from heirloom.domain.errors import INVALID_CODE, InvalidGrant, InvalidTarget
from heirloom.domain.events import Event, EventType
from heirloom.domain.family import Grant
from heirloom.domain.ports import Codes, Configuration, Events, ExchangeRefused, Families, TokenKeys
from heirloom.domain.resource_indicator import requested_audience
from heirloom.domain.resource_server import ResourceServer
from heirloom.endpoints.first_generation import FirstGeneration
from heirloom.endpoints.issuance import Exchange, require_binding
from heirloom.endpoints.revocations import Revocations
from heirloom.http import Parameters, Request


@dataclass(frozen=True, slots=True)
class CodeGrant:
    """Exchanges an authorization code, once."""

    configuration: Configuration
    codes: Codes
    families: Families
    token_keys: TokenKeys
    events: Events
    issuer: str

    def exchange(
        self, request: Request, application: Application, parameters: Parameters, key_thumbprint: str | None
    ) -> Exchange:
        """Return what the code was exchanged for; raise an `OAuthError`, or a fault."""
        code_text = http.required(parameters, "code")
        application.require_grant(GrantType.AUTHORIZATION_CODE)
        digest = authorization_code.digest(code_text)
        code = self._redeem(self.codes.find(digest), request, application, parameters, key_thumbprint)
        self._require_resource(parameters, code.grant)
        # Before the code is spent: a client that forgot its proof sends it with the next try.
        require_binding(self._api(code.grant.audience), application, key_thumbprint)
        login = FirstGeneration(self.configuration, self.families, self.token_keys, self.events)
        granted = login.granted_scope(code.grant, request, application)
        family, text = None, None
        if scope.OFFLINE_ACCESS in granted:
            family, text = login.begin(code.grant, application, key_thumbprint, device=code.device, now=request.now)
        attempt = encoding.encode(secrets.token_bytes(16))
        try:
            self.codes.exchange(code, family, attempt=attempt, now=request.now)
        except ExchangeRefused as refused:
            if refused.code is None:
                raise InvalidGrant(INVALID_CODE, reason="the login was ended meanwhile") from None
            # Somebody else's exchange came first: hear that, in the same order of questions.
            self._redeem(refused.code, request, application, parameters, key_thumbprint)
            raise
        if family is not None:
            login.make_room(family, application, request)
        family_id = encoding.encode(family.key.family_id) if family else None
        self.events.emit(
            Event(
                EventType.CODE_EXCHANGED,
                request.caller,
                client_id=application.client_id,
                user_id=code.grant.user_id,
                details={"familyId": family_id, "session_id": code.grant.session_id},
            )
        )
        return Exchange(code.grant, granted, family_id, text, refreshed=False, nonce=code.nonce)

    def _api(self, audience: str) -> ResourceServer | None:
        is_userinfo = audience == claims.userinfo_audience(self.issuer)
        return None if is_userinfo else self.configuration.resource_server(audience)

    def _require_resource(self, parameters: Parameters, grant: Grant) -> None:
        """Return if the code was granted for the `resource` that is insisted on (RFC 8707 §2.2).

        Raise `InvalidTarget`. An `audience` by itself is ignored, as at a refresh: SDKs send theirs along.
        """
        if "resource" not in parameters:
            return
        resources = {grant.audience}
        if scope.OPENID in grant.scope:
            resources.add(claims.userinfo_audience(self.issuer))
        if requested_audience(parameters) not in resources:
            raise InvalidTarget("The code was not granted for this resource")

    def _redeem(
        self,
        code: AuthorizationCode | None,
        request: Request,
        application: Application,
        parameters: Parameters,
        key_thumbprint: str | None,
    ) -> AuthorizationCode:
        try:
            return authorization_code.redeem(
                code,
                client_id=application.client_id,
                redirect_uri=parameters.get("redirect_uri"),
                verifier=parameters.get("code_verifier"),
                key_thumbprint=key_thumbprint,
                not_before=families_not_before(self.configuration.tenant(), application),
                now=request.now,
            )
        except CodeUsed as used:
            # RFC 6749 §4.1.2: "SHOULD revoke (when possible) all tokens previously issued based on that code".
            details: dict[str, object] = {}
            if used.family is not None:
                Revocations(self.families, self.events).end_one(
                    used.family,
                    client_id=application.client_id,
                    because="code_reuse",
                    caller=request.caller,
                    now=request.now,
                )
                details = {"familyId": encoding.encode(used.family.family_id), "revoked": True}
            raise InvalidGrant(INVALID_CODE, reason="used code", details=details) from None
