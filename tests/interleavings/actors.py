"""Who takes part in a schedule, each as an automaton: what it asks next, given all the answers that it had.

An actor sends requests to the real endpoints. Each answer of the store, of the clock, of the keys is one that the
scheduler gives it, so what an actor does next depends on those answers and on nothing else: it is run from the start
once for each different sequence of answers, until it asks for one that is not there yet.
"""

import secrets
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from hashlib import sha256
from typing import Any
from unittest.mock import patch

from botocore.exceptions import ReadTimeoutError

from heirloom.adapters.consents import DynamoDBConsents
from heirloom.adapters.sessions import DynamoDBSessions
from heirloom.adapters.users import DynamoDBUsers
from heirloom.domain.application import Application
from heirloom.domain.claims import UnsignedToken
from heirloom.domain.errors import Fault
from heirloom.domain.events import Caller
from heirloom.domain.refresh_token import FamilyKey
from heirloom.domain.token_keys import TokenKeyring
from heirloom.endpoints.operator import Operator
from heirloom.http import Response
from tests.endpoints.hands import set_tenant
from tests.faults import Killed
from tests.interleavings import store
from tests.interleavings.store import Answer, Call, Failure, State
from tests.invariants import Kind, Request
from tests.service import ALICE, SPA, Keyrings, Service


class Begin:
    """A request reads the clock."""

    def __str__(self) -> str:
        """Return it for people."""
        return "begins"


class Reload:
    """A function reads the token keys anew."""

    def __str__(self) -> str:
        """Return it for people."""
        return "reads the keys"


class TurnKeys:
    """The token keys are rotated."""

    def __str__(self) -> str:
        """Return it for people."""
        return "turns the keys"


class Recall:
    """An actor learns the newest refresh token that anybody was answered."""

    def __str__(self) -> str:
        """Return it for people."""
        return "recalls the newest token"


@dataclass(frozen=True)
class Wait:
    """Time passes, for everybody."""

    ms: int

    def __str__(self) -> str:
        """Return it for people."""
        return f"waits {self.ms / 1000:g} s"


type Step = Call | Begin | Reload | TurnKeys | Recall | Wait


@dataclass(frozen=True)
class Died:
    """In the place of an answer: the function dies."""


@dataclass(frozen=True)
class TimedOut:
    """In the place of an answer: all of the SDK's tries timed out, and the last of them was done."""


@dataclass(frozen=True)
class Began:
    """A request has begun; `number` counts those of its actor."""

    number: int
    request: Request

    @property
    def value(self) -> object:
        """Return what tells it from other events."""
        return self


@dataclass(frozen=True)
class Answered:
    """A request was answered."""

    number: int
    response: Response

    @property
    def value(self) -> object:
        """Return what tells it from other events."""
        return self.number, self.response.status, self.response.body


class Suspended(BaseException):
    """An actor waits for an answer that is not there yet: nothing of the product may catch this."""

    def __init__(self, step: Step) -> None:
        super().__init__()
        self.step = step


class Tape:
    """A DynamoDB client, clock and keys in one, that plays back answers; and what an actor did since the last one.

    With a `state` it is a store by itself.
    """

    def __init__(self, state: State | None = None) -> None:
        self.state = state
        self.events: list[Began | Answered] = []
        self._answers: Iterator[Any] = iter(())
        self._left = 0

    def load(self, answers: list[Any]) -> None:
        """Play these back from now on."""
        self.state, self._answers, self._left = None, iter(answers), len(answers)
        self.events.clear()

    def take(self, step: Step) -> Any:
        """Return the next answer, which is the one to *step*; raise `Suspended` after the last."""
        if self.state is not None:
            assert isinstance(step, Call)
            answer, self.state = store.apply(self.state, step)
        elif self._left == 0:
            raise Suspended(step)
        else:
            answer = next(self._answers)
            self._left -= 1
            if self._left == 0:
                self.events.clear()
        match answer:
            case Failure():
                raise answer.error()
            case TimedOut():
                raise ReadTimeoutError(endpoint_url="http://dynamodb.secret.example")
            case Died():
                raise Killed
        return answer

    def get_item(self, **parameters: Any) -> Any:
        return self.take(Call("GetItem", parameters))

    def put_item(self, **parameters: Any) -> Any:
        return self.take(Call("PutItem", parameters))

    def update_item(self, **parameters: Any) -> Any:
        return self.take(Call("UpdateItem", parameters))

    def delete_item(self, **parameters: Any) -> Any:
        return self.take(Call("DeleteItem", parameters))

    def transact_write_items(self, **parameters: Any) -> Any:
        return self.take(Call("TransactWriteItems", parameters))

    def query(self, **parameters: Any) -> Any:
        """Return all there is, on one page."""
        return self.take(Call("Query", parameters))


class _Unsigned:
    """The port `Signer`: no invariant is about signatures, and they are what takes time."""

    def sign(self, token: UnsignedToken) -> str:
        return f"unsigned.{token.claims['jti']}" if "jti" in token.claims else "unsigned"


@dataclass
class FunctionsKeys(Keyrings):
    """The ports `TokenKeys` and `SigningKeys` of one function: with a cache of its age, and a store for all."""

    tape: Tape = field(default_factory=Tape)
    rings: tuple[TokenKeyring, ...] = ()

    def reloaded(self) -> TokenKeyring:
        """Read the keys that are stored now."""
        self.seen = self.rings[self.tape.take(Reload())]
        return self.seen

    def signer(self) -> Any:
        """Return what does not sign."""
        return _Unsigned()


@dataclass(frozen=True)
class Scene:
    """Where a schedule begins: what is stored, what everybody holds, and what time it is."""

    state: State
    now_ms: int
    rings: tuple[TokenKeyring, ...]
    ring: int
    """The token keys in the order of their schedule, and which of them are stored and cached."""
    tokens: tuple[str, ...]
    """Of one family, all that there were, the live one last."""
    family: FamilyKey
    code: str = ""
    """Not exchanged yet, of the session from which the family came."""
    cookies: Mapping[str, str] = field(default_factory=dict)
    """Of the browser with that session."""
    session_id: str = ""
    issued: frozenset[str] = frozenset()
    """All tokens that were handed out."""
    policy: Mapping[str, Any] = field(default_factory=dict)
    """Of the single-page application, besides the defaults."""


@dataclass(frozen=True)
class Actor:
    """Somebody with a function of their own: requests, and what that function's caches hold."""

    name: str
    act: Callable[["Hands"], object]
    policy: Mapping[str, Any] = field(default_factory=dict)
    """As its function's cache has the single-page application, besides the scene's."""
    tenant: Mapping[str, Any] = field(default_factory=dict)
    skew_ms: int = 0
    """How far its function's clock is ahead."""
    waits: bool = False
    """Whether it lets time pass."""
    exchanges_codes: bool = False
    last: bool = False
    """Whether it begins when all others are done, and nothing fails any more."""


@dataclass
class Hands:
    """What an actor can do. A request returns `None` when it is never answered."""

    scene: Scene
    service: Service
    tape: Tape
    actor: Actor
    requests: int = 0

    def refresh(self, token: str, application: Application = SPA) -> Response | None:
        """Present a refresh token."""
        policy = self.service.configuration.applications[application.client_id].refresh_token
        return self._send(
            Kind.REFRESH,
            lambda: self.service.refresh(token, application),
            token=token,
            client_id=application.client_id,
            leeway=policy.leeway,
            rotates=policy.rotating,
            idle_lifetime=policy.idle_lifetime,
        )

    def exchange(self, code: str, application: Application = SPA) -> Response | None:
        """Exchange a code of a login that was before all this."""
        client_id = application.client_id
        return self._send(
            Kind.CODE, lambda: self.service.exchange(code, application), code=code, client_id=client_id, logged_in=0.0
        )

    def revoke(self, token: str, application: Application = SPA) -> Response | None:
        """Revoke a refresh token."""
        return self._send(
            Kind.REVOKE,
            lambda: self.service.revoke(token, application),
            token=token,
            client_id=application.client_id,
            ends_grant=self.service.configuration.settings.revocation_ends_grant,
        )

    def log_out(self) -> Response | None:
        """Log out in the browser that has the scene's session."""
        query = {"client_id": SPA.client_id, "returnTo": "https://app.example/"}
        return self._send(
            Kind.LOGOUT,
            lambda: self.service.send("GET", "/v2/logout", query=query),
            session_id=self.scene.session_id,
            client_id=SPA.client_id,
        )

    def end_logins(self) -> Response | None:
        """End all logins of the person, as an operator."""

        def end() -> Response:
            try:
                self._operator.end_logins(ALICE.user_id, Caller("", "", ""), now=self.service.now)
            except Fault:
                return Response(503)
            return Response(204)

        return self._send(Kind.END_LOGINS, end, user_id=ALICE.user_id)

    def wait(self, seconds: float) -> None:
        """Let time pass."""
        self.tape.take(Wait(round(seconds * 1000)))

    def read_keys(self) -> None:
        """Let the function read the token keys."""
        self.service.keys.reloaded()

    def turn_keys(self) -> None:
        """Rotate the token keys."""
        self.tape.take(TurnKeys())

    def newest_token(self) -> str:
        """Return the newest refresh token of the scene's family that anybody was answered."""
        return str(self.tape.take(Recall()))

    @property
    def _operator(self) -> Operator:
        service = self.service
        return Operator(
            service.families,
            DynamoDBSessions(service.client, service.tables["SessionsTable"]),
            DynamoDBUsers(service.client, service.tables["UsersTable"]),
            DynamoDBConsents(service.client, service.tables["GrantsTable"]),
            service.events,
        )

    def _send(self, kind: Kind, act: Callable[[], Response], **facts: Any) -> Response | None:
        number, self.requests = self.requests, self.requests + 1
        self.service.now_ms = self.tape.take(Begin()) + self.actor.skew_ms
        request = Request(by=self.actor.name, kind=kind, began=0, at_ms=self.service.now_ms, **facts)
        self.tape.events.append(Began(number, request))
        try:
            response = act()
        except Killed:
            return None
        except Exception as error:  # noqa: BLE001 - as Lambda answers what a handler raises
            response = Response(500, body=repr(error))
        self.tape.events.append(Answered(number, response))
        return response


@dataclass(frozen=True)
class Run:
    """An actor, as far as the answers go."""

    step: Step | None
    """What it asks next; `None`: it has done all."""
    events: tuple[Began | Answered, ...]
    """What it did since the last answer."""


class Player:
    """Runs one actor of a scene."""

    def __init__(self, scene: Scene, actor: Actor, seed: str) -> None:
        self.scene, self.actor, self.seed = scene, actor, seed
        self.tape = Tape(scene.state)
        ring = scene.rings[scene.ring]
        self.keys = FunctionsKeys(ring, ring, tape=self.tape, rings=scene.rings)
        client: Any = self.tape
        self.service = Service.of(client, {table: table for table in store.key_names()}, self.keys)
        for patient in (self.service.codes, self.service.routes["GET", "/v2/logout"].flow.sessions):
            object.__setattr__(patient, "sleep", lambda _: None)
        self.service.set_policy(**{**scene.policy, **actor.policy})
        set_tenant(self.service, **actor.tenant)

    def run(self, answers: list[Answer | Any]) -> Run:
        """Play *answers* back."""
        self.tape.load(answers)
        self.keys.seen = self.scene.rings[self.scene.ring]
        self.service.cookies = dict(self.scene.cookies)
        self.service.transcript.clear()
        self.service.events.clear()
        hands = Hands(self.scene, self.service, self.tape, self.actor)
        try:
            with patch.object(secrets, "token_bytes", drawn(self.seed)):
                self.actor.act(hands)
        except Suspended as suspended:
            return Run(suspended.step, tuple(self.tape.events))
        return Run(None, tuple(self.tape.events))


def drawn(seed: str) -> Callable[[int], bytes]:
    """Return random bytes that are the same in each run, and others for each seed."""
    count = 0

    def token_bytes(length: int) -> bytes:
        nonlocal count
        count += 1
        return sha256(f"{seed} {count}".encode()).digest()[:length]

    return token_bytes
