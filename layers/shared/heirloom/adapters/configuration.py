"""The applied tenant file in DynamoDB: one item {kind, id, document} for each object, with a cache before it."""

import dataclasses
import json
import threading
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, Final

from cachetools import TTLCache

from heirloom.adapters.aws import translated_faults
from heirloom.domain import encoding, lifetimes
from heirloom.domain.application import (
    Application,
    ApplicationType,
    AuthenticationMethod,
    RefreshTokenPolicy,
    Tenant,
)
from heirloom.domain.client_grant import ClientGrant
from heirloom.domain.client_key import ClientKey
from heirloom.domain.errors import StoreUnavailable
from heirloom.domain.resource_server import ProofRequirement, ResourceServer, TokenDialect
from heirloom.domain.user_code import UserCodeCharset

if TYPE_CHECKING:
    from mypy_boto3_dynamodb.client import DynamoDBClient

APPLICATION: Final = "application"
RESOURCE_SERVER: Final = "resource_server"
CLIENT_GRANT: Final = "client_grant"
TENANT: Final = "tenant"
WEB_ORIGIN: Final = "web_origin"
JWKS: Final = "jwks"
LONGEST_FAMILY: Final = "longest_family"
"""The kinds of items. Of the tenant, the key set and the longest family there is one each, with its kind for an id."""

EMPTY: Final = "{}"
"""The document of an item that says all by being there."""

LONGEST_ID: Final = 1024
"""Bytes of a sort key; DynamoDB refuses longer ones, and empty ones."""

_CACHED_DOCUMENTS: Final = 2048

type Document = dict[str, Any]
type Item = Mapping[str, Any]


@dataclasses.dataclass(frozen=True, slots=True)
class PublishedKeys:
    """The public halves of the signing keys. `document` is a JWK Set (RFC 7517 §5) as JSON text."""

    document: str
    generation: int
    """How often the secret had been changed when this was published."""
    key_ids: frozenset[str]


class DynamoDBConfiguration:
    """The port `Configuration` on a table.

    `clock` gives epoch seconds: SnapStart restores a cache that is hours old, which a monotonic clock would not tell.
    """

    def __init__(self, client: "DynamoDBClient", table: str, *, clock: Callable[[], float]) -> None:
        """Read nothing yet."""
        self._client = client
        self._table = table
        self._cache: TTLCache[tuple[str, str], object] = TTLCache(
            _CACHED_DOCUMENTS, lifetimes.CACHED_CONFIGURATION, timer=clock
        )
        self._lock = threading.Lock()

    def application(self, client_id: str) -> Application | None:
        """Return an application."""
        return self._cached(APPLICATION, client_id, decode_application)

    def resource_server(self, identifier: str) -> ResourceServer | None:
        """Return an API."""
        return self._cached(RESOURCE_SERVER, identifier, decode_resource_server)

    def client_grant(self, client_id: str, audience: str) -> ClientGrant | None:
        """Return what an application may get for itself at an API."""
        return self._cached(CLIENT_GRANT, client_grant_id(client_id, audience), decode_client_grant)

    def tenant(self) -> Tenant:
        """Return the tenant's settings: the defaults until a tenant file is applied."""
        return self._cached(TENANT, TENANT, decode_tenant) or Tenant()

    def is_web_origin(self, origin: str) -> bool:
        """Tell whether any application registered *origin*."""
        return self._cached(WEB_ORIGIN, origin, lambda _: True) or False

    def published_keys(self) -> str:
        """Return the JWK Set as JSON text; raise `StoreUnavailable` before the first keys are made."""
        return self.published().document

    def published(self) -> PublishedKeys:
        """Return the published keys; raise `StoreUnavailable` before the first keys are made."""
        keys = self._cached_item(JWKS, JWKS, _decode_published)
        if keys is None:
            raise StoreUnavailable("no keys are published")
        return keys

    def _cached[T](self, kind: str, name: str, decode: Callable[[str], T]) -> T | None:
        """Return what *decode* makes of a document."""
        return self._cached_item(kind, name, lambda item: decode(item["document"]["S"]))

    def _cached_item[T](self, kind: str, name: str, decode: Callable[[Item], T]) -> T | None:
        """Return what *decode* makes of an item. Unknown ids are read anew each time: anybody can make them up."""
        try:
            with self._lock:
                return self._cache[kind, name]  # type: ignore[return-value] # a kind is always decoded by one function
        except KeyError:
            item = self._read(kind, name) if _possible(name) else None
        if item is None:
            return None
        value = decode(item)
        with self._lock:
            self._cache[kind, name] = value
        return value

    def _read(self, kind: str, name: str) -> Item | None:
        with translated_faults(f"read {kind}"):
            answer = self._client.get_item(
                TableName=self._table,
                Key={"kind": {"S": kind}, "id": {"S": name}},
                ConsistentRead=True,  # else the cache's lifetime would not bound the age of what it holds
            )
        return answer.get("Item")


def _decode_published(item: Item) -> PublishedKeys:
    document = item["document"]["S"]
    generation = int(item["generation"]["N"]) if "generation" in item else 0
    return PublishedKeys(document, generation, frozenset(key["kid"] for key in json.loads(document)["keys"]))


def _possible(name: str) -> bool:
    try:
        return 0 < len(name.encode()) <= LONGEST_ID
    except UnicodeEncodeError:
        return False


def client_grant_id(client_id: str, audience: str) -> str:
    """Return the id of a client grant's item; no client id has a space."""
    return f"{client_id} {audience}"


def encode(value: Application | ResourceServer | ClientGrant | Tenant) -> str:
    """Return the document of an object; equal objects have equal documents."""
    return json.dumps(dataclasses.asdict(value), default=_plain, sort_keys=True, separators=(",", ":"))


def decode_application(document: str) -> Application:
    """Return the application of a document."""
    fields = _fields(document, Application)
    digest = fields.get("secret_digest")
    sets = ("callbacks", "allowed_logout_urls", "web_origins", "allowed_origins", "grant_types")
    return Application(
        **{
            **fields,
            **{name: frozenset(fields[name]) for name in sets if name in fields},
            "app_type": ApplicationType(fields["app_type"]),
            "token_endpoint_auth_method": AuthenticationMethod(fields["token_endpoint_auth_method"]),
            "secret_digest": None if digest is None else encoding.decode(digest),
            "public_keys": tuple(map(_client_key, fields.get("public_keys", ()))),
            "refresh_token": _policy(_known(fields["refresh_token"], RefreshTokenPolicy)),
        }
    )


def _policy(fields: Document) -> RefreshTokenPolicy:
    policies = {audience: frozenset(values) for audience, values in fields.get("policies", {}).items()}
    return RefreshTokenPolicy(**{**fields, "policies": policies})


def decode_resource_server(document: str) -> ResourceServer:
    """Return the API of a document."""
    fields = _fields(document, ResourceServer)
    return ResourceServer(
        **{
            **fields,
            "token_dialect": TokenDialect(fields["token_dialect"]),
            "proof_required_for": ProofRequirement(fields.get("proof_required_for", ProofRequirement.NOBODY)),
        }
    )


def decode_client_grant(document: str) -> ClientGrant:
    """Return the client grant of a document."""
    fields = _fields(document, ClientGrant)
    return ClientGrant(**{**fields, "scope": frozenset(fields["scope"])})


def decode_tenant(document: str) -> Tenant:
    """Return the tenant of a document."""
    fields = _fields(document, Tenant)
    if "user_code_charset" in fields:
        fields["user_code_charset"] = UserCodeCharset(fields["user_code_charset"])
    return Tenant(**{**fields, "allowed_logout_urls": frozenset(fields["allowed_logout_urls"])})


def _client_key(fields: Mapping[str, Any]) -> ClientKey:
    known = _known(fields, ClientKey)
    return ClientKey(**{**known, "algorithms": frozenset(known["algorithms"])})


def _fields(document: str, of: type[Any]) -> Document:
    return _known(json.loads(document), of)


def _known(fields: Mapping[str, Any], of: type[Any]) -> Document:
    """Leave out what a later release wrote: this one must run again after it, should that one be taken back."""
    names = {field.name for field in dataclasses.fields(of)}
    return {name: value for name, value in fields.items() if name in names}


def _plain(value: object) -> object:
    if isinstance(value, bytes):
        return encoding.encode(value)
    if isinstance(value, frozenset):
        return sorted(value)
    if isinstance(value, Mapping):
        return dict(value)
    raise TypeError(f"no JSON for {type(value).__name__}")
