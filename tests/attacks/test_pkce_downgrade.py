"""PKCE downgrade: the attacker takes the challenge out of somebody's request, or weakens it."""

import dataclasses

import pytest

from tests.attacks.attacker import attacker, nothing_changes
from tests.endpoints.hands import push, pushed
from tests.service import CHALLENGE, SPA, VERIFIER, WEB, Service, answered, refusal, tokens

OPTIONAL = dataclasses.replace(WEB, require_proof_key=False)
STRIPPED: dict[str, str | None] = {"code_challenge": None, "code_challenge_method": None}


def test_a_code_whose_challenge_was_taken_out_is_refused_to_a_client_that_sends_its_verifier(service: Service) -> None:
    """RFC 9700 §4.8, RFC 6819 §4.4.1.8: the victim's client would else be logged in by the attacker's code."""
    service.declare(OPTIONAL)
    injected = attacker(service).code(OPTIONAL, **STRIPPED)
    with nothing_changes(service):
        assert refusal(service.exchange(injected, OPTIONAL)) == (400, "invalid_grant")

    assert tokens(service.exchange(service.code(OPTIONAL), OPTIONAL)), "with the challenge in its place"


def test_a_code_with_a_challenge_is_refused_to_whoever_leaves_the_verifier_out(service: Service) -> None:
    """RFC 9700 §4.8.2: whether or not the application must use PKCE, its login did."""
    service.declare(OPTIONAL)
    code = service.code(OPTIONAL)
    with nothing_changes(service):
        assert refusal(attacker(service).exchange(code, OPTIONAL, code_verifier=None)) == (400, "invalid_grant")
        assert refusal(attacker(service).exchange(code, OPTIONAL, code_verifier="")) == (400, "invalid_grant")

    assert tokens(service.exchange(code, OPTIONAL))


@pytest.mark.parametrize(
    "changes",
    [
        STRIPPED,
        {"code_challenge": "", "code_challenge_method": ""},
        {"code_challenge_method": "plain", "code_challenge": VERIFIER},
        {"code_challenge_method": None, "code_challenge": VERIFIER},
        {"code_challenge_method": None},
        {"code_challenge_method": "s256"},
        {"code_challenge_method": "S256 plain"},
        {"code_challenge_method": "S512"},
        {"code_challenge": CHALLENGE + "="},
        {"code_challenge": None},
    ],
)
def test_a_weakened_request_of_a_public_client_gets_no_code(service: Service, changes: dict[str, str | None]) -> None:
    """RFC 9700 §4.8, RFC 6819 §4.4.1.1: with a session already there, the honest request would be answered at once."""
    service.log_in()
    answer = answered(service.authorize(SPA, **changes))

    assert answer["error"] == "invalid_request"
    assert "code" not in answer
    assert "error" in push(service, SPA, **changes).body, "nor is it pushed"
    assert "code" in answered(service.authorize())
    assert service.events.types == ["s", "f", "fpar", "s"]


def test_the_challenge_as_verifier_proves_nothing(service: Service) -> None:
    """RFC 9700 §4.8, RFC 6819 §4.4.1.1: whoever read the request knows the challenge; under "plain" it were enough."""
    code = service.code()
    with nothing_changes(service):
        refused = attacker(service).exchange(code, code_verifier=CHALLENGE, code_challenge_method="plain")
        assert refusal(refused) == (400, "invalid_grant")
    assert tokens(service.exchange(code))


def test_a_challenge_at_the_token_endpoint_replaces_none(service: Service) -> None:
    """RFC 9700 §4.8: the attacker brings a challenge of their own along with the verifier that it fits."""
    code = service.code()
    with nothing_changes(service):
        refused = attacker(service).exchange(
            code, code_verifier="a" * 43, code_challenge="ZtNPunH49FD35FWYhT5Tv8I7vRKQJ8uxMaL0_9eHjNA"
        )
        assert refusal(refused) == (400, "invalid_grant")
    assert tokens(service.exchange(code))


def test_what_stands_beside_a_pushed_request_weakens_nothing(service: Service) -> None:
    """RFC 9700 §4.8: the reference goes through the browser, where more can be written beside it."""
    service.log_in()
    beside = {
        **pushed(service),
        "code_challenge_method": "plain",
        "code_challenge": "a" * 43,
    }
    code = answered(service.send("GET", "/authorize", query=beside))["code"]
    with nothing_changes(service):
        assert refusal(service.exchange(code, code_verifier="a" * 43)) == (400, "invalid_grant")

    assert tokens(service.exchange(code))
