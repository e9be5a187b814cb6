"""`/api/v2/users`: the people of the built-in user store."""

import re
import secrets
from collections.abc import Iterable
from dataclasses import dataclass
from http import HTTPStatus
from typing import Annotated, Any, Final

from pydantic import Field

from heirloom.adapters.users import UserConflict
from heirloom.domain.ports import Users
from heirloom.domain.user import User, normalised_email
from heirloom.endpoints.operator import Operator
from heirloom.management.clients import answer_like
from heirloom.management.declaring import Declarations, already_there, changed_meanwhile, merged
from heirloom.management.pagination import Fields, Listed, Listing, Optional, decoded, encoded, optional
from heirloom.management.problem import BadQuery, BadRequest, NotFound
from heirloom.management.route import Answer, Call, Nothing, Properties, Route
from heirloom.tenant import file, writing

CONNECTION: Final = "Username-Password-Authentication"
"""Auth0's name for the database of users that every tenant has, and the only one here."""

MOST_BY_PAGE: Final = 1000
"""Users that can be reached by page, as at Auth0; `from` and `take` lead on."""

_ID_BYTES: Final = 12
_QUERY: Final = re.compile(r'(?P<name>email|user_id):(?:"(?P<quoted>[^"\\]+)"|(?P<plain>[^\s"*:()\\]+))', re.ASCII)


class Identity(Answer):
    """Where a user is from."""

    connection: str
    provider: str
    user_id: str
    isSocial: bool  # noqa: N815 - Auth0's name


UserAnswer = answer_like("User", file.Person, without="password", identities=(optional(list[Identity]), None))
"""As in the tenant file, without the password."""

USERS = Listing("users", UserAnswer)


class UsersQuery(Listed):
    """Which users: by page the first thousand, by `from` and `take` all of them."""

    q: Annotated[Optional[str], Field(max_length=500, description='`email:"…"` or `user_id:"…"`; no other.')] = None
    search_engine: Annotated[Optional[str], Field(description="Ignored: there is one.")] = None


class ByEmail(Fields):
    """Whose address."""

    email: file.Email


class NewUser(file.Person):
    """A user to create. Without an id they get one; `connection` may be named, as at Auth0."""

    user_id: Optional[file.UserId] = None  # type: ignore[assignment] # may be left out here
    connection: Optional[str] = None


class UserPatch(file.Person):
    """Properties to change; null takes one away."""

    user_id: Optional[file.UserId] = None  # type: ignore[assignment] # may be left out here
    email: Optional[file.Email] = None  # type: ignore[assignment] # may be left out here
    connection: Optional[str] = None


@dataclass(frozen=True, slots=True)
class UserRoutes:
    """The routes, and what they do."""

    declarations: Declarations
    users: Users
    operator: Operator

    def routes(self) -> Iterable[Route]:
        """Yield them."""
        yield Route(
            method="GET",
            path="users",
            scope="read:users",
            summary="List users, or find one",
            handler=self.index,
            query=UsersQuery,
            answer=USERS.plain_or_not,
            listed="users",
        )
        yield Route(
            method="POST",
            path="users",
            scope="create:users",
            summary="Create a user",
            handler=self.create,
            body=Properties,
            described_body=NewUser,
            answer=UserAnswer,
            status=HTTPStatus.CREATED,
            problems=(HTTPStatus.CONFLICT,),
        )
        yield Route(
            method="GET",
            path="users-by-email",
            scope="read:users",
            summary="Find the user with an address",
            handler=self.by_email,
            query=ByEmail,
            answer=list[UserAnswer],  # type: ignore[valid-type] # made at run time
        )
        yield Route(
            method="GET",
            path="users/{id}",
            scope="read:users",
            summary="Read a user",
            handler=self.get,
            query=Fields,
            answer=UserAnswer,
            problems=(HTTPStatus.NOT_FOUND,),
        )
        yield Route(
            method="PATCH",
            path="users/{id}",
            scope="update:users",
            summary="Change a user; another password, or a block, ends their logins",
            handler=self.patch,
            body=Properties,
            described_body=UserPatch,
            answer=UserAnswer,
            problems=(HTTPStatus.NOT_FOUND, HTTPStatus.CONFLICT),
        )
        yield Route(
            method="DELETE",
            path="users/{id}",
            scope="delete:users",
            summary="Delete a user, with all logins and all that was agreed to",
            handler=self.delete,
            status=HTTPStatus.NO_CONTENT,
            problems=(HTTPStatus.CONFLICT,),
        )

    def index(self, call: Call[UsersQuery, None]) -> object:
        """Return users."""
        query = call.query
        if query.q is not None:
            return USERS.page([_answer(user) for user in self._found(query.q)], query)
        if query.from_ is None and query.take is None:
            needed = MOST_BY_PAGE if query.include_totals else min(MOST_BY_PAGE, (query.page + 1) * query.per_page)
            return USERS.page([_answer(user) for user in self.users.after(None, at_most=needed)], query)
        take = query.take or 50
        users = self.users.after(decoded(query.from_) or None, at_most=take + 1)
        cursor = encoded(users[take - 1].user_id) if len(users) > take else None
        return USERS.part([_answer(user) for user in users[:take]], following=cursor)

    def create(self, call: Call[Nothing, Properties]) -> Answer:
        """Store a new user."""
        properties = _without_connection(call.body.root)
        wanted = properties.get("user_id") or secrets.token_hex(_ID_BYTES)
        if isinstance(wanted, str):
            properties["user_id"] = wanted if "|" in wanted else f"auth0|{wanted}"
        user_id, email = str(properties["user_id"]), normalised_email(str(properties.get("email")))
        if self.users.by_id(user_id) is not None or self.users.id_of(email) is not None:
            raise already_there("user")
        self.declarations.put_user(properties, call.request)
        return _answer(self._user(user_id))

    def by_email(self, call: Call[ByEmail, None]) -> object:
        """Return the user with an address, in a list: at Auth0 several connections may have one."""
        return [_answer(user) for user in self._with_email(call.query.email)]

    def get(self, call: Call[Fields, None]) -> Answer:
        """Return a user."""
        return _answer(self._user(call.path["id"]))

    def patch(self, call: Call[Nothing, Properties]) -> Answer:
        """Change a user; the id stays."""
        user = self._user(call.path["id"])
        changes = _without_connection(call.body.root)
        if changes.get("user_id", user.user_id) != user.user_id:
            raise BadRequest("Payload validation error: user_id cannot be changed.")
        self.declarations.put_user(merged(writing.user_of(user), changes), call.request)
        return _answer(self._user(user.user_id))

    def delete(self, call: Call[Nothing, None]) -> None:
        """Delete a user; nothing happens where there is none, as at Auth0."""
        try:
            self.operator.delete_user(call.path["id"], call.request.caller, now=call.request.now)
        except UserConflict:
            raise changed_meanwhile() from None

    def _user(self, user_id: str) -> User:
        user = self.users.by_id(user_id)
        if user is None:
            raise NotFound("user")
        return user

    def _with_email(self, email: str) -> list[User]:
        user_id = self.users.id_of(normalised_email(email))
        user = self.users.by_id(user_id) if user_id else None
        return [user] if user else []

    def _found(self, q: str) -> list[User]:
        query = _QUERY.fullmatch(q.strip())
        if query is None:
            raise BadQuery('Query validation error: \'q\' can be email:"…" or user_id:"…", and nothing else.')
        value = query["quoted"] or query["plain"]
        if query["name"] == "email":
            return self._with_email(value)
        user = self.users.by_id(value)
        return [user] if user else []


def _answer(user: User) -> Answer:
    provider, _, own_id = user.user_id.rpartition("|")
    identity = {"connection": CONNECTION, "provider": provider or "auth0", "user_id": own_id, "isSocial": False}
    return UserAnswer.model_validate(writing.user_of(user) | {"identities": [identity]})


def _without_connection(properties: dict[str, Any]) -> dict[str, Any]:
    """Return the properties of the user themselves; raise `BadRequest` for another connection than ours."""
    if properties.get("connection", CONNECTION) != CONNECTION:
        raise BadRequest("The connection does not exist.", "inexistent_connection")
    return {name: value for name, value in properties.items() if name != "connection"}
