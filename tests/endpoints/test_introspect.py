"""`/oauth/introspect` (RFC 7662): what a token is good for, told to those who may know."""

import dataclasses
import json
from typing import Any

import pytest

from heirloom.domain.application import Application
from heirloom.domain.lifetimes import DAY
from heirloom.domain.resource_server import TokenDialect
from heirloom.http import Response
from tests.endpoints.hands import basic, declare_api, forget_family, set_tenant
from tests.faults import BEFORE, FAULTS, Steps, unavailable
from tests.service import API, ISSUER, SECRET, SPA, WEB, Service, claims_of, refusal, tokens

OTHER = dataclasses.replace(WEB, client_id="other")


@pytest.fixture(name="login")
def _login(service: Service) -> dict[str, Any]:
    """The answer to a login at the confidential application; there is another one."""
    service.declare(OTHER)
    return service.login_tokens(WEB)


def ask(service: Service, token: str, application: Application = WEB) -> dict[str, Any]:
    """What a confidential client is told of a token."""
    return tokens(send(service, token, application))


def send(service: Service, token: str, application: Application = WEB) -> Response:
    form = {"client_id": application.client_id, "client_secret": SECRET, "token": token}
    return service.send("POST", "/oauth/introspect", form)


def test_the_owner_is_told_of_its_live_refresh_token(service: Service, login: dict[str, Any]) -> None:
    assert ask(service, login["refresh_token"]) == {
        "active": True,
        "client_id": "web",
        "sub": "auth0|alice",
        "aud": API,
        "scope": "openid email offline_access profile read:notes",
        "iat": service.now,
        "exp": service.now + 30 * DAY,
        "sid": claims_of(login["id_token"])["sid"],
    }


def test_the_end_of_a_refresh_token_is_the_earliest_of_its_ends(service: Service, login: dict[str, Any]) -> None:
    service.set_policy(WEB, idle_lifetime=500)

    assert ask(service, login["refresh_token"])["exp"] == service.now + 500


def test_nobody_else_is_told_of_a_refresh_token(service: Service, login: dict[str, Any]) -> None:
    """A thief would learn when to strike."""
    assert ask(service, login["refresh_token"], OTHER) == {"active": False}


def test_a_spent_refresh_token_is_not_active_and_asking_changes_nothing(
    service: Service, login: dict[str, Any]
) -> None:
    live = service.refreshed(login["refresh_token"], WEB)
    service.wait(1000)
    before = service.contents()

    assert ask(service, login["refresh_token"]) == {"active": False}
    assert ask(service, live)["active"] is True
    assert service.contents() == before


@pytest.mark.parametrize("token", ["", "hrt_", "hrt_" + "A" * 104, "x", "a.b.c", "é"])
def test_what_is_no_token_of_ours_is_not_active(service: Service, login: dict[str, Any], token: str) -> None:
    del login
    response = send(service, token)

    if token:
        assert tokens(response) == {"active": False}
    else:
        assert refusal(response) == (400, "invalid_request")


def test_an_expired_refresh_token_is_not_active(service: Service, login: dict[str, Any]) -> None:
    service.wait(30 * DAY)

    assert ask(service, login["refresh_token"]) == {"active": False}


def test_a_refresh_token_that_may_idle_for_ever_ends_with_its_family(service: Service) -> None:
    service.set_policy(WEB, idle_lifetime=None, absolute_lifetime=DAY)
    token = service.login_tokens(WEB)["refresh_token"]

    assert ask(service, token)["exp"] == service.now + DAY


@pytest.mark.parametrize("application", [WEB, OTHER])
def test_every_confidential_client_is_told_of_an_access_token(
    service: Service, login: dict[str, Any], application: Application
) -> None:
    """It has been sent one: it is an API, or stands for one."""
    claims = claims_of(login["access_token"])

    assert ask(service, login["access_token"], application) == {
        "active": True,
        "token_type": "Bearer",
        "client_id": "web",
        "iss": ISSUER,
        "sub": "auth0|alice",
        "aud": [API, f"{ISSUER}userinfo"],
        "scope": claims["scope"],
        "iat": service.now,
        "exp": service.now + DAY,
        "jti": claims["jti"],
    }


def test_the_client_of_an_access_token_is_told_in_either_dialect(service: Service) -> None:
    declare_api(service, API, token_dialect=TokenDialect.RFC9068)
    token = service.login_tokens(WEB)["access_token"]

    assert "azp" not in claims_of(token)
    assert ask(service, token)["client_id"] == "web"


def test_an_id_token_is_no_access_token(service: Service, login: dict[str, Any]) -> None:
    assert ask(service, login["id_token"]) == {"active": False}


def test_an_expired_access_token_is_not_active(service: Service, login: dict[str, Any]) -> None:
    service.wait(DAY + 1)

    assert ask(service, login["access_token"]) == {"active": False}


@pytest.mark.parametrize("how", ["revoked", "reused", "logins ended", "mass revocation"])
def test_tokens_of_a_revoked_family_are_not_active(service: Service, login: dict[str, Any], how: str) -> None:
    live = tokens(service.refresh(login["refresh_token"], WEB))
    service.wait(100)
    match how:
        case "revoked":
            service.revoke(live["refresh_token"], WEB)
        case "reused":
            service.refresh(login["refresh_token"], WEB)
        case "logins ended":
            service.families.end_logins("auth0|alice", because="test", now=service.now)
        case _:
            set_tenant(service, not_before=service.now)

    for token in (live["access_token"], live["refresh_token"], login["access_token"]):
        assert ask(service, token) == {"active": False}


def test_tokens_of_a_family_that_is_gone_are_not_active(service: Service, login: dict[str, Any]) -> None:
    forget_family(service, login["refresh_token"])

    assert ask(service, login["refresh_token"]) == {"active": False}
    assert ask(service, login["access_token"]) == {"active": False}


def test_an_access_token_of_an_application_that_is_gone_is_not_active(service: Service, login: dict[str, Any]) -> None:
    del service.configuration.applications["web"]

    assert ask(service, login["access_token"], OTHER) == {"active": False}


def test_a_login_at_the_very_mark_of_mass_revocation_stays_active(service: Service, login: dict[str, Any]) -> None:
    set_tenant(service, not_before=service.now)

    assert ask(service, login["access_token"])["active"] is True
    assert ask(service, login["refresh_token"])["active"] is True


def test_an_access_token_without_a_family_lives_out_its_time(service: Service, login: dict[str, Any]) -> None:
    del login
    online = service.login_tokens(WEB, scope="openid read:notes")

    assert "refresh_token" not in online
    assert ask(service, online["access_token"])["active"] is True


@pytest.mark.parametrize("application", [SPA], ids=["public client"])
def test_a_client_without_a_secret_is_told_nothing(
    service: Service, login: dict[str, Any], application: Application
) -> None:
    form = {"client_id": application.client_id, "token": login["access_token"]}

    assert refusal(service.send("POST", "/oauth/introspect", form)) == (401, "invalid_client")


def test_an_unknown_client_is_told_nothing(service: Service, login: dict[str, Any]) -> None:
    form = {"client_id": "nobody", "client_secret": SECRET, "token": login["access_token"]}

    assert refusal(service.send("POST", "/oauth/introspect", form)) == (401, "invalid_client")
    assert service.events[-1].client_id is None


def test_a_wrong_secret_is_refused_and_basic_is_challenged(service: Service, login: dict[str, Any]) -> None:
    form = {"token": login["access_token"]}
    right = service.send("POST", "/oauth/introspect", form, basic("web", SECRET))
    wrong = service.send("POST", "/oauth/introspect", form, basic("web", "x" * 32))

    assert json.loads(right.body)["active"] is True
    assert refusal(wrong) == (401, "invalid_client")
    assert "www-authenticate" in wrong.headers
    assert right.headers["cache-control"] == "no-store"


def test_a_refusal_and_a_fault_are_recorded(service: Service, login: dict[str, Any]) -> None:
    assert send(service, "").status == 400
    assert (service.events[-1].type, service.events[-1].client_id) == ("fapi", "web")

    with Steps.of(service.client) as steps:
        steps.fail(BEFORE, FAULTS["unreachable"])
        assert unavailable(send(service, login["refresh_token"]))

    assert service.events[-1].alarm == "Fault"
