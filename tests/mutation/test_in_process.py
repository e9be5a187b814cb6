"""What mutants of the endpoints are judged on answers as DynamoDB does."""

import logging
import os
import subprocess
import sys

import pytest

from tests.endpoints.devices import confirm, poll, start
from tests.endpoints.hands import push, pushed, raise_epoch
from tests.endpoints.reading import kind, submit
from tests.mutation import in_process
from tests.mutation.mutants import ROOT
from tests.mutation.shadow import Shadow
from tests.proofs import Prover
from tests.service import BOB, NATIVE, SPA, THIRD_PARTY, WEB, Service, answered, refusal, tokens

LOGGER = logging.getLogger(__name__)


def live(service: Service) -> None:
    """Let something happen at every endpoint that asks the store, with a refusal here and there."""
    token = service.login_tokens()["refresh_token"]
    assert service.refreshed(service.refreshed(token))
    assert service.refresh(token, scope="nonsense").status == 400
    service.wait(3600)
    assert refusal(service.refresh(token)) == (400, "invalid_grant")
    code = service.code(WEB)
    other = tokens(service.exchange(code, WEB))["refresh_token"]
    assert refusal(service.exchange(code, WEB)) == (400, "invalid_grant")
    assert service.revoke(other, WEB).status == 200

    assert kind(submit(service, service.log_in(THIRD_PARTY), decision="allow")) == "redirect"
    assert "code" in answered(service.authorize(THIRD_PARTY, prompt="none"))
    assert kind(service.send("GET", "/authorize", query=pushed(service))) == "redirect"
    assert push(service, response_type="token").status == 400

    device = start(service, NATIVE)
    assert refusal(poll(service, device)) == (400, "authorization_pending")
    service.wait(1)
    assert refusal(poll(service, device)) == (400, "slow_down")
    confirm(service, device)
    service.wait(60)
    assert tokens(poll(service, device))
    assert refusal(poll(service, device)) == (400, "invalid_grant")

    prover = Prover(service)
    assert tokens(prover.refresh(prover.login_tokens()["refresh_token"]))

    service.cookies.clear()
    for _ in range(8):
        service.log_in(SPA, BOB.email, "wrong")
    service.wait(86400 * 2)
    assert "code" in answered(service.log_in(SPA, BOB.email))
    assert kind(service.send("GET", "/account")) == "account"
    raise_epoch(service, BOB)
    assert service.send("GET", "/v2/logout", query={"client_id": "spa"}).status == 200


def test_what_endpoints_ask_of_the_store_is_answered_as_dynamodb_answers_it(service: Service) -> None:
    with Shadow.of(service) as shadow:
        live(service)

    assert shadow.state is not None
    LOGGER.info("%d calls of %d forms, answered alike", len(shadow.forms), len(set(shadow.forms)))
    assert len(set(shadow.forms)) >= 30


def test_a_service_lives_on_a_store_inside_of_the_process_too() -> None:
    live(Service.of(*in_process.tables()))


def test_a_store_that_answers_otherwise_is_found_out(service: Service, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tests.interleavings.store._tells_old", lambda _: False)

    with pytest.raises(AssertionError), Shadow.of(service):
        live(service)


@pytest.mark.soak
def test_soak_whatever_their_tests_ask_is_answered_as_dynamodb_answers_it() -> None:
    done = subprocess.run(
        [
            sys.executable,
            "-m",
            "pytest",
            "-q",
            "-p",
            "no:cacheprovider",
            "-p",
            "tests.mutation.shadow",
            "tests/endpoints",
        ],
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": "layers/shared"},
        capture_output=True,
        text=True,
        check=False,
    )

    LOGGER.info(next(line for line in done.stdout.splitlines() if line.startswith("shadow: ")))
    assert done.returncode == 0, done.stdout
