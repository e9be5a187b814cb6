"""What an event tells the log."""

from heirloom.domain.errors import Fault, SigningFailed, StoreUnavailable
from heirloom.domain.events import Alarm, Caller, Event, EventType

CALLER = Caller("192.0.2.1", "curl/8.0", "request-1")


def test_a_fault_wakes_somebody_and_says_what_it_was() -> None:
    assert Event.of_fault(StoreUnavailable("ConnectTimeout"), CALLER) == Event(
        EventType.WARNING, CALLER, reason="StoreUnavailable: ConnectTimeout", alarm=Alarm.FAULT
    )


def test_a_fault_of_few_words_has_its_name() -> None:
    assert [Event.of_fault(fault, CALLER).reason for fault in (SigningFailed(), Fault(""))] == [
        "SigningFailed",
        "Fault",
    ]
