"""How deeds of the model come about: undisturbed, with a call that got lost, or two at once."""

from collections.abc import Callable, Iterator
from copy import deepcopy
from dataclasses import dataclass

from tests.faults import AFTER, BEFORE
from tests.model_based.model import Answer, Call, Deed, Lost, Model, Outcome

type Begin = Callable[[Model], Deed]
"""Begins a deed in a world."""


@dataclass
class Legal:
    """What may be seen: the answers of the deeds that happened, and the world after them."""

    answers: tuple[Answer, ...]
    world: Model


class Running:
    """A deed on its way, call by call."""

    def __init__(self, deed: Deed) -> None:
        self._deed = deed
        self.call: Call | None = None
        """The next one; `None` once the deed is done."""
        self.answer: Answer | None = None
        self._advance(lambda: next(deed))

    def go_on(self) -> None:
        """Make the next call."""
        assert self.call is not None
        result = self.call.act()
        self._advance(lambda: self._deed.send(result))

    def lose(self, when: str) -> None:
        """Lose the next call, before the store saw it or after it did what it was asked for."""
        assert self.call is not None
        if when == AFTER:
            self.call.act()
        self._advance(lambda: self._deed.throw(Lost()))

    def repeat(self) -> None:
        """Make the next call twice, since the answer to the first one got lost: the SDK does that by itself."""
        assert self.call is not None
        self.call.act()
        self.go_on()

    def finish(self) -> Answer:
        """Make all calls that are left."""
        while self.call is not None:
            self.go_on()
        assert self.answer is not None
        return self.answer

    def _advance(self, proceed: Callable[[], Call]) -> None:
        try:
            self.call = proceed()
        except StopIteration as done:
            self.call, self.answer = None, done.value
        except Lost:
            self.call, self.answer = None, Answer(Outcome.UNAVAILABLE)


def alone(world: Model, begin: Begin) -> Legal:
    """A deed that nothing disturbs."""
    after = deepcopy(world)
    return Legal((Running(begin(after)).finish(),), after)


def with_a_call_lost(world: Model, begin: Begin, number: int, when: str) -> Legal:
    """A deed whose call of this *number* gets lost, if it makes so many."""
    after = deepcopy(world)
    deed = Running(begin(after))
    for _ in range(number):
        if deed.call is not None:
            deed.go_on()
    if deed.call is not None:
        deed.lose(when)
    return Legal((deed.finish(),), after)


def with_a_call_repeated(world: Model, begin: Begin, operation: str) -> Legal:
    """A deed of which the first call of this *operation* is made twice, if there is one."""
    after = deepcopy(world)
    deed = Running(begin(after))
    while deed.call is not None:
        if deed.call.operation == operation:
            deed.repeat()
            break
        deed.go_on()
    return Legal((deed.finish(),), after)


def one_amid_another(world: Model, begin: Begin, begin_other: Begin, number: int, when: str) -> Legal:
    """Two deeds, of which the second happens as a whole right before or after a call of the first."""
    after = deepcopy(world)
    deed = Running(begin(after))
    for _ in range(number + (when == AFTER)):
        if deed.call is not None:
            deed.go_on()
    other = Running(begin_other(after)).finish()
    return Legal((deed.finish(), other), after)


def happens_amid(world: Model, begin: Begin, number: int) -> bool:
    """Tell whether a deed makes so many calls that anything can happen at the one of this *number*."""
    deed = Running(begin(deepcopy(world)))
    for _ in range(number):
        if deed.call is not None:
            deed.go_on()
    return deed.call is not None


def at_once(world: Model, begin: Begin, begin_other: Begin) -> Iterator[Legal]:
    """Two deeds, in every order that their calls may have: first one after the other, then the rest."""
    pending: list[tuple[int, ...]] = [(1,), (0,)]
    while pending:
        prefix = pending.pop()
        after = deepcopy(world)
        deeds = Running(begin(after)), Running(begin_other(after))
        made: list[int] = []
        while any(deed.call is not None for deed in deeds):
            free = len(made) >= len(prefix)
            turn = made[-1] if free else prefix[len(made)]
            if deeds[turn].call is None:
                turn = 1 - turn
            elif free and deeds[1 - turn].call is not None:
                pending.insert(0, (*made, 1 - turn))
            deeds[turn].go_on()
            made.append(turn)
        yield Legal((deeds[0].finish(), deeds[1].finish()), after)


__all__ = ["AFTER", "BEFORE"]
