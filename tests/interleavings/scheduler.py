"""Every order in which actors can take their steps, with what can go wrong at each of them.

A step is one call to the store, with whatever the endpoint computes until the next one: nothing else that a request
does can be seen by another. A request begins with its first call and is answered with its last one, which is when
most is asked of it: had it begun earlier, or heard later, less would be promised about it. Only while somebody may
let time pass is the beginning, which reads the clock, a step of its own.

Two ways to the same situation (the same store, clock and keys, everybody at the same point, the same history, the
same faults left) go on in the same ways, so they are followed once and counted twice.
"""

from collections.abc import Callable, Hashable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, NamedTuple

from heirloom.adapters.families import family_of
from heirloom.domain.family import Family
from heirloom.http import Response
from tests.interleavings import store
from tests.interleavings.actors import (
    Actor,
    Answered,
    Began,
    Begin,
    Died,
    Player,
    Recall,
    Reload,
    Scene,
    Step,
    TimedOut,
    TurnKeys,
    Wait,
)
from tests.interleavings.store import Call, Failure, State
from tests.invariants import History, Request, Sighting, broken, parsed


class Fault(NamedTuple):
    """What goes wrong at a call."""

    name: str
    done: bool
    """Whether the store does what it was asked for."""
    answer: Any = None
    """What the function hears instead; `None`: the truth."""
    repeated: bool = False
    """Whether the answer gets lost and the SDK asks once more: the function has heard nothing yet."""
    late: bool = False
    """Whether another copy of the call arrives at any time from now on, to an answer that nobody hears."""


_CONFLICT = {"CancellationReasons": [{"Code": "TransactionConflict"}]}

DIED_BEFORE = Fault("died before", done=False, answer=Died())
DIED_AFTER = Fault("died after", done=True, answer=Died())
FAILED_BEFORE = Fault("throttled", done=False, answer=Failure("ThrottlingException"))
FAILED_AFTER = Fault("done, and timed out for good", done=True, answer=TimedOut())
REPEATED = Fault("done, timed out, and asked again", done=True, repeated=True)
LATE_COPY = Fault("a copy is still on its way", done=True, late=True)
MET_A_TRANSACTION = Fault("met a transaction", done=False, answer=Failure("TransactionConflictException"))
CANCELLED = Fault("met a transaction", done=False, answer=Failure("TransactionCanceledException", _CONFLICT))

NO_FAULT = Fault("", done=True)


@dataclass(frozen=True)
class Scenario:
    """Who takes part, and how many faults there may be in one schedule."""

    actors: tuple[Actor, ...]
    faults: int = 0

    def __str__(self) -> str:
        """Return it for people."""
        return " | ".join(actor.name for actor in self.actors)


@dataclass
class Explored:
    """How much was seen."""

    schedules: int = 0
    situations: int = 0
    histories: int = 0

    def __add__(self, other: "Explored") -> "Explored":
        """Return both together."""
        return Explored(
            self.schedules + other.schedules,
            self.situations + other.situations,
            self.histories + other.histories,
        )

    def __str__(self) -> str:
        """Return it for people."""
        return f"{self.schedules:,} schedules, {self.situations:,} situations, {self.histories:,} histories"


class Counterexample(AssertionError):
    """A schedule after which an invariant did not hold."""

    def __init__(self, scenario: Scenario, schedule: Sequence[str], breaches: Iterable[str]) -> None:
        self.schedule, self.breaches = tuple(schedule), tuple(breaches)
        lines = [f"in {scenario}:", *(f"  {step}" for step in schedule), *self.breaches]
        super().__init__("\n".join(lines))


@dataclass
class Node:
    """An actor at a point: all that it has done follows from the answers that led here."""

    player: Player
    answers: tuple[int, ...]
    index: int
    step: Step | None
    call: int
    """The number of the call that `step` is; -1 if it is none."""
    events: tuple[int, ...]
    requests: int
    """How many it has begun."""
    children: dict[int, "Node"] = field(default_factory=dict)


class By(NamedTuple):
    """An actor, and which of its requests."""

    who: int
    request: int


class Copy(NamedTuple):
    """A call that is still on its way, and whose it is."""

    call: int
    by: By


class Situation(NamedTuple):
    """All that what comes next depends on; numbers stand for values that the stage knows."""

    state: int
    now_ms: int
    ring: int
    history: int
    faults: int
    copies: tuple[Copy, ...]
    nodes: tuple[int, ...]


class Choice(NamedTuple):
    """One of the steps that may come next."""

    who: int
    what: object
    fault: Fault
    situation: Situation


class _Interned[T]:
    """Values by numbers: equal ones have the same."""

    def __init__(self) -> None:
        self.values: list[T] = []
        self._numbers: dict[Hashable, int] = {}

    def known(self, key: Hashable) -> int | None:
        """Return the number of the value that *key* stands for, if there is one."""
        return self._numbers.get(key)

    def number(self, value: T, key: Hashable) -> int:
        """Return the number of *value*, which *key* tells from others."""
        number = self._numbers.setdefault(key, len(self.values))
        if number == len(self.values):
            self.values.append(value)
        return number


class _Line(NamedTuple):
    """A history: one event, and what was before it."""

    before: int
    by: By
    event: int
    newest_token: str


class Stage:
    """A scene with all that is known about it: what is asked twice is answered from memory."""

    def __init__(self, scene: Scene) -> None:
        self.scene = scene
        self.answers: _Interned[Any] = _Interned()
        self.calls: _Interned[Call] = _Interned()
        self.states: _Interned[State] = _Interned()
        self.events: _Interned[Began | Answered | Family] = _Interned()
        self.histories: _Interned[_Line] = _Interned()
        self.nodes: list[Node] = []
        self.effects: dict[tuple[int, int], tuple[int, int, tuple[int, ...]]] = {}
        """By state and call: the answer, the state after it, and the families that it changed."""
        self._items: _Interned[store.Item] = _Interned()
        self._roots: dict[tuple[str, int], int] = {}
        self.start = self._state(scene.state)
        self.histories.number(_Line(-1, By(-1, -1), -1, scene.tokens[-1]), ())

    def root(self, actor: Actor, copy: int) -> int:
        """Return where an actor begins, the *copy*-th of its kind."""
        key = (actor.name, copy)
        if key not in self._roots:
            player = Player(self.scene, actor, f"{actor.name} {copy}")
            self._roots[key] = self._node(player, (), 0).index
        return self._roots[key]

    def child(self, number: int, answer: int) -> Node:
        """Return where an actor is once it has heard *answer*."""
        node = self.nodes[number]
        child = node.children.get(answer)
        if child is None:
            child = node.children[answer] = self._node(node.player, (*node.answers, answer), node.requests)
        return child

    def heard(self, answer: Any) -> int:
        """Return the number of an answer."""
        return self.answers.number(answer, frozen(answer))

    def effect(self, state: int, call: int) -> tuple[int, int, tuple[int, ...]]:
        """Let a call arrive."""
        effect = self.effects.get((state, call))
        if effect is None:
            before = self.states.values[state]
            answer, after = store.apply(before, self.calls.values[call])
            changed = tuple(
                self.events.number(family_of(item), frozen(item))
                for key, item in after.items()
                if item is not before.get(key) and "live_digest" in item
            )
            effect = (self.heard(answer), state if after is before else self._state(after), changed)
            self.effects[state, call] = effect
        return effect

    def extended(self, history: int, by: By, events: Iterable[int]) -> int:
        """Return a history that goes on with *events*."""
        for event in events:
            key = (history, by, event)
            known = self.histories.known(key)
            if known is None:
                newest, value = self.histories.values[history].newest_token, self.events.values[event]
                if isinstance(value, Answered):
                    newest = self._newer(newest, value.response.body)
                known = self.histories.number(_Line(history, by, event, newest), key)
            history = known
        return history

    def history(self, number: int) -> History:
        """Return a history for the invariants."""
        lines: list[_Line] = []
        while number:
            lines.append(self.histories.values[number])
            number = lines[-1].before
        began: dict[By, tuple[int, Request]] = {}
        answered: dict[By, tuple[int, Response]] = {}
        sightings = [Sighting(0, family_of(it)) for it in self.scene.state.values() if "live_digest" in it]
        for moment, line in enumerate(reversed(lines), start=1):
            match self.events.values[line.event]:
                case Began(_, request):
                    began[line.by] = (moment, request)
                case Answered(_, response):
                    answered[line.by] = (moment, response)
                case Family() as family:
                    sightings.append(Sighting(moment, family, list(began).index(line.by)))
        requests = []
        for by, (moment, request) in began.items():
            end: dict[str, Any] = dict(zip(("answered", "response"), answered.get(by, ()), strict=False))
            requests.append(replace(request, began=moment, **end))
        return History(tuple(requests), tuple(sightings), self.scene.issued)

    def _newer(self, newest: str, body: str) -> str:
        found = parsed(answered_token(body))
        known = parsed(newest)
        if found is None or known is None or found.family != known.family or found.generation <= known.generation:
            return newest
        return answered_token(body)

    def _state(self, state: State) -> int:
        key = frozenset((key, self._items.number(item, frozen(item))) for key, item in state.items())
        return self.states.number(state, key)

    def _node(self, player: Player, answers: tuple[int, ...], requests: int) -> Node:
        run = player.run([self.answers.values[answer] for answer in answers])
        events = tuple(self.events.number(event, event.value) for event in run.events)
        call = -1
        if isinstance(run.step, Call):
            call = self.calls.number(run.step, (run.step.operation, frozen(run.step.parameters)))
        begun = requests + sum(isinstance(event, Began) for event in run.events)
        node = Node(player, answers, len(self.nodes), run.step, call, events, begun)
        self.nodes.append(node)
        return node


class Exploration:
    """All schedules of a scenario."""

    def __init__(
        self, stage: Stage, scenario: Scenario, also: Callable[[History], Iterable[str]] = lambda _: ()
    ) -> None:
        """Take what else has to hold *also*, beside the invariants."""
        self.stage, self.scenario, self.also = stage, scenario, also
        names = [actor.name for actor in scenario.actors]
        copies = [names[:index].count(name) + 1 for index, name in enumerate(names)]
        self.names = [name if copy == 1 else f"{name} ({copy})" for name, copy in zip(names, copies, strict=True)]
        self.start = Situation(
            state=stage.start,
            now_ms=stage.scene.now_ms,
            ring=stage.scene.ring,
            history=0,
            faults=scenario.faults,
            copies=(),
            nodes=tuple(stage.root(actor, copy) for actor, copy in zip(scenario.actors, copies, strict=True)),
        )
        self._transactions = any(actor.exchanges_codes for actor in scenario.actors)
        self._counted: dict[Situation, int] = {}
        self._checked: set[int] = set()
        self._path: list[Choice] = []

    def explore(self) -> Explored:
        """Follow every schedule; raise `Counterexample` at the first that breaks an invariant."""
        schedules = self._explore(self.start)
        return Explored(schedules, len(self._counted), len(self._checked))

    def follow(self, schedule: Sequence[str]) -> History:
        """Return what one schedule leads to, its steps named as in a counterexample; then the rest, in any order."""
        situation = self.start
        for step in schedule:
            choices = {self._name(choice): choice for choice in self.choices(situation)}
            if step not in choices:
                raise LookupError(f"{step}: no such step here, but {sorted(choices)}")
            situation = choices[step].situation
        while choice := next(self.choices(situation), None):
            situation = choice.situation
        return self.stage.history(situation.history)

    def choices(self, situation: Situation) -> Iterator[Choice]:
        """Return all that may come next."""
        nodes, actors = [self.stage.nodes[node] for node in situation.nodes], self.scenario.actors
        active = [who for who, node in enumerate(nodes) if node.step is not None]
        for who in [who for who in active if not actors[who].last] or active:
            moving = any(actors[other].waits for other in active if other != who)
            yield from self._steps(situation, who, clock_moves=moving)
        for copy in sorted(set(situation.copies)):
            _, state, changed = self.stage.effect(situation.state, copy.call)
            copies = list(situation.copies)
            copies.remove(copy)
            history = self.stage.extended(situation.history, copy.by, changed)
            arrived = situation._replace(state=state, copies=tuple(copies), history=history)
            yield Choice(copy.by.who, f"{self.stage.calls.values[copy.call]} arrives late", NO_FAULT, arrived)

    def _explore(self, situation: Situation) -> int:
        counted = self._counted.get(situation)
        if counted is not None:
            return counted
        schedules = 0
        for choice in self.choices(situation):
            self._path.append(choice)
            schedules += self._explore(choice.situation)
            self._path.pop()
        if not schedules:
            schedules = 1
            self._check(situation.history)
        self._counted[situation] = schedules
        return schedules

    def _check(self, number: int) -> None:
        if number in self._checked:
            return
        self._checked.add(number)
        history = self.stage.history(number)
        if breaches := [*broken(history), *self.also(history)]:
            raise Counterexample(self.scenario, [self._name(choice) for choice in self._path], breaches)

    def _name(self, choice: Choice) -> str:
        fault = f", {choice.fault.name}" if choice.fault.name else ""
        return f"{self.names[choice.who]}: {choice.what}{fault}"

    def _steps(self, situation: Situation, who: int, *, clock_moves: bool) -> Iterator[Choice]:
        """Return the ways in which one actor can take its next step."""
        node = self.stage.nodes[situation.nodes[who]]
        step = node.step
        if isinstance(step, Begin):
            situation = self._told(situation, who, self.stage.heard(situation.now_ms))
            begun = self.stage.nodes[situation.nodes[who]]
            if clock_moves or len(begun.events) > 1:  # it made no call at all
                yield Choice(who, step, NO_FAULT, situation)
                return
            node, step = begun, begun.step
        match step:
            case Call():
                for fault in self._faults(step, 0 if self.scenario.actors[who].last else situation.faults):
                    yield Choice(who, step, fault, self._called(situation, who, node.call, fault))
            case Reload():
                yield Choice(who, step, NO_FAULT, self._told(situation, who, self.stage.heard(situation.ring)))
            case TurnKeys():
                # Behind the last of them no further turn is due while a schedule lasts.
                turned = situation._replace(ring=min(situation.ring + 1, len(self.stage.scene.rings) - 1))
                yield Choice(who, step, NO_FAULT, self._told(turned, who, self.stage.heard(None)))
            case Wait(ms):
                later = situation._replace(now_ms=situation.now_ms + ms)
                yield Choice(who, step, NO_FAULT, self._told(later, who, self.stage.heard(None)))
            case Recall():
                newest = self.stage.histories.values[situation.history].newest_token
                yield Choice(who, step, NO_FAULT, self._told(situation, who, self.stage.heard(newest)))
            case _:
                raise TypeError(step)

    def _called(self, situation: Situation, who: int, call: int, fault: Fault) -> Situation:
        by = self._by(situation, who)
        if fault.name:
            situation = situation._replace(faults=situation.faults - 1)
        if fault.late:
            situation = situation._replace(copies=tuple(sorted((*situation.copies, Copy(call, by)))))
        truth = -1
        if fault.done:
            truth, state, changed = self.stage.effect(situation.state, call)
            history = self.stage.extended(situation.history, by, changed)
            situation = situation._replace(state=state, history=history)
        if fault.repeated:
            return situation
        return self._told(situation, who, truth if fault.answer is None else self.stage.heard(fault.answer))

    def _told(self, situation: Situation, who: int, answer: int) -> Situation:
        """Return the situation in which an actor has heard an answer, and done what follows from that."""
        child = self.stage.child(situation.nodes[who], answer)
        nodes = (*situation.nodes[:who], child.index, *situation.nodes[who + 1 :])
        situation = situation._replace(nodes=nodes)
        by = self._by(situation, who)
        return situation._replace(history=self.stage.extended(situation.history, by, child.events))

    def _by(self, situation: Situation, who: int) -> By:
        return By(who, self.stage.nodes[situation.nodes[who]].requests)

    def _faults(self, call: Call, left: int) -> Iterator[Fault]:
        yield NO_FAULT
        if left == 0:
            return
        yield from (DIED_BEFORE, FAILED_BEFORE)
        if call.operation in store.READS:
            return
        yield from (DIED_AFTER, FAILED_AFTER, REPEATED, LATE_COPY)
        if self._transactions:
            yield CANCELLED if call.operation == "TransactWriteItems" else MET_A_TRANSACTION


def explored(stage: Stage, scenarios: Iterable[Scenario], **more: Any) -> Explored:
    """Explore scenarios, and return how much that was."""
    total = Explored()
    for scenario in scenarios:
        total += Exploration(stage, scenario, **more).explore()
    return total


def answered_token(body: str) -> str:
    """Return the refresh token in an answer, if it has one."""
    _, found, rest = body.partition('"refresh_token":')
    return rest.split('"')[1] if found else ""


def frozen(value: Any) -> Hashable:
    """Return what stands for a value in a dictionary."""
    if isinstance(value, Mapping):
        return frozenset((key, frozen(its)) for key, its in value.items())
    if isinstance(value, list):
        return tuple(map(frozen, value))
    if isinstance(value, Failure):
        return (value.code, frozen(value.more))
    return (type(value), value)
