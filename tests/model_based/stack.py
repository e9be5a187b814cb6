"""A deployed stack: functions, each with its own clock, connections and caches, on one store with one set of keys.

What a test holds is the world's clock; what a function reads may be seconds off.
"""

import dataclasses
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from botocore.exceptions import EndpointConnectionError

from heirloom.adapters.key_rotation import Ring
from heirloom.adapters.secret import Secret
from heirloom.adapters.token_keys import SecretTokenKeys
from heirloom.domain import lifetimes
from heirloom.domain.application import Application, RefreshTokenPolicy
from heirloom.domain.events import Alarm, EventType
from heirloom.domain.lifetimes import DAY, HOUR
from heirloom.domain.token_keys import TokenKeyring
from heirloom.http import Response
from tests.faults import unavailable
from tests.keys import TOKEN, Keys, SecretsManager
from tests.model_based.model import Moment, Outcome
from tests.service import NATIVE, SPA, START, WEB, Keyrings, Service

if TYPE_CHECKING:
    from mypy_boto3_dynamodb.client import DynamoDBClient

NEVER_ROTATES = dataclasses.replace(NATIVE, client_id="desk", refresh_token=RefreshTokenPolicy(rotating=False))
APPLICATIONS = (SPA, WEB, NATIVE, NEVER_ROTATES)
"""A public one in a browser, a confidential one, one whose devices have keys (DPoP), and one that does not rotate."""

DESCRIPTION = "Unknown or invalid refresh token."


@dataclass
class Settings:
    """What the operator has applied, and what became of it in the world."""

    applications: dict[str, Application]
    not_before: int = 0


@dataclass
class Line:
    """The way of one function to Secrets Manager, which works only every so many seconds."""

    secrets_manager: SecretsManager
    function: "Function"
    down_for: int
    answered_at: float = 0

    def get_secret_value(self, *, SecretId: str) -> dict[str, str]:  # noqa: N803 - AWS's name
        if 0 < self.function.clock() - self.answered_at < self.down_for:
            raise EndpointConnectionError(endpoint_url="http://secretsmanager.example")
        self.answered_at = self.function.clock()
        return self.secrets_manager.get_secret_value(SecretId=SecretId)


@dataclass
class HeldKeys(Keyrings):
    """The port `TokenKeys` as a deployed function has it, with its real cache."""

    held: SecretTokenKeys = field(kw_only=True)

    def keyring(self) -> TokenKeyring:
        return self.held.keyring()

    def reloaded(self) -> TokenKeyring:
        self.reloads += 1
        return self.held.reloaded()


class Function:
    """One instance of all functions: its clock may be wrong, and its settings and keys are as old as they may be."""

    def __init__(self, stack: "Stack", client: "DynamoDBClient", *, skew_ms: int = 0, cut_off: bool = False) -> None:
        self.stack, self.client, self.skew_ms, self.cut_off = stack, client, skew_ms, cut_off
        self.restart()

    def restart(self) -> None:
        """Begin again, with nothing but what the stack stores."""
        # As long as keys may serve on without Secrets Manager.
        down_for = lifetimes.CACHED_KEYS_IN_NEED - lifetimes.MINUTE if self.cut_off else 0
        line: Any = Line(self.stack.keys.secrets_manager, self, down_for)
        held = SecretTokenKeys.of(Secret(line, TOKEN))
        held.cache.clock = self.clock
        nothing: Any = None
        self.service = Service.of(self.client, self.stack.tables, HeldKeys(nothing, nothing, held=held))
        self._settings_at: float | None = None

    def clock(self) -> float:
        """Its own, epoch seconds."""
        return (self.stack.now_ms + self.skew_ms) / 1000

    def moment(self, number: int) -> Moment:
        """Be at the present, and tell what the function knows of it."""
        age = None if self._settings_at is None else self.clock() - self._settings_at
        declared = self.service.configuration
        if age is None or not 0 <= age < lifetimes.CACHED_CONFIGURATION:
            declared.applications = dict(self.stack.settings.applications)
            declared.settings = dataclasses.replace(declared.settings, not_before=self.stack.settings.not_before)
            self._settings_at = self.clock()
        self.service.now_ms = self.stack.now_ms + self.skew_ms
        return Moment(number, self.service.now_ms, declared.applications, declared.settings.not_before)


class Stack:
    """The store, the keys, the settings and the functions."""

    def __init__(self, clients: "list[DynamoDBClient]", tables: Mapping[str, str]) -> None:
        self.tables = tables
        self.now_ms = START * 1000
        self.settings = Settings({application.client_id: application for application in APPLICATIONS})
        self.keys = Keys()
        self.longest_family = 0
        self.rotate_keys()
        self.functions = [Function(self, client) for client in clients]
        for application in APPLICATIONS:
            self.set_policy(application.client_id)

    @property
    def now(self) -> int:
        return self.now_ms // 1000

    def set_policy(self, client_id: str, **changes: Any) -> None:
        """Change an application's refresh token settings, as applying a tenant file does."""
        application = self.settings.applications[client_id]
        policy = dataclasses.replace(application.refresh_token, **changes)
        self.settings.applications[client_id] = dataclasses.replace(application, refresh_token=policy)
        lifetime = lifetimes.NEVER if policy.absolute_lifetime is None else policy.absolute_lifetime
        self.longest_family = max(self.longest_family, lifetime)
        self.keys.allow_families(self.longest_family)

    def rotate_keys(self, *, ahead: bool = False) -> None:
        """Run the rotation, as the schedule does; *ahead* of time, as an operator may ask."""
        self.keys.rotation.rotate(self.now, ahead=list(Ring) if ahead else [])

    def knows_key(self, key_id: int) -> bool:
        """Tell whether the stack still has the key that a token names."""
        return self.keys.states(TOKEN).get(key_id, "gone") != "gone"


OFFERED_LEEWAYS = (0, 60, HOUR)
OFFERED_LIFETIMES = (10 * lifetimes.MINUTE, 2 * HOUR, 30 * DAY, None)


def outcome_of(response: Response, service: Service, since: int) -> Outcome:
    """Tell what a request came to, from the answer and from what the log says beside it.

    *since* is how many events there were before it.
    """
    events = service.events[since:]
    alarms = {event.alarm for event in events}
    assert not alarms & {Alarm.CONDITION_UNEXPLAINED, Alarm.SUCCESSOR_UNDERIVABLE}, events
    if response.status == 503:
        assert unavailable(response)
        return Outcome.UNAVAILABLE
    document = json.loads(response.body)
    if response.status == 200:
        assert document["refresh_token"], "always present"
        (event,) = (
            event for event in events if event.type in {EventType.REFRESH_TOKEN_EXCHANGED, EventType.CODE_EXCHANGED}
        )
        if event.type is EventType.CODE_EXCHANGED:
            return Outcome.LOGGED_IN
        return Outcome.REPLAYED if event.details["replayed"] else Outcome.ROTATED
    if document["error"] != "invalid_grant":
        assert response.status == (401 if document["error"] == "invalid_client" else 400)
        return Outcome(document["error"])
    assert response.status == 400
    (event,) = (event for event in events if event.details.get("error") == "invalid_grant")
    if event.type is EventType.FAILED_CODE_EXCHANGE:
        return Outcome(str(event.reason))
    assert document["error_description"] == DESCRIPTION, "one text for all"
    assert (event.type is EventType.REFRESH_TOKEN_REUSED) is (event.reason == Outcome.REUSED)
    return Outcome(str(event.reason).partition(":")[0])


def token_of(response: Response) -> str:
    """The refresh token of a successful answer."""
    return str(json.loads(response.body)["refresh_token"])
