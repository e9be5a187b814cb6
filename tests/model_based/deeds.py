"""What may happen: deeds as Hypothesis draws them, and what becomes of them in a world with these people and devices.

A deed names whom it is about by a number, of which any will do: so no draw depends on what came of an earlier deed.
"""

import enum
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from hypothesis import strategies as st

from heirloom import http
from heirloom.adapters.consents import DynamoDBConsents
from heirloom.adapters.sessions import DynamoDBSessions
from heirloom.adapters.users import DynamoDBUsers
from heirloom.domain.application import Application
from heirloom.domain.errors import StoreUnavailable
from heirloom.domain.events import Caller
from heirloom.endpoints.operator import BY_OPERATOR, Operator
from heirloom.http import Response
from tests.invariants import Kind
from tests.model_based import model, stack
from tests.model_based.model import Answer, Model, Moment, Outcome, Position
from tests.model_based.stack import Function
from tests.model_based.world import Device, Person, Tokens
from tests.proofs import Key, Prover
from tests.service import API, SECRET, SPA, WEB, Service

CALLER = Caller("192.0.2.9", "an operator", "request-2")
PERSON = st.integers(0, 1)
DEVICE = st.sampled_from([0, 0, 0, 1, 1, 2, 3, 7])
"""From the newest on: old ones are mostly dead."""


class Which(enum.Enum):
    """Which token is presented."""

    HELD = "what the device holds"
    STOLEN = "what a thief has: if nothing yet, what the device holds"
    EARLIER = "a copy of an earlier one"
    FORGED = "one with a character changed"


class By(enum.Enum):
    """Who presents it."""

    OWNER = "the application on the device"
    THIEF = "somebody who has all of that but the key"
    STRANGER = "another client"
    IMPOSTOR = "somebody with the application's name alone"


class Wants(enum.Enum):
    """For what."""

    ALL = "whatever was granted"
    LESS = "a part of the scope"
    MORE = "a scope that was not granted"
    ELSEWHERE = "another API"


@dataclass(frozen=True)
class People:
    """All who are there."""

    persons: list[Person]
    devices: list[Device]
    tokens: Tokens

    def device(self, number: int) -> Device:
        """One of those with a token."""
        holding = [device for device in self.devices if device.held is not None]
        return holding[-1 - number % len(holding)]


@dataclass(frozen=True)
class Seen:
    """What came of a request: read in the terms of the model, and as it was."""

    answer: Answer
    response: Response


@dataclass(frozen=True)
class Act:
    """A deed in this world."""

    person: Person
    predict: Callable[[Model, Moment], model.Deed]
    prepare: Callable[[Function], Callable[[], Seen]]
    """Make ready what the request needs, and return what sends it."""
    kind: Kind = Kind.OTHER
    observed: Mapping[str, Any] = field(default_factory=dict)
    """What an onlooker knows of the request, in the terms of `tests.invariants`."""
    client_id: str | None = None
    """By whose settings it is answered."""
    device: Device | None = None
    presented: str | None = None
    position: Position | None = None
    honest: bool = False
    """Whether it is the device itself with the token that it holds."""
    arrives: bool = True
    """Whether the answer arrives."""
    ends_with_session: bool = False
    """Whether it ends what applications want to end with the browser's session."""
    not_known: Outcome | None = None
    """What is answered to a token of a key that the stack no longer has."""


@dataclass(frozen=True)
class Refresh:
    device: int
    which: Which = Which.HELD
    by: By = By.OWNER
    wants: Wants = Wants.ALL
    back: int = 0
    """How many generations before the newest that anybody has seen; where a character is changed."""
    arrives: bool = True

    def act(self, people: People) -> Act:
        device = people.device(self.device)
        text, position = _presented(people, device, self.which, self.back)
        key = _key(device, self.by)
        client = _client(device.application, self.by)
        asked = model.Exchange(
            presented=position,
            client_id=client.client_id,
            proven=self.by is not By.IMPOSTOR,
            key=None if key is None else key.thumbprint,
            scope=frozenset(_SCOPES.get(self.wants, "").split()),
            audience=_ELSEWHERE if self.wants is Wants.ELSEWHERE else None,
        )
        form = _authentication(client, self.by) | {
            "scope": _SCOPES.get(self.wants),
            "resource": asked.audience,
        }
        return Act(
            person=device.person,
            predict=lambda world, at: world.refresh(asked, at),
            prepare=lambda function: _token_request(
                function,
                lambda service, headers: service.refresh(text, client, headers, **form),
                key=key,
                presented=text,
                tokens=people.tokens,
            ),
            kind=Kind.REFRESH,
            observed={"token": text, "client_id": client.client_id if _proves(device, self.by) else ""},
            client_id=client.client_id,
            device=device,
            presented=text,
            position=position,
            honest=self.which is Which.HELD and self.by is By.OWNER,
            arrives=self.arrives,
            not_known=Outcome.FORGED,
        )


@dataclass(frozen=True)
class Redeem:
    """The exchange of a code, for the first time or again."""

    code: int
    by: By = By.OWNER
    verified: bool = True
    arrives: bool = True

    def act(self, people: People) -> Act:
        device = people.devices[-1 - self.code % len(people.devices)]
        key, client = _key(device, self.by), _client(device.application, self.by)
        form = _authentication(client, self.by)
        if not self.verified:
            form |= {"code_verifier": "w" * 43}
        proven = self.by is not By.IMPOSTOR
        thumbprint = None if key is None else key.thumbprint

        def predict(world: Model, at: Moment) -> model.Deed:
            if not proven:
                return _refused()
            return world.exchange_code(device.name, client.client_id, verified=self.verified, key=thumbprint, at=at)

        return Act(
            person=device.person,
            predict=predict,
            prepare=lambda function: _token_request(
                function,
                lambda service, headers: service.exchange(device.code, client, headers, **form),
                key=key,
                tokens=people.tokens,
                name=device.name,
            ),
            kind=Kind.CODE,
            observed={
                "code": device.code,
                "client_id": client.client_id if proven else "",
                "logged_in": device.logged_in,
            },
            device=device,
            arrives=self.arrives,
        )


@dataclass(frozen=True)
class Revoke:
    device: int
    which: Which = Which.HELD
    by: By = By.OWNER
    back: int = 0

    def act(self, people: People) -> Act:
        device = people.device(self.device)
        text, position = _presented(people, device, self.which, self.back)
        client = _client(device.application, self.by)
        proven = self.by is not By.IMPOSTOR

        def send(function: Function) -> Seen:
            since = len(function.service.events)
            response = function.service.revoke(text, client, **_authentication(client, self.by))
            if response.status != 200:
                return Seen(Answer(stack.outcome_of(response, function.service, since)), response)
            told = function.service.events[since:]
            return Seen(Answer(Outcome.ENDED if told else Outcome.NOTHING_ENDED), response)

        return Act(
            person=device.person,
            predict=lambda world, _: world.revoke(position, client.client_id, proven=proven),
            prepare=lambda function: lambda: send(function),
            kind=Kind.REVOKE,
            observed={"token": text, "client_id": client.client_id if proven else ""},
            device=device,
            presented=text,
            position=position,
            not_known=Outcome.NOTHING_ENDED,
        )


@dataclass(frozen=True)
class Introspect:
    device: int
    which: Which = Which.HELD
    by: By = By.OWNER
    back: int = 0

    def act(self, people: People) -> Act:
        device = people.device(self.device)
        text, position = _presented(people, device, self.which, self.back)
        client = _client(device.application, self.by)
        proven = self.by is not By.IMPOSTOR

        def send(function: Function) -> Seen:
            form = {"client_id": client.client_id, "client_secret": SECRET if client.confidential else None}
            form |= {"token": text, **_authentication(client, self.by)}
            since = len(function.service.events)
            sent = {name: value for name, value in form.items() if value is not None}
            response = function.service.send("POST", "/oauth/introspect", sent)
            if response.status != 200:
                return Seen(Answer(stack.outcome_of(response, function.service, since)), response)
            active = json.loads(response.body)["active"]
            return Seen(Answer(Outcome.ACTIVE if active else Outcome.INACTIVE), response)

        return Act(
            person=device.person,
            predict=lambda world, at: world.introspect(position, client.client_id, at) if proven else _refused(),
            prepare=lambda function: lambda: send(function),
            device=device,
            presented=text,
            position=position,
            not_known=Outcome.INACTIVE,
        )


@dataclass(frozen=True)
class LogOut:
    """In the browser."""

    person: int

    def act(self, people: People) -> Act:
        person = people.persons[self.person % len(people.persons)]

        def send(function: Function) -> Seen:
            function.service.cookies = person.cookies
            response = function.service.send("GET", "/v2/logout")
            assert response.status in {200, 503}, response.body
            return Seen(Answer(Outcome.DONE if response.status == 200 else Outcome.UNAVAILABLE), response)

        session_id = person.session_id
        return Act(
            person=person,
            predict=lambda world, at: world.log_out(person.user.user_id, session_id, at),
            prepare=lambda function: lambda: send(function),
            kind=Kind.LOGOUT,
            observed={"session_id": session_id or ""},
            ends_with_session=True,
        )


@dataclass(frozen=True)
class EndLogins:
    """An operator ends all logins of a user, or those at one application."""

    person: int
    application: int | None = None

    def act(self, people: People) -> Act:
        person = people.persons[self.person % len(people.persons)]
        user_id = person.user.user_id
        client_id = None if self.application is None else stack.APPLICATIONS[self.application].client_id
        return Act(
            person=person,
            predict=lambda world, _: world.end_logins(user_id, client_id, BY_OPERATOR),
            prepare=lambda function: (
                lambda: _operator_does(
                    function, lambda op, now: op.end_logins(user_id, CALLER, now=now, client_id=client_id)
                )
            ),
            kind=Kind.END_LOGINS,
            observed={"user_id": user_id, "client_id": client_id or ""},
        )


@dataclass(frozen=True)
class EndSession:
    """An operator ends the session that a device logged in by."""

    device: int

    def act(self, people: People) -> Act:
        device = people.device(self.device)
        user_id = device.person.user.user_id
        session_id = device.session_id
        return Act(
            person=device.person,
            predict=lambda world, _: world.end_session(user_id, session_id, BY_OPERATOR),
            prepare=lambda function: (
                lambda: _operator_does(
                    function, lambda op, now: op.end_session(user_id, session_id, CALLER, now=now), Response(200)
                )
            ),
            kind=Kind.LOGOUT,
            observed={"session_id": session_id},
        )


type Drawn = Refresh | Redeem | Revoke | Introspect | LogOut | EndLogins | EndSession

_BACK = st.integers(0, 11)
_NO_THIEF = (By.OWNER, By.STRANGER, By.IMPOSTOR)
_HONEST = st.builds(Refresh, DEVICE, arrives=st.booleans())
_LATE = st.builds(Refresh, DEVICE, st.just(Which.EARLIER), back=_BACK)
_THEFT = st.builds(Refresh, DEVICE, st.just(Which.STOLEN), st.sampled_from([By.OWNER, By.THIEF]))
_ANY = st.builds(
    Refresh, DEVICE, st.sampled_from(Which), st.sampled_from(By), st.sampled_from(Wants), _BACK, st.booleans()
)
_REDEEM = st.builds(Redeem, st.integers(0, 3), st.sampled_from(_NO_THIEF), st.booleans(), st.booleans())
_REVOKE = st.builds(Revoke, DEVICE, st.sampled_from(Which), st.sampled_from(By), _BACK)
_INTROSPECT = st.builds(Introspect, DEVICE, st.sampled_from(Which), st.sampled_from(By), _BACK)
_END = st.one_of(
    st.builds(LogOut, PERSON),
    st.builds(EndLogins, PERSON, st.none() | st.integers(0, 3)),
    st.builds(EndSession, DEVICE),
    st.builds(Revoke, DEVICE),
)


def _weighed[T](*weights: tuple[int, st.SearchStrategy[T]]) -> st.SearchStrategy[T]:
    """One of these strategies, each as often as its weight says."""
    return st.sampled_from([it for weight, it in weights for _ in range(weight)]).flatmap(lambda it: it)


REFRESHES = _weighed((5, _HONEST), (3, _LATE), (2, _THEFT), (3, _ANY))
DEEDS: st.SearchStrategy[Drawn] = _weighed((20, REFRESHES), (3, _REDEEM), (2, _REVOKE), (3, _INTROSPECT), (3, _END))
"""Mostly exchanges of tokens that were good once: of what ends everything at once, a little goes a long way."""

_ELSEWHERE = "https://online.example/api"
_SCOPES = {Wants.LESS: "openid read:notes", Wants.MORE: "read:all"}
GRANTED = frozenset({"openid", "profile", "email", "offline_access", "read:notes"})
AUDIENCE = API


def _presented(people: People, device: Device, which: Which, back: int) -> tuple[str, Position | None]:
    held = device.held
    assert held is not None
    match which:
        case Which.STOLEN:
            device.stolen = device.stolen or held
            text = device.stolen
        case Which.EARLIER:
            seen = people.tokens.of(device.name)
            text = seen[max(0, len(seen) - 1 - back)]
        case Which.FORGED:
            place = 4 + back * 9 % 104
            text = held[:place] + ("A" if held[place] != "A" else "B") + held[place + 1 :]
            return text, None
        case _:
            text = held
    return text, people.tokens.note(text)


def _client(application: Application, by: By) -> Application:
    if by is not By.STRANGER:
        return application
    return SPA if application.client_id == WEB.client_id else WEB


def _authentication(client: Application, by: By) -> dict[str, str | None]:
    """What is changed in the form: an impostor has no secret, or invents one where none is wanted."""
    if by is not By.IMPOSTOR:
        return {}
    return {"client_secret": None if client.confidential else SECRET}


def _key(device: Device, by: By) -> Key | None:
    if device.key is None or by in {By.STRANGER, By.IMPOSTOR}:
        return None
    if by is By.OWNER:
        return device.key
    device.thiefs_key = device.thiefs_key or Key()
    return device.thiefs_key


def _proves(device: Device, by: By) -> bool:
    """Tell whether whoever presents a token proves to be its client: by its secret, and by its key where it has one."""
    return by is not By.IMPOSTOR and not (by is By.THIEF and device.key is not None)


def _token_request(
    function: Function,
    send: Callable[[Service, dict[str, str]], Response],
    *,
    key: Key | None,
    tokens: Tokens,
    presented: str | None = None,
    name: int | None = None,
) -> Callable[[], Seen]:
    service, headers = function.service, dict[str, str]()
    if key is not None:
        prover = Prover(service, key)
        prover.learn_nonce()
        headers = prover.header()

    def sent() -> Seen:
        since = len(service.events)
        response = send(service, headers)
        outcome = stack.outcome_of(response, service, since)
        if response.status != 200:
            return Seen(Answer(outcome), response)
        text = stack.token_of(response)
        if outcome is Outcome.ROTATED and text == presented:
            outcome = Outcome.ECHOED
        return Seen(Answer(outcome, tokens.note(text, name)), response)

    return sent


def _operator_does(
    function: Function,
    act: Callable[[Operator, int], object],
    done: Response = Response(204),  # noqa: B008 - a value
) -> Seen:
    client, tables = function.client, function.stack.tables
    operator = Operator(
        families=function.service.families,
        sessions=DynamoDBSessions(client, tables["SessionsTable"]),
        users=DynamoDBUsers(client, tables["UsersTable"]),
        consents=DynamoDBConsents(client, tables["GrantsTable"]),
        events=function.service.events,
    )
    try:
        act(operator, function.service.now)
    except StoreUnavailable:
        return Seen(Answer(Outcome.UNAVAILABLE), http.unavailable())
    return Seen(Answer(Outcome.DONE), done)


def _refused() -> model.Deed:
    """Nobody asked the store for anything."""
    yield from ()
    return Answer(Outcome.INVALID_CLIENT)
