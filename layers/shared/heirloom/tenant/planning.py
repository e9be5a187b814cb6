"""What has to change for the store to hold what a tenant file asks for."""

import enum
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Final

from heirloom.adapters import configuration
from heirloom.domain.application import Application, Tenant
from heirloom.domain.client_grant import ClientGrant
from heirloom.domain.ports import Passwords
from heirloom.domain.resource_server import ResourceServer
from heirloom.domain.user import User
from heirloom.tenant import client_grants
from heirloom.tenant.reading import Desired, DesiredUser, leeway_problems
from heirloom.tenant.remarks import Invalid, Remark
from heirloom.tenant.store import Store

USER: Final = "user"
"""The kind of a change to a user, who is no document of the configuration."""

type Configured = Application | ResourceServer | ClientGrant | Tenant


class Action(enum.StrEnum):
    """What happens to an object."""

    CREATE = "create"
    UPDATE = "update"
    DELETE = "delete"


@dataclass(frozen=True, slots=True)
class Difference:
    """One property, by its name in the file, before and after. Of secrets and passwords only whether there is one."""

    name: str
    before: object
    after: object
    confidential: bool = False

    def __str__(self) -> str:
        """Say it in a line."""
        if self.confidential:
            return f"{self.name}: {'changed' if self.after else 'taken away'}"
        return f"{self.name}: {_shown(self.name, self.before)} → {_shown(self.name, self.after)}"


@dataclass(frozen=True, slots=True)
class Change:
    """A change of one document of the configuration."""

    action: Action
    kind: str
    name: str
    differences: tuple[Difference, ...] = ()
    before: str | None = field(default=None, repr=False)
    """The document as it was read."""
    after: Configured | None = field(default=None, repr=False)
    secret_missing: bool = False
    """Whether applying must make a client secret."""


@dataclass(frozen=True, slots=True)
class UserChange:
    """A change of a user: `after` has the old password hash, or none, and `password` what to hash anew."""

    action: Action
    name: str
    after: User = field(repr=False)
    before: User | None = field(default=None, repr=False)
    password: str | None = field(default=None, repr=False)
    differences: tuple[Difference, ...] = ()
    kind: str = USER

    @property
    def ends_logins(self) -> bool:
        """Tell whether nobody who is logged in as this user may stay so."""
        if self.before is None:
            return False
        return self.changes_password or (self.after.blocked and not self.before.blocked)

    @property
    def changes_password(self) -> bool:
        """Tell whether the user has had another password."""
        if self.before is None or not self.before.password_hash:
            return False
        return self.password is not None or self.after.password_hash != self.before.password_hash

    @property
    def reason(self) -> str:
        """Return why logins end, for the families' records."""
        return "password changed" if self.changes_password else "user blocked"


@dataclass(frozen=True, slots=True)
class Plan:
    """All changes, in the order in which they are made, and the remarks on the file."""

    changes: tuple[Change | UserChange, ...]
    warnings: tuple[Remark, ...] = ()
    ignored: tuple[Remark, ...] = ()

    @property
    def deletions(self) -> tuple[Change | UserChange, ...]:
        """Return the changes that take an object of the file away; web origins are an index and no such object."""
        return tuple(
            change
            for change in self.changes
            if change.action is Action.DELETE and change.kind != configuration.WEB_ORIGIN
        )


@dataclass(frozen=True, slots=True)
class Current:
    """What the store holds: documents by id, and those users whom the file names."""

    applications: Mapping[str, str] = field(default_factory=dict)
    resource_servers: Mapping[str, str] = field(default_factory=dict)
    client_grants: Mapping[str, str] = field(default_factory=dict)
    tenants: Mapping[str, str] = field(default_factory=dict)
    web_origins: Mapping[str, str] = field(default_factory=dict)
    users: Mapping[str, User] = field(default_factory=dict)


def current(store: Store, desired: Desired) -> Current:
    """Read what planning *desired* needs to know; raise `StoreUnavailable`."""
    users = {wanted.user_id: store.user(wanted.user_id) for wanted in desired.users}
    return Current(
        applications=store.documents(configuration.APPLICATION),
        resource_servers=store.documents(configuration.RESOURCE_SERVER),
        client_grants=store.documents(configuration.CLIENT_GRANT),
        tenants=store.documents(configuration.TENANT),
        web_origins=store.documents(configuration.WEB_ORIGIN),
        users={user_id: user for user_id, user in users.items() if user is not None},
    )


def plan(desired: Desired, current: Current, passwords: Passwords) -> Plan:
    """Return what has to change.

    Sections that the file does not have stay as they are, and so do users whom it does not name. Raise `Invalid` when
    the file does not fit what is there.
    """
    present = {name: configuration.decode_application(text) for name, text in current.applications.items()}
    present_apis = {name: configuration.decode_resource_server(text) for name, text in current.resource_servers.items()}
    present_grants = {name: configuration.decode_client_grant(text) for name, text in current.client_grants.items()}
    present_tenants = {name: configuration.decode_tenant(text) for name, text in current.tenants.items()}
    desired, nameless = _with_present_ids(desired, present)
    applications = {
        name: _inheriting(application, present.get(name))
        for name, application in (present if desired.applications is None else desired.applications).items()
    }
    apis = present_apis if desired.resource_servers is None else desired.resource_servers
    if desired.client_grants is None:
        grants = client_grants.kept(present_grants, applications, apis)
    else:
        grants = client_grants.resolved(desired.client_grants, applications, apis)
    tenants = present_tenants
    if desired.tenant is not None:
        former = present_tenants.get(configuration.TENANT)
        not_before = desired.tenant.not_before or (former.not_before if former else 0)
        tenants = {configuration.TENANT: replace(desired.tenant, not_before=not_before)}
    origins = {
        origin: None for app in applications.values() for origin in sorted(app.web_origins | app.allowed_origins)
    }

    users, problems = _user_changes(desired, current.users, passwords)
    problems += nameless
    problems += grants.problems
    problems += _misfits(desired, applications, apis, tenants.get(configuration.TENANT))
    problems += _revivals(desired, present, present_tenants)
    if problems:
        raise Invalid(problems)

    api_changes = _changes(configuration.RESOURCE_SERVER, current.resource_servers, present_apis, apis)
    tenant_changes = _changes(configuration.TENANT, current.tenants, present_tenants, tenants)
    application_changes = _changes(configuration.APPLICATION, current.applications, present, applications)
    origin_changes = _changes(
        configuration.WEB_ORIGIN, current.web_origins, dict.fromkeys(current.web_origins), origins
    )
    grant_changes = _changes(configuration.CLIENT_GRANT, current.client_grants, present_grants, grants.grants)
    # What is leant on comes first and goes last, so that a half-applied plan leaves nothing that hangs in the air.
    changes = [*api_changes, *tenant_changes, *origin_changes, *application_changes, *grant_changes]
    return Plan(
        changes=(
            *(change for change in changes if change.action is not Action.DELETE),
            *users,
            *(change for change in reversed(changes) if change.action is Action.DELETE),
        ),
        warnings=desired.warnings,
        ignored=desired.ignored,
    )


def _with_present_ids(desired: Desired, present: Mapping[str, Application]) -> tuple[Desired, list[Remark]]:
    """Let a client that has no id in the file be the present one of its name: exports leave the ids out."""
    applications = desired.applications or {}
    ids: dict[str, str] = {}
    problems: list[Remark] = []
    for made_up in sorted(desired.made_up_ids - present.keys()):
        name = applications[made_up].name
        same = [one for one, there in present.items() if there.name == name and one not in applications]
        if len(same) == 1:
            ids[made_up] = same[0]
        elif same:
            path = desired.paths["clients", made_up]
            problems.append(Remark((*path, "name"), f"is that of several clients: give the client_id, {same}"))
    if not ids:
        return desired, problems
    return replace(
        desired,
        applications={
            ids.get(name, name): replace(one, client_id=ids.get(name, name)) for name, one in applications.items()
        },
        paths={(section, ids.get(name, name)): path for (section, name), path in desired.paths.items()},
    ), problems


def _inheriting(application: Application, former: Application | None) -> Application:
    """Keep what the file leaves open: the secret, and the mark of mass revocation."""
    if former is None:
        return application
    digest = application.secret_digest
    if application.keeps_secret and digest is None:
        digest = former.secret_digest
    return replace(application, secret_digest=digest, not_before=application.not_before or former.not_before)


def _changes(
    kind: str,
    documents: Mapping[str, str],
    present: Mapping[str, Configured | None],
    wanted: Mapping[str, Configured | None],
) -> Iterator[Change]:
    for name, after in wanted.items():
        secret_missing = isinstance(after, Application) and after.keeps_secret and after.secret_digest is None
        if name not in documents:
            yield Change(Action.CREATE, kind, name, after=after, secret_missing=secret_missing)
        elif secret_missing or present[name] != after:
            differences = tuple(_differences(_properties(present[name]), _properties(after)))
            yield Change(Action.UPDATE, kind, name, differences, documents[name], after, secret_missing)
    for name in sorted(documents.keys() - wanted.keys()):
        yield Change(Action.DELETE, kind, name, before=documents[name])


def _user_changes(
    desired: Desired, present: Mapping[str, User], passwords: Passwords
) -> tuple[list[UserChange], list[Remark]]:
    changes: list[UserChange] = []
    problems: list[Remark] = []
    for wanted in desired.users:
        before = present.get(wanted.user_id)
        if before is not None:
            changes += _user_update(wanted, before, passwords)
        elif wanted.password is None:
            path = desired.paths["users", wanted.user_id]
            problems.append(Remark((*path, "password"), "is missing, and a new user needs one"))
        else:
            after = User(wanted.user_id, wanted.email, "", blocked=bool(wanted.blocked), claims=wanted.claims)
            changes.append(UserChange(Action.CREATE, wanted.user_id, after, password=wanted.password))
    return changes, problems


def _user_update(wanted: DesiredUser, before: User, passwords: Passwords) -> Iterator[UserChange]:
    blocked = before.blocked if wanted.blocked is None else wanted.blocked
    after = User(before.user_id, wanted.email, before.password_hash, blocked=blocked, claims=wanted.claims)
    same_password = wanted.password is None or passwords.verify(wanted.password, before.password_hash)
    if after == before and same_password:
        return
    differences = user_differences(before, after, same_password=same_password)
    password = None if same_password else wanted.password
    yield UserChange(Action.UPDATE, before.user_id, after, before=before, password=password, differences=differences)


def user_differences(before: User, after: User, *, same_password: bool) -> tuple[Difference, ...]:
    """Return in what two states of a user differ."""
    password = () if same_password else (Difference("password", before=True, after=True, confidential=True),)
    return (*_differences(_person(before), _person(after)), *password)


def _misfits(
    desired: Desired,
    applications: Mapping[str, Application],
    apis: Mapping[str, ResourceServer],
    tenant: Tenant | None,
) -> Iterator[Remark]:
    """Find what a file that has only some of the sections cannot see by itself."""
    for application, text in leeway_problems(applications.values(), apis.values()):
        path = desired.paths.get(("clients", application.client_id))
        if path is None:
            yield Remark(("resourceServers",), f"the leeway of client {application.client_id} {text}")
        else:
            yield Remark((*path, "refresh_token", "leeway"), text)
    for user in desired.users:
        if user.user_id in applications:
            path = desired.paths["users", user.user_id]
            yield Remark((*path, "user_id"), "is the id of a client: access tokens would not tell them apart")
    audience = tenant.default_audience if tenant else None
    if audience is not None and audience not in apis:
        yield Remark(("tenant", "default_audience"), f"{audience} is no API of this tenant")


def _revivals(desired: Desired, present: Mapping[str, Application], tenants: Mapping[str, Tenant]) -> Iterator[Remark]:
    """Find marks of mass revocation that go back: families that were revoked by them would live again."""
    text = "must not be earlier than the one that was applied before: revoked families would live again"
    for name, application in (desired.applications or {}).items():
        if name in present and 0 < application.not_before < present[name].not_before:
            yield Remark((*desired.paths["clients", name], "not_before"), text)
    former = tenants.get(configuration.TENANT)
    if desired.tenant and former and 0 < desired.tenant.not_before < former.not_before:
        yield Remark(("tenant", "not_before"), text)


_FILE_NAMES: Mapping[str, str] = {
    "secret_digest": "client_secret",
    "id_token_lifetime": "jwt_configuration.lifetime_in_seconds",
    "refresh_token.absolute_lifetime": "refresh_token.token_lifetime",
    "refresh_token.idle_lifetime": "refresh_token.idle_token_lifetime",
    "revocation_ends_grant": "flags.revoke_refresh_token_grant",
    "proof_required_for": "proof_of_possession.required_for",
    "user_code_charset": "device_flow.charset",
    "user_code_mask": "device_flow.mask",
    "require_pushed_requests": "flags.require_pushed_authorization_requests",
    "skip_consent_for_first_party": "skip_consent_for_verifiable_first_party_clients",
}
_SECRETS = frozenset({"client_secret"})


def _properties(value: Configured | None) -> dict[str, object]:
    if value is None:
        return {}
    properties = json.loads(configuration.encode(value))
    if isinstance(value, Application):
        properties["jwks"] = [str(key) for key in value.public_keys]
        del properties["public_keys"]
    return _flat(properties)


def _person(user: User) -> dict[str, object]:
    return _flat({"email": user.email, "blocked": user.blocked, **user.claims})


def _flat(properties: Mapping[str, object], prefix: str = "") -> dict[str, object]:
    flat: dict[str, object] = {}
    for name, value in properties.items():
        if isinstance(value, Mapping):
            flat |= _flat(value, f"{prefix}{name}.")
        else:
            flat[f"{prefix}{name}"] = value
    return {_FILE_NAMES.get(name, name): value for name, value in flat.items()}


def _differences(before: Mapping[str, object], after: Mapping[str, object]) -> Iterator[Difference]:
    for name in sorted(before.keys() | after.keys()):
        if before.get(name) == after.get(name):
            continue
        if name in _SECRETS:
            yield Difference(name, bool(before.get(name)), bool(after.get(name)), confidential=True)
        else:
            yield Difference(name, before.get(name), after.get(name))


def _shown(name: str, value: object) -> str:
    seconds = name.endswith(("lifetime", "leeway", "lifetime_in_seconds"))
    if value is None:
        return "infinite" if seconds else "none"
    if isinstance(value, list):
        return ", ".join(map(str, value)) or "none"
    return f"{value} s" if seconds else json.dumps(value, ensure_ascii=False)
