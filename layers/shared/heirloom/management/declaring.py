"""Changes of what a tenant file declares: applications, APIs, what machines may get, users.

They are made as the file makes them: the properties of one object are read by its rules, planned against all that the
store holds, and applied under its conditions. So file and API accept the same, and two who change one object at once
do not overwrite each other.
"""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from http import HTTPStatus
from typing import Any, Final, NoReturn, Protocol

from heirloom.adapters import configuration
from heirloom.adapters.users import UserConflict
from heirloom.domain.application import Application, Tenant
from heirloom.domain.client_grant import ClientGrant
from heirloom.domain.events import Caller
from heirloom.domain.ports import Passwords
from heirloom.domain.resource_server import ResourceServer
from heirloom.http import Request
from heirloom.management.problem import BadRequest, Problem
from heirloom.tenant import applying, planning, reading
from heirloom.tenant.applying import Applied, Hashing
from heirloom.tenant.client_grants import DesiredClientGrant
from heirloom.tenant.planning import Action, Change, Current, Plan
from heirloom.tenant.reading import Desired
from heirloom.tenant.remarks import Invalid, Remark
from heirloom.tenant.store import Outdated, Store

type Properties = Mapping[str, Any]

_ELEMENT: Final = re.compile(r"^\w+\[\d+\](?=[.:])\.?")
"""Where the only object of a section stands, in front of what is said about it."""


class PasswordHashes(Passwords, Hashing, Protocol):
    """What makes password hashes and checks them."""


@dataclass(frozen=True, slots=True)
class Declarations:
    """What the store holds, and changes of it. `store_for` gives the store in whose log a caller appears."""

    store_for: Callable[[Caller], Store]
    passwords: PasswordHashes

    # ---- What there is

    def applications(self, request: Request) -> dict[str, Application]:
        """Return all applications by their ids, strongly consistent."""
        documents = self.store_for(request.caller).documents(configuration.APPLICATION)
        return {name: configuration.decode_application(text) for name, text in documents.items()}

    def resource_servers(self, request: Request) -> dict[str, ResourceServer]:
        """Return all APIs by their identifiers, strongly consistent."""
        documents = self.store_for(request.caller).documents(configuration.RESOURCE_SERVER)
        return {name: configuration.decode_resource_server(text) for name, text in documents.items()}

    def client_grants(self, request: Request) -> list[ClientGrant]:
        """Return what all applications may get for themselves, strongly consistent."""
        documents = self.store_for(request.caller).documents(configuration.CLIENT_GRANT)
        return [configuration.decode_client_grant(text) for text in documents.values()]

    def tenant(self, request: Request) -> Tenant:
        """Return the tenant's settings, strongly consistent."""
        documents = self.store_for(request.caller).documents(configuration.TENANT)
        return next(map(configuration.decode_tenant, documents.values()), Tenant())

    # ---- Changes

    def put_application(self, properties: Properties, request: Request) -> Applied:
        """Store an application, a new one or another state of one; raise `Problem`."""
        wanted = _read("clients", properties, request).applications or {}
        return self._change(request, lambda current: Desired(applications=_applications(current) | dict(wanted)))

    def delete_application(self, client_id: str, request: Request) -> None:
        """Delete an application, and what it may get for itself."""

        def without(current: Current) -> Desired:
            return Desired(applications={name: it for name, it in _applications(current).items() if name != client_id})

        self._change(request, without)

    def rotate_secret(self, client_id: str, request: Request) -> str | None:
        """Give an application a new secret, and return it; `None` if there is no such application."""
        application = self.applications(request).get(client_id)
        if application is None:
            return None
        if not application.keeps_secret:
            raise BadRequest("The client has no secret: it authenticates in another way.")
        return self._replace(application, replace(application, secret_digest=None), request).secrets[client_id]

    def end_tokens_of(self, client_id: str, request: Request) -> None:
        """Set an application's mark of mass revocation: no family is touched, and none from before it is good."""
        application = self.applications(request).get(client_id)
        if application is not None:
            self._replace(application, replace(application, not_before=request.now + 1), request)

    def _replace(self, application: Application, after: Application, request: Request) -> Applied:
        missing = after.keeps_secret and after.secret_digest is None
        before = configuration.encode(application)
        change = Change(
            Action.UPDATE,
            configuration.APPLICATION,
            application.client_id,
            before=before,
            after=after,
            secret_missing=missing,
        )
        return self._apply(Plan((change,)), self.store_for(request.caller))

    def put_resource_server(self, properties: Properties, request: Request) -> None:
        """Store an API, a new one or another state of one; raise `Problem`."""
        wanted = _read("resourceServers", properties, request).resource_servers or {}
        self._change(request, lambda current: Desired(resource_servers=_apis(current) | dict(wanted)))

    def delete_resource_server(self, identifier: str, request: Request) -> None:
        """Delete an API, and what applications may get for themselves there."""

        def without(current: Current) -> Desired:
            return Desired(resource_servers={name: it for name, it in _apis(current).items() if name != identifier})

        self._change(request, without)

    def put_client_grant(self, properties: Properties, request: Request) -> None:
        """Store what an application may get for itself at an API; raise `Problem`."""
        (wanted,) = _read("clientGrants", properties, request).client_grants or ()
        self._change(request, lambda current: Desired(client_grants=(*_grants(current, wanted), wanted)))

    def delete_client_grant(self, grant: ClientGrant, request: Request) -> None:
        """Take from an application what it may get for itself at an API."""
        wanted = DesiredClientGrant(grant.client_id, grant.audience, (), ())
        self._change(request, lambda current: Desired(client_grants=_grants(current, wanted)))

    def put_user(self, properties: Properties, request: Request) -> None:
        """Store a user, a new one or another state of one; raise `Problem`.

        Another password, or a block, ends all logins of the user.
        """
        desired = _read("users", properties, request)
        self._change(request, lambda _: desired, desired)

    def _change(
        self, request: Request, desired_of: Callable[[Current], Desired], read: Desired | None = None
    ) -> Applied:
        store = self.store_for(request.caller)
        current = planning.current(store, read or Desired())
        try:
            plan = planning.plan(desired_of(current), current, self.passwords)
        except Invalid as invalid:
            _refuse(invalid.remarks)
        return self._apply(plan, store)

    def _apply(self, plan: Plan, store: Store) -> Applied:
        try:
            return applying.apply(plan, store, self.passwords, allow_delete=True)
        except (Outdated, UserConflict):
            raise changed_meanwhile() from None


def merged(present: Properties, patch: Properties) -> dict[str, Any]:
    """Return *present* with a JSON merge patch (RFC 7396): null takes a property away."""
    result = dict(present)
    for name, value in patch.items():
        if value is None:
            result.pop(name, None)
        elif isinstance(value, dict):
            before = result.get(name)
            result[name] = merged(before if isinstance(before, dict) else {}, value)
        else:
            result[name] = value
    return result


def _read(section: str, properties: Properties, request: Request) -> Desired:
    try:
        desired = reading.read({section: [dict(properties)]}, now=request.now)
    except Invalid as invalid:
        _refuse(invalid.remarks)
    if desired.ignored:
        _refuse(desired.ignored)  # an answer has no place to report it, and silence would promise what is not done
    return desired


def _refuse(remarks: tuple[Remark, ...]) -> NoReturn:
    said = "; ".join(_ELEMENT.sub("", str(remark)).removeprefix(": ") for remark in remarks)
    raise BadRequest(f"Payload validation error: {said}.")


def _applications(current: Current) -> dict[str, Application]:
    return {name: configuration.decode_application(text) for name, text in current.applications.items()}


def _apis(current: Current) -> dict[str, ResourceServer]:
    return {name: configuration.decode_resource_server(text) for name, text in current.resource_servers.items()}


def _grants(current: Current, but: DesiredClientGrant) -> tuple[DesiredClientGrant, ...]:
    """Return the grants that there are, but the one of the same client and API."""
    present = [configuration.decode_client_grant(text) for text in current.client_grants.values()]
    return tuple(
        DesiredClientGrant(it.client_id, it.audience, tuple(it.scope), ())
        for it in present
        if (it.client_id, it.audience) != (but.client, but.audience)
    )


def already_there(what: str) -> Problem:
    """Return the refusal to create what there is."""
    return Problem(HTTPStatus.CONFLICT, "already_exists", f"The {what} already exists.")


def changed_meanwhile() -> Problem:
    """Return the refusal to overwrite what somebody else did."""
    return Problem(HTTPStatus.CONFLICT, "conflict", "Somebody else changed this meanwhile, or it is there already.")
