"""Multi-resource refresh tokens: what an application's policies open at an exchange, and nothing more."""

import dataclasses
from typing import Any

import pytest

from heirloom.domain.application import Application
from heirloom.domain.resource_server import ProofRequirement
from tests.endpoints.hands import api_lookups, declare, declare_api, store_calls
from tests.endpoints.reading import submit
from tests.proofs import Prover
from tests.service import (
    API,
    ISSUER,
    ONLINE_API,
    SPA,
    THIRD_PARTY,
    Service,
    answered,
    claims_of,
    refusal,
    tokens,
)

OTHER_API = "https://calendar.example/"
USERINFO = f"{ISSUER}userinfo"
LEEWAY = 60


def open_apis(service: Service, application: Application = SPA, **policies: set[str]) -> None:
    """Give the application policies for the calendar API, the API of the login, or an unknown one."""
    known = {"calendar": OTHER_API, "notes": API, "gone": "https://gone.example/"}
    by_audience = {known[name]: frozenset(values) for name, values in policies.items()}
    policy = dataclasses.replace(application.refresh_token, policies=by_audience)
    declare(service, application, refresh_token=policy)


@pytest.fixture(autouse=True)
def _apis(service: Service) -> None:
    service.configuration.apis[OTHER_API] = dataclasses.replace(
        service.configuration.apis[ONLINE_API],
        identifier=OTHER_API,
        scopes={"read:events": "", "write:events": "", "read:notes": "of another kind", "admin": ""},
        token_lifetime=7200,
    )
    declare_api(service, API, scopes={"read:notes": "", "write:notes": "", "admin": ""})


@pytest.fixture(name="token")
def _token(service: Service) -> str:
    open_apis(service, calendar={"read:events", "write:events", "unknown"}, notes={"write:notes"})
    return str(service.login_tokens()["refresh_token"])


def scope_of(document: dict[str, Any]) -> set[str]:
    assert claims_of(document["access_token"])["scope"] == document["scope"]
    return set(document["scope"].split())


STANDARD = {"openid", "profile", "email", "offline_access"}


def test_another_api_of_the_policies(service: Service, token: str) -> None:
    with store_calls(service) as calls:
        document = tokens(service.refresh(token, audience=OTHER_API))

    assert calls == ["UpdateItem"]
    assert claims_of(document["access_token"])["aud"] == [OTHER_API, USERINFO]
    assert document["expires_in"] == 7200
    assert scope_of(document) == STANDARD | {"read:events", "write:events"}, "read:notes is another thing there"
    assert claims_of(document["id_token"])["aud"] == SPA.client_id


def test_the_same_by_its_standard_name(service: Service, token: str) -> None:
    document = tokens(service.refresh(token, resource=OTHER_API))

    assert claims_of(document["access_token"])["aud"] == [OTHER_API, USERINFO]
    assert service.events[-1].details["requested_audience"] == OTHER_API


def test_the_refresh_token_stays_what_it_was(service: Service, token: str) -> None:
    for audience in (OTHER_API, None, OTHER_API, API):
        document = tokens(service.refresh(token, audience=audience))
        token = document["refresh_token"]
        expected = [audience or API, USERINFO]
        assert claims_of(document["access_token"])["aud"] == expected


def test_without_an_audience_the_original_one_and_what_policies_add_there(service: Service, token: str) -> None:
    document = tokens(service.refresh(token))

    assert claims_of(document["access_token"])["aud"] == [API, USERINFO]
    assert scope_of(document) == STANDARD | {"read:notes", "write:notes"}
    named = tokens(service.refresh(document["refresh_token"], audience=API))
    assert scope_of(named) == STANDARD | {"read:notes", "write:notes"}


def test_requested_scopes_are_filtered_and_the_rest_is_ignored(service: Service, token: str) -> None:
    document = tokens(service.refresh(token, audience=OTHER_API, scope="read:events openid admin read:notes nonsense"))
    assert scope_of(document) == {"openid", "read:events"}

    document = tokens(service.refresh(document["refresh_token"], audience=OTHER_API, scope="admin"))
    assert document["scope"] == ""
    assert "id_token" in document

    document = tokens(service.refresh(document["refresh_token"], scope="write:notes admin"))
    assert scope_of(document) == {"write:notes"}


def test_tabs_that_refresh_for_two_apis_at_once_share_one_line(service: Service, token: str) -> None:
    """auth0-spa-js locks by audience: both send the same refresh token."""
    first = tokens(service.refresh(token, audience=OTHER_API))
    second = tokens(service.refresh(token))

    assert first["refresh_token"] == second["refresh_token"]
    assert claims_of(first["access_token"])["aud"] != claims_of(second["access_token"])["aud"]
    service.wait(LEEWAY + 2)
    assert service.refresh(first["refresh_token"], audience=OTHER_API).status == 200


def test_an_audience_that_no_policy_opens_is_ignored(service: Service, token: str) -> None:
    """As Auth0 does: the answer is for the API of the login."""
    document = tokens(service.refresh(token, audience=ONLINE_API))

    assert claims_of(document["access_token"])["aud"] == [API, USERINFO]
    assert service.events[-1].details["requested_audience"] == ONLINE_API


def test_nor_is_it_looked_up(service: Service, token: str) -> None:
    """It may be anything."""
    with api_lookups(service) as asked:
        service.refresh(token, audience="https://anything.example/")

    assert set(asked) == {API}


@pytest.mark.parametrize("resource", [ONLINE_API, OTHER_API.removesuffix("/"), "https://nowhere.example/"])
def test_a_resource_that_is_not_granted_is_refused_and_the_token_is_not_spent(
    service: Service, token: str, resource: str
) -> None:
    """RFC 8707 §2.2: a refresh token may be exchanged for what was granted, and an application must hear otherwise."""
    before = service.contents()

    assert refusal(service.refresh(token, resource=resource)) == (400, "invalid_target")

    assert service.contents() == before
    assert service.refresh(token, resource=API).status == 200


def test_nor_is_it_given_to_a_replay(service: Service, token: str) -> None:
    live = service.refreshed(token)

    assert refusal(service.refresh(token, resource=ONLINE_API)) == (400, "invalid_target")

    assert tokens(service.refresh(token, resource=API))["refresh_token"] == live


@pytest.mark.parametrize(
    "resource", ["no-uri", "https://api.example/#fragment", f"{API} {OTHER_API}", ["repeated"]], ids=str
)
def test_a_malformed_resource_is_refused(service: Service, token: str, resource: Any) -> None:
    before = service.contents()
    form = f"grant_type=refresh_token&client_id=spa&refresh_token={token}"
    body = f"{form}&resource={API}&resource={OTHER_API}" if isinstance(resource, list) else None
    if body is None:
        response = service.refresh(token, resource=resource)
    else:
        headers = {"content-type": "application/x-www-form-urlencoded"}
        response = service.send("POST", "/oauth/token", headers=headers, body=body.encode())

    assert refusal(response) == (400, "invalid_target")
    assert service.contents() == before


# ---- What keeps policies from having an effect


def test_without_policies_the_audience_of_the_login_is_the_only_one(service: Service) -> None:
    token = service.login_tokens()["refresh_token"]

    document = tokens(service.refresh(token, audience=OTHER_API))

    assert claims_of(document["access_token"])["aud"] == [API, USERINFO]
    assert refusal(service.refresh(document["refresh_token"], scope="nonsense")) == (400, "invalid_scope")


def test_an_api_that_asks_for_consent_is_not_opened(service: Service, token: str) -> None:
    declare_api(service, OTHER_API, skip_consent_for_first_party=False)

    assert claims_of(tokens(service.refresh(token, audience=OTHER_API))["access_token"])["aud"] == [API, USERINFO]


def test_nor_is_one_that_is_gone(service: Service) -> None:
    open_apis(service, gone={"read:events"})
    token = service.login_tokens()["refresh_token"]

    document = tokens(service.refresh(token, audience="https://gone.example/"))

    assert claims_of(document["access_token"])["aud"] == [API, USERINFO]


def test_a_third_party_application_has_no_policies(service: Service) -> None:
    open_apis(service, THIRD_PARTY, calendar={"read:events"})
    code = answered(submit(service, service.log_in(THIRD_PARTY), decision="allow"))["code"]
    token = tokens(service.exchange(code, THIRD_PARTY))["refresh_token"]

    document = tokens(service.refresh(token, THIRD_PARTY, audience=OTHER_API))

    assert claims_of(document["access_token"])["aud"] == [API, USERINFO]


def test_a_login_gets_nothing_more_by_policies(service: Service) -> None:
    open_apis(service, notes={"write:notes"})

    assert "write:notes" not in service.login_tokens()["scope"]


def test_an_api_that_takes_bound_tokens_only_is_not_opened_without_a_proof(service: Service, token: str) -> None:
    """It is named by the request, so the token is not even spent."""
    declare_api(service, OTHER_API, proof_required_for=ProofRequirement.ALL_CLIENTS)
    prover = Prover(service)
    prover.learn_nonce()
    before = service.contents()

    assert refusal(service.refresh(token, audience=OTHER_API)) == (400, "invalid_dpop_proof")

    assert service.contents() == before
    document = tokens(service.refresh(token, SPA, prover.header(), audience=OTHER_API))
    assert claims_of(document["access_token"])["cnf"] == {"jkt": prover.key.thumbprint}
