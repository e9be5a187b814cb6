"""Heirloom's rule and those of its peers, as pure stores: no network, no disk, the caller's clock.

What a peer does is said in tests/cases and in its own documentation; a class has it in a few lines. None of them is
the peer itself, whose other parts may do better or worse.
"""

import itertools
from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from heirloom.domain import refresh_token
from heirloom.domain.family import Family, Grant, Replayed, Reused, Rotation, Supersession, judge
from heirloom.domain.refresh_token import FamilyKey, RefreshToken
from heirloom.domain.token_keys import KeyState, TokenKeyring
from tests.service import API, token_key


@dataclass(slots=True)
class Spent:
    """A peer's token, as all of them store it: a row."""

    session: int
    counter: int
    spent_at: float | None = None
    successor: str | None = None


@dataclass(slots=True)
class Peer:
    """Tokens in rows. A spent one is remembered for `forgets` seconds; if `kills`, presenting it ends the session."""

    forgets: float = float("inf")
    kills: bool = True
    tokens: dict[str, Spent] = field(default_factory=dict)
    dead: set[int] = field(default_factory=set)
    latest: dict[int, int] = field(default_factory=dict)
    """By session, the counter of its newest token."""
    _names: "itertools.count[int]" = field(default_factory=itertools.count)

    def log_in(self, kind: str, now: float) -> str:  # noqa: ARG002 - peers have one setting for all
        session = next(self._names)
        return self._issue(session, 0)

    def present(self, token: str, kind: str, now: float) -> str | None:  # noqa: ARG002 - as above
        row = self.tokens[token]
        if row.session in self.dead:
            return None
        if row.spent_at is None:
            row.spent_at, row.successor = now, self._issue(row.session, row.counter + 1)
            return row.successor
        if (answer := self.again(row, now)) is not None:
            return answer
        if self.kills and now - row.spent_at <= self.forgets:
            self.dead.add(row.session)
        return None

    def again(self, row: Spent, now: float) -> str | None:  # noqa: ARG002 - for those that look at it
        """Return what a spent token is exchanged for; `None`: nothing."""
        return None

    def _issue(self, session: int, counter: int) -> str:
        token = str(next(self._names))
        self.tokens[token] = Spent(session, counter)
        self.latest[session] = max(counter, self.latest.get(session, 0))
        return token


@dataclass(slots=True)
class SiblingsInLeeway(Peer):
    """Auth0's overlap period: the token before the newest gets another successor each time; an older one kills."""

    leeway: float = 60

    def again(self, row: Spent, now: float) -> str | None:
        assert row.spent_at is not None
        previous = row.counter == self.latest[row.session] - 1
        return self._issue(row.session, row.counter + 1) if previous and now - row.spent_at <= self.leeway else None


@dataclass(slots=True)
class SuccessorInWindow(Peer):
    """OpenAuth's reuse interval: for a minute a spent token gets its own successor, whether that is spent or not."""

    window: float = 60

    def again(self, row: Spent, now: float) -> str | None:
        assert row.spent_at is not None
        return row.successor if now - row.spent_at <= self.window else None


@dataclass(slots=True)
class PreviousForEver(Peer):
    """Supabase's exception: the token before the live one is good at any time, and leads to it."""

    def again(self, row: Spent, now: float) -> str | None:  # noqa: ARG002 - whenever it is
        return row.successor if row.counter == self.latest[row.session] - 1 else None


@dataclass(slots=True)
class Heirloom:
    """The rule of the domain on a dictionary; *leeways* by kind of client, seconds."""

    leeways: Mapping[str, int]
    families: dict[FamilyKey, Family] = field(default_factory=dict)
    keyring: TokenKeyring = field(default_factory=lambda: TokenKeyring.of(token_key(1, KeyState.CURRENT)))
    _attempts: "itertools.count[int]" = field(default_factory=itertools.count)

    def log_in(self, kind: str, now: float) -> str:
        key = FamilyKey(bytes(8), next(self._attempts).to_bytes(16))
        first = refresh_token.first(key, key.family_id * 2, self.keyring)
        grant = Grant(kind, "alice", "session", API, frozenset({"offline_access"}), int(now))
        self.families[key] = Family(
            key=key,
            grant=grant,
            generation=0,
            live_digest=first.digest(),
            superseded={},
            attempt="",
            created_at=int(now),
            absolute_expires_at=2**40,
            exchanged_at=int(now),
            idle_expires_at=2**40,
        )
        return first.text(self.keyring)

    def present(self, token: str, kind: str, now: float) -> str | None:
        presented = RefreshToken.parse(token, self.keyring)
        family = self.families[presented.family]
        rotation = Rotation(
            presented=presented,
            successor=presented.successor(self.keyring.current),
            client_id=kind,
            attempt=str(next(self._attempts)),
            now_ms=round(now * 1000),
            leeway=self.leeways[kind],
            idle_lifetime=None,
            not_before=0,
        )
        if family.revoked_at is None and family.live_digest == presented.digest():
            self.families[presented.family] = replace(
                family,
                generation=rotation.successor.generation,
                live_digest=rotation.successor.digest(),
                superseded={
                    **family.superseded,
                    presented.generation % 8: Supersession(rotation.now_ms, self.keyring.current.key_id),
                },
                attempt=rotation.attempt,
            )
            return rotation.successor.text(self.keyring)
        judgement = judge(rotation, family, self.keyring)
        if isinstance(judgement, Reused):
            self.families[presented.family] = replace(family, revoked_at=rotation.now, revoked_because="reuse")
        return judgement.live.text(self.keyring) if isinstance(judgement, Replayed) else None
