"""What the service must do, said again from its design: pure, without a store, a secret or a clock of its own.

A deed is a generator of the calls that it makes to the store, and returns the answer. Between two calls it touches
nothing, so what runs them (`schedules`) may let one get lost, or let another deed happen there.
"""

import enum
from collections.abc import Callable, Generator, Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field, replace
from typing import Any, Final

from heirloom.domain.application import Application, RefreshTokenPolicy

NEVER: Final = 253_402_300_799
SLOTS: Final = 8
"""Spent generations of which a family knows when that was."""
SKEW: Final = 1
"""Seconds that are added to every leeway, since clocks differ."""
CODE_LIFETIME: Final = 60
REPEATED_CODE: Final = 10
"""Seconds within which a repeated code is refused and ends nothing."""


class Outcome(enum.StrEnum):
    """What a request came to, as the log tells it."""

    ROTATED = "rotated"
    ECHOED = "echoed"
    """Exchanged without rotation."""
    REPLAYED = "replayed"
    REUSED = "reused"
    FORGED = "forged"
    UNKNOWN = "unknown"
    FOREIGN_CLIENT = "foreign_client"
    REVOKED = "revoked"
    EXPIRED = "expired"
    KEY_PROOF = "key_proof"
    NOTHING_GRANTED = "invalid_scope"
    WRONG_AUDIENCE = "invalid_target"
    INVALID_CLIENT = "invalid_client"

    LOGGED_IN = "logged in"
    CODE_OF_ANOTHER = "code of another client"
    WRONG_VERIFIER = "Failed to verify code verifier"
    CODE_EXPIRED = "expired code"
    CODE_USED = "used code"
    CODE_TOO_OLD = "a login from before the mark of mass revocation"
    LOGIN_ENDED = "the login was ended meanwhile"

    ENDED = "ended"
    NOTHING_ENDED = "nothing ended"
    ACTIVE = "active"
    INACTIVE = "inactive"
    DONE = "done"
    UNAVAILABLE = "unavailable"


EXCHANGED: Final = frozenset({Outcome.ROTATED, Outcome.ECHOED, Outcome.REPLAYED})


@dataclass(frozen=True)
class Position:
    """A refresh token as anybody may speak of it: the family, by the name of the code it came from, and generation."""

    family: int
    generation: int


@dataclass(frozen=True)
class Answer:
    """What a request came to, and the refresh token in the answer."""

    outcome: Outcome
    token: Position | None = None


@dataclass(frozen=True)
class Moment:
    """What one function knows when a request reaches it: its clock, epoch milliseconds, and its copy of the settings.

    Clocks differ, copies are of different age: what a function answers follows from its own.
    """

    number: int
    """Of the request: no two have the same."""
    now_ms: int
    applications: Mapping[str, Application]
    tenant_not_before: int

    @property
    def now(self) -> int:
        return self.now_ms // 1000

    def policy(self, client_id: str) -> RefreshTokenPolicy:
        return self.applications[client_id].refresh_token

    def not_before(self, client_id: str) -> int:
        return max(self.tenant_not_before, self.applications[client_id].not_before)


@dataclass
class Family:
    """One login of one user on one device at one application. Times are epoch seconds, where nothing else is said."""

    user_id: str
    client_id: str
    session_id: str
    scope: frozenset[str]
    audience: str
    key: str | None
    created_at: int
    absolute_expires_at: int
    exchanged_at: int
    idle_expires_at: int
    non_rotating: bool | None
    family_id: str = ""
    """As the store has it, once anybody looked."""
    generation: int = 0
    spent_at_ms: tuple[int, ...] = ()
    """When each generation was spent, by the clock of the function that did."""
    exchange: int = -1
    """The number of the request that exchanged last."""
    revoked_because: str | None = None

    def revoke(self, because: str) -> None:
        self.revoked_because = self.revoked_because or because

    def ended_by_itself(self, policy: RefreshTokenPolicy, now: int) -> bool:
        idle = policy.idle_lifetime
        return (
            self.idle_expires_at <= now
            or self.absolute_expires_at <= now
            or (idle is not None and self.exchanged_at + idle <= now)
        )


@dataclass
class Code:
    """An authorization code. Its name is that of the family which may come of it."""

    user_id: str
    client_id: str
    session_id: str
    scope: frozenset[str]
    audience: str
    auth_time: int
    epochs: tuple[int, int]
    """Of the user, and of the user at this application, when it was issued."""
    expires_at: int
    used_at: int | None = None
    used_by: int = -1
    """The number of the request that exchanged it."""


@dataclass(frozen=True)
class Call:
    """One call to the store: DynamoDB's name for it, and what it does there, all at once."""

    operation: str
    act: Callable[[], Any]


class Lost(Exception):
    """The store did not answer a call, whether it did anything or not."""


type Deed = Generator[Call, Any, Answer]


@dataclass(frozen=True)
class Exchange:
    """What somebody asks of a refresh token."""

    presented: Position | None
    """`None`: it is forged."""
    client_id: str
    proven: bool = True
    """Whether the client proves to be the one it says."""
    key: str | None = None
    """The key of which the request has a proof (DPoP)."""
    scope: frozenset[str] = frozenset()
    audience: str | None = None


@dataclass
class Model:
    """All that the store holds."""

    families: dict[int, Family] = field(default_factory=dict)
    codes: dict[int, Code] = field(default_factory=dict)
    epochs: dict[tuple[str, str | None], int] = field(default_factory=dict)
    """How often the logins of a user were ended, everywhere and at one application."""
    ended_sessions: set[str] = field(default_factory=set)
    forgotten_sessions: set[str] = field(default_factory=set)

    # ---- What applications ask

    def refresh(self, asked: Exchange, at: Moment) -> Deed:
        """Exchange a refresh token."""
        if not asked.proven:
            return Answer(Outcome.INVALID_CLIENT)
        if asked.key is not None:
            yield Call("PutItem", _nothing)  # its proof, which is good once
        presented = asked.presented
        if presented is None:
            return Answer(Outcome.FORGED)
        outcome, family = yield Call("UpdateItem", lambda: self._exchange(asked, presented, at))
        if outcome is Outcome.REUSED:
            yield Call("UpdateItem", lambda: self.families[presented.family].revoke("reuse"))
        if outcome not in EXCHANGED:
            return Answer(outcome)
        with suppress(Lost):  # the exchange stands, and the next one goes on with it
            yield from self._migrate(presented.family, family, at)
        if asked.audience not in {None, family.audience}:
            return Answer(Outcome.WRONG_AUDIENCE)
        if asked.scope and not asked.scope & family.scope:
            return Answer(Outcome.NOTHING_GRANTED)
        if outcome is Outcome.REPLAYED and family.exchange != at.number and family.key is None:
            with suppress(Lost):
                yield Call("UpdateItem", _nothing)  # a row of replays would be a sign of somebody's shadow
        return Answer(outcome, Position(presented.family, family.generation))

    def _exchange(self, asked: Exchange, presented: Position, at: Moment) -> tuple[Outcome, Family | None]:
        """The one conditional write: what came of it, and the family as the store returns it."""
        family = self.families.get(presented.family)
        outcome = self._judge(family, asked, presented, at)
        if family is None:
            return outcome, None
        if outcome in {Outcome.ROTATED, Outcome.ECHOED}:
            idle = at.policy(asked.client_id).idle_lifetime
            family.exchanged_at, family.exchange = at.now, at.number
            family.idle_expires_at = NEVER if idle is None else at.now + idle
            if outcome is Outcome.ROTATED:
                family.spent_at_ms += (at.now_ms,)
                family.generation += 1
            else:
                family.non_rotating = True
        return outcome, replace(family)

    @staticmethod
    def _judge(family: Family | None, asked: Exchange, presented: Position, at: Moment) -> Outcome:  # noqa: C901, PLR0911
        """The order of the questions is a security property: who is not the client never comes to those that kill."""
        if family is None:
            return Outcome.UNKNOWN
        if family.client_id != asked.client_id:
            return Outcome.FOREIGN_CLIENT
        policy = at.policy(asked.client_id)
        if family.revoked_because or family.created_at < at.not_before(asked.client_id):
            return Outcome.REVOKED
        if family.ended_by_itself(policy, at.now):
            return Outcome.EXPIRED
        if family.key not in {None, asked.key}:
            return Outcome.KEY_PROOF
        if presented.generation == family.generation:
            if asked.audience not in {None, family.audience}:
                return Outcome.WRONG_AUDIENCE
            if asked.scope and not asked.scope & family.scope:
                return Outcome.NOTHING_GRANTED
            return Outcome.ROTATED if policy.rotating else Outcome.ECHOED
        if family.generation - presented.generation > SLOTS:
            return Outcome.REUSED
        if family.exchange == at.number and family.generation == presented.generation + 1:
            return Outcome.REPLAYED  # its own write, which the SDK repeated
        # By the clock of this function, since the clock of the one that spent it: never negative.
        ago_ms = max(0, at.now_ms - family.spent_at_ms[presented.generation])
        within_leeway = policy.leeway > 0 and ago_ms <= (policy.leeway + SKEW) * 1000
        return Outcome.REPLAYED if within_leeway else Outcome.REUSED

    def _migrate(self, name: int, family: Family, at: Moment) -> Generator[Call, Any]:
        """A family follows a change of its application's settings: it gets an end, or begins to rotate."""
        policy = at.policy(family.client_id)
        ends = family.absolute_expires_at == NEVER and policy.absolute_lifetime is not None
        begins_to_rotate = family.non_rotating is not None and policy.rotating
        if not ends and not begins_to_rotate:
            return

        def bring_in_line() -> None:
            stored = self.families[name]
            if ends and stored.absolute_expires_at != NEVER:
                return
            if ends:
                stored.absolute_expires_at = at.now + (policy.absolute_lifetime or 0)
            if begins_to_rotate:
                stored.non_rotating = False

        yield Call("UpdateItem", bring_in_line)
        if not begins_to_rotate:
            return
        left_behind = yield Call(
            "Query",
            lambda: self._alive(
                one
                for one in self._of_user(family.user_id)
                if one.non_rotating
                and one.family_id != family.family_id
                and (one.client_id, one.audience) == (family.client_id, family.audience)
            ),
        )
        yield from self._revoke_each(left_behind, "rotation_switched_on")

        def settle() -> None:
            if self.families[name].non_rotating is False:
                self.families[name].non_rotating = None

        yield Call("UpdateItem", settle)

    def exchange_code(self, name: int, client_id: str, *, verified: bool, key: str | None, at: Moment) -> Deed:
        """Exchange an authorization code: a login becomes a family."""
        if key is not None:
            yield Call("PutItem", _nothing)
        code = yield Call("GetItem", lambda: replace(self.codes[name]))
        outcome = self._redeemable(code, client_id, verified=verified, at=at)
        if outcome is Outcome.LOGGED_IN:
            outcome, code = yield Call("TransactWriteItems", lambda: self._log_in(name, key, at))
        if outcome is Outcome.CODE_USED and at.now - code.used_at > REPEATED_CODE:
            yield Call("UpdateItem", lambda: self._revoke(name, code.client_id, "code_reuse"))
        if outcome is not Outcome.LOGGED_IN:
            return Answer(outcome)
        with suppress(Lost):
            yield Call("Query", _nothing)  # are there too many?
        return Answer(outcome, Position(name, 0))

    @staticmethod
    def _redeemable(code: Code, client_id: str, *, verified: bool, at: Moment) -> Outcome:
        if code.client_id != client_id:
            return Outcome.CODE_OF_ANOTHER
        if not verified:
            return Outcome.WRONG_VERIFIER
        if code.auth_time < at.not_before(client_id):
            return Outcome.CODE_TOO_OLD
        if code.expires_at <= at.now:
            return Outcome.CODE_EXPIRED
        return Outcome.LOGGED_IN if code.used_at is None else Outcome.CODE_USED

    def _log_in(self, name: int, key: str | None, at: Moment) -> tuple[Outcome, Code]:
        code = self.codes[name]
        if code.used_by == at.number:
            return Outcome.LOGGED_IN, replace(code)  # its own transaction, which the SDK repeated
        if code.used_at is not None:
            return Outcome.CODE_USED, replace(code)
        if code.epochs != self.epochs_of(code.user_id, code.client_id) or code.session_id in self.ended_sessions:
            return Outcome.LOGIN_ENDED, replace(code)
        policy = at.policy(code.client_id)
        code.used_at, code.used_by = at.now, at.number
        confidential = at.applications[code.client_id].confidential
        self.families[name] = Family(
            user_id=code.user_id,
            client_id=code.client_id,
            session_id=code.session_id,
            scope=code.scope,
            audience=code.audience,
            key=None if confidential else key,
            created_at=at.now,
            absolute_expires_at=NEVER if policy.absolute_lifetime is None else at.now + policy.absolute_lifetime,
            exchanged_at=at.now,
            idle_expires_at=NEVER if policy.idle_lifetime is None else at.now + policy.idle_lifetime,
            non_rotating=None if policy.rotating else True,
        )
        return Outcome.LOGGED_IN, replace(code)

    def revoke(self, presented: Position | None, client_id: str, *, proven: bool = True) -> Deed:
        """Revoke the family of a token, the live one or one that was spent long ago."""
        if not proven:
            return Answer(Outcome.INVALID_CLIENT)
        if presented is None:
            return Answer(Outcome.NOTHING_ENDED)
        because = "revoked_by_application"
        ended = yield Call("UpdateItem", lambda: self._revoke(presented.family, client_id, because))
        return Answer(Outcome.ENDED if ended else Outcome.NOTHING_ENDED)

    def introspect(self, presented: Position | None, client_id: str, at: Moment) -> Deed:
        """Say whether a token is the live one of a family of this confidential client."""
        if not at.applications[client_id].confidential:
            return Answer(Outcome.INVALID_CLIENT)
        if presented is None:
            return Answer(Outcome.INACTIVE)
        family = yield Call("GetItem", lambda: self.families.get(presented.family))
        active = (
            family is not None
            and family.client_id == client_id
            and not family.revoked_because
            and family.created_at >= at.not_before(client_id)
            and family.generation == presented.generation
            and not family.ended_by_itself(at.policy(client_id), at.now)
        )
        return Answer(Outcome.ACTIVE if active else Outcome.INACTIVE)

    # ---- What people and operators ask

    def end_logins(self, user_id: str, client_id: str | None, because: str) -> Deed:
        """End all logins of a user, or those at one application: the epoch first."""

        def raise_epoch() -> None:
            self.epochs[user_id, client_id] = self.epochs.get((user_id, client_id), 0) + 1

        yield Call("UpdateItem", raise_epoch)
        families = yield Call(
            "Query",
            lambda: self._alive(one for one in self._of_user(user_id) if client_id in {None, one.client_id}),
        )
        yield from self._revoke_each(families, because)
        return Answer(Outcome.DONE)

    def end_session(self, user_id: str, session_id: str, because: str) -> Deed:
        """End a session as an operator does, and all that came from it: the session first."""
        yield Call("UpdateItem", lambda: self.ended_sessions.add(session_id))
        families = yield Call(
            "Query", lambda: self._alive(one for one in self._of_user(user_id) if one.session_id == session_id)
        )
        yield from self._revoke_each(families, because)
        return Answer(Outcome.DONE)

    def log_out(self, user_id: str, session_id: str | None, at: Moment) -> Deed:
        """End the session of a browser, and the families of applications that want that."""
        if session_id is None:
            return Answer(Outcome.DONE)
        held = yield Call("GetItem", lambda: session_id not in self.forgotten_sessions)
        if not held:
            return Answer(Outcome.DONE)
        goes_on = yield Call("UpdateItem", lambda: self._end_session(session_id))
        if not goes_on:
            return Answer(Outcome.DONE)
        families = yield Call(
            "Query",
            lambda: self._alive(
                one
                for one in self._of_user(user_id)
                if one.session_id == session_id and at.policy(one.client_id).revoke_on_logout
            ),
        )
        yield from self._revoke_each(families, "logout")
        yield Call("DeleteItem", lambda: self.forgotten_sessions.add(session_id))
        return Answer(Outcome.DONE)

    def _end_session(self, session_id: str) -> bool:
        """End it, and tell whether there is anything of it."""
        self.ended_sessions.add(session_id)
        return session_id not in self.forgotten_sessions

    # ---- What all of these do

    def epochs_of(self, user_id: str, client_id: str) -> tuple[int, int]:
        """How often the user's logins were ended, everywhere and at this application."""
        return self.epochs.get((user_id, None), 0), self.epochs.get((user_id, client_id), 0)

    def _of_user(self, user_id: str) -> list[Family]:
        """The families of a user in the order in which the store lists them."""
        return sorted((one for one in self.families.values() if one.user_id == user_id), key=lambda one: one.family_id)

    @staticmethod
    def _alive(families: Iterable[Family]) -> list[Family]:
        return [family for family in families if family.revoked_because is None]

    def _revoke(self, name: int, client_id: str, because: str) -> bool:
        """Revoke a family if it is this client's, and tell whether it is."""
        family = self.families.get(name)
        if family is None or family.client_id != client_id:
            return False
        family.revoke(because)
        return True

    @staticmethod
    def _revoke_each(families: Iterable[Family], because: str) -> Generator[Call, Any]:
        for family in families:
            yield Call("UpdateItem", lambda family=family: family.revoke(because))  # type: ignore[misc]


def _nothing() -> None:
    """Do nothing that anybody asks for later."""
