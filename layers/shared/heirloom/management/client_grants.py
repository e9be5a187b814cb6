"""`/api/v2/client-grants`: what applications may get for themselves."""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from http import HTTPStatus
from typing import Any

from heirloom.domain import management_api
from heirloom.domain.client_grant import ClientGrant
from heirloom.management import identifiers
from heirloom.management.declaring import Declarations, already_there
from heirloom.management.pagination import Listed, Listing, Optional
from heirloom.management.problem import BadRequest, NotFound
from heirloom.management.route import Answer, Call, Model, Nothing, Route
from heirloom.tenant import file, writing


class ClientGrantAnswer(Answer):
    """What one application may get for itself at one API."""

    id: Optional[str] = None
    client_id: Optional[str] = None
    audience: Optional[str] = None
    scope: Optional[list[str]] = None


GRANTS = Listing("client_grants", ClientGrantAnswer)


class ClientGrantsQuery(Listed):
    """Which grants."""

    client_id: Optional[str] = None
    audience: Optional[str] = None


class GrantPatch(Model):
    """What may change of a grant."""

    scope: list[file.ScopeValue]


@dataclass(frozen=True, slots=True)
class ClientGrants:
    """The routes, and what they do."""

    declarations: Declarations
    issuer: str

    def routes(self) -> Iterable[Route]:
        """Yield them."""
        yield Route(
            method="GET",
            path="client-grants",
            scope="read:client_grants",
            summary="List what applications may get for themselves",
            handler=self.index,
            query=ClientGrantsQuery,
            answer=GRANTS.plain_or_not,
            listed="client_grants",
        )
        yield Route(
            method="POST",
            path="client-grants",
            scope="create:client_grants",
            summary="Let an application get something for itself",
            handler=self.create,
            body=file.ClientGrant,
            answer=ClientGrantAnswer,
            status=HTTPStatus.CREATED,
            problems=(HTTPStatus.CONFLICT,),
        )
        yield Route(
            method="PATCH",
            path="client-grants/{id}",
            scope="update:client_grants",
            summary="Change what an application may get for itself",
            handler=self.patch,
            body=GrantPatch,
            answer=ClientGrantAnswer,
            problems=(HTTPStatus.NOT_FOUND, HTTPStatus.CONFLICT),
        )
        yield Route(
            method="DELETE",
            path="client-grants/{id}",
            scope="delete:client_grants",
            summary="Take from an application what it may get for itself",
            handler=self.delete,
            status=HTTPStatus.NO_CONTENT,
            problems=(HTTPStatus.NOT_FOUND, HTTPStatus.CONFLICT),
        )

    def index(self, call: Call[ClientGrantsQuery, None]) -> object:
        """Return grants."""
        wanted = call.query
        grants = [
            answer
            for answer in map(self._answer, self.declarations.client_grants(call.request))
            if wanted.client_id in {None, answer.client_id} and wanted.audience in {None, answer.audience}
        ]
        return GRANTS.either(grants, wanted, lambda it: str(it.id))

    def create(self, call: Call[Nothing, file.ClientGrant]) -> Answer:
        """Store a new grant."""
        wanted = call.body
        if wanted.subject_type == "user":
            raise BadRequest("Payload validation error: subject_type: user is not supported.")
        if management_api.is_meant_by(wanted.audience) and wanted.audience != management_api.audience(self.issuer):
            raise BadRequest("Payload validation error: audience: is another tenant's Management API.")
        if wanted.client_id not in self.declarations.applications(call.request):
            raise BadRequest("Payload validation error: client_id: is no client.")
        grant_id = identifiers.of_client_grant(wanted.client_id, self._kept(wanted.audience))
        if self._found(grant_id, call) is not None:
            raise already_there("client grant")
        self.declarations.put_client_grant(wanted.model_dump(), call.request)
        return self._answer(self._grant(grant_id, call))

    def patch(self, call: Call[Nothing, GrantPatch]) -> Answer:
        """Change the scope of a grant."""
        grant = replace(self._grant(call.path["id"], call), scope=frozenset(call.body.scope))
        self.declarations.put_client_grant(writing.client_grant_of(grant), call.request)
        return self._answer(grant)

    def delete(self, call: Call[Nothing, None]) -> None:
        """Take a grant away."""
        self.declarations.delete_client_grant(self._grant(call.path["id"], call), call.request)

    def _found(self, grant_id: str, call: Call[Any, Any]) -> ClientGrant | None:
        grants = self.declarations.client_grants(call.request)
        return next((it for it in grants if identifiers.of_client_grant(it.client_id, it.audience) == grant_id), None)

    def _grant(self, grant_id: str, call: Call[Any, Any]) -> ClientGrant:
        grant = self._found(grant_id, call)
        if grant is None:
            raise NotFound("client_grant")
        return grant

    def _kept(self, audience: str) -> str:
        return management_api.AUDIENCE if audience == management_api.audience(self.issuer) else audience

    def _answer(self, grant: ClientGrant) -> ClientGrantAnswer:
        system = grant.audience == management_api.AUDIENCE
        return ClientGrantAnswer(
            id=identifiers.of_client_grant(grant.client_id, grant.audience),
            client_id=grant.client_id,
            audience=management_api.audience(self.issuer) if system else grant.audience,
            scope=sorted(grant.scope),
        )
