"""`id_token_hint`: nobody is answered about but the person it names (OpenID Connect Core §3.1.2.2)."""

from urllib.parse import urlencode

import pytest

from heirloom.domain.lifetimes import DAY
from tests.endpoints.reading import kind
from tests.service import ALICE, BOB, THIRD_PARTY, Service, answered, authorization_request


@pytest.fixture(name="hint")
def _hint(service: Service) -> str:
    """An ID token of Alice's, who is logged in."""
    return str(service.login_tokens()["id_token"])


def test_the_person_it_names_is_answered_about(service: Service, hint: str) -> None:
    assert "code" in answered(service.authorize(prompt="none", id_token_hint=hint))


def test_an_expired_one_names_its_person_still(service: Service, hint: str) -> None:
    service.wait(DAY)

    assert "code" in answered(service.authorize(prompt="none", id_token_hint=hint))


def test_somebody_else_who_is_logged_in_is_not_answered_about(service: Service, hint: str) -> None:
    service.log_in(email=BOB.email, prompt="login")

    assert "code" in answered(service.authorize(prompt="none"))
    assert answered(service.authorize(prompt="none", id_token_hint=hint))["error"] == "login_required"
    assert kind(service.authorize(id_token_hint=hint)) == "login"


def test_somebody_else_who_logs_in_is_not_answered_about(service: Service, hint: str) -> None:
    assert answered(service.log_in(email=BOB.email, prompt="login", id_token_hint=hint))["error"] == "login_required"
    assert "code" in answered(service.log_in(email=ALICE.email, prompt="login", id_token_hint=hint))


def test_somebody_else_can_neither_go_on_nor_consent(service: Service, hint: str) -> None:
    service.log_in(email=BOB.email, prompt="login")
    query = urlencode(authorization_request(THIRD_PARTY, id_token_hint=hint))

    for path, answer in (("/login", {"action": "continue"}), ("/consent", {"decision": "allow"})):
        response = service.send("POST", path, {"request": query, "csrf": service.csrf, **answer})
        assert kind(response) == "login"
    assert service.items("GrantsTable") == []


@pytest.mark.parametrize("forge", ["x", "a.b.c", "access token", "tampered"])
def test_what_is_no_id_token_of_ours_is_an_invalid_request(service: Service, hint: str, forge: str) -> None:
    match forge:
        case "access token":
            forge = str(service.login_tokens(prompt="login")["access_token"])
        case "tampered":
            forge = hint[:-8] + ("AAAAAAAA" if hint[-8:] != "AAAAAAAA" else "BBBBBBBB")

    assert answered(service.authorize(prompt="none", id_token_hint=forge))["error"] == "invalid_request"
