"""What applications may get for themselves, as a tenant file has it (`clientGrants`)."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from heirloom.adapters import configuration
from heirloom.domain import management_api
from heirloom.domain.application import Application, GrantType
from heirloom.domain.client_grant import ClientGrant
from heirloom.domain.resource_server import ResourceServer
from heirloom.tenant import file, foreign_objects, properties
from heirloom.tenant.remarks import Path, Remark, Remarks


@dataclass(frozen=True, slots=True)
class DesiredClientGrant:
    """A client grant as the file has it; `client` is an id, or in Auth0's exports a name."""

    client: str
    audience: str
    scope: tuple[str, ...]
    path: Path


@dataclass(frozen=True, slots=True)
class Resolved:
    """Client grants by the ids of their documents, and why some are none."""

    grants: Mapping[str, ClientGrant]
    problems: Sequence[Remark] = field(default_factory=tuple)


def read(raw: object, remarks: Remarks, *, left_out: Collection[str] = ()) -> tuple[DesiredClientGrant, ...]:
    """Return what the section asks for; whether it fits the clients and APIs shows when all of them are known.

    *left_out* are the names and ids of clients that the file has and the tenant will not.
    """
    wanted: list[DesiredClientGrant] = []
    for path, element in remarks.elements(raw, "clientGrants"):
        grant = remarks.model(file.ClientGrant, element, path, properties.CLIENT_GRANT)
        if grant is None:
            continue
        if grant.subject_type == "user":
            # It is about what people may be asked for. Taken for one of a machine, it would grant what nobody meant.
            remarks.ignore((*path, "subject_type"), "user is not supported, so this grant has no effect")
            continue
        if grant.client_id in left_out:
            remarks.ignore((*path, "client_id"), "is left out, and so is this grant")
            continue
        if foreign_objects.is_system_api(grant.audience):
            remarks.ignore((*path, "audience"), "is Auth0's own, so this grant has no effect")
            continue
        audience, values = grant.audience, grant.scope
        if management_api.is_meant_by(audience):
            audience, values = management_api.AUDIENCE, _of_management_api(values, path, remarks)
        wanted.append(DesiredClientGrant(grant.client_id, audience, tuple(values), path))
    return tuple(wanted)


def kept(
    present: Mapping[str, ClientGrant], applications: Mapping[str, Application], apis: Mapping[str, ResourceServer]
) -> Resolved:
    """Return the present grants without those whose application or API goes."""
    audiences = {*apis, management_api.AUDIENCE}
    return Resolved(
        {name: it for name, it in present.items() if it.client_id in applications and it.audience in audiences}
    )


def resolved(
    wanted: Sequence[DesiredClientGrant],
    applications: Mapping[str, Application],
    apis: Mapping[str, ResourceServer],
) -> Resolved:
    """Return the grants that the file asks for, each for one application and one API that there will be."""
    grants: dict[str, ClientGrant] = {}
    problems: list[Remark] = []
    for one in wanted:
        named = _named(one.client, applications)
        system = management_api.api("") if one.audience == management_api.AUDIENCE else None
        problems += _problems(one, named, system or apis.get(one.audience))
        if len(named) != 1:
            continue
        name = configuration.client_grant_id(named[0].client_id, one.audience)
        if name in grants:
            problems.append(Remark(one.path, "is given twice: one grant has all scopes of a client at an API"))
        grants[name] = ClientGrant(named[0].client_id, one.audience, frozenset(one.scope))
    return Resolved(grants, problems)


def _of_management_api(values: Sequence[str], path: Path, remarks: Remarks) -> list[str]:
    """Return those scopes that there are here: an export has all of Auth0's."""
    for index, value in enumerate(values):
        if value not in management_api.SCOPES:
            remarks.ignore((*path, "scope", index), f"{value} is no scope of the Management API here")
    return [value for value in values if value in management_api.SCOPES]


def _named(reference: str, applications: Mapping[str, Application]) -> list[Application]:
    if reference in applications:
        return [applications[reference]]
    return [application for application in applications.values() if application.name == reference]


def _problems(one: DesiredClientGrant, named: Sequence[Application], api: ResourceServer | None) -> Iterator[Remark]:
    place = (*one.path, "client_id")
    if not named:
        yield Remark(place, "is neither the id nor the name of a client")
    elif len(named) > 1:
        yield Remark(place, "is the name of several clients: give the id")
    elif not named[0].confidential:
        yield Remark(place, "is a public client: it cannot prove to be the one that is granted this")
    elif GrantType.CLIENT_CREDENTIALS not in named[0].grant_types:
        yield Remark(place, "is a client without client_credentials among its grant_types")
    if api is None:
        yield Remark((*one.path, "audience"), "is no API of this tenant")
        return
    for index, value in enumerate(one.scope):
        if value not in api.scopes:
            yield Remark((*one.path, "scope", index), f"{value} is no scope of the API")
