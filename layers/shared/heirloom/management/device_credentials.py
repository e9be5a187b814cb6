"""`/api/v2/device-credentials`: refresh tokens under Auth0's older name for them."""

from collections.abc import Iterable
from dataclasses import dataclass
from http import HTTPStatus
from typing import Annotated, Literal

from pydantic import Field

from heirloom.domain.family import Family
from heirloom.management import identifiers
from heirloom.management.known_logins import KnownLogins
from heirloom.management.pagination import Listing, Optional, Paged
from heirloom.management.refresh_tokens import RefreshTokens
from heirloom.management.route import Answer, Call, Route

type CredentialType = Literal["public_key", "refresh_token", "rotating_refresh_token"]


class DeviceCredential(Answer):
    """A refresh token, as something that a device holds."""

    id: Optional[str] = None
    device_name: Annotated[Optional[str], Field(description="User agent at the login.")] = None
    type: Optional[CredentialType] = None
    user_id: Optional[str] = None
    client_id: Optional[str] = None


DEVICE_CREDENTIALS = Listing("device_credentials", DeviceCredential)


class DeviceCredentialsQuery(Paged):
    """Whose credentials: they are kept by person, so `user_id` is needed."""

    user_id: Annotated[str, Field(min_length=1, max_length=300)]
    client_id: Optional[str] = None
    type: Optional[CredentialType] = None


@dataclass(frozen=True, slots=True)
class DeviceCredentials:
    """The routes, and what they do."""

    logins: KnownLogins
    refresh_tokens: RefreshTokens

    def routes(self) -> Iterable[Route]:
        """Yield them."""
        yield Route(
            method="GET",
            path="device-credentials",
            scope="read:device_credentials",
            summary="List what a person's devices hold",
            handler=self.index,
            query=DeviceCredentialsQuery,
            answer=DEVICE_CREDENTIALS.plain_or_not,
            listed="device_credentials",
        )
        yield Route(
            method="DELETE",
            path="device-credentials/{id}",
            scope="delete:device_credentials",
            summary="Revoke what a device holds",
            handler=self.refresh_tokens.delete,
            status=HTTPStatus.NO_CONTENT,
        )

    def index(self, call: Call[DeviceCredentialsQuery, None]) -> object:
        """Return what a person's devices hold."""
        query = call.query
        credentials = [
            answer
            for answer in map(_answer, self.logins.families_of(query.user_id, call.request.now))
            if query.client_id in {None, answer.client_id} and query.type in {None, answer.type}
        ]
        credentials.sort(key=lambda it: str(it.id))
        return DEVICE_CREDENTIALS.page(credentials, query)


def _answer(family: Family) -> DeviceCredential:
    return DeviceCredential(
        id=identifiers.of_family(family.key),
        device_name=family.initial_device.user_agent or None,
        type="refresh_token" if family.non_rotating else "rotating_refresh_token",
        user_id=family.grant.user_id,
        client_id=family.grant.client_id,
    )
