"""A tenant file on disk, which knows the line of everything in it."""

import tempfile
import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Self

import yaml

from cli import keywords
from cli.output import Problem
from heirloom.adapters.passwords import Argon2Passwords
from heirloom.tenant import applying, planning, reading
from heirloom.tenant.planning import Plan
from heirloom.tenant.remarks import Path as Place
from heirloom.tenant.remarks import Remark, place
from heirloom.tenant.store import DynamoDBStore

MOST_PLACES: Final = 500_000
"""Values of a file, those that stand for others counted as if they were written out: nine lines can make billions."""

DEEPEST: Final = 100
"""Brackets in brackets. PyYAML looks at all that are open for each token: some thousands would take it hours."""

_TOO_DEEP: Final = "nested too deeply"
_LINE_ENDS: Final = frozenset("\n\r\x85\u2028\u2029")


@dataclass(frozen=True, slots=True)
class File:
    """A tenant file as it was read: its content, and the line of each place in it."""

    path: Path
    document: object
    lines: Mapping[Place, int]

    def locate(self, remark: Remark) -> Problem:
        """Return the remark with the file and the line that it is about."""
        steps = remark.path
        while steps and steps not in self.lines:
            steps = steps[:-1]
        return Problem(str(self.path), self.lines.get(steps, 1), place(remark.path), remark.text)

    def located(self, remarks: Iterable[Remark]) -> list[Problem]:
        """Return the remarks with their lines, from top to bottom."""
        return sorted((self.locate(remark) for remark in remarks), key=lambda problem: problem.line or 0)


class Unreadable(Exception):
    """The file is no YAML, or ambiguous YAML, or says something that is to be filled in."""

    def __init__(self, *problems: Problem) -> None:
        """Take where it is unreadable, and why."""
        super().__init__("\n".join(map(str, problems)))
        self.problems = problems

    @classmethod
    def at(cls, path: Path, text: str, line: int | None = None) -> Self:
        """Return that of one place."""
        return cls(Problem(str(path), line, "", text))


class _Loader(yaml.SafeLoader):
    """Refuses what is nested too deeply before it is read."""

    def fetch_flow_collection_start(self, token_class: type[yaml.Token]) -> None:
        """Read a bracket or brace that opens."""
        if self.flow_level >= DEEPEST:
            raise yaml.scanner.ScannerError(None, None, _TOO_DEEP, self.get_mark())
        super().fetch_flow_collection_start(token_class)


def load(path: Path, values: Mapping[str, object] | None = None) -> File:
    """Read a tenant file, with *values* for its keywords; raise `Unreadable`.

    So is one with a mapping that has a key twice: one of them would silently win; and one that would never be read.
    """
    try:
        text = path.read_text("utf-8")
    except OSError as error:
        raise Unreadable.at(path, error.strerror or str(error)) from None
    except UnicodeDecodeError:
        raise Unreadable.at(path, "not UTF-8") from None
    try:
        loader = _Loader(keywords.filled(text, values or {}))
        node = loader.get_single_node()
        lines: dict[Place, int] = {}
        if node is not None:
            _note_lines(node, (), lines, ())
        document = loader.construct_document(node) if node is not None else None
    except yaml.reader.ReaderError as error:
        line = text.count("\n", 0, error.position) + 1
        raise Unreadable.at(path, f"unacceptable character {error.character!r}", line) from None
    except yaml.MarkedYAMLError as error:
        line = error.problem_mark.line + 1 if error.problem_mark else 1
        raise Unreadable.at(path, str(error.problem), line) from None
    except (yaml.YAMLError, ValueError) as error:
        raise Unreadable.at(path, str(error)) from None
    except RecursionError:
        raise Unreadable.at(path, _TOO_DEEP) from None
    file = File(path, keywords.restored(document), lines)
    if missing := [*keywords.missing(document)]:
        raise Unreadable(*file.located(Remark(at, f"{keyword} has no value") for at, keyword in missing))
    return file


class _Dumper(yaml.SafeDumper):
    """Escapes what YAML takes for the end of a line; PyYAML writes some of it as it is, and reads a space."""


def _represent_text(dumper: yaml.SafeDumper, text: str) -> yaml.ScalarNode:
    return dumper.represent_scalar("tag:yaml.org,2002:str", text, style='"' if _LINE_ENDS.intersection(text) else None)


_Dumper.add_representer(str, _represent_text)


def rendered(document: Mapping[str, object]) -> str:
    """Return a document as the text of a tenant file."""
    return yaml.dump(document, Dumper=_Dumper, sort_keys=False, allow_unicode=True, width=120)


def write(path: Path, text: str, *, overwrite: bool) -> None:
    """Write a tenant file as a whole or not at all; raise `OSError`, also for one that exists and must not be lost."""
    if overwrite:
        with tempfile.NamedTemporaryFile(dir=path.parent, delete=False) as beside:
            beside.write(text.encode())
        Path(beside.name).replace(path)
    else:
        with path.open("xb") as file:
            file.write(text.encode())


def plan_of(file: File, store: DynamoDBStore, passwords: Argon2Passwords, *, now: int) -> Plan:
    """Return what the file changes in the store; raise `Invalid` and `StoreUnavailable`. *now* is in epoch seconds."""
    desired = reading.read(file.document, now=now)
    return planning.plan(desired, planning.current(store, desired), passwords)


def seed(file: File, store: DynamoDBStore, passwords: Argon2Passwords | None = None) -> None:
    """Apply the file to a new stack; raise `Invalid` and `StoreUnavailable`."""
    passwords = passwords or Argon2Passwords()
    applying.apply(plan_of(file, store, passwords, now=int(time.time())), store, passwords)


def _note_lines(node: yaml.Node, at: Place, lines: dict[Place, int], above: tuple[yaml.Node, ...]) -> None:
    """Note where each place is, before the loader flattens merge keys; refuse keys that are there twice."""
    if node in above:
        raise yaml.constructor.ConstructorError(None, None, "contains itself", node.start_mark)
    if len(lines) > MOST_PLACES:
        raise yaml.constructor.ConstructorError(None, None, f"more than {MOST_PLACES} values", node.start_mark)
    lines.setdefault(at, node.start_mark.line + 1)
    if isinstance(node, yaml.SequenceNode):
        for index, element in enumerate(node.value):
            _note_lines(element, (*at, index), lines, (*above, node))
    if isinstance(node, yaml.MappingNode):
        for key, value in node.value:
            name = key.value if isinstance(key, yaml.ScalarNode) else str(key.start_mark)
            if (*at, name) in lines:
                raise yaml.constructor.ConstructorError(None, None, f"{name} is there twice", key.start_mark)
            lines[*at, name] = key.start_mark.line + 1
            _note_lines(value, (*at, name), lines, (*above, node))
