"""What it takes to end what a person has, each way of it: counted by tests/scale/test_ending_logins.py."""

from collections.abc import Mapping
from dataclasses import dataclass
from math import ceil
from typing import Final

FAMILIES: Final = 200
"""As many as one application may have of one person."""
SESSIONS_TOGETHER: Final = 10
CALL_MS: Final = 5
"""Assumed for one call."""

EVERYTHING: Final = "block the person, another password, end all logins (Management API, `heirloom user`)"
REFRESH_TOKENS: Final = "`DELETE users/{id}/refresh-tokens`"
SESSIONS: Final = "`DELETE users/{id}/sessions`: as many sessions, a family from each"
LOGOUT: Final = "logout with `revoke_on_logout`, all from one session"
ACCOUNT: Final = "account page, sign out everywhere"
APPLICATION: Final = "everybody's at an application: its `not_before`"


@dataclass(frozen=True, slots=True)
class Way:
    """Calls to AWS: some in any case, others for each family."""

    fixed: int
    each: int
    writes: int
    """Write units for each family."""
    lists: bool = False
    """Whether the person's families are listed anew for each 10 sessions."""

    def calls(self, families: int = FAMILIES) -> int:
        """Return how many it takes."""
        return self.fixed + self.each * families + (ceil(families / SESSIONS_TOGETHER) if self.lists else 0)

    def seconds(self, families: int = FAMILIES) -> float:
        """Return how long they take, one after the other."""
        return self.calls(families) * CALL_MS / 1000

    def within(self, seconds: float) -> int | None:
        """Return how many families one request ends in that time; `None` for any number."""
        return (
            int((seconds * 1000 / CALL_MS - self.fixed) / (self.each + self.lists / SESSIONS_TOGETHER))
            if self.each
            else None
        )


WAYS: Final[Mapping[str, Way]] = {
    EVERYTHING: Way(fixed=13, each=2, writes=1),
    REFRESH_TOKENS: Way(fixed=1, each=3, writes=2),
    SESSIONS: Way(fixed=2, each=4, writes=3, lists=True),
    LOGOUT: Way(fixed=4, each=2, writes=1),
    ACCOUNT: Way(fixed=14, each=2, writes=1),
    APPLICATION: Way(fixed=3, each=0, writes=0),
}
"""Calls of DynamoDB, and of EventBridge, which hears of each family."""
