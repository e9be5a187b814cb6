"""The entries of a large JSON file, one after the other, with their lines: an array, or one object on each line."""

import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final, TextIO

_CHUNK: Final = 1 << 16
_SPACE: Final = " \t\r\n"
_AFTER_VALUE: Final = frozenset(f"{_SPACE},]")


@dataclass(frozen=True, slots=True)
class Entry:
    """One entry: its place in the file, and its value or why it has none."""

    index: int
    line: int
    value: object = None
    problem: str | None = None


class Unparsable(Exception):
    """The file as a whole is no such thing; the message says why."""

    def __init__(self, text: str, line: int | None = None) -> None:
        """Take why, and where."""
        super().__init__(text)
        self.line = line


def entries(path: Path) -> Iterator[Entry]:
    """Yield the entries of a file; raise `OSError` and `Unparsable`.

    A line that is no JSON is an entry with a problem. In an array nothing after a mistake can be told apart, so that is
    `Unparsable`.
    """
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            text = _Text(file)
            text.skip_space()
            if text.peek() == "[":
                yield from _of_array(text)
            else:
                file.seek(0)
                yield from _of_lines(file)
    except UnicodeDecodeError:
        raise Unparsable("not UTF-8") from None


def _of_lines(lines: Iterable[str]) -> Iterator[Entry]:
    index = 0
    for number, line in enumerate(lines, start=1):
        if not line.strip(f"{_SPACE}\ufeff"):
            continue
        try:
            yield Entry(index, number, _DECODER.decode(line.strip(f"{_SPACE}\ufeff")))
        except (ValueError, RecursionError) as error:
            yield Entry(index, number, problem=_told(error))
        index += 1


def _of_array(text: "_Text") -> Iterator[Entry]:
    text.take("[")
    text.skip_space()
    if text.peek() == "]":
        text.take("]")
    else:
        index = 0
        while True:
            line = text.line
            yield Entry(index, line, text.value())
            index += 1
            text.skip_space()
            if text.peek() == "]":
                break
            text.take(",")
            text.skip_space()
        text.take("]")
    text.skip_space()
    if text.peek():
        raise Unparsable("something comes after the array", text.line)


class _Text:
    """A text that is read as far as it is needed."""

    def __init__(self, file: TextIO) -> None:
        self._file = file
        self._ahead = ""
        self.line = 1

    def peek(self) -> str:
        """Return the next character; an empty text at the end."""
        return self._ahead[:1] if self._ahead or self._read_on() else ""

    def skip_space(self) -> None:
        """Go to the next character that is not space."""
        while (left := self._ahead.lstrip(_SPACE)) == "":
            self._pass(len(self._ahead))
            if not self._read_on():
                return
        self._pass(len(self._ahead) - len(left))

    def take(self, expected: str) -> None:
        """Go past a character; raise `Unparsable` if there is another one."""
        if self.peek() != expected:
            raise Unparsable(f"expected {expected!r}, found {self.peek()!r}", self.line)
        self._pass(1)

    def value(self) -> object:
        """Go past a value and return it; raise `Unparsable`."""
        while True:
            try:
                value, end = _DECODER.raw_decode(self._ahead)
            except json.JSONDecodeError as error:
                if not self._read_on():
                    raise Unparsable(_told(error), self.line + error.lineno - 1) from None
                continue
            except (ValueError, RecursionError) as error:
                raise Unparsable(_told(error), self.line) from None
            # A number may go on: of 1.5 the beginning is one too.
            if self._ahead[end : end + 1] in _AFTER_VALUE or not self._read_on():
                self._pass(end)
                return value

    def _pass(self, characters: int) -> None:
        self.line += self._ahead.count("\n", 0, characters)
        self._ahead = self._ahead[characters:]

    def _read_on(self) -> bool:
        more = self._file.read(max(_CHUNK, len(self._ahead)))
        self._ahead += more
        return more != ""


def _without_repetition(pairs: list[tuple[str, object]]) -> dict[str, object]:
    members = dict(pairs)
    if len(members) < len(pairs):
        names = [name for name, _ in pairs]
        raise ValueError(f"{next(name for name in names if names.count(name) > 1)} is there twice")
    return members


_DECODER: Final = json.JSONDecoder(object_pairs_hook=_without_repetition)


def _told(error: ValueError | RecursionError) -> str:
    return error.msg if isinstance(error, json.JSONDecodeError) else str(error)
