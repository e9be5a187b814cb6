"""What a warm refresh costs in the real function: its handler, its wiring, its caches, on DynamoDB Local."""

import base64
import copy
import dataclasses
import json
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import pytest

from cli import tenant_file
from heirloom.adapters.families import item_of
from heirloom.adapters.secret import Secret
from heirloom.adapters.token_keys import token_keyring
from heirloom.domain import refresh_token
from heirloom.wiring import common, proofs, token
from local import gateway, processes, stack, template
from local.stack import Endpoints
from tests.calls import Calls, noted
from tests.domain.lines import GRANT, line
from tests.proofs import Key

ROOT = Path(__file__).parents[2]
EVENT: dict[str, Any] = json.loads((ROOT / "events/token/refresh.json").read_text())
CLIENT = "notes-spa"


@pytest.fixture(name="calls")
def _calls(dynamodb_endpoint: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[Calls]:
    """A stack with the example tenant, a process that is a fresh function of it, and its calls."""
    with processes.ministack() as local_aws, noted() as calls:
        environment = stack.create(
            Endpoints(dynamodb_endpoint, local_aws), issuer="https://login.example/", prefix="warm-"
        )
        tenant_file.seed(tenant_file.load(ROOT / "examples/tenant.yaml"), stack.store(dynamodb_endpoint, environment))
        for name, value in environment.items():
            monkeypatch.setenv(name, value)
        _forget()
        yield calls
        _forget()


def test_a_cold_refresh_reads_what_a_warm_one_knows_and_a_warm_one_is_one_call(calls: Calls) -> None:
    handler = gateway.load(template.functions(template.load())["TokenFunction"])
    presented = first_token()

    calls.clear()
    presented = successor(handler(refresh_of(presented), None))
    cold = list(calls)
    warm = []
    for _ in range(3):
        calls.clear()
        presented = successor(handler(refresh_of(presented), None))
        warm.append(list(calls))

    assert warm == [["dynamodb.UpdateItem"]] * 3
    assert set(cold) == {"dynamodb.UpdateItem", "dynamodb.GetItem", "secretsmanager.GetSecretValue"}
    assert cold.count("dynamodb.UpdateItem") == 1


def test_a_repeated_request_is_noted_by_one_more_call(calls: Calls) -> None:
    handler = gateway.load(template.functions(template.load())["TokenFunction"])
    first = first_token()
    second = successor(handler(refresh_of(first), None))

    calls.clear()

    assert successor(handler(refresh_of(first), None)) == second
    assert calls == ["dynamodb.UpdateItem"] * 2


def test_with_a_proof_a_warm_refresh_is_two_calls(calls: Calls) -> None:
    """One takes the proof, one rotates; a nonce is made and checked without any."""
    handler = gateway.load(template.functions(template.load())["TokenFunction"])
    key = Key()
    presented = first_token(key.thumbprint)
    demand = handler(refresh_of(presented, key.proof(int(time.time()))), None)
    assert demand["statusCode"] == 400
    warm = []

    for _ in range(4):
        calls.clear()
        proof = key.proof(int(time.time()), nonce=demand["headers"]["dpop-nonce"])
        presented = successor(handler(refresh_of(presented, proof), None))
        warm.append(list(calls))

    assert warm[1:] == [["dynamodb.PutItem", "dynamodb.UpdateItem"]] * 3


def first_token(key_thumbprint: str | None = None) -> str:
    """A family of the example's single-page application, as a login leaves it, and its first token."""
    keyring = token_keyring(Secret(common.secrets_manager(), common.settings().token_keys_secret).document())
    now = int(time.time())
    family = line(0).family
    minted = refresh_token.first(family.key, b"s" * 32, keyring)
    grant = dataclasses.replace(GRANT, client_id=CLIENT, audience="https://notes.example.com/api")
    family = dataclasses.replace(
        family,
        grant=grant,
        live_digest=minted.digest(),
        created_at=now,
        exchanged_at=now,
        idle_expires_at=now + 1000,
        absolute_expires_at=now + 1000,
        key_thumbprint=key_thumbprint,
    )
    common.dynamodb().put_item(TableName=common.settings().families_table, Item=item_of(family))
    return minted.text(keyring)


def refresh_of(presented: str, proof: str | None = None) -> dict[str, Any]:
    """The sample event of a refresh, with this token, and with a proof of possession."""
    event = copy.deepcopy(EVENT)
    event["headers"] |= {} if proof is None else {"dpop": proof}
    form = {"grant_type": "refresh_token", "client_id": CLIENT, "refresh_token": presented}
    event["body"] = base64.b64encode(urlencode(form).encode()).decode()
    return event


def successor(answer: dict[str, Any]) -> str:
    """The refresh token of a successful answer."""
    assert answer["statusCode"] == 200, answer["body"]
    return str(json.loads(answer["body"])["refresh_token"])


def _forget() -> None:
    """Make this process a fresh one, as far as the wiring goes."""
    for module in (common, proofs, token):
        for made in vars(module).values():
            if hasattr(made, "cache_clear"):
                made.cache_clear()
