"""`/api/v2/clients`: applications."""

import functools
import operator
import secrets
from collections.abc import Iterable
from dataclasses import dataclass
from http import HTTPStatus
from types import NoneType, UnionType
from typing import Annotated, Any, Final, get_args

from pydantic import Field, create_model

from heirloom.domain.application import Application, AuthenticationMethod
from heirloom.management.declaring import Declarations, already_there, merged
from heirloom.management.pagination import Fields, Listed, Listing, Optional, optional
from heirloom.management.problem import BadRequest, NotFound
from heirloom.management.route import Answer, Call, Nothing, Properties, Route
from heirloom.tenant import file, writing

_CLIENT_ID_BYTES: Final = 24


def answer_like(name: str, model: type[file.Model], *, without: str = "", **more: Any) -> type[Answer]:  # noqa: ANN401 - types, for pydantic
    """Return the type of an answer with the properties that a tenant file has of something, but one, and *more*."""
    properties: dict[str, Any] = {
        each: (optional(_without_none(field.annotation)), None)
        for each, field in model.model_fields.items()
        if each != without
    }
    return create_model(name, __base__=Answer, **properties, **more)


def _without_none(annotation: Any) -> Any:  # noqa: ANN401 - a type
    if isinstance(annotation, UnionType):
        return functools.reduce(operator.or_, (it for it in get_args(annotation) if it is not NoneType))
    return annotation


Client = answer_like("Client", file.Client)
"""As in the tenant file. `client_secret` is there once: in the answer that made it."""

CLIENTS = Listing("clients", Client)


class ClientsQuery(Listed):
    """Which applications."""

    is_first_party: Optional[bool] = None
    app_type: Annotated[Optional[str], Field(max_length=200, description="Types, with commas between them.")] = None


class ClientPatch(file.Client):
    """Properties to change; null gives one its default again."""

    name: Optional[file.Text] = None  # type: ignore[assignment] # may be left out here
    app_type: Optional[str] = None  # type: ignore[assignment] # may be left out here


@dataclass(frozen=True, slots=True)
class Clients:
    """The routes, and what they do."""

    declarations: Declarations

    def routes(self) -> Iterable[Route]:
        """Yield them."""
        yield Route(
            method="GET",
            path="clients",
            scope="read:clients",
            summary="List applications",
            handler=self.index,
            query=ClientsQuery,
            answer=CLIENTS.plain_or_not,
            listed="clients",
        )
        yield Route(
            method="POST",
            path="clients",
            scope="create:clients",
            summary="Create an application; the answer has its secret, once",
            handler=self.create,
            body=Properties,
            described_body=file.Client,
            answer=Client,
            status=HTTPStatus.CREATED,
            problems=(HTTPStatus.CONFLICT,),
        )
        yield Route(
            method="GET",
            path="clients/{id}",
            scope="read:clients",
            summary="Read an application",
            handler=self.get,
            query=Fields,
            answer=Client,
            problems=(HTTPStatus.NOT_FOUND,),
        )
        yield Route(
            method="PATCH",
            path="clients/{id}",
            scope="update:clients",
            summary="Change an application",
            handler=self.patch,
            body=Properties,
            described_body=ClientPatch,
            answer=Client,
            problems=(HTTPStatus.NOT_FOUND, HTTPStatus.CONFLICT),
        )
        yield Route(
            method="DELETE",
            path="clients/{id}",
            scope="delete:clients",
            summary="Delete an application, and what it may get for itself",
            handler=self.delete,
            status=HTTPStatus.NO_CONTENT,
            problems=(HTTPStatus.NOT_FOUND, HTTPStatus.CONFLICT),
        )
        yield Route(
            method="POST",
            path="clients/{id}/rotate-secret",
            scope="update:client_keys",
            summary="Give an application a new secret, which the answer has, once",
            handler=self.rotate_secret,
            answer=Client,
            problems=(HTTPStatus.NOT_FOUND, HTTPStatus.CONFLICT),
        )

    def index(self, call: Call[ClientsQuery, None]) -> object:
        """Return applications, by their ids."""
        wanted, types = call.query, (call.query.app_type or "").split(",")
        clients: list[Any] = [
            _answer(it)
            for it in self.declarations.applications(call.request).values()
            if wanted.is_first_party in {None, it.is_first_party} and (wanted.app_type is None or it.app_type in types)
        ]
        return CLIENTS.either(clients, wanted, lambda it: it.client_id)

    def create(self, call: Call[Nothing, Properties]) -> Answer:
        """Store a new application under an id that nobody can guess, unless it brings one."""
        properties = {"client_id": secrets.token_urlsafe(_CLIENT_ID_BYTES), **call.body.root}
        client_id = str(properties["client_id"])
        if client_id in self.declarations.applications(call.request):
            raise already_there("client")
        applied = self.declarations.put_application(properties, call.request)
        secret = applied.secrets.get(client_id) or properties.get("client_secret")
        return _answer(self._application(client_id, call), secret)

    def get(self, call: Call[Fields, None]) -> Answer:
        """Return an application."""
        return _answer(self._application(call.path["id"], call))

    def patch(self, call: Call[Nothing, Properties]) -> Answer:
        """Change an application; its id stays."""
        application = self._application(call.path["id"], call)
        changes = call.body.root
        if changes.get("client_id", application.client_id) != application.client_id:
            raise BadRequest("Payload validation error: client_id cannot be changed.")
        properties = merged(writing.client_of(application), changes)
        keys_stay = properties.get("token_endpoint_auth_method") == AuthenticationMethod.PRIVATE_KEY_JWT
        if "jwks" not in changes and (not keys_stay or "client_authentication_methods" in changes):
            properties.pop("jwks", None)
        applied = self.declarations.put_application(properties, call.request)
        return _answer(self._application(application.client_id, call), applied.secrets.get(application.client_id))

    def delete(self, call: Call[Nothing, None]) -> None:
        """Delete an application."""
        application = self._application(call.path["id"], call)
        self.declarations.delete_application(application.client_id, call.request)

    def rotate_secret(self, call: Call[Nothing, None]) -> Answer:
        """Give an application a new secret."""
        secret = self.declarations.rotate_secret(call.path["id"], call.request)
        if secret is None:
            raise NotFound("client")
        return _answer(self._application(call.path["id"], call), secret)

    def _application(self, client_id: str, call: Call[Any, Any]) -> Application:
        application = self.declarations.applications(call.request).get(client_id)
        if application is None:
            raise NotFound("client")
        return application


def _answer(application: Application, secret: str | None = None) -> Answer:
    properties = writing.client_of(application)
    return Client.model_validate(properties if secret is None else properties | {"client_secret": secret})
