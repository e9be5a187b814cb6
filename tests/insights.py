"""As much of CloudWatch Logs Insights' query language as the saved queries use, on lines of a log."""

import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Self

type Line = Mapping[str, str]
"""A line's fields as Insights discovers them: those of nested objects by their path."""
type Test = Callable[[Line], bool]

_OUTSIDE_QUOTES = re.compile(r"\|(?=(?:[^']*'[^']*')*[^']*$)")
_TOKEN = re.compile(r"'(?P<text>[^']*)'|(?P<name>[@\w.]+)|(?P<sign>!=|[=()\[\],*])|\s+")
_KEYWORDS = {"and", "or", "not", "in", "ispresent"}


def discovered(document: Mapping[str, Any], path: str = "") -> dict[str, str]:
    """The fields of a JSON line; null is none."""
    fields: dict[str, str] = {}
    for name, value in document.items():
        if isinstance(value, Mapping):
            fields |= discovered(value, f"{path}{name}.")
        elif value is not None:
            fields[path + name] = str(int(value)) if isinstance(value, bool) else str(value)
    return fields


@dataclass
class Query:
    """A query, taken apart."""

    fields: list[str] = field(default_factory=list)
    tests: list[Test] = field(default_factory=list)
    groups: list[str] = field(default_factory=list)
    counted: str | None = None
    named: set[str] = field(default_factory=set)
    """Every field that it reads."""
    most: int = 10_000

    @classmethod
    def of(cls, text: str) -> Self:
        """Parse *text*; raise `ValueError` for what Insights would not understand, or this does not."""
        query = cls()
        for command in _OUTSIDE_QUOTES.split(text):
            verb, _, rest = command.strip().partition(" ")
            match verb:
                case "fields":
                    query.fields = [name.strip() for name in rest.split(",")]
                    query.named.update(query.fields)
                case "filter":
                    expression = _Expression(list(_tokens(rest)), query.named)
                    query.tests.append(expression.whole())
                case "stats":
                    found = re.fullmatch(r"count\(\*\) as (\w+) by (.+)", rest)
                    if found is None:
                        raise ValueError(command)
                    query.counted, query.groups = found[1], [name.strip() for name in found[2].split(",")]
                    query.named.update(query.groups)
                case "sort":
                    name, _, order = rest.partition(" ")
                    if order not in {"asc", "desc"}:
                        raise ValueError(command)
                    query.named.update({name} - {query.counted})
                case "limit":
                    query.most = int(rest)
                case _:
                    raise ValueError(command)
        return query

    def answer(self, lines: Iterable[Line]) -> list[dict[str, str]]:
        """The rows, in the order of the lines."""
        found = [line for line in lines if all(test(line) for test in self.tests)]
        if self.counted is None:
            return [{name: line[name] for name in self.fields if name in line} for line in found[: self.most]]
        counts = Counter(tuple(line.get(name, "") for name in self.groups) for line in found)
        return [
            {**dict(zip(self.groups, group, strict=True)), self.counted: str(count)} for group, count in counts.items()
        ]


def _tokens(text: str) -> Iterator[str]:
    """Texts with a quote before them, names and signs as they are."""
    at = 0
    while at < len(text):
        found = _TOKEN.match(text, at)
        if found is None:
            raise ValueError(text[at:])
        at = found.end()
        if found["text"] is not None:
            yield f"'{found['text']}"
        elif found["name"] or found["sign"]:
            yield found[0]


@dataclass
class _Expression:
    """Recursive descent through a filter."""

    tokens: list[str]
    named: set[str]

    def whole(self) -> Test:
        test = self._either()
        if self.tokens:
            raise ValueError(self.tokens)
        return test

    def _either(self) -> Test:
        tests = [self._both()]
        while self._next("or"):
            tests.append(self._both())
        return lambda line: any(test(line) for test in tests)

    def _both(self) -> Test:
        tests = [self._one()]
        while self._next("and"):
            tests.append(self._one())
        return lambda line: all(test(line) for test in tests)

    def _one(self) -> Test:
        if self._next("not"):
            negated = self._one()
            return lambda line: not negated(line)
        if self._next("("):
            inner = self._either()
            self._expect(")")
            return inner
        if self._next("ispresent"):
            self._expect("(")
            name = self._name()
            self._expect(")")
            return lambda line: name in line
        name = self._name()
        if self._next("in"):
            self._expect("[")
            texts = {self._text()}
            while self._next(","):
                texts.add(self._text())
            self._expect("]")
            return lambda line: line.get(name) in texts
        if self._next("!="):
            unwanted = self._text()
            return lambda line: line.get(name) != unwanted
        self._expect("=")
        wanted = self._text()
        return lambda line: line.get(name) == wanted

    def _next(self, token: str) -> bool:
        if not self.tokens or self.tokens[0] != token:
            return False
        self.tokens.pop(0)
        return True

    def _expect(self, token: str) -> None:
        if not self._next(token):
            raise ValueError(self.tokens)

    def _name(self) -> str:
        if not self.tokens or self.tokens[0] in _KEYWORDS or not re.fullmatch(r"[@\w.]+", self.tokens[0]):
            raise ValueError(self.tokens)
        self.named.add(self.tokens[0])
        return self.tokens.pop(0)

    def _text(self) -> str:
        if not self.tokens or not self.tokens[0].startswith("'"):
            raise ValueError(self.tokens)
        return self.tokens.pop(0)[1:]
