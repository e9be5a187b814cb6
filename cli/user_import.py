"""`heirloom user import`: users with the hashes they have, from the files in which Auth0 gives and takes them."""

import argparse
import functools
import itertools
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from cli import json_entries, output, target
from cli.json_entries import Unparsable
from cli.output import Failure, Problem, Status
from cli.tenant import MARKS, change_document
from heirloom.adapters.passwords import Argon2Passwords
from heirloom.adapters.users import UserConflict
from heirloom.domain.errors import StoreUnavailable
from heirloom.domain.user import User
from heirloom.tenant import applying, importing
from heirloom.tenant.importing import ImportedUser
from heirloom.tenant.planning import UserChange
from heirloom.tenant.remarks import Remarks, place
from heirloom.tenant.store import DynamoDBStore

_BATCH: Final = 50
"""Each user is read by id and by address, and DynamoDB reads a hundred items at once."""

_WRITERS: Final = 16

_PAUSES: Final = (0.1, 0.3, 1, 3, 10)
"""Seconds between attempts: a table that was idle takes a while to grow."""

_ATTEMPTS: Final = 3
"""How often a user who changes meanwhile is looked at anew."""

_DONE: Final = {"create": "created", "update": "updated"}


def add_parser(verbs: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add the verb."""
    parser = verbs.add_parser(
        "import",
        help="import users with the password hashes they have",
        description="Import users from FILE: a JSON array as Auth0's bulk import takes it, or one JSON object on each"
        " line, as its user export and its exports of password hashes have it. Hashes of bcrypt and of Argon2id are"
        " taken as they are, and become ours when their users next log in. What an entry does not say stays as it is,"
        " so the same file changes nothing the second time. Entries that are no good are listed with their lines and do"
        " not keep the others out; the exit status is 2 then.",
    )
    parser.add_argument("file", metavar="FILE", type=Path, help="a file of users")
    parser.add_argument("--dry-run", action="store_true", help="show what would change, and change nothing")
    target.add_arguments(parser)
    output.add_arguments(parser)
    parser.set_defaults(run=run)


@dataclass(frozen=True, slots=True)
class Listed:
    """A user of the file, and their line."""

    index: int
    line: int
    user: ImportedUser


@dataclass
class Checked:
    """What is to say about the file as such."""

    good: int = 0
    bad: set[int] = field(default_factory=set)
    problems: list[Problem] = field(default_factory=list)
    ignored: dict[tuple[str, str], tuple[int, int]] = field(default_factory=dict)
    """By property and what is to say about it: the first line, and how many entries have it."""


@dataclass
class Imported:
    """What has become of the users so far."""

    counts: Counter[str] = field(default_factory=Counter)
    changes: list[Mapping[str, object]] = field(default_factory=list)
    """For programs alone."""
    failed: list[Problem] = field(default_factory=list)


def run(options: argparse.Namespace) -> Status:
    """Run the command."""
    checked = _readable(lambda: _check(options.file), options.file)
    store = target.of(options).tenant
    output.remark(() if options.json else _remarks(checked))
    imported = Imported()
    try:
        _import(options, checked, store, imported)
    except StoreUnavailable as fault:
        message = f"the stack does not answer; the same command goes on: {fault}"
        raise Failure(message, beside=_document(options, checked, imported)) from None
    except KeyboardInterrupt:
        message = "interrupted; the same command goes on"
        raise Failure(message, status=Status.INTERRUPTED, beside=_document(options, checked, imported)) from None
    finally:
        if not options.json:
            output.say([_summary(options, checked, imported)])
    document = _document(options, checked, imported)
    if checked.problems or imported.failed:
        status = Status.INVALID if checked.problems else Status.FAILED
        raise Failure(
            "some users were not imported",
            status=status,
            problems=[*checked.problems, *imported.failed],
            beside=document,
        )
    output.answer(options, document, ())
    return Status.DONE


def _readable[T](read: Callable[[], T], path: Path) -> T:
    try:
        return read()
    except OSError as error:
        problem = Problem(str(path), None, "", error.strerror or str(error))
    except Unparsable as unparsable:
        problem = Problem(str(path), unparsable.line, "", str(unparsable))
    raise Failure(f"{path} cannot be read", status=Status.INVALID, problems=[problem])


def _check(path: Path) -> Checked:
    """Read the whole file once, before anything is changed."""
    checked = Checked()
    lines: dict[str, int] = {}
    for entry in json_entries.entries(path):
        remarks = Remarks()
        if entry.problem is not None:
            remarks.refuse((), entry.problem)
            user = None
        else:
            user = importing.read(entry.value, remarks)
        if user is not None:
            for name, key in (("user_id", user.user_id), ("email", f"email:{user.address}")):
                if key in lines:
                    remarks.refuse((name,), f"is that of line {lines[key]} too")
                lines.setdefault(key, entry.line)
        for remark in remarks.ignored:
            which = (place(remark.path), remark.text)
            first, count = checked.ignored.get(which, (entry.line, 0))
            checked.ignored[which] = (first, count + 1)
        if remarks.problems:
            checked.bad.add(entry.index)
            checked.problems += [
                Problem(str(path), entry.line, place((entry.index, *remark.path)), remark.text)
                for remark in remarks.problems
            ]
        else:
            checked.good += 1
    return checked


def _users(path: Path, checked: Checked) -> Iterator[Listed]:
    for entry in json_entries.entries(path):
        if entry.index not in checked.bad and (user := importing.read(entry.value, Remarks())) is not None:
            yield Listed(entry.index, entry.line, user)


def _import(options: argparse.Namespace, checked: Checked, store: DynamoDBStore, imported: Imported) -> None:
    importer = _Importer(store, dry_run=options.dry_run)
    with ThreadPoolExecutor(_WRITERS) as pool:
        for batch in itertools.batched(_users(options.file, checked), _BATCH, strict=False):
            for listed, outcome in zip(batch, importer.outcomes(batch, pool), strict=True):
                _note(listed, outcome, options, imported)
            done = sum(_counts(checked, imported).values()) - len(checked.bad)
            if sys.stderr.isatty() and not options.json:
                print(f"\r{done} of {checked.good} users", end="\n" if done == checked.good else "", file=sys.stderr)


def _note(
    listed: Listed, outcome: UserChange | Exception | None, options: argparse.Namespace, imported: Imported
) -> None:
    if isinstance(outcome, Exception):
        imported.counts["failed"] += 1
        text = "the address is another user's, or the user changes all the time"
        imported.failed.append(Problem(str(options.file), listed.line, f"[{listed.index}]", text))
        return
    if outcome is None:
        imported.counts["unchanged"] += 1
        return
    imported.counts[_DONE[outcome.action]] += 1
    imported.counts["without_password"] += not outcome.after.password_hash
    if options.json:
        imported.changes.append(change_document(outcome))
    else:
        output.say([f"  {MARKS[outcome.action]} user {outcome.name}", *(f"      {it}" for it in outcome.differences)])


@dataclass(frozen=True, slots=True)
class _Importer:
    """Brings users to what their entries say."""

    store: DynamoDBStore
    dry_run: bool
    passwords: Argon2Passwords = field(default_factory=Argon2Passwords)

    def outcomes(self, batch: Sequence[Listed], pool: ThreadPoolExecutor) -> Iterator[UserChange | UserConflict | None]:
        """Return what each user's entry changed, in order; raise `StoreUnavailable`."""
        wanted = [listed.user for listed in batch]
        users, owners = _patiently(
            lambda: self.store.all_users([user.user_id for user in wanted], [user.address for user in wanted])
        )
        if self.dry_run:
            return (self._planned(user, users.get(user.user_id), owners.get(user.address)) for user in wanted)
        return pool.map(lambda user: self._made(user, users.get(user.user_id)), wanted)

    def _planned(
        self, wanted: ImportedUser, before: User | None, owner: str | None
    ) -> UserChange | UserConflict | None:
        if owner not in {None, wanted.user_id}:
            return UserConflict()
        return importing.change_of(wanted, before, self.passwords)

    def _made(self, wanted: ImportedUser, before: User | None) -> UserChange | UserConflict | None:
        """Make the change, on what is there when somebody else was faster: a login, or our own lost answer."""
        first = change = importing.change_of(wanted, before, self.passwords)
        for _ in range(_ATTEMPTS):
            if change is None:
                return first
            try:
                _patiently(functools.partial(applying.apply_to_user, change, self.store, self.passwords))
            except UserConflict:
                now = _patiently(lambda: self.store.user(wanted.user_id))
                change = importing.change_of(wanted, now, self.passwords)
            else:
                return change
        return UserConflict()


def _patiently[T](act: Callable[[], T]) -> T:
    """Return what *act* returns, in several attempts if need be; raise what the last one raises."""
    for pause in _PAUSES:
        try:
            return act()
        except StoreUnavailable:
            time.sleep(pause)
    return act()


def _remarks(checked: Checked) -> Iterator[str]:
    if checked.ignored:
        yield "not supported, ignored:"
    for (name, text), (line, count) in sorted(checked.ignored.items()):
        yield f"  {name} in {count} entries, first in line {line}: {text}"


def _counts(checked: Checked, imported: Imported) -> dict[str, int]:
    names = ("created", "updated", "unchanged", "failed")
    return {**{name: imported.counts[name] for name in names}, "invalid": len(checked.bad)}


def _summary(options: argparse.Namespace, checked: Checked, imported: Imported) -> str:
    said = ", ".join(f"{count} {name}" for name, count in _counts(checked, imported).items() if count)
    would = "would be: " if options.dry_run else ""
    lonely = imported.counts["without_password"]
    nobody = f"; {lonely} of them have no password, so they cannot log in" if lonely else ""
    return f"{would}{said or 'no users'}{nobody}"


def _document(options: argparse.Namespace, checked: Checked, imported: Imported) -> dict[str, object]:
    return {
        "dry_run": options.dry_run,
        "summary": _counts(checked, imported) | {"without_password": imported.counts["without_password"]},
        "changes": imported.changes,
        "ignored": [
            {"property": name, "text": text, "file": str(options.file), "line": line, "entries": count}
            for (name, text), (line, count) in sorted(checked.ignored.items())
        ],
    }
