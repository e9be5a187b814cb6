"""`heirloom tenant`: shows what a tenant file changes in a stack, and changes it."""

import argparse
import time
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, Final

from botocore.exceptions import BotoCoreError, ClientError

from cli import keywords, output, target, tenant_file
from cli.keywords import Unusable
from cli.output import Failure, Status
from cli.tenant_file import File, Unreadable
from heirloom.adapters.passwords import Argon2Passwords
from heirloom.adapters.users import UserConflict
from heirloom.domain.errors import StoreUnavailable
from heirloom.tenant import applying, exporting
from heirloom.tenant.applying import Applied, DeletionRefused
from heirloom.tenant.planning import Action, Change, Difference, Plan, UserChange
from heirloom.tenant.remarks import Invalid
from heirloom.tenant.store import DynamoDBStore, Outdated

MARKS: Final = {Action.CREATE: "+", Action.UPDATE: "~", Action.DELETE: "-"}


def add_parser(subparsers: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add the command."""
    tenant = subparsers.add_parser(
        "tenant",
        help="applications, APIs and users, as a tenant file declares them",
        description="Applications, APIs and users as one file declares them, in Auth0's property names."
        " docs/tenant-file.md has them all.",
    )
    verbs = tenant.add_subparsers(metavar="VERB", required=True)

    plan = verbs.add_parser(
        "plan",
        help="show what a tenant file would change",
        description="Show what applying FILE would change, and change nothing. All that is wrong with the file is"
        " reported at once, with its lines; what Heirloom does not support is listed.",
    )
    plan.set_defaults(run=_plan)

    apply = verbs.add_parser(
        "apply",
        help="show what a tenant file changes, and change it",
        description="Show what FILE changes and, once you agree, change it. Applying twice changes nothing the second"
        " time. A section that the file does not have is left alone.",
    )
    apply.add_argument(
        "--yes",
        action="store_true",
        help="do not ask. Where nobody can be asked, without a terminal or with --json, nothing is changed without it",
    )
    apply.add_argument("--allow-delete", action="store_true", help="delete what the file no longer has")
    apply.set_defaults(run=_apply)

    export = verbs.add_parser(
        "export",
        help="write what is applied as a tenant file",
        description="Write what is applied to FILE, in Auth0's property names and without what has its default. Client"
        " secrets, passwords and users are not in it; planned where it came from, it changes nothing.",
    )
    export.add_argument("--overwrite", action="store_true", help="replace FILE if it exists")
    export.set_defaults(run=_export)

    for verb in (plan, apply):
        verb.add_argument("file", metavar="FILE", type=Path, help="a tenant file, or an export of Auth0's deploy CLI")
        verb.add_argument(
            "--config",
            metavar="FILE",
            type=Path,
            help="the config.json of Auth0's deploy CLI, whose AUTH0_KEYWORD_REPLACE_MAPPINGS say what ##KEY## and"
            " @@KEY@@ stand for in FILE",
        )
    export.add_argument("file", metavar="FILE", type=Path, help="the file to write, or - for standard output")
    for verb in (plan, apply, export):
        target.add_arguments(verb)
        output.add_arguments(verb)


def _plan(options: argparse.Namespace) -> Status:
    file = _load(options)
    plan = _planned(file, target.of(options).tenant, Argon2Passwords())
    output.remark(_remarks(plan, file, options))
    output.answer(options, _document(plan, file), described(plan))
    return Status.DONE


def _apply(options: argparse.Namespace) -> Status:
    output.require_consent(options)
    file = _load(options)
    passwords = Argon2Passwords()
    store = target.of(options).tenant
    plan = _planned(file, store, passwords)
    output.remark(_remarks(plan, file, options))
    document = _document(plan, file)
    if not options.json:
        output.say(described(plan))
    applied = Applied()
    try:
        applying.require_allowed(plan, allow_delete=options.allow_delete)
        if plan.changes and not options.yes:
            output.ask()
        applying.apply(plan, store, passwords, allow_delete=options.allow_delete, applied=applied)
    except DeletionRefused as refused:
        message = f"nothing was changed: {refused} would be deleted; say --allow-delete if that is meant"
        raise Failure(message, beside=document) from None
    except (Outdated, UserConflict) as conflict:
        message = f"somebody else changed this meanwhile; plan again: {conflict}"
        raise Failure(message, beside=document | _made_up(applied)) from None
    except (StoreUnavailable, BotoCoreError, ClientError) as fault:
        message = f"the stack does not answer; the same command finishes what was begun: {fault}"
        raise Failure(message, beside=document | _made_up(applied)) from None
    except KeyboardInterrupt:
        message = "interrupted; the same command finishes what was begun"
        raise Failure(message, status=Status.INTERRUPTED, beside=document | _made_up(applied)) from None
    finally:
        if not options.json:
            output.say(_announced(applied))
    output.answer(options, document | _made_up(applied), ())
    return Status.DONE


def _export(options: argparse.Namespace) -> Status:
    to_file = str(options.file) != "-"
    if to_file and options.file.exists() and not options.overwrite:
        raise Failure(f"{options.file} exists; say --overwrite if it may be replaced", status=Status.INVALID)
    document = exporting.document(target.of(options).tenant)
    text = tenant_file.rendered(document)
    if to_file:
        try:
            tenant_file.write(options.file, text, overwrite=options.overwrite)
        except OSError as error:
            raise Failure(f"{options.file}: {error.strerror}", status=Status.INVALID) from None
    counts = ", ".join(
        f"{len(document[section])} {section}" for section in ("clients", "resourceServers", "clientGrants")
    )
    answer = {"file": str(options.file) if to_file else None, "document": document}
    output.answer(options, answer, [f"{options.file}: {counts}"] if to_file else text.splitlines())
    return Status.DONE


def described(plan: Plan) -> Iterable[str]:
    """Yield the lines in which a person reads a plan."""
    for change in plan.changes:
        yield f"  {MARKS[change.action]} {change.kind.replace('_', ' ')} {change.name}"
        yield from (f"      {difference}" for difference in change.differences)
    counts = _counts(plan)
    yield ", ".join(f"{count} to {action}" for action, count in counts.items() if count) or "no changes"


def _load(options: argparse.Namespace) -> File:
    path: Path = options.file
    try:
        values = keywords.of_config(options.config) if options.config is not None else {}
        return tenant_file.load(path, values)
    except Unusable as unusable:
        raise Failure(f"{options.config}: {unusable}", status=Status.INVALID) from None
    except Unreadable as unreadable:
        raise Failure(f"{path} cannot be read", status=Status.INVALID, problems=unreadable.problems) from None


def _planned(file: File, store: DynamoDBStore, passwords: Argon2Passwords) -> Plan:
    try:
        return tenant_file.plan_of(file, store, passwords, now=int(time.time()))
    except Invalid as invalid:
        raise Failure(
            f"{file.path} cannot be applied", status=Status.INVALID, problems=file.located(invalid.remarks)
        ) from None


def _counts(plan: Plan) -> dict[str, int]:
    actions = [change.action for change in plan.changes]
    return {action.value: actions.count(action) for action in Action}


def _remarks(plan: Plan, file: File, options: argparse.Namespace) -> Iterable[str]:
    """Yield the lines about what the file says in vain or unwisely; a program finds them in the answer."""
    if options.json:
        return
    yield from (f"warning: {warning}" for warning in file.located(plan.warnings))
    if plan.ignored:
        yield "not supported, ignored:"
        yield from (f"  {ignored}" for ignored in file.located(plan.ignored))


def _announced(applied: Applied) -> Iterable[str]:
    for client_id, secret in applied.secrets.items():
        yield f"client secret of {client_id}, shown this once: {secret}"


def _made_up(applied: Applied) -> dict[str, object]:
    return {"client_secrets": applied.secrets}


def _document(plan: Plan, file: File) -> dict[str, object]:
    return {
        "changes": [change_document(change) for change in plan.changes],
        "summary": _counts(plan),
        "warnings": file.located(plan.warnings),
        "ignored": file.located(plan.ignored),
    }


def change_document(change: Change | UserChange) -> Mapping[str, object]:
    """Return a change for programs."""
    return {
        "action": change.action,
        "kind": change.kind,
        "id": change.name,
        "differences": [_difference(difference) for difference in change.differences],
    }


def _difference(difference: Difference) -> Mapping[str, Any]:
    if difference.confidential:
        return {"property": difference.name, "confidential": True}
    return {"property": difference.name, "before": difference.before, "after": difference.after}
