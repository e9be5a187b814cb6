"""`make tenant`: shows what a tenant file changes in a stack, or changes it.

    python -m local.tenant plan|apply FILE [--stack NAME | --endpoint URL] [--allow-delete]

Ends with 2 when the file is invalid, with 1 when the store does not allow the change, else with 0.
"""

import argparse
import sys
import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final, TextIO

import yaml
from botocore.exceptions import BotoCoreError, ClientError

from heirloom.adapters.passwords import Argon2Passwords
from heirloom.adapters.users import UserConflict
from heirloom.domain.errors import StoreUnavailable
from heirloom.tenant import applying, planning, reading
from heirloom.tenant.applying import Applied, DeletionRefused
from heirloom.tenant.planning import Action, Plan
from heirloom.tenant.remarks import Invalid, Remark
from heirloom.tenant.remarks import Path as Place
from heirloom.tenant.store import DynamoDBStore, Outdated
from local import target
from local.target import Target

_MARKS: Final = {Action.CREATE: "+", Action.UPDATE: "~", Action.DELETE: "-"}


@dataclass(frozen=True, slots=True)
class File:
    """A tenant file as it was read: its content, and the line of each place in it."""

    path: Path
    document: object
    lines: Mapping[Place, int]

    def locate(self, remark: Remark) -> str:
        """Return the remark with the file and the line that it is about."""
        steps = remark.path
        while steps and steps not in self.lines:
            steps = steps[:-1]
        return f"{self.path}:{self.lines.get(steps, 1)}: {remark}"


class Unreadable(Exception):
    """The file is no YAML, or ambiguous YAML; the message says where."""


def load(path: Path) -> File:
    """Read a tenant file; raise `Unreadable`, also when a mapping has a key twice: one would silently win."""
    try:
        loader = yaml.SafeLoader(path.read_text("utf-8"))
        node = loader.get_single_node()
        lines: dict[Place, int] = {}
        if node is not None:
            _note_lines(node, (), lines, ())
        document = loader.construct_document(node) if node is not None else None
    except OSError as error:
        raise Unreadable(f"{path}: {error.strerror}") from None
    except UnicodeDecodeError:
        raise Unreadable(f"{path}: not UTF-8") from None
    except yaml.MarkedYAMLError as error:
        line = error.problem_mark.line + 1 if error.problem_mark else 1
        raise Unreadable(f"{path}:{line}: {error.problem}") from None
    except (yaml.YAMLError, ValueError) as error:
        raise Unreadable(f"{path}: {error}") from None
    return File(path, document, lines)


def plan_of(file: File, store: DynamoDBStore, passwords: Argon2Passwords, *, now: int) -> Plan:
    """Return what the file changes in the store; raise `Invalid` and `StoreUnavailable`. *now* is in epoch seconds."""
    desired = reading.read(file.document, now=now)
    return planning.plan(desired, planning.current(store, desired), passwords)


def seed(file: File, store: DynamoDBStore, passwords: Argon2Passwords | None = None) -> None:
    """Apply the file to a new stack; raise `Invalid` and `StoreUnavailable`."""
    passwords = passwords or Argon2Passwords()
    applying.apply(plan_of(file, store, passwords, now=int(time.time())), store, passwords)


def described(plan: Plan) -> Iterable[str]:
    """Yield the lines in which a person reads a plan."""
    for change in plan.changes:
        yield f"  {_MARKS[change.action]} {change.kind.replace('_', ' ')} {change.name}"
        yield from (f"      {difference}" for difference in change.differences)
    if not plan.changes:
        yield "no changes"
        return
    actions = [change.action for change in plan.changes]
    yield ", ".join(f"{actions.count(action)} to {action}" for action in Action if action in actions)


def remarks(plan: Plan, file: File) -> Iterable[str]:
    """Yield the lines about what the file says in vain or unwisely."""
    yield from (f"warning: {file.locate(warning)}" for warning in plan.warnings)
    if plan.ignored:
        yield "not supported, ignored:"
        yield from (f"  {file.locate(ignored)}" for ignored in plan.ignored)


def announced(applied: Applied) -> Iterable[str]:
    """Yield the lines that show what was made up."""
    for client_id, secret in applied.secrets.items():
        yield f"client secret of {client_id}, shown this once: {secret}"


def main(arguments: Sequence[str]) -> int:
    """Run the command and return its exit status."""
    options = _parser().parse_args(arguments)
    try:
        file = load(options.file)
    except Unreadable as unreadable:
        print(unreadable, file=sys.stderr)
        return 2
    passwords = Argon2Passwords()
    try:
        store = _store(target.of(options))
        plan = plan_of(file, store, passwords, now=int(time.time()))
        _say(remarks(plan, file), to=sys.stderr)
        _say(described(plan))
        if options.verb == "apply":
            applied = applying.apply(plan, store, passwords, allow_delete=options.allow_delete)
            _say(announced(applied))
    except Invalid as invalid:
        _say(map(file.locate, invalid.remarks), to=sys.stderr)
        return 2
    except DeletionRefused as refused:
        print(f"nothing was changed: {refused} would be deleted; say --allow-delete if that is meant", file=sys.stderr)
        return 1
    except (Outdated, UserConflict) as conflict:
        print(f"somebody else changed this meanwhile; plan again: {conflict}", file=sys.stderr)
        return 1
    except (StoreUnavailable, ClientError, BotoCoreError, LookupError) as fault:
        print(f"the store cannot be reached as it should: {fault}", file=sys.stderr)
        return 1
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m local.tenant", description=__doc__.partition("\n")[0])
    parser.add_argument("verb", choices=["plan", "apply"])
    parser.add_argument("file", type=Path)
    target.add_arguments(parser)
    parser.add_argument("--allow-delete", action="store_true", help="delete what the file no longer has")
    return parser


def _store(stack: Target) -> DynamoDBStore:
    return DynamoDBStore(
        stack.dynamodb,
        configuration_table=stack.names["ConfigurationTable"],
        users_table=stack.names["UsersTable"],
        families_table=stack.names["FamiliesTable"],
        clock=time.time,
        events=stack.announced,
    )


def _say(lines: Iterable[str], to: TextIO | None = None) -> None:
    for line in lines:
        print(line, file=to)


def _note_lines(node: yaml.Node, place: Place, lines: dict[Place, int], above: tuple[yaml.Node, ...]) -> None:
    """Note where each place is, before the loader flattens merge keys; refuse keys that are there twice."""
    if node in above:
        raise yaml.constructor.ConstructorError(None, None, "contains itself", node.start_mark)
    lines.setdefault(place, node.start_mark.line + 1)
    if isinstance(node, yaml.SequenceNode):
        for index, element in enumerate(node.value):
            _note_lines(element, (*place, index), lines, (*above, node))
    if isinstance(node, yaml.MappingNode):
        for key, value in node.value:
            name = key.value if isinstance(key, yaml.ScalarNode) else str(key.start_mark)
            if (*place, name) in lines:
                raise yaml.constructor.ConstructorError(None, None, f"{name} is there twice", key.start_mark)
            lines[*place, name] = key.start_mark.line + 1
            _note_lines(value, (*place, name), lines, (*above, node))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
