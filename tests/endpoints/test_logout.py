"""`/v2/logout`: the session of this browser ends, and the person goes where the application registered."""

import pytest

from tests.endpoints.hands import block, declare, set_tenant
from tests.endpoints.reading import kind
from tests.service import ALICE, SPA, Service, answered

HOME = "https://app.example/"
TENANT_HOME = "https://tenant.example/"
SESSION = "__Host-heirloom"


def log_out(service: Service, **parameters: str) -> str:
    """Log out; what the person sees then."""
    response = service.send("GET", "/v2/logout", query=parameters)
    if response.status == 303:
        return response.headers["location"]
    return f"{response.status} {kind(response)}"


def test_the_session_ends_in_the_browser_and_in_the_store(service: Service) -> None:
    service.log_in()
    cookie = service.cookies[SESSION]

    assert log_out(service, client_id="spa", returnTo=HOME) == HOME
    assert SESSION not in service.cookies
    assert not service.items("SessionsTable")
    service.cookies[SESSION] = cookie
    assert kind(service.authorize()) == "login"
    assert [(event.type.value, event.user_id) for event in service.events][-1] == ("slo", ALICE.user_id)


def test_the_cookie_is_taken_back_with_the_attributes_it_was_set_with(service: Service) -> None:
    """Browsers refuse a `__Host-` cookie that lacks them, a deleting one too."""
    response = service.send("GET", "/v2/logout")

    assert response.cookies == ("__Host-heirloom=; Path=/; HttpOnly; Max-Age=0; SameSite=None; Secure",)


def test_without_an_address_to_return_to_a_page_says_it_is_done(service: Service) -> None:
    service.log_in()

    assert log_out(service, client_id="spa") == "200 signed_out"
    assert not service.items("SessionsTable")


def test_whoever_is_not_logged_in_is_sent_on_all_the_same(service: Service) -> None:
    assert log_out(service, client_id="spa", returnTo=HOME) == HOME


@pytest.mark.parametrize(
    "return_to",
    [
        "https://app.example",
        "https://app.example/?x",
        "https://app.example/#x",
        "https://app.example//",
        "HTTPS://app.example/",
        "https://app.example@evil.example/",
        "https://evil.example/",
        "//evil.example/",
        "/",
        "javascript:alert(1)",
        "https://app.example/callback",
        TENANT_HOME,
    ],
)
def test_nobody_is_sent_to_an_address_that_is_not_registered_to_the_letter(service: Service, return_to: str) -> None:
    set_tenant(service, allowed_logout_urls=frozenset({TENANT_HOME}))
    service.log_in()

    assert log_out(service, client_id="spa", returnTo=return_to) == "400 wrong_redirect"
    assert "code" in answered(service.authorize(prompt="none")), "an attacker's link logs nobody out"


def test_two_addresses_are_none(service: Service) -> None:
    service.log_in()

    response = service.send("GET", "/v2/logout", query=f"returnTo={HOME}&returnTo={HOME}")

    assert (response.status, kind(response)) == (400, "invalid_request")
    assert SESSION in service.cookies
    assert service.events[-1].type == "flo"


def test_an_address_of_another_application_is_not_this_ones(service: Service) -> None:
    declare(service, SPA, client_id="other", allowed_logout_urls=frozenset({"https://other.example/"}))

    assert log_out(service, client_id="spa", returnTo="https://other.example/") == "400 wrong_redirect"


def test_without_an_application_the_tenants_addresses_count(service: Service) -> None:
    set_tenant(service, allowed_logout_urls=frozenset({TENANT_HOME}))

    assert log_out(service, returnTo=TENANT_HOME) == TENANT_HOME
    assert log_out(service, returnTo=HOME) == "400 wrong_redirect"


@pytest.mark.parametrize("client_id", ["nobody", "x" * 5000, "\x00"])
def test_an_unknown_application_has_no_addresses(service: Service, client_id: str) -> None:
    assert log_out(service, client_id=client_id, returnTo=HOME) == "400 wrong_redirect"


def test_a_session_in_another_browser_goes_on(service: Service) -> None:
    service.log_in()
    other = dict(service.cookies)
    service.cookies.clear()
    service.log_in()

    log_out(service)

    service.cookies = other
    assert "code" in answered(service.authorize(prompt="none"))


def test_refresh_tokens_outlive_the_session_they_came_from(service: Service) -> None:
    """What was issued for offline access is ended by revocation, not by a logout."""
    token = service.login_tokens()["refresh_token"]

    log_out(service)

    assert service.refresh(token).status == 200


def test_a_blocked_users_cookie_is_taken_back_too(service: Service) -> None:
    service.log_in()
    block(service)

    assert log_out(service, client_id="spa", returnTo=HOME) == HOME
    assert SESSION not in service.cookies
