"""`/api/v2/grants`: what people agreed to."""

from collections.abc import Iterable
from dataclasses import dataclass
from http import HTTPStatus
from typing import Annotated, Any

from pydantic import Field

from heirloom.domain import refresh_token
from heirloom.domain.consent import Consent
from heirloom.domain.ports import Consents, Events, Families
from heirloom.endpoints.operator import BY_OPERATOR
from heirloom.endpoints.revocations import Revocations
from heirloom.management import identifiers
from heirloom.management.pagination import Listing, Optional, Paged
from heirloom.management.problem import BadQuery
from heirloom.management.route import Answer, Call, Model, Nothing, Route


class UserGrant(Answer):
    """What one person agreed to, for one application at one API."""

    id: Optional[str] = None
    clientID: Optional[str] = None  # noqa: N815 - Auth0's name
    user_id: Optional[str] = None
    audience: Optional[str] = None
    scope: Optional[list[str]] = None


GRANTS = Listing("grants", UserGrant)


class GrantsQuery(Paged):
    """Whose grants: they are kept by person, so `user_id` is needed."""

    user_id: Annotated[str, Field(min_length=1, max_length=300)]
    client_id: Optional[str] = None
    audience: Optional[str] = None


class GrantsOfUser(Model):
    """Whose grants."""

    user_id: Annotated[str, Field(min_length=1, max_length=300)]


@dataclass(frozen=True, slots=True)
class Grants:
    """The routes, and what they do."""

    consents: Consents
    families: Families
    events: Events

    def routes(self) -> Iterable[Route]:
        """Yield them."""
        yield Route(
            method="GET",
            path="grants",
            scope="read:grants",
            summary="List what a person agreed to",
            handler=self.index,
            query=GrantsQuery,
            answer=GRANTS.plain_or_not,
            listed="grants",
        )
        yield Route(
            method="DELETE",
            path="grants",
            scope="delete:grants",
            summary="Withdraw all that a person agreed to, and revoke what came of it",
            handler=self.delete_of_user,
            query=GrantsOfUser,
            status=HTTPStatus.NO_CONTENT,
        )
        yield Route(
            method="DELETE",
            path="grants/{id}",
            scope="delete:grants",
            summary="Withdraw something that a person agreed to, and revoke what came of it",
            handler=self.delete,
            status=HTTPStatus.NO_CONTENT,
        )

    def index(self, call: Call[GrantsQuery, None]) -> object:
        """Return what a person agreed to."""
        query = call.query
        grants = [
            UserGrant(
                id=identifiers.of_grant(query.user_id, it.client_id, it.audience),
                clientID=it.client_id,
                user_id=query.user_id,
                audience=it.audience,
                scope=sorted(it.scope),
            )
            for it in self._of_user(query.user_id)
            if query.client_id in {None, it.client_id} and query.audience in {None, it.audience}
        ]
        return GRANTS.page(grants, query)

    def delete_of_user(self, call: Call[GrantsOfUser, None]) -> None:
        """Withdraw all that a person agreed to."""
        for consent in self._of_user(call.query.user_id):
            self._withdraw(call.query.user_id, consent, call)

    def delete(self, call: Call[Nothing, None]) -> None:
        """Withdraw one; nothing happens where there is none, as at Auth0."""
        grant_id = call.path["id"]
        user_id = identifiers.user_of_grant(grant_id)
        for consent in self._of_user(user_id) if user_id else []:
            if identifiers.of_grant(str(user_id), consent.client_id, consent.audience) == grant_id:
                self._withdraw(str(user_id), consent, call)

    def _of_user(self, user_id: str) -> list[Consent]:
        try:
            return self.consents.of_user(refresh_token.user_key(user_id))
        except UnicodeEncodeError:
            raise BadQuery("Query validation error: user_id is no text.") from None

    def _withdraw(self, user_id: str, consent: Consent, call: Call[Any, Any]) -> None:
        """Withdraw a consent, and what came of it: whoever is interrupted finds the consent again, and goes on."""
        Revocations(self.families, self.events).end_logins(
            user_id,
            because=BY_OPERATOR,
            caller=call.request.caller,
            now=call.request.now,
            client_id=consent.client_id,
            audience=consent.audience,
        )
        key = refresh_token.user_key(user_id)
        self.consents.withdraw(user_key=key, client_id=consent.client_id, audience=consent.audience)
