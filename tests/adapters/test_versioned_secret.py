"""A secret with several writers, on a Secrets Manager that others speak to as well."""

import uuid
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier
from typing import TYPE_CHECKING, Any

import boto3
import pytest
from botocore.config import Config
from botocore.exceptions import ClientError

from heirloom.adapters import key_requests
from heirloom.adapters.key_rotation import KeyRotation, Ring
from heirloom.adapters.versioned_secret import Version, VersionedSecret
from heirloom.domain import key_rotation
from heirloom.domain.key_rotation import SEEN_BY_VERIFIERS
from heirloom.domain.token_keys import KeyState
from local import processes, stack, stores, template
from tests.faults import AFTER, BEFORE, Killed, Steps, answered_with, lost_on_the_wire

if TYPE_CHECKING:
    from mypy_boto3_secretsmanager.client import SecretsManagerClient

pytestmark = pytest.mark.usefixtures("quick_keys")

NOW = 1_800_000_000
WRITERS = 6


@pytest.fixture(scope="module", name="aws")
def _aws() -> Iterator[str]:
    with processes.ministack() as aws:
        yield aws


@pytest.fixture(scope="module", name="client")
def _client(aws: str) -> "SecretsManagerClient":
    client: SecretsManagerClient = stack.client("secretsmanager", aws)
    return client


@pytest.fixture
def secret(client: "SecretsManagerClient") -> VersionedSecret:
    """A secret with a value."""
    name = uuid.uuid4().hex
    client.create_secret(Name=name)
    secret = VersionedSecret(client, name)
    assert secret.replace(secret.read(), {"count": 0})
    return secret


def test_what_is_written_is_read_with_its_version(secret: VersionedSecret) -> None:
    written = secret.replace(secret.read(), {"count": 1})

    assert written == secret.read() == Version(written.version_id if written else None, {"count": 1})


def test_a_secret_that_was_made_without_a_value_has_none(client: "SecretsManagerClient") -> None:
    name = uuid.uuid4().hex
    client.create_secret(Name=name)

    assert VersionedSecret(client, name).read().document is None


def test_of_many_writers_at_once_one_wins_each_round_and_nothing_is_lost(secret: VersionedSecret) -> None:
    """Each reads, then all wait for each other, then all write."""
    rounds = 3
    meeting = Barrier(WRITERS)

    def write(_: int) -> int:
        won = 0
        for _round in range(rounds):
            version = secret.read()
            meeting.wait(20)
            count = (version.document or {})["count"]
            won += secret.replace(version, {"count": count + 1}) is not None
            meeting.wait(20)
        return won

    with ThreadPoolExecutor(WRITERS) as writers:
        wins = list(writers.map(write, range(WRITERS)))

    assert sum(wins) == rounds
    assert secret.read().document == {"count": rounds}


@pytest.mark.parametrize("when", [BEFORE, AFTER])
def test_a_write_whose_answer_was_lost_is_known_by_its_version(client: "SecretsManagerClient", when: str) -> None:
    """The SDK tries again, and finds the label where its first try put it."""
    name = uuid.uuid4().hex
    client.create_secret(Name=name)
    config = Config(retries={"mode": "standard", "total_max_attempts": 3})
    patient: SecretsManagerClient = boto3.client("secretsmanager", endpoint_url=client.meta.endpoint_url, config=config)
    secret = VersionedSecret(patient, name)
    former = secret.replace(secret.read(), {"count": 0})
    assert former

    with lost_on_the_wire(patient, when, requests=1, operation="UpdateSecretVersionStage"):
        written = secret.replace(former, {"count": 1})

    assert written == secret.read()
    assert secret.replace(former, {"count": 2}) is None


def test_a_label_that_cannot_be_moved_for_another_reason_is_an_error(secret: VersionedSecret) -> None:
    """Nobody else was faster, so trying again would not help."""
    former = secret.read()
    with Steps.of(secret.client) as steps:
        steps.fail(BEFORE, answered_with("InvalidRequestException"), calls=range(1, 2))
        with pytest.raises(ClientError):
            secret.replace(former, {"count": 1})

    assert secret.read() == former


def test_only_the_value_in_force_keeps_a_label(client: "SecretsManagerClient", secret: VersionedSecret) -> None:
    current = secret.replace(secret.read(), {"count": 1})
    assert current
    client.put_secret_value(
        SecretId=secret.secret_id, SecretString="{}", ClientRequestToken="x" * 32, VersionStages=["AWSPENDING"]
    )

    secret.forget_former_values()

    stages = client.describe_secret(SecretId=secret.secret_id)["VersionIdsToStages"]
    assert {version for version, labels in stages.items() if labels} == {current.version_id}
    assert "AWSCURRENT" in stages[str(current.version_id)]
    assert secret.read() == current


# ---- The whole rotation on the real clients


@pytest.fixture
def rotation(aws: str, client: "SecretsManagerClient") -> KeyRotation:
    """The keys of a stack of its own, just made."""
    prefix, dynamodb, secrets_manager = f"{uuid.uuid4().hex}-", stack.client("dynamodb", aws), client
    tables = {table["TableName"].removeprefix(prefix): table for table in template.tables(template.load(), prefix)}
    dynamodb.create_table(**tables["ConfigurationTable"])
    for name in template.secrets(template.load(), prefix):
        secrets_manager.create_secret(Name=name)
    rotation = stores.rotation(template.load(), dynamodb, secrets_manager, prefix=prefix)
    rotation.rotate(NOW)
    return rotation


def ids(answer: dict[str, Any], ring: str) -> dict[str, Any]:
    return {key["state"]: key["id"] for key in answer[ring]}


def test_many_runs_at_once_rotate_once(rotation: KeyRotation) -> None:
    now = 2 * NOW
    with ThreadPoolExecutor(4) as together:
        answers = list(
            together.map(
                lambda _: key_requests.answer({"action": "rotate", "ahead": ["signing", "token"]}, rotation, now),
                range(4),
            )
        )

    final = key_requests.answer({"action": "show"}, rotation, now)
    assert [key["state"] for key in final["signing_keys"]] == ["retired", "current", "next"]
    assert [key["state"] for key in final["token_keys"]] == ["retired", "current", "next"]
    assert all(ids(answer, "token_keys")["current"] == 2 for answer in answers)


def test_a_run_killed_on_its_way_is_finished_by_the_next(rotation: KeyRotation) -> None:
    """At each call it is tried on stores in this process; here at some of those that write."""
    now, deaths = NOW * 2, 0
    with Steps.of(rotation.signing_secret.client, rotation.dynamodb) as steps:
        for call, when in ((2, AFTER), (3, BEFORE), (3, AFTER), (4, AFTER), (6, AFTER)):
            now += SEEN_BY_VERIFIERS
            (successor,) = (key.key_id for key in rotation.signing_keys() if key.state is KeyState.NEXT)
            steps.fail(when, Killed(), calls=range(call, call + 1))
            with pytest.raises(Killed):
                rotation.rotate(now, ahead=[Ring.SIGNING])
            deaths += 1
            steps.actions = {}

            rotation.rotate(now, ahead=[Ring.SIGNING])

            keys = rotation.signing_keys()
            assert key_rotation.current(keys).key_id == successor
            assert [key.state for key in keys] == ["retired"] * deaths + ["current", "next"]
            assert rotation._published().key_ids == {key.key_id for key in keys}  # noqa: SLF001 - what the world sees


def test_keys_are_not_published_over_later_ones(rotation: KeyRotation) -> None:
    former = rotation.signing_secret.read().document
    rotation.rotate(NOW * 2, ahead=[Ring.SIGNING])
    later = rotation._published()  # noqa: SLF001 - as above

    rotation._publish(former or {})  # noqa: SLF001 - what a run does that was held up before it

    assert rotation._published() == later  # noqa: SLF001
