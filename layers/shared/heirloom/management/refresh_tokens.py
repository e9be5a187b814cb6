"""`/api/v2/refresh-tokens`, and those of a user: families, each shown as the one refresh token that it is to people."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from http import HTTPStatus
from typing import Annotated, Any, Final

from pydantic import Field, StringConstraints, model_validator

from heirloom.domain.family import Family
from heirloom.domain.ports import Events, RefreshTokenMetadata
from heirloom.domain.session import SessionKey
from heirloom.endpoints.operator import BY_OPERATOR
from heirloom.endpoints.revocations import Revocations
from heirloom.management import identifiers
from heirloom.management.declaring import Declarations
from heirloom.management.known_logins import DeviceAnswer, KnownLogins, date, devices
from heirloom.management.pagination import Checkpoint, Fields, Listing, Optional
from heirloom.management.problem import NotFound
from heirloom.management.route import Answer, Call, Model, Nothing, Route

MOST_METADATA: Final = 25
LONGEST_METADATA: Final = 255
"""Auth0's limits: entries, and characters of a name and of a value."""

MOST_IDS: Final = 100
"""In one bulk revocation."""

type MetadataName = Annotated[str, StringConstraints(pattern=rf"^[A-Za-z0-9_-]{{1,{LONGEST_METADATA}}}$")]
type MetadataValue = Annotated[str, StringConstraints(max_length=LONGEST_METADATA)]


class Granted(Answer):
    """What a refresh token is good for at one API; the scopes have spaces between them."""

    audience: str
    scopes: str


class RefreshToken(Answer):
    """A refresh token: never itself, only what is known of it."""

    id: Optional[str] = None
    user_id: Optional[str] = None
    client_id: Optional[str] = None
    session_id: Annotated[Optional[str], Field(description="Id of its session at `sessions/{id}`.")] = None
    created_at: Optional[datetime] = None
    idle_expires_at: Optional[datetime] = None
    expires_at: Optional[datetime] = None
    last_exchanged_at: Optional[datetime] = None
    rotating: Optional[bool] = None
    device: Optional[DeviceAnswer] = None
    resource_servers: Optional[list[Granted]] = None
    refresh_token_metadata: Optional[dict[str, str]] = None


OF_USER = Listing("tokens", RefreshToken)
REFRESH_TOKENS = Listing("refresh_tokens", RefreshToken)


class RefreshTokensQuery(Checkpoint):
    """A user's refresh tokens, all or at one application."""

    user_id: Annotated[str, Field(min_length=1, max_length=300)]
    client_id: Annotated[Optional[str], Field(max_length=64)] = None


class ListOfUser(Checkpoint):
    """A part of a user's refresh tokens."""

    include_totals: Annotated[bool, Field(description="Ignored: the answer is an object either way.")] = True


class RefreshTokenPatch(Model):
    """The metadata that takes the place of what there was; an empty object takes it away."""

    refresh_token_metadata: Annotated[Optional[dict[MetadataName, MetadataValue]], Field(max_length=MOST_METADATA)] = (
        None
    )


class Revocation(Model):
    """Which refresh tokens: some by their ids; a user's, all, at an application, at one API there; an application's."""

    ids: Annotated[
        Optional[list[Annotated[str, Field(min_length=1, max_length=100)]]], Field(min_length=1, max_length=MOST_IDS)
    ] = None
    user_id: Annotated[Optional[str], Field(min_length=1, max_length=300)] = None
    client_id: Annotated[Optional[str], Field(min_length=1, max_length=64)] = None
    audience: Annotated[Optional[str], Field(min_length=1, max_length=600)] = None

    @model_validator(mode="after")
    def _is_one_of_the_combinations(self) -> "Revocation":
        others = (self.user_id, self.client_id, self.audience)
        if self.ids is not None and any(others):
            raise ValueError("ids cannot be combined with anything else")
        if self.ids is None and self.user_id is None and self.client_id is None:
            raise ValueError("one of ids, user_id, client_id is needed")
        if self.audience is not None and (self.user_id is None or self.client_id is None):
            raise ValueError("audience needs user_id and client_id")
        return self


@dataclass(frozen=True, slots=True)
class RefreshTokens:
    """The routes, and what they do."""

    logins: KnownLogins
    metadata: RefreshTokenMetadata
    declarations: Declarations
    events: Events

    def routes(self) -> Iterable[Route]:
        """Yield them."""
        yield Route(
            method="GET",
            path="refresh-tokens",
            scope="read:refresh_tokens",
            summary="List a user's refresh tokens",
            handler=self.index,
            query=RefreshTokensQuery,
            answer=REFRESH_TOKENS.envelope,
            listed="refresh_tokens",
        )
        yield Route(
            method="POST",
            path="refresh-tokens/revoke",
            scope="delete:refresh_tokens",
            summary="Revoke many refresh tokens",
            handler=self.revoke,
            body=Revocation,
            status=HTTPStatus.ACCEPTED,
            problems=(HTTPStatus.CONFLICT,),
        )
        yield Route(
            method="GET",
            path="refresh-tokens/{id}",
            scope="read:refresh_tokens",
            summary="Read what is known of a refresh token",
            handler=self.get,
            query=Fields,
            answer=RefreshToken,
            problems=(HTTPStatus.NOT_FOUND,),
        )
        yield Route(
            method="PATCH",
            path="refresh-tokens/{id}",
            scope="update:refresh_tokens",
            summary="Note something about a refresh token",
            handler=self.patch,
            body=RefreshTokenPatch,
            answer=RefreshToken,
            problems=(HTTPStatus.NOT_FOUND,),
        )
        yield Route(
            method="DELETE",
            path="refresh-tokens/{id}",
            scope="delete:refresh_tokens",
            summary="Revoke a refresh token",
            handler=self.delete,
            status=HTTPStatus.ACCEPTED,
        )
        yield Route(
            method="GET",
            path="users/{id}/refresh-tokens",
            scope="read:refresh_tokens",
            summary="List a user's refresh tokens",
            handler=self.index_of_user,
            query=ListOfUser,
            answer=OF_USER.envelope,
            listed="tokens",
        )
        yield Route(
            method="DELETE",
            path="users/{id}/refresh-tokens",
            scope="delete:refresh_tokens",
            summary="Revoke a user's refresh tokens; sessions stay",
            handler=self.delete_of_user,
            status=HTTPStatus.ACCEPTED,
        )

    def index(self, call: Call[RefreshTokensQuery, None]) -> object:
        """Return a user's refresh tokens, by their ids."""
        query = call.query
        tokens = self._of_user(query.user_id, call, client_id=query.client_id)
        return REFRESH_TOKENS.after(tokens, query, _id)

    def index_of_user(self, call: Call[ListOfUser, None]) -> object:
        """Return a user's refresh tokens, by their ids."""
        tokens = self._of_user(call.path["id"], call)
        return OF_USER.after(tokens, call.query, _id)

    def get(self, call: Call[Fields, None]) -> Answer:
        """Return what is known of a refresh token."""
        family = self._family(call)
        return self._answer(family, self.metadata.find(family.key))

    def patch(self, call: Call[Nothing, RefreshTokenPatch]) -> Answer:
        """Note something, while the family is there."""
        family = self._family(call)
        metadata = call.body.refresh_token_metadata
        if metadata is None:
            return self._answer(family, self.metadata.find(family.key))
        if metadata:
            self.metadata.put(family, metadata)
        else:
            self.metadata.delete(family.key, now=call.request.now)
        if self.logins.family(family.key, call.request.now) is None:  # it ended meanwhile
            self.metadata.delete(family.key, now=call.request.now)
            raise NotFound("refresh_token")
        return self._answer(family, metadata)

    def delete(self, call: Call[Nothing, None]) -> None:
        """Revoke a refresh token; nothing happens where there is none, as at Auth0."""
        self._end_by_id(call.path["id"], call)

    def delete_of_user(self, call: Call[Nothing, None]) -> None:
        """Revoke a user's refresh tokens."""
        self._end(self.logins.families.of_user(call.path["id"]), call)

    def revoke(self, call: Call[Nothing, Revocation]) -> None:
        """Revoke many refresh tokens, durably."""
        wanted = call.body
        if wanted.ids is not None:
            for each in wanted.ids:
                self._end_by_id(each, call)
        elif wanted.user_id is None:
            self.declarations.end_tokens_of(str(wanted.client_id), call.request)
        elif wanted.client_id is None:
            self._end(self.logins.families.of_user(wanted.user_id), call)
        elif self.logins.configuration.application(wanted.client_id) is not None:
            # No code that is under way becomes one either.
            self._revocations.end_logins(
                wanted.user_id,
                because=BY_OPERATOR,
                caller=call.request.caller,
                now=call.request.now,
                client_id=wanted.client_id,
                audience=wanted.audience,
            )

    def _end_by_id(self, token_id: str, call: Call[Any, Any]) -> None:
        key = identifiers.family(token_id)
        family = self.logins.families.find(key) if key else None
        self._end([family] if family else [], call)

    def _end(self, families: Iterable[Family], call: Call[Any, Any]) -> None:
        alive = [family for family in families if family.revoked_at is None]
        self._revocations.end(alive, because=BY_OPERATOR, caller=call.request.caller, now=call.request.now)
        for family in alive:
            self.metadata.delete(family.key, now=call.request.now)

    def _of_user(self, user_id: str, call: Call[Any, Any], client_id: str | None = None) -> list[RefreshToken]:
        families = [
            family
            for family in self.logins.families_of(user_id, call.request.now)
            if client_id in {None, family.grant.client_id}
        ]
        noted = self.metadata.of_user(families[0].key.user_key) if families else {}
        return [self._answer(family, noted.get(family.key.family_id, {})) for family in families]

    def _family(self, call: Call[Any, Any]) -> Family:
        family = self.logins.family(identifiers.family(call.path["id"]), call.request.now)
        if family is None:
            raise NotFound("refresh_token")
        return family

    def _answer(self, family: Family, metadata: dict[str, str]) -> RefreshToken:
        grant = family.grant
        return RefreshToken(
            id=identifiers.of_family(family.key),
            user_id=grant.user_id,
            client_id=grant.client_id,
            session_id=identifiers.of_session(SessionKey(family.key.user_key, grant.session_id)),
            created_at=date(family.created_at),
            idle_expires_at=date(self.logins.idle_end(family)),
            expires_at=date(family.absolute_expires_at),
            last_exchanged_at=date(family.exchanged_at) if family.generation or family.non_rotating else None,
            rotating=not family.non_rotating,
            device=devices(family.initial_device, family.last_device),
            resource_servers=[Granted(audience=grant.audience, scopes=" ".join(sorted(grant.scope)))],
            refresh_token_metadata=metadata or None,
        )

    @property
    def _revocations(self) -> Revocations:
        return Revocations(self.logins.families, self.events)


def _id(token: RefreshToken) -> str:
    return str(token.id)
