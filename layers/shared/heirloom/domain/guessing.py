"""Slowing down whoever guesses passwords, without locking the owner out.

Attempts are counted in three buckets: the account seen from this address, the address, the account. Each lets some
attempts pass and then asks for a pause that doubles up to a limit. No pause is for good, and an address from which
the account logged in lately is excused from the account's bucket: strangers cannot keep its owner waiting.
"""

from dataclasses import dataclass
from ipaddress import IPv6Address, ip_address

from heirloom.domain import lifetimes

FORGETTING = lifetimes.DAY
"""A bucket without attempts for this long is empty again, seconds."""


@dataclass(frozen=True, slots=True)
class Brake:
    """Attempts that pass without a pause, the first pause and the longest one (seconds)."""

    free_attempts: int
    first_pause: int
    longest_pause: int


ACCOUNT_FROM_ADDRESS = Brake(free_attempts=5, first_pause=2, longest_pause=15 * lifetimes.MINUTE)
ADDRESS = Brake(free_attempts=50, first_pause=1, longest_pause=5 * lifetimes.MINUTE)
"""Many people share one address behind a company's or a carrier's gateway."""
ACCOUNT = Brake(free_attempts=20, first_pause=1, longest_pause=30)
"""Short at its longest: anybody can fill this bucket for anybody."""

USER_CODES_FROM_ADDRESS = Brake(free_attempts=20, first_pause=1, longest_pause=5 * lifetimes.MINUTE)
"""Whoever guesses user codes guesses at those of all devices (RFC 8628 §5.1), and each serves for minutes."""
USER_CODES_OF_ACCOUNT = Brake(free_attempts=10, first_pause=2, longest_pause=15 * lifetimes.MINUTE)
"""For a person who is logged in, from whichever address."""


@dataclass(frozen=True, slots=True)
class Attempts:
    """What a bucket holds: attempts so far, and when the last one was made (epoch seconds)."""

    count: int = 0
    last_at: int = 0


def pause(brake: Brake, attempts: Attempts, now: int) -> int:
    """Return how many seconds must still pass before the next attempt, 0 if it may be made now."""
    beyond = attempts.count - brake.free_attempts
    if beyond < 0:
        return 0
    length = min(brake.first_pause << min(beyond, 30), brake.longest_pause)
    return max(0, attempts.last_at + length - now)


def forgotten(attempts: Attempts, now: int) -> bool:
    """Tell whether a bucket is to be emptied before the next attempt is counted."""
    return now - attempts.last_at >= FORGETTING


def network(address: str) -> str:
    """Return what counts as one address: an IPv6 caller owns a /64, not a single one."""
    try:
        parsed = ip_address(address)
    except ValueError:
        return "unknown"
    if isinstance(parsed, IPv6Address) and parsed.ipv4_mapped is None:
        return str(IPv6Address(int(parsed) >> 64 << 64)) + "/64"
    return str(parsed)
