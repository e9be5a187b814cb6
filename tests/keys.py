"""Keys of a stack whose two stores are in this process: Secrets Manager with AWS's own rules, and a table."""

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, cast

from botocore.exceptions import ClientError

from heirloom.adapters.key_rotation import KeyRotation
from heirloom.adapters.versioned_secret import VersionedSecret
from heirloom.domain.lifetimes import DAY
from tests.faults import AFTER, BEFORE, Steps, answered_with

SIGNING, TOKEN, CONFIGURATION = "signing-keys", "token-keys", "configuration"
PERIOD = 90 * DAY


class NotFound(ClientError):
    """What Secrets Manager answers for a secret without a value."""


class Exists(ClientError):
    """What it answers to another value under a token that was used."""


class ConditionalCheckFailed(ClientError):
    """What DynamoDB answers when a condition does not hold."""


def _refusal[E: ClientError](kind: type[E], code: str) -> E:
    return kind({"Error": {"Code": code, "Message": "secret detail"}}, "Operation")


@dataclass
class Errors:
    ResourceNotFoundException = NotFound
    ResourceExistsException = Exists
    ConditionalCheckFailedException = ConditionalCheckFailed


@dataclass
class Stepwise:
    """Something whose calls are steps of *steps*, among which something else may happen."""

    steps: Steps

    def step[R](self, act: Callable[[], R]) -> R:
        number = self.steps.made
        self.steps.made += 1
        when, action = self.steps.actions.get(number, (None, None))
        if action is not None and when == BEFORE:
            action()
        try:
            return act()
        finally:
            if action is not None and when == AFTER:
                action()


@dataclass
class SecretsManager(Stepwise):
    """Secrets Manager as AWS has it: a secret is born without a value, and one id takes one value."""

    values: dict[str, dict[str, str]] = field(default_factory=lambda: {SIGNING: {}, TOKEN: {}})
    """By secret and version."""
    labels: dict[str, dict[str, str]] = field(default_factory=lambda: {SIGNING: {}, TOKEN: {}})
    """By secret and label, the version that has it."""
    writes: int = 0
    exceptions: type[Errors] = Errors

    def get_secret_value(self, *, SecretId: str) -> dict[str, str]:  # noqa: N803 - AWS's names
        return self.step(lambda: self._get(SecretId))

    def put_secret_value(
        self,
        *,
        SecretId: str,  # noqa: N803
        SecretString: str,  # noqa: N803
        ClientRequestToken: str,  # noqa: N803
        VersionStages: tuple[str, ...] = ("AWSCURRENT",),  # noqa: N803
    ) -> None:
        assert 32 <= len(ClientRequestToken) <= 64
        self.step(lambda: self._put(SecretId, SecretString, ClientRequestToken, VersionStages))

    def update_secret_version_stage(
        self,
        *,
        SecretId: str,  # noqa: N803
        VersionStage: str,  # noqa: N803
        MoveToVersionId: str | None = None,  # noqa: N803
        RemoveFromVersionId: str | None = None,  # noqa: N803
    ) -> None:
        self.step(lambda: self._move(SecretId, VersionStage, MoveToVersionId, RemoveFromVersionId))

    def describe_secret(self, *, SecretId: str) -> dict[str, Any]:  # noqa: N803
        return self.step(lambda: {"VersionIdsToStages": self.stages(SecretId)})

    def stages(self, secret: str) -> dict[str, list[str]]:
        """The labels of each version that has any."""
        stages: dict[str, list[str]] = {}
        for label, version in self.labels[secret].items():
            stages.setdefault(version, []).append(label)
        return stages

    def document(self, secret: str) -> dict[str, Any] | None:
        """What everybody reads."""
        version = self.labels[secret].get("AWSCURRENT")
        return None if version is None else json.loads(self.values[secret][version])

    def _get(self, secret: str) -> dict[str, str]:
        version = self.labels[secret].get("AWSCURRENT")
        if version is None:
            raise _refusal(NotFound, "ResourceNotFoundException")
        return {"SecretString": self.values[secret][version], "VersionId": version}

    def _put(self, secret: str, value: str, version: str, stages: tuple[str, ...]) -> None:
        if self.values[secret].setdefault(version, value) != value:
            raise _refusal(Exists, "ResourceExistsException")
        if len(self.values[secret]) == 1:
            stages = (*stages, "AWSCURRENT")
        for label in stages:
            self._put_label(secret, label, version)
        self.writes += 1

    def _move(self, secret: str, label: str, to: str | None, away_from: str | None) -> None:
        if self.labels[secret].get(label) != away_from:
            raise answered_with("InvalidParameterException")
        if to is None:
            del self.labels[secret][label]
        else:
            self._put_label(secret, label, to)

    def _put_label(self, secret: str, label: str, version: str) -> None:
        former = self.labels[secret].get(label)
        if label == "AWSCURRENT" and former not in {None, version}:
            self.labels[secret]["AWSPREVIOUS"] = str(former)
        self.labels[secret][label] = version


@dataclass
class Table(Stepwise):
    """The configuration table, of which the rotation knows two items."""

    items: dict[str, dict[str, Any]] = field(default_factory=dict)
    writes: int = 0
    exceptions: type[Errors] = Errors

    def get_item(self, *, TableName: str, Key: dict[str, Any], ConsistentRead: bool) -> dict[str, Any]:  # noqa: N803
        assert TableName == CONFIGURATION
        assert ConsistentRead
        name = Key["kind"]["S"]
        return self.step(lambda: {"Item": self.items[name]} if name in self.items else {})

    def put_item(
        self,
        *,
        TableName: str,  # noqa: N803
        Item: dict[str, Any],  # noqa: N803
        ConditionExpression: str,  # noqa: N803
        ExpressionAttributeValues: dict[str, Any] | None = None,  # noqa: N803
    ) -> None:
        assert TableName == CONFIGURATION
        self.step(lambda: self._put(Item, ConditionExpression, ExpressionAttributeValues or {}))

    @property
    def published(self) -> list[str]:
        """The ids of the keys that the world sees."""
        document = self.items.get("jwks", {}).get("document", {"S": '{"keys":[]}'})["S"]
        return [key["kid"] for key in json.loads(document)["keys"]]

    def _put(self, item: dict[str, Any], condition: str, values: dict[str, Any]) -> None:
        stored = self.items.get(item["kind"]["S"])
        if condition == "attribute_not_exists(id)":
            holds = stored is None
        else:
            assert condition == "attribute_not_exists(generation) OR generation <= :this"
            generation = (stored or {}).get("generation")
            holds = generation is None or int(generation["N"]) <= int(values[":this"]["N"])
        if not holds:
            raise _refusal(ConditionalCheckFailed, "ConditionalCheckFailedException")
        self.items[item["kind"]["S"]] = item
        self.writes += 1


@dataclass
class Keys:
    """A stack's keys, the stores in which they are, and the steps that a run takes."""

    steps: Steps = field(default_factory=Steps)

    def __post_init__(self) -> None:
        self.secrets_manager, self.table = SecretsManager(self.steps), Table(self.steps)
        client = cast("Any", self.secrets_manager)
        self.rotation = KeyRotation(
            VersionedSecret(client, SIGNING),
            VersionedSecret(client, TOKEN),
            cast("Any", self.table),
            CONFIGURATION,
            signing_key_period=PERIOD,
            token_key_period=PERIOD,
        )

    @property
    def writes(self) -> int:
        """How often anything was stored."""
        return self.secrets_manager.writes + self.table.writes

    def allow_families(self, lifetime: int) -> None:
        """Let families live for so long, as applying a tenant file does."""
        self.table.items["longest_family"]["seconds"] = {"N": str(lifetime)}

    def of(self, secret: str) -> list[dict[str, Any]]:
        """The keys in a secret."""
        document = self.secrets_manager.document(secret)
        return [] if document is None else document["keys"]

    def states(self, secret: str) -> dict[Any, str]:
        """The state of each key in a secret, by its id."""
        return {key.get("kid", key.get("id")): key["state"] for key in self.of(secret)}
