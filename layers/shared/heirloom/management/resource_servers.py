"""`/api/v2/resource-servers`: APIs, and among them this one."""

from collections.abc import Iterable
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any

from heirloom.domain import management_api
from heirloom.domain.resource_server import ResourceServer
from heirloom.management import identifiers
from heirloom.management.clients import answer_like
from heirloom.management.declaring import Declarations, already_there, merged
from heirloom.management.pagination import Fields, Listed, Listing, Optional, optional
from heirloom.management.problem import BadRequest, NotFound
from heirloom.management.route import Answer, Call, Nothing, Properties, Route
from heirloom.tenant import file, writing

Api = answer_like("ResourceServer", file.Api, id=(optional(str), None), is_system=(optional(bool), None))
"""As in the tenant file."""

APIS = Listing("resource_servers", Api)


class ApiPatch(file.Api):
    """Properties to change; null gives one its default again."""

    identifier: Optional[file.Identifier] = None  # type: ignore[assignment] # may be left out here


@dataclass(frozen=True, slots=True)
class ResourceServers:
    """The routes, and what they do."""

    declarations: Declarations
    issuer: str

    def routes(self) -> Iterable[Route]:
        """Yield them."""
        yield Route(
            method="GET",
            path="resource-servers",
            scope="read:resource_servers",
            summary="List APIs",
            handler=self.index,
            query=Listed,
            answer=APIS.plain_or_not,
            listed="resource_servers",
        )
        yield Route(
            method="POST",
            path="resource-servers",
            scope="create:resource_servers",
            summary="Create an API",
            handler=self.create,
            body=Properties,
            described_body=file.Api,
            answer=Api,
            status=HTTPStatus.CREATED,
            problems=(HTTPStatus.CONFLICT,),
        )
        yield Route(
            method="GET",
            path="resource-servers/{id}",
            scope="read:resource_servers",
            summary="Read an API, by its id or its identifier",
            handler=self.get,
            query=Fields,
            answer=Api,
            problems=(HTTPStatus.NOT_FOUND,),
        )
        yield Route(
            method="PATCH",
            path="resource-servers/{id}",
            scope="update:resource_servers",
            summary="Change an API",
            handler=self.patch,
            body=Properties,
            described_body=ApiPatch,
            answer=Api,
            problems=(HTTPStatus.NOT_FOUND, HTTPStatus.CONFLICT),
        )
        yield Route(
            method="DELETE",
            path="resource-servers/{id}",
            scope="delete:resource_servers",
            summary="Delete an API, and what applications may get for themselves there",
            handler=self.delete,
            status=HTTPStatus.NO_CONTENT,
            problems=(HTTPStatus.NOT_FOUND, HTTPStatus.CONFLICT),
        )

    def index(self, call: Call[Listed, None]) -> object:
        """Return APIs, by their identifiers."""
        apis: list[Any] = [self._answer(api) for api in self._all(call).values()]
        return APIS.either(apis, call.query, lambda it: it.identifier)

    def create(self, call: Call[Nothing, Properties]) -> Answer:
        """Store a new API."""
        identifier = str(call.body.root.get("identifier"))
        if management_api.is_meant_by(identifier) or identifier in self._all(call):
            raise already_there("resource server")
        self.declarations.put_resource_server(call.body.root, call.request)
        return self._answer(self._api(identifier, call))

    def get(self, call: Call[Fields, None]) -> Answer:
        """Return an API."""
        return self._answer(self._api(call.path["id"], call))

    def patch(self, call: Call[Nothing, Properties]) -> Answer:
        """Change an API; its identifier stays."""
        api = self._declared(call)
        if call.body.root.get("identifier", api.identifier) != api.identifier:
            raise BadRequest("Payload validation error: identifier cannot be changed.")
        properties = merged(writing.resource_server_of(api), call.body.root)
        self.declarations.put_resource_server(properties, call.request)
        return self._answer(self._api(api.identifier, call))

    def delete(self, call: Call[Nothing, None]) -> None:
        """Delete an API."""
        self.declarations.delete_resource_server(self._declared(call).identifier, call.request)

    def _all(self, call: Call[Any, Any]) -> dict[str, ResourceServer]:
        system = management_api.api(self.issuer)
        return {system.identifier: system, **self.declarations.resource_servers(call.request)}

    def _api(self, name: str, call: Call[Any, Any]) -> ResourceServer:
        apis = self._all(call)
        by_id = {identifiers.of_resource_server(identifier): api for identifier, api in apis.items()}
        api = apis.get(name) or by_id.get(name)
        if api is None:
            raise NotFound("resource_server")
        return api

    def _declared(self, call: Call[Any, Any]) -> ResourceServer:
        api = self._api(call.path["id"], call)
        if self._is_system(api):
            raise BadRequest("The Management API is as it is: it cannot be changed or deleted.")
        return api

    def _is_system(self, api: ResourceServer) -> bool:
        return api.identifier == management_api.audience(self.issuer)

    def _answer(self, api: ResourceServer) -> Answer:
        own = {"id": identifiers.of_resource_server(api.identifier), "is_system": self._is_system(api)}
        return Api.model_validate(writing.resource_server_of(api) | own)
