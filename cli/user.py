"""`heirloom user`: ends the logins of a user, deletes the user, or imports many."""

import argparse
import getpass
import time
from collections.abc import Callable

from cli import output, target, user_import
from cli.output import Failure, Status
from cli.target import Target
from heirloom.adapters.consents import DynamoDBConsents
from heirloom.adapters.families import DynamoDBFamilies
from heirloom.adapters.sessions import DynamoDBSessions
from heirloom.adapters.users import DynamoDBUsers, UserConflict
from heirloom.domain import encoding, refresh_token
from heirloom.domain.events import Caller
from heirloom.domain.refresh_token import FamilyKey
from heirloom.endpoints.operator import Operator

_DURABLE = (
    "Once it has ended with 0, no refresh token of these logins works, and none that was under way becomes one. When"
    " the stack does not answer, some may be revoked: the same command finishes it. Access tokens that are out there"
    " live on until they expire; `/oauth/introspect` knows."
)


def add_parser(subparsers: "argparse._SubParsersAction[argparse.ArgumentParser]") -> None:
    """Add the command."""
    user = subparsers.add_parser("user", help="the users of the built-in store", description="Users and their logins.")
    verbs = user.add_subparsers(metavar="VERB", required=True)

    end = verbs.add_parser(
        "end",
        help="end logins; the user may log in again",
        description=f"End the logins of a user: all of them, unless you say which. {_DURABLE}",
    )
    which = end.add_mutually_exclusive_group()
    which.add_argument("--application", metavar="ID", help="only those at this application")
    which.add_argument("--session", metavar="ID", help="only this session (`sid`) and what came from it")
    which.add_argument("--family", metavar="ID", type=_family_id, help="only this family (`familyId` of the log)")
    end.set_defaults(run=_end)

    delete = verbs.add_parser(
        "delete",
        help="delete the account with its logins and consents",
        description=f"Delete a user's account, sessions, families and consents. {_DURABLE}",
    )
    delete.set_defaults(run=_delete)

    user_import.add_parser(verbs)
    for verb in (end, delete):
        verb.add_argument("user", metavar="USER", help="the user's id, such as auth0|alice")
        target.add_arguments(verb)
        output.add_arguments(verb)


def _end(options: argparse.Namespace) -> Status:
    def end(operator: Operator, caller: Caller, now: int) -> int:
        if options.family is not None:
            key = FamilyKey(refresh_token.user_key(options.user), options.family)
            return operator.end_family(key, caller, now=now)
        if options.session is not None:
            return operator.end_session(options.user, options.session, caller, now=now)
        return operator.end_logins(options.user, caller, now=now, client_id=options.application)

    return _ended(options, end)


def _delete(options: argparse.Namespace) -> Status:
    return _ended(options, lambda operator, caller, now: operator.delete_user(options.user, caller, now=now))


def _ended(options: argparse.Namespace, act: Callable[[Operator, Caller, int], int]) -> Status:
    caller = Caller(address="", user_agent=f"heirloom user ({_operator_name()})", request_id="")
    try:
        ended = act(_operator(target.of(options)), caller, int(time.time()))
    except UserConflict as conflict:
        raise Failure(f"somebody else changed this user meanwhile; try again: {conflict}") from None
    output.answer(options, {"revoked": ended}, [f"revoked: {ended}"])
    return Status.DONE


def _operator(stack: Target) -> Operator:
    return Operator(
        families=DynamoDBFamilies(stack.dynamodb, stack.names["FamiliesTable"]),
        sessions=DynamoDBSessions(stack.dynamodb, stack.names["SessionsTable"]),
        users=DynamoDBUsers(stack.dynamodb, stack.names["UsersTable"]),
        consents=DynamoDBConsents(stack.dynamodb, stack.names["GrantsTable"]),
        events=stack.announced,
    )


def _operator_name() -> str:
    try:
        return getpass.getuser()
    except OSError:  # in a container nobody may have a name
        return "unknown"


def _family_id(text: str) -> bytes:
    try:
        return encoding.decode(text)
    except ValueError:
        raise argparse.ArgumentTypeError("is no family id") from None
