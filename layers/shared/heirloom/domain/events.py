"""What happened, for the log and the metrics, under Auth0's type codes."""

import enum
from collections.abc import Mapping
from dataclasses import dataclass, field

from heirloom.domain.errors import Fault


class EventType(enum.StrEnum):
    """Auth0's log event type codes."""

    LOGIN = "s"
    FAILED_LOGIN_WRONG_PASSWORD = "fp"
    FAILED_LOGIN_UNKNOWN_USER = "fu"
    FAILED_LOGIN_TOO_MANY_ATTEMPTS = "limit_wc"
    FAILED_LOGIN = "f"
    SILENT_AUTHENTICATION = "ssa"
    FAILED_SILENT_AUTHENTICATION = "fsa"
    LOGOUT = "slo"
    FAILED_LOGOUT = "flo"
    BACKCHANNEL_LOGOUT_SUCCEEDED = "oidc_backchannel_logout_succeeded"
    BACKCHANNEL_LOGOUT_FAILED = "oidc_backchannel_logout_failed"
    CODE_EXCHANGED = "seacft"
    FAILED_CODE_EXCHANGE = "feacft"
    CLIENT_CREDENTIALS_EXCHANGED = "seccft"
    FAILED_CLIENT_CREDENTIALS_EXCHANGE = "feccft"
    DEVICE_CODE_EXCHANGED = "sede"
    FAILED_DEVICE_CODE_EXCHANGE = "fede"
    FAILED_DEVICE_AUTHORIZATION = "fdeaz"
    FAILED_DEVICE_ACTIVATION = "fdeac"
    DEVICE_DENIED = "fdecc"
    REFRESH_TOKEN_EXCHANGED = "sertft"
    FAILED_REFRESH_TOKEN_EXCHANGE = "fertft"
    REFRESH_TOKEN_REUSED = "ferrt"
    REFRESH_TOKEN_REVOKED = "srrt"
    FAMILY_GAVE_WAY = "resource_cleanup"
    CONSENT = "sco"
    FAILED_PUSHED_AUTHORIZATION = "fpar"
    MANAGEMENT_CALL = "sapi"
    REFUSED_REQUEST = "fapi"
    WARNING = "w"


class Alarm(enum.StrEnum):
    """Metrics of which a single one is a sign; template.yaml watches each of them."""

    FAULT = "Fault"
    CONDITION_UNEXPLAINED = "ConditionUnexplained"
    SUCCESSOR_UNDERIVABLE = "SuccessorUnderivable"
    REPLAYS_IN_CONSECUTIVE_GENERATIONS = "ReplaysInConsecutiveGenerations"
    EVENT_NOT_PUBLISHED = "EventNotPublished"
    BACKCHANNEL_LOGOUT_UNDELIVERED = "BackchannelLogoutUndelivered"


@dataclass(frozen=True, slots=True)
class Caller:
    """Where a request came from."""

    address: str
    user_agent: str
    request_id: str


@dataclass(frozen=True, slots=True)
class Event:
    """One thing that happened. Holds no secret: ids, counters and reasons alone."""

    type: EventType
    caller: Caller
    client_id: str | None = None
    user_id: str | None = None
    reason: str | None = None
    details: Mapping[str, object] = field(default_factory=dict)
    alarm: Alarm | None = None
    """The metric that wakes somebody, if this should."""

    @classmethod
    def of_fault(cls, fault: Fault, caller: Caller) -> "Event":
        """Return the event of a fault that was answered with 503."""
        reason = ": ".join(filter(None, (type(fault).__name__, str(fault))))
        return cls(EventType.WARNING, caller, reason=reason, alarm=Alarm.FAULT)


@dataclass(frozen=True, slots=True)
class LoggedEvent:
    """An event as the log has it. `at_ms` is in epoch milliseconds."""

    log_id: str
    at_ms: int
    type: str
    caller: Caller
    client_id: str | None = None
    user_id: str | None = None
    reason: str | None = None
    details: Mapping[str, object] = field(default_factory=dict)
