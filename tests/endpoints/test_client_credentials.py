"""`client_credentials` (RFC 6749 §4.4): an application gets an access token for itself, as far as it was granted."""

import dataclasses
import json
from typing import Any

import jwt
import pytest

from heirloom.domain import management_api
from heirloom.domain.application import Application, ApplicationType, GrantType
from heirloom.domain.client_grant import ClientGrant
from heirloom.domain.resource_server import ProofRequirement, ResourceServer, TokenDialect
from heirloom.http import Response
from tests.endpoints.assertions import SIGNING, assertion, with_assertion
from tests.endpoints.hands import basic, declare, declare_api, set_tenant, store_calls
from tests.proofs import Prover
from tests.service import (
    API,
    ISSUER,
    ONLINE_API,
    SECRET,
    SPA,
    WEB,
    Service,
    claims_of,
    refusal,
    rsa_key,
    tokens,
    with_changes,
    with_secret,
)

MACHINE = dataclasses.replace(
    WEB,
    client_id="machine",
    app_type=ApplicationType.NON_INTERACTIVE,
    callbacks=frozenset(),
    grant_types=frozenset({GrantType.CLIENT_CREDENTIALS}),
)
NOT_AUTHORIZED = "Client is not authorized to access this API"


@pytest.fixture(name="service")
def _service(service: Service) -> Service:
    service.declare(MACHINE)
    declare_api(service, API, scopes={"read:notes": "Read", "write:notes": "Write", "delete:notes": "Delete"})
    service.configuration.client_grants.append(ClientGrant("machine", API, frozenset({"read:notes", "write:notes"})))
    return service


def ask(service: Service, application: Application = MACHINE, **changes: str | None) -> Response:
    """Ask for a token."""
    form = {"grant_type": "client_credentials", "client_id": application.client_id, "audience": API}
    return service.send("POST", "/oauth/token", with_changes(with_secret(form, application), changes))


def described(response: Response) -> tuple[int, str, str]:
    """Status, error and description of a refusal."""
    return *refusal(response), json.loads(response.body)["error_description"]


def test_an_application_gets_an_access_token_for_itself_and_nothing_else(service: Service) -> None:
    before = service.contents()

    response = ask(service)

    document = tokens(response)
    assert {name: value for name, value in document.items() if name != "access_token"} == {
        "token_type": "Bearer",
        "expires_in": 86_400,
        "scope": "read:notes write:notes",
    }
    assert response.headers["cache-control"] == "no-store"
    assert service.contents() == before, "there is nothing to revoke"


def test_the_token_is_one_of_auth0s_profile(service: Service) -> None:
    token = tokens(ask(service))["access_token"]

    signed = jwt.PyJWS().decode(token, rsa_key().public_key(), ["RS256"])
    claims = json.loads(signed)
    assert jwt.get_unverified_header(token)["typ"] == "JWT"
    assert {name: value for name, value in claims.items() if name != "jti"} == {
        "iss": ISSUER,
        "sub": "machine@clients",
        "aud": API,
        "iat": service.now,
        "exp": service.now + 86_400,
        "scope": "read:notes write:notes",
        "azp": "machine",
        "gty": "client-credentials",
    }
    assert claims["jti"] != claims_of(tokens(ask(service))["access_token"])["jti"]


def test_or_of_rfc_9068(service: Service) -> None:
    declare_api(service, API, token_dialect=TokenDialect.RFC9068, token_lifetime=600)

    document = tokens(ask(service))

    claims = claims_of(document["access_token"])
    assert jwt.get_unverified_header(document["access_token"])["typ"] == "at+jwt"
    assert document["expires_in"] == 600
    assert {name: value for name, value in claims.items() if name != "jti"} == {
        "iss": ISSUER,
        "sub": "machine",
        "client_id": "machine",
        "aud": API,
        "iat": service.now,
        "exp": service.now + 600,
        "scope": "read:notes write:notes",
    }


@pytest.mark.parametrize(
    ("requested", "granted"),
    [
        (None, "read:notes write:notes"),
        ("", "read:notes write:notes"),
        ("read:notes", "read:notes"),
        ("write:notes read:notes", "read:notes write:notes"),
    ],
)
def test_the_scope_may_be_narrowed(service: Service, requested: str | None, granted: str) -> None:
    document = tokens(ask(service, scope=requested))

    assert document["scope"] == claims_of(document["access_token"])["scope"] == granted


@pytest.mark.parametrize(
    ("requested", "missing"),
    [
        ("delete:notes", "delete:notes"),
        ("read:notes admin", "admin"),
        ("openid", "openid"),
        ("offline_access read:notes", "offline_access"),
        ("openid profile read:notes", "openid profile"),
    ],
)
def test_more_than_was_granted_is_refused_by_name(service: Service, requested: str, missing: str) -> None:
    expected = (400, "invalid_scope", f"Client has not been granted scopes: {missing}")

    assert described(ask(service, scope=requested)) == expected


def test_a_scope_that_the_api_has_given_up_is_not_granted_any_more(service: Service) -> None:
    declare_api(service, API, scopes={"read:notes": "Read"})

    assert tokens(ask(service))["scope"] == "read:notes"
    assert refusal(ask(service, scope="write:notes")) == (400, "invalid_scope")


def test_a_scope_called_openid_makes_no_id_token(service: Service) -> None:
    declare_api(service, API, scopes={"openid": "Called like another one"})
    service.configuration.client_grants[:] = [ClientGrant("machine", API, frozenset({"openid"}))]

    document = tokens(ask(service))

    assert document["scope"] == "openid"
    assert "id_token" not in document


def test_a_grant_without_scopes_is_good_for_a_token_without_any(service: Service) -> None:
    service.configuration.client_grants[:] = [ClientGrant("machine", API, frozenset())]

    document = tokens(ask(service))

    assert document["scope"] == claims_of(document["access_token"])["scope"] == ""


def test_the_resource_of_rfc_8707_is_the_audience_by_another_name(service: Service) -> None:
    assert claims_of(tokens(ask(service, audience=None, resource=API))["access_token"])["aud"] == API
    assert claims_of(tokens(ask(service, resource=API))["access_token"])["aud"] == API
    assert refusal(ask(service, resource=ONLINE_API)) == (400, "invalid_target")


def test_without_an_audience_it_is_the_tenants_default(service: Service) -> None:
    assert described(ask(service, audience=None)) == (400, "invalid_request", "Missing required parameter: audience")
    set_tenant(service, default_audience=API)
    assert claims_of(tokens(ask(service, audience=None))["access_token"])["aud"] == API


@pytest.mark.parametrize(
    "audience", [ONLINE_API, "https://nowhere.example/", f"{ISSUER}userinfo", 'a"b', "é", "machine"]
)
def test_an_api_without_a_grant_and_one_that_is_none_are_refused_alike(service: Service, audience: str) -> None:
    assert described(ask(service, audience=audience)) == (403, "access_denied", NOT_AUTHORIZED)


def test_a_grant_for_an_api_that_is_gone_is_none(service: Service) -> None:
    del service.configuration.apis[API]

    assert described(ask(service)) == (403, "access_denied", NOT_AUTHORIZED)


def test_a_grant_for_the_management_api_is_one_for_this_stacks(service: Service) -> None:
    assert described(ask(service, audience=f"{ISSUER}api/v2/")) == (403, "access_denied", NOT_AUTHORIZED)
    service.configuration.client_grants.append(
        ClientGrant("machine", management_api.AUDIENCE, frozenset({"read:users"}))
    )

    document = tokens(ask(service, audience=f"{ISSUER}api/v2/"))

    assert claims_of(document["access_token"])["aud"] == f"{ISSUER}api/v2/"
    assert document["scope"] == "read:users"


def test_another_applications_grant_is_its_own(service: Service) -> None:
    other = declare(service, MACHINE, client_id="other")

    assert described(ask(service, other)) == (403, "access_denied", NOT_AUTHORIZED)


@pytest.mark.parametrize(
    "application",
    [
        dataclasses.replace(MACHINE, grant_types=frozenset()),
        dataclasses.replace(MACHINE, grant_types=frozenset(GrantType) - {GrantType.CLIENT_CREDENTIALS}),
        dataclasses.replace(SPA, client_id="machine"),
        dataclasses.replace(SPA, client_id="machine", grant_types=frozenset(GrantType)),
    ],
    ids=["no grants", "other grants", "a public client", "a public client with the grant"],
)
def test_who_may_not_use_the_grant_is_refused_whatever_was_granted(service: Service, application: Application) -> None:
    service.declare(application)

    assert refusal(ask(service, application)) == (400, "unauthorized_client")


@pytest.mark.parametrize(
    ("form", "headers"),
    [
        ({"client_id": "machine"}, {}),
        ({"client_id": "machine", "client_secret": "x" * 32}, {}),
        ({}, basic("machine", "x" * 32)),
    ],
    ids=["no secret", "a wrong secret", "a wrong secret in the header"],
)
def test_who_does_not_prove_to_be_the_application_gets_nothing(
    service: Service, form: dict[str, str], headers: dict[str, str]
) -> None:
    whole = {"grant_type": "client_credentials", "audience": API, **form}

    assert refusal(service.send("POST", "/oauth/token", whole, headers)) == (401, "invalid_client")


def test_basic_and_assertions_are_as_good_as_a_secret_in_the_body(service: Service) -> None:
    form = {"grant_type": "client_credentials", "audience": API}
    service.declare(dataclasses.replace(SIGNING, grant_types=MACHINE.grant_types))
    service.configuration.client_grants.append(ClientGrant("signing", API, frozenset({"read:notes"})))

    by_basic = tokens(service.send("POST", "/oauth/token", form, basic("machine", SECRET)))
    by_assertion = tokens(service.send("POST", "/oauth/token", with_assertion(form, assertion())))

    assert claims_of(by_basic["access_token"])["sub"] == "machine@clients"
    assert claims_of(by_assertion["access_token"])["sub"] == "signing@clients"


def test_a_proof_of_possession_binds_the_token_to_its_key(service: Service) -> None:
    machine = Prover(service)
    form = with_secret({"grant_type": "client_credentials", "client_id": "machine", "audience": API}, MACHINE)

    document = tokens(service.send("POST", "/oauth/token", form, machine.header()))

    assert document["token_type"] == "DPoP"
    assert claims_of(document["access_token"])["cnf"] == {"jkt": machine.key.thumbprint}


def test_an_api_that_wants_a_proof_gets_no_token_without_one(service: Service) -> None:
    declare_api(service, API, proof_required_for=ProofRequirement.ALL_CLIENTS)

    assert refusal(ask(service)) == (400, "invalid_dpop_proof")
    assert service.events.types == ["feccft"]


def test_an_assertion_and_a_proof_are_good_together_and_each_once(service: Service) -> None:
    service.declare(dataclasses.replace(SIGNING, grant_types=MACHINE.grant_types))
    service.configuration.client_grants.append(ClientGrant("signing", API, frozenset({"read:notes"})))
    machine = Prover(service)
    form = {"grant_type": "client_credentials", "audience": API}

    first = service.send("POST", "/oauth/token", with_assertion(form, assertion(jti="1")), machine.header())
    again = service.send("POST", "/oauth/token", with_assertion(form, assertion(jti="1")), machine.header())

    assert tokens(first)["token_type"] == "DPoP"
    assert refusal(again) == (401, "invalid_client")
    assert len(service.items("SingleUseTable")) == 2


def test_what_happened_is_in_the_log_under_auth0s_codes(service: Service) -> None:
    ask(service)
    ask(service, audience=ONLINE_API)
    ask(service, audience="https://nowhere.example/")
    ask(service, client_secret="wrong")

    assert [(event.type.value, event.client_id, event.user_id) for event in service.events] == [
        ("seccft", "machine", None),
        *[("feccft", "machine", None)] * 3,
    ]
    assert service.events[0].details == {"audience": API, "scope": "read:notes write:notes"}
    assert [event.reason for event in service.events][1:] == ["no client grant", "no such API", "wrong client secret"]


@pytest.mark.parametrize("dialect", TokenDialect)
def test_the_token_is_active_until_it_expires_and_tells_of_its_client(service: Service, dialect: TokenDialect) -> None:
    declare_api(service, API, token_dialect=dialect)
    token = tokens(ask(service))["access_token"]
    form = {"client_id": "web", "client_secret": SECRET, "token": token}

    document = json.loads(service.send("POST", "/oauth/introspect", form).body)

    assert (document["active"], document["client_id"], document["aud"]) == (True, "machine", API)
    assert document["sub"] == claims_of(token)["sub"]
    service.wait(86_402)
    assert json.loads(service.send("POST", "/oauth/introspect", form).body) == {"active": False}


@pytest.mark.parametrize("api", [API, f"{ISSUER}userinfo"], ids=["an API", "an API of that name"])
def test_there_is_nobody_for_userinfo_to_tell_about(service: Service, api: str) -> None:
    """Even if somebody declared an API under the name of our own."""
    service.configuration.apis[api] = ResourceServer(api, "API", {"read:notes": "Read"})
    service.configuration.client_grants[:] = [ClientGrant("machine", api, frozenset({"read:notes"}))]
    token = tokens(ask(service, audience=api))["access_token"]

    response = service.send("GET", "/userinfo", headers={"Authorization": f"Bearer {token}"})

    assert response.status in {401, 403}
    assert "sub" not in response.body


def test_the_token_logs_nobody_out_and_is_no_hint_of_anybody(service: Service) -> None:
    """It is signed with the same key as ID tokens are."""
    token = tokens(ask(service))["access_token"]

    response = service.authorize(id_token_hint=token, prompt="none")

    assert response.status == 303
    assert "error=invalid_request" in response.headers["location"]


def test_it_costs_no_call_of_the_store(service: Service) -> None:
    with store_calls(service) as calls:
        ask(service)

    assert calls == []


def test_its_refusals_cost_none_either(service: Service) -> None:
    changes: Any
    with store_calls(service) as calls:
        for changes in ({"scope": "x"}, {"audience": ONLINE_API}, {"client_secret": "wrong"}):
            ask(service, **changes)

    assert calls == []
