"""The `refresh_token` grant (RFC 6749 §6): rotation, replay within leeway, and the kill on reuse."""

import secrets
from dataclasses import dataclass
from typing import assert_never

from heirloom import http
from heirloom.domain import encoding, multi_resource, replays, scope
from heirloom.domain.application import Application, GrantType, families_not_before
from heirloom.domain.device import Device
from heirloom.domain.errors import (
    UNKNOWN_REFRESH_TOKEN,
    ConditionUnexplained,
    Fault,
    InvalidGrant,
    InvalidScope,
    InvalidTarget,
    ReuseDetected,
)
from heirloom.domain.events import Alarm, Event, EventType
from heirloom.domain.family import (
    ATTEMPT_BYTES,
    LARGEST_LAST_DEVICE,
    Family,
    NothingGranted,
    Refusal,
    Refused,
    Replayed,
    Reused,
    Rotation,
    Underivable,
    Unexplained,
    WrongAudience,
    ended_because,
    judge,
)
from heirloom.domain.ports import Configuration, Events, Families, Replays, RotationRefused, TokenKeys
from heirloom.domain.refresh_token import LAST_GENERATION, Forged, RefreshToken
from heirloom.domain.resource_indicator import requested_audience
from heirloom.domain.resource_server import ResourceServer
from heirloom.domain.token_keys import TokenKeyring, UnknownTokenKey
from heirloom.endpoints.issuance import Exchange, require_binding
from heirloom.endpoints.migration import Migrations
from heirloom.http import Parameters, Request

_NOT_GRANTED = "The requested resource was not granted"


def presented_token(text: str, token_keys: TokenKeys) -> tuple[RefreshToken, TokenKeyring]:
    """Return the token that *text* is, and the keyring that knows it.

    Raise `Forged`. Another function may have minted it with a key that this one's cache has not seen yet.
    """
    keyring = token_keys.keyring()
    try:
        return RefreshToken.parse(text, keyring), keyring
    except UnknownTokenKey:
        keyring = token_keys.reloaded()
    try:
        return RefreshToken.parse(text, keyring), keyring
    except UnknownTokenKey:
        raise Forged("unknown key") from None


@dataclass(frozen=True, slots=True)
class RefreshGrant:
    """Exchanges a refresh token. Warm, that is one call to the store, and a replay is one more."""

    configuration: Configuration
    families: Families
    replays: Replays
    token_keys: TokenKeys
    events: Events

    def exchange(
        self, request: Request, application: Application, parameters: Parameters, key_thumbprint: str | None
    ) -> Exchange:
        """Return what the presented token was exchanged for; raise an `OAuthError` or a fault."""
        text = http.required(parameters, "refresh_token")
        requested = scope.parse(parameters.get("scope"))
        application.require_grant(GrantType.REFRESH_TOKEN)
        try:
            presented, keyring = presented_token(text, self.token_keys)
        except Forged as forged:
            raise InvalidGrant(UNKNOWN_REFRESH_TOKEN, reason=f"forged: {forged}") from None
        policy = application.refresh_token
        if policy.rotating and presented.generation == LAST_GENERATION:
            raise InvalidGrant(UNKNOWN_REFRESH_TOKEN, reason=Refusal.GENERATIONS_USED_UP)
        audience, api = self._requested_api(parameters, application)
        require_binding(api, application, key_thumbprint)
        rotation = Rotation(
            presented=presented,
            successor=presented.successor(keyring.current) if policy.rotating else presented,
            client_id=application.client_id,
            attempt=encoding.encode(secrets.token_bytes(ATTEMPT_BYTES)),
            now_ms=request.now_ms,
            leeway=policy.leeway,
            idle_lifetime=policy.idle_lifetime,
            not_before=families_not_before(self.configuration.tenant(), application),
            # Under policies the grant is not all there is; what they do not allow is left out instead.
            requested_scope=frozenset() if policy.policies else requested,
            audience=audience,
            key_thumbprint=key_thumbprint,
            device=Device.of(request.caller).within(LARGEST_LAST_DEVICE),
        )
        # Before the call: its MAC is the third in a row here, and four times as quick as it is after a wait.
        live, replayed = rotation.successor.text(keyring), False
        try:
            family = self.families.rotate(rotation)
        except RotationRefused as refused:
            family, live, replayed = self._explain(rotation, refused.family, keyring, request)
        Migrations(self.families, self.events).follow(family, application, request)
        if audience not in {None, family.grant.audience}:
            raise InvalidTarget(_NOT_GRANTED)
        if policy.policies:
            api = api or self.configuration.resource_server(family.grant.audience)
            grant, granted = multi_resource.granted(family.grant, requested, application, api)
        else:
            grant, granted = family.grant, scope.narrow(family.grant.scope, requested)
        self.events.emit(
            Event(
                EventType.REFRESH_TOKEN_EXCHANGED,
                request.caller,
                client_id=application.client_id,
                user_id=family.grant.user_id,
                details=_counters(presented, family)
                | {
                    "replayed": replayed,
                    "audience": grant.audience,
                    "requested_audience": parameters.get("audience") or parameters.get("resource"),
                    "requested_scope": parameters.get("scope"),
                },
                alarm=self._sign_of_shadowing(rotation, family, request),
            )
        )
        return Exchange(
            grant=grant,
            scope=granted,
            family_id=encoding.encode(family.key.family_id),
            refresh_token=live,
            refreshed=True,
        )

    def _requested_api(
        self, parameters: Parameters, application: Application
    ) -> tuple[str | None, ResourceServer | None]:
        """Return the audience that the family must have, and the API that the application's policies open instead.

        An `audience` that they do not open is ignored, as Auth0 does: SDKs send what they were configured with along.
        A `resource` is insisted on (RFC 8707 §2.2).
        """
        requested = requested_audience(parameters)
        if requested is not None and requested in application.refresh_token.policies:
            api = self.configuration.resource_server(requested)
            if multi_resource.adds(application, api):
                return None, api
        return parameters.get("resource"), None

    def _explain(
        self, rotation: Rotation, family: Family | None, keyring: TokenKeyring, request: Request
    ) -> tuple[Family, str, bool]:
        """Return the family, its live token and that it was replayed, if it was; else raise what is wrong."""
        judgement = judge(rotation, family, keyring)
        if isinstance(judgement, Underivable):
            keyring = self.token_keys.reloaded()
            judgement = judge(rotation, family, keyring)
        details, user_id = _counters(rotation.presented, family), family.grant.user_id if family else None
        match judgement:
            case Replayed(live) if family is not None:
                return family, live.text(keyring), True
            case Reused():
                key = rotation.presented.family
                self.families.revoke(key, client_id=rotation.client_id, because="reuse", now=rotation.now)
                raise ReuseDetected(UNKNOWN_REFRESH_TOKEN, reason="reused", details=details, user_id=user_id)
            case Refused(because):
                details |= _end(family, rotation)
                raise InvalidGrant(UNKNOWN_REFRESH_TOKEN, reason=because, details=details, user_id=user_id)
            case Underivable():
                self._alarm(Alarm.SUCCESSOR_UNDERIVABLE, rotation, request, details, user_id)
                raise InvalidGrant(UNKNOWN_REFRESH_TOKEN, reason="underivable", details=details, user_id=user_id)
            case NothingGranted():
                raise InvalidScope("None of the requested scopes was granted", details=details, user_id=user_id)
            case WrongAudience():
                raise InvalidTarget(_NOT_GRANTED, details=details, user_id=user_id)
            case Unexplained() | Replayed():
                self._alarm(Alarm.CONDITION_UNEXPLAINED, rotation, request, details, user_id)
                raise ConditionUnexplained
            case _:
                assert_never(judgement)

    def _sign_of_shadowing(self, rotation: Rotation, family: Family, request: Request) -> Alarm | None:
        """Note a replay, and return the alarm if it completes a row; a fault is noted, and changes no answer."""
        own_write = family.attempt == rotation.attempt  # no replay, or the SDK's own
        if own_write or family.key_thumbprint is not None:  # which only one party has
            return None
        generation = rotation.presented.generation
        try:
            before = self.replays.note(family.key, generation, now=request.now)
        except Fault as fault:
            self.events.emit(Event.of_fault(fault, request.caller))
            return None
        in_a_row = replays.in_consecutive_generations(generation, before)
        return Alarm.REPLAYS_IN_CONSECUTIVE_GENERATIONS if in_a_row else None

    def _alarm(
        self, alarm: Alarm, rotation: Rotation, request: Request, details: dict[str, object], user_id: str | None
    ) -> None:
        self.events.emit(
            Event(
                EventType.WARNING,
                request.caller,
                client_id=rotation.client_id,
                user_id=user_id,
                reason=alarm,
                details=details,
                alarm=alarm,
            )
        )


def _counters(presented: RefreshToken, family: Family | None) -> dict[str, object]:
    """Return Auth0's names for which token of which family this is about."""
    counters: dict[str, object] = {
        "familyId": encoding.encode(presented.family.family_id),
        "tokenCounter": presented.generation,
    }
    if family is not None:
        counters |= {"latestCounter": family.generation, "session_id": family.grant.session_id}
    return counters


def _end(family: Family | None, rotation: Rotation) -> dict[str, object]:
    """Return why the family has ended, for the log, if it has."""
    if family is None:
        return {}
    because = ended_because(
        family, now=rotation.now, idle_lifetime=rotation.idle_lifetime, not_before=rotation.not_before
    )
    return {} if because is None else {"endedBecause": because}
