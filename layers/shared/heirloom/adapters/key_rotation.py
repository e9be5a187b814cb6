"""The rotation of the keys: what the rules say is stored, and the public halves are published.

Every step is one write that leaves everything usable, and none is made where nothing changes. A run looks at what there
is, makes the one step that is due, and looks again: so it may die anywhere, come twice at once or begin on a stack
without any key, and the next run goes on from there.
"""

import enum
import json
from collections.abc import Callable, Collection
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Final

from heirloom.adapters import key_documents, public_keys
from heirloom.adapters.attributes import number, string
from heirloom.adapters.configuration import JWKS, LONGEST_FAMILY
from heirloom.adapters.key_documents import Document
from heirloom.adapters.versioned_secret import VersionedSecret
from heirloom.domain import key_rotation, lifetimes
from heirloom.domain.key_rotation import Keys, NoSuchKey, SigningKeys, TokenKeys

if TYPE_CHECKING:
    from mypy_boto3_dynamodb.client import DynamoDBClient

_STEPS: Final = 12
"""Five make a stack's first keys or replace compromised ones; the rest are for runs at the same time."""


class Ring(enum.StrEnum):
    """Which keys."""

    SIGNING = "signing"
    TOKEN = "token"


class Unsettled(Exception):
    """Somebody else kept changing the keys."""


@dataclass(frozen=True, slots=True)
class Published:
    """What the world sees."""

    document: str | None
    generation: int

    @property
    def key_ids(self) -> frozenset[str]:
        """Return the ids of the keys in it."""
        return frozenset(key["kid"] for key in json.loads(self.document or '{"keys":[]}')["keys"])


@dataclass(frozen=True, slots=True)
class KeyRotation:
    """The keys of a stack. Periods are seconds; what the verbs raise is botocore's, or `Unsettled`."""

    signing_secret: VersionedSecret
    token_secret: VersionedSecret
    dynamodb: "DynamoDBClient"
    configuration_table: str
    signing_key_period: int
    token_key_period: int

    def signing_keys(self) -> SigningKeys:
        """Return the signing keys as they stand."""
        return key_documents.signing_keys(self.signing_secret.read().document)

    def token_keys(self) -> TokenKeys:
        """Return the token keys as they stand."""
        return key_documents.token_keys(self.token_secret.read().document)

    def rotate(self, now: int, *, ahead: Collection[Ring] = ()) -> None:
        """Move the keys whose time has come, and make those that are missing; *ahead* of its time, these keys'."""
        try:
            self._rotate_signing_keys(now, ahead=Ring.SIGNING in ahead)
        finally:
            self._rotate_token_keys(now, ahead=Ring.TOKEN in ahead)

    def revoke_signing_keys(self, key_ids: Collection[str] | None, now: int) -> None:
        """Replace compromised keys (`None`: all of them) at once; raise `NoSuchKey`."""
        self._rotate_signing_keys(now, compromised=_existing(key_ids, self.signing_keys()))

    def revoke_token_keys(self, key_ids: Collection[int] | None, now: int) -> None:
        """Replace compromised keys (`None`: all of them) at once; raise `NoSuchKey`."""
        self._rotate_token_keys(now, compromised=_existing(key_ids, self.token_keys()))

    def longest_family(self) -> int | None:
        """Return the longest lifetime of a family that was ever allowed here, in seconds; `None` if one had no end."""
        item = self.dynamodb.get_item(
            TableName=self.configuration_table, Key=_key(LONGEST_FAMILY), ConsistentRead=True
        ).get("Item")
        seconds = lifetimes.NEVER if item is None else int(item["seconds"]["N"])
        return None if seconds >= lifetimes.NEVER else seconds

    def _rotate_signing_keys(self, now: int, *, ahead: bool = False, compromised: Collection[str] = ()) -> None:
        version = self.signing_secret.read()
        published = self._published()
        for _ in range(_STEPS):
            rules = partial(
                key_rotation.signing_keys_at,
                published=published.key_ids,
                now=now,
                period=self.signing_key_period,
                ahead=ahead,
            )
            keys = key_rotation.compromised(key_documents.signing_keys(version.document), compromised)
            keys, made = _settled(keys, rules, lambda _: _signing_material(), now)
            document = key_documents.with_signing_keys(version.document, keys, made)
            if key_documents.generation(document) < published.generation:
                # Another run went on from here, and ours is lost; or somebody brought back an old value by hand.
                document = document | {"generation": published.generation + 1}
            if document != version.document:
                version = self.signing_secret.replace(version, document) or self.signing_secret.read()
            elif published.document != _public(document):
                self._publish(document)
                published = self._published()
            else:
                self.signing_secret.forget_former_values()
                return
        raise Unsettled("the signing keys keep changing")

    def _rotate_token_keys(self, now: int, *, ahead: bool = False, compromised: Collection[int] = ()) -> None:
        version = self.token_secret.read()
        if version.document is None:
            self._begin_longest_family()
        rules = partial(
            key_rotation.token_keys_at,
            now=now,
            period=self.token_key_period,
            longest_family=self.longest_family(),
            ahead=ahead,
        )
        for _ in range(_STEPS):
            keys = key_rotation.compromised(key_documents.token_keys(version.document), compromised)
            keys, made = _settled(keys, rules, _token_material, now)
            document = key_documents.with_token_keys(version.document, keys, made)
            if document == version.document:
                self.token_secret.forget_former_values()
                return
            version = self.token_secret.replace(version, document) or self.token_secret.read()
        raise Unsettled("the token keys keep changing")

    def _published(self) -> Published:
        item = self.dynamodb.get_item(TableName=self.configuration_table, Key=_key(JWKS), ConsistentRead=True)
        if "Item" not in item:
            return Published(None, 0)
        found = item["Item"]
        return Published(found["document"]["S"], int(found["generation"]["N"]) if "generation" in found else 0)

    def _publish(self, document: Document) -> None:
        """Publish keys, unless later ones are: a run that was held up must not take a key out of the world's sight."""
        generation = number(key_documents.generation(document))
        with suppress(self.dynamodb.exceptions.ConditionalCheckFailedException):
            self.dynamodb.put_item(
                TableName=self.configuration_table,
                Item=_key(JWKS) | {"document": string(_public(document)), "generation": generation},
                ConditionExpression="attribute_not_exists(generation) OR generation <= :this",
                ExpressionAttributeValues={":this": generation},
            )

    def _begin_longest_family(self) -> None:
        """Note that no family was ever allowed here: there are no keys yet. Without the note, nobody knows."""
        with suppress(self.dynamodb.exceptions.ConditionalCheckFailedException):
            self.dynamodb.put_item(
                TableName=self.configuration_table,
                Item=_key(LONGEST_FAMILY) | {"seconds": number(0)},
                ConditionExpression="attribute_not_exists(id)",
            )


def _existing[Id: int | str](key_ids: Collection[Id] | None, keys: Keys[Id]) -> Collection[Id]:
    known = [key.key_id for key in keys]
    for key_id in key_ids or ():
        if key_id not in known:
            raise NoSuchKey(key_id)
    return known if key_ids is None else key_ids


def _settled[Id: int | str](
    keys: Keys[Id],
    rules: Callable[[Keys[Id]], Keys[Id]],
    make: Callable[[Keys[Id]], tuple[Id, Document] | None],
    now: int,
) -> tuple[Keys[Id], dict[Id, Document]]:
    """Apply the rules until nothing moves, making the keys that are missing; return these too."""
    made: dict[Id, Document] = {}
    while True:
        moved = rules(keys)
        new = make(moved) if key_rotation.lacks_next(moved) else None
        if new is not None:
            key_id, material = new
            made[key_id] = material
            moved = key_rotation.with_new(moved, key_id, now)
        if moved == keys:
            return keys, made
        keys = moved


def _signing_material() -> tuple[str, Document]:
    material = key_documents.new_signing_key()
    return material["kid"], material


def _token_material(keys: TokenKeys) -> tuple[int, Document] | None:
    key_id = key_rotation.free_token_key_id(keys)
    return None if key_id is None else (key_id, key_documents.new_token_key(key_id))


def _public(document: Document) -> str:
    return json.dumps(public_keys.jwks(document), separators=(",", ":"))


def _key(kind: str) -> "dict[str, dict[str, str]]":
    return {"kind": string(kind), "id": string(kind)}
