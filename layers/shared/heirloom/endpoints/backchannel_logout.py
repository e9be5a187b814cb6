"""Delivery of logout tokens (OpenID Connect Back-Channel Logout 1.0 §2.5): from the queue to the application."""

import secrets
from dataclasses import dataclass

from heirloom.domain import backchannel_logout, encoding
from heirloom.domain.backchannel_logout import MOST_ATTEMPTS, LogoutNotice
from heirloom.domain.errors import Fault
from heirloom.domain.events import Alarm, Caller, Event, EventType
from heirloom.domain.ports import Configuration, Events, LogoutReceivers, SigningKeys, Undeliverable

SUCCEEDED, FAILED = EventType.BACKCHANNEL_LOGOUT_SUCCEEDED, EventType.BACKCHANNEL_LOGOUT_FAILED


@dataclass(frozen=True, slots=True)
class BackchannelLogout:
    """Tells an application that a session has ended."""

    issuer: str
    configuration: Configuration
    signing_keys: SigningKeys
    receivers: LogoutReceivers
    events: Events

    def __call__(self, notice: LogoutNotice, *, attempt: int, caller: Caller, now: int) -> bool:
        """Deliver *notice* and return whether it is done with; if not, it comes again.

        Each attempt has a token of its own: an application that takes none twice may have taken the one before.
        """
        try:
            application = self.configuration.application(notice.client_id)
            url = application.backchannel_logout_url if application else None
            if url is None:
                self._record(FAILED, "nobody wants to hear of it any more", notice, attempt, caller)
                return True
            if not backchannel_logout.may_be_sent(url, self.issuer):
                self._record(FAILED, "the address is not https", notice, attempt, caller)
                return True
            token_id = encoding.encode(secrets.token_bytes(16))
            token = backchannel_logout.logout_token(notice, issuer=self.issuer, token_id=token_id, now=now)
            signed = self.signing_keys.signer().sign(token)
            status = self.receivers.post(url, logout_token=signed)
        except Undeliverable as undeliverable:
            return self._failed(str(undeliverable), notice, attempt, caller)
        except Fault as fault:
            self.events.emit(Event.of_fault(fault, caller))
            return self._failed("a fault of ours", notice, attempt, caller)
        if not backchannel_logout.received(status):
            return self._failed(f"answered {status}", notice, attempt, caller)
        self._record(SUCCEEDED, f"answered {status}", notice, attempt, caller)
        return True

    def _failed(self, reason: str, notice: LogoutNotice, attempt: int, caller: Caller) -> bool:
        self._record(FAILED, reason, notice, attempt, caller)
        if attempt >= MOST_ATTEMPTS:
            self.events.emit(
                Event(
                    EventType.WARNING,
                    caller,
                    client_id=notice.client_id,
                    user_id=notice.user_id,
                    reason=f"a logout was not delivered: {reason}",
                    details={"session_id": notice.session_id},
                    alarm=Alarm.BACKCHANNEL_LOGOUT_UNDELIVERED,
                )
            )
        return False

    def _record(self, event_type: EventType, reason: str, notice: LogoutNotice, attempt: int, caller: Caller) -> None:
        self.events.emit(
            Event(
                event_type,
                caller,
                client_id=notice.client_id,
                user_id=notice.user_id,
                reason=reason,
                details={"session_id": notice.session_id, "attempt": attempt},
            )
        )
