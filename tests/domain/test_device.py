"""What is kept of a device: few bytes, whatever it says of itself."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from heirloom.domain.device import LONGEST_USER_AGENT, UNKNOWN_DEVICE, Device
from heirloom.domain.events import Caller
from heirloom.domain.family import LARGEST_LAST_DEVICE

CALLER = Caller("192.0.2.1", "", "request")
WEBKIT = "AppleWebKit/605.1.15 (KHTML, like Gecko)"
BLINK = "AppleWebKit/537.36 (KHTML, like Gecko)"
CHROME = f"Mozilla/5.0 (Windows NT 10.0; Win64; x64) {BLINK} Chrome/142.0.0.0 Safari/537.36"

COMMON = [
    CHROME,
    CHROME + " Edg/141.0.0.0",
    f"Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) {WEBKIT} Version/18.6 Safari/605.1.15",
    f"Mozilla/5.0 (iPhone; CPU iPhone OS 18_7 like Mac OS X) {WEBKIT} Version/26.1 Mobile/15E148 Safari/604.1",
    f"Mozilla/5.0 (Linux; Android 10; K) {BLINK} Chrome/139.0.0.0 Mobile Safari/537.36",
    "Mozilla/5.0 (X11; Ubuntu; Linux x86_64; rv:143.0) Gecko/20100101 Firefox/143.0",
    "okhttp/4.12.0",
    "python-requests/2.32.3",
]


def device(user_agent: str, address: str = "192.0.2.1") -> Device:
    """A device that says this."""
    return Device.of(replace(CALLER, user_agent=user_agent, address=address))


@pytest.mark.parametrize("user_agent", COMMON)
def test_a_common_user_agent_takes_a_dozen_bytes_and_comes_back_whole(user_agent: str) -> None:
    it = device(user_agent)

    assert (it.address, it.user_agent) == ("192.0.2.1", user_agent)
    assert len(it.packed) <= 1 + 4 + 14
    assert it.within(LARGEST_LAST_DEVICE) == it


def test_what_was_stored_once_is_read_for_ever() -> None:
    """Made when this was written: other words in the dictionary would read it as something else."""
    stored = Device(bytes.fromhex("1020010db8000000000000000000000001a399c52646d8ac0600"))

    assert (stored.address, stored.user_agent) == ("2001:db8::1", CHROME)


@given(st.ip_addresses().map(str), st.text(max_size=300), st.integers(0, 200))
def test_any_user_agent_fits_and_what_is_left_of_it_is_its_beginning(address: str, user_agent: str, size: int) -> None:
    it = device(user_agent, address)
    fitting = it.within(size)

    assert it.user_agent.isprintable()
    assert it.user_agent.isascii()
    assert len(it.user_agent) <= LONGEST_USER_AGENT
    assert len(fitting.packed) <= size
    assert it.user_agent.startswith(fitting.user_agent)
    assert fitting.address in {it.address, ""}


@given(st.text(alphabet=[chr(code) for code in range(32, 127)], max_size=LONGEST_USER_AGENT))
def test_the_last_use_always_has_its_address_and_a_beginning(user_agent: str) -> None:
    last = device(user_agent, "2001:db8:ffff:ffff:ffff:ffff:ffff:ffff").within(LARGEST_LAST_DEVICE)

    assert last.address == "2001:db8:ffff:ffff:ffff:ffff:ffff:ffff"
    assert len(last.user_agent) >= min(15, len(user_agent.strip()))


@pytest.mark.parametrize(
    ("address", "user_agent", "kept"),
    [
        ("::ffff:192.0.2.1", "", ("192.0.2.1", "")),
        ("", "okhttp/4.12.0", ("", "okhttp/4.12.0")),
        ("not an address", "", ("", "")),
        ("192.0.2.1", " ! a~ ", ("192.0.2.1", "! a~")),
        ("", "", ("", "")),
        ("192.0.2.1", "a\r\nb\x00c\u00e9 \u202e<b>", ("192.0.2.1", "abc <b>")),
        ("192.0.2.1", "x" * 1000, ("192.0.2.1", "x" * LONGEST_USER_AGENT)),
    ],
)
def test_only_what_is_printable_and_an_address_is_kept(address: str, user_agent: str, kept: tuple[str, str]) -> None:
    it = device(user_agent, address)

    assert (it.address, it.user_agent) == kept
    assert bool(it) == any(kept)


@given(st.binary(max_size=60))
def test_octets_that_are_not_ours_are_no_fault(octets: bytes) -> None:
    assert Device(b"\x00" + octets).user_agent.isascii()


@given(st.binary(max_size=80))
def test_what_is_none_of_ours_is_a_device_of_which_nothing_is_known(stored: bytes) -> None:
    """A page of devices is shown all the same."""
    held = Device(stored)

    assert len(held.user_agent) <= LONGEST_USER_AGENT
    assert isinstance(held.address, str)


@pytest.mark.parametrize("deflated", ["ff", "010100feffe9"], ids=["no deflated text", "a stored byte beyond ASCII"])
def test_octets_that_say_nothing_are_an_unknown_user_agent(deflated: str) -> None:
    it = Device(b"\x04\xc0\x00\x02\x01" + bytes.fromhex(deflated))

    assert (it.address, it.user_agent) == ("192.0.2.1", "")
    assert it.within(len(it.packed) - 1) == UNKNOWN_DEVICE


def test_nothing_is_known_of_an_unknown_device() -> None:
    assert not UNKNOWN_DEVICE
    assert (UNKNOWN_DEVICE.address, UNKNOWN_DEVICE.user_agent) == ("", "")
    assert UNKNOWN_DEVICE.within(0) == UNKNOWN_DEVICE


def test_of_a_user_agent_that_is_too_long_as_much_is_kept_as_fits() -> None:
    it = device("An agent that nobody ever heard of, with a long and winding name")

    for size in range(len(it.packed) + 1):
        fitting = it.within(size)
        longer = device(it.user_agent[: len(fitting.user_agent) + 4]).packed
        assert len(fitting.packed) <= size
        assert len(longer) > size or fitting == it
        assert fitting.address == (it.address if size >= 5 else "")
    assert it.within(len(it.packed)) == it
