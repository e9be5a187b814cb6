"""`make user`: ends the logins of a user in a stack, or deletes the user.

    python -m local.user end USER [--application ID | --session ID | --family ID] --stack NAME | --endpoint URL
    python -m local.user delete USER --stack NAME | --endpoint URL

Once it has ended with 0, no refresh token of these logins works, and none that was under way becomes one. It ends with
1 when the store does not answer: some may be revoked then, and the same command finishes it. Access tokens that are out
there live on until they expire; `/oauth/introspect` knows.
"""

import argparse
import getpass
import sys
import time
from collections.abc import Sequence

from botocore.exceptions import BotoCoreError, ClientError

from heirloom.adapters.consents import DynamoDBConsents
from heirloom.adapters.families import DynamoDBFamilies
from heirloom.adapters.sessions import DynamoDBSessions
from heirloom.adapters.users import DynamoDBUsers, UserConflict
from heirloom.domain import encoding, refresh_token
from heirloom.domain.errors import StoreUnavailable
from heirloom.domain.events import Caller
from heirloom.domain.refresh_token import FamilyKey
from heirloom.endpoints.operator import Operator
from local import target
from local.target import Target


def main(arguments: Sequence[str]) -> int:
    """Run the command and return its exit status."""
    options = _parser().parse_args(arguments)
    caller = Caller(address="", user_agent=f"make user ({getpass.getuser()})", request_id="")
    try:
        ended = _act(options, _operator(target.of(options)), caller, now=int(time.time()))
    except UserConflict as conflict:
        print(f"somebody else changed this user meanwhile; try again: {conflict}", file=sys.stderr)
        return 1
    except (StoreUnavailable, ClientError, BotoCoreError, LookupError) as fault:
        print(f"the store cannot be reached as it should, try again: {fault}", file=sys.stderr)
        return 1
    print(f"revoked: {ended}")
    return 0


def _act(options: argparse.Namespace, operator: Operator, caller: Caller, *, now: int) -> int:
    user_id = options.user
    if options.verb == "delete":
        return operator.delete_user(user_id, caller, now=now)
    if options.family is not None:
        return operator.end_family(FamilyKey(refresh_token.user_key(user_id), options.family), caller, now=now)
    if options.session is not None:
        return operator.end_session(user_id, options.session, caller, now=now)
    return operator.end_logins(user_id, caller, now=now, client_id=options.application)


def _operator(stack: Target) -> Operator:
    return Operator(
        families=DynamoDBFamilies(stack.dynamodb, stack.names["FamiliesTable"]),
        sessions=DynamoDBSessions(stack.dynamodb, stack.names["SessionsTable"]),
        users=DynamoDBUsers(stack.dynamodb, stack.names["UsersTable"]),
        consents=DynamoDBConsents(stack.dynamodb, stack.names["GrantsTable"]),
        events=stack.announced,
    )


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m local.user", description=__doc__.partition("\n")[0])
    verbs = parser.add_subparsers(dest="verb", required=True)
    end = verbs.add_parser("end", help="end logins; the user may log in again")
    which = end.add_mutually_exclusive_group()
    which.add_argument("--application", metavar="ID", help="only those at this application")
    which.add_argument("--session", metavar="ID", help="only this session (`sid`) and what came from it")
    which.add_argument("--family", metavar="ID", type=_family_id, help="only this family (`familyId` of the log)")
    for verb in (end, verbs.add_parser("delete", help="delete the account with its logins and consents")):
        verb.add_argument("user", metavar="USER", help="the user's id, such as auth0|alice")
        target.add_arguments(verb)
    return parser


def _family_id(text: str) -> bytes:
    try:
        return encoding.decode(text)
    except ValueError:
        raise argparse.ArgumentTypeError("is no family id") from None


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
