"""Making a plan true."""

import secrets
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Final, Protocol

from heirloom.adapters import configuration
from heirloom.domain.application import Application, secret_digest
from heirloom.tenant.planning import Action, Change, Plan, UserChange
from heirloom.tenant.store import Outdated, Store

_SECRET_BYTES: Final = 48


class Hashing(Protocol):
    """What makes password hashes."""

    def hash(self, password: str) -> str:
        """Return a new PHC string."""


class DeletionRefused(Exception):
    """The plan deletes objects, and nobody allowed that."""

    def __init__(self, plan: Plan) -> None:
        """Name what would go."""
        super().__init__(", ".join(f"{change.kind} {change.name}" for change in plan.deletions))


@dataclass(frozen=True, slots=True)
class Applied:
    """What applying the file made up. Client secrets, by client id, are shown now or never, whatever comes after."""

    secrets: dict[str, str] = field(default_factory=dict, repr=False)


def new_client_secret() -> str:
    """Return a secret that nobody can guess."""
    return secrets.token_urlsafe(_SECRET_BYTES)


def require_allowed(plan: Plan, *, allow_delete: bool) -> None:
    """Return if the plan deletes nothing, or may; raise `DeletionRefused`."""
    if plan.deletions and not allow_delete:
        raise DeletionRefused(plan)


def apply(
    plan: Plan,
    store: Store,
    passwords: Hashing,
    *,
    allow_delete: bool = False,
    applied: Applied | None = None,
    new_secret: Callable[[], str] = new_client_secret,
) -> Applied:
    """Make the changes of *plan*, one by one, and note in *applied* what is made up.

    Interrupted, it leaves some of them made; planning anew finds the rest. Raise `DeletionRefused` before anything is
    changed, `Outdated` or `UserConflict` when somebody else changes the same objects, and `StoreUnavailable`.
    """
    require_allowed(plan, allow_delete=allow_delete)
    applied = applied or Applied()
    for change in plan.changes:
        if isinstance(change, UserChange):
            apply_to_user(change, store, passwords)
        elif change.action is Action.DELETE:
            store.delete(change.kind, change.name, former=change.before or configuration.EMPTY)
        else:
            _put(change, store, applied, new_secret)
    return applied


def _put(change: Change, store: Store, applied: Applied, new_secret: Callable[[], str]) -> None:
    after = change.after
    secret = None
    if change.secret_missing and isinstance(after, Application):
        secret = new_secret()
        after = replace(after, secret_digest=secret_digest(secret))
    document = configuration.encode(after) if after is not None else configuration.EMPTY
    if secret is not None:
        # Noted before: a store that does not answer may have stored it all the same, and it is asked for no second one.
        applied.secrets[change.name] = secret
    try:
        store.put(change.kind, change.name, document, replacing=change.before)
    except Outdated:
        applied.secrets.pop(change.name, None)
        raise


def apply_to_user(change: UserChange, store: Store, passwords: Hashing) -> None:
    """Make one change of a user; raise `UserConflict` and `StoreUnavailable`."""
    user = change.after
    if change.password is not None:
        user = replace(user, password_hash=passwords.hash(change.password))
    if change.ends_logins:
        # Before, since an interrupted plan is not planned again once the user is stored; after, since until then the
        # old password still logs in.
        store.end_logins(user.user_id, because=change.reason)
    store.put_user(user, replacing=change.before)
    if change.ends_logins:
        store.end_logins(user.user_id, because=change.reason)
