"""`resource`: the API of an access token, as RFC 8707 names it."""

import pytest

from tests.endpoints.hands import set_tenant
from tests.service import API, CALLBACK, ISSUER, ONLINE_API, Service, answered, claims_of, refusal, tokens

SCOPE = "openid offline_access read:notes"
USERINFO = f"{ISSUER}userinfo"


def test_a_resource_is_an_audience(service: Service) -> None:
    by_audience = service.login_tokens(scope=SCOPE, audience=API)
    by_resource = service.login_tokens(scope=SCOPE, audience=None, resource=API)
    by_both = service.login_tokens(scope=SCOPE, audience=API, resource=API)

    granted = [(it["scope"], claims_of(it["access_token"])["aud"]) for it in (by_audience, by_resource, by_both)]
    assert granted == [("openid offline_access read:notes", [API, USERINFO])] * 3


def test_a_resource_comes_before_the_tenants_default(service: Service) -> None:
    set_tenant(service, default_audience=API)

    document = service.login_tokens(scope="openid read:all", audience=None, resource=ONLINE_API)

    assert claims_of(document["access_token"])["aud"] == [ONLINE_API, USERINFO]


def test_userinfo_is_a_resource_as_well(service: Service) -> None:
    document = service.login_tokens(scope="openid", audience=None, resource=USERINFO)

    assert claims_of(document["access_token"])["aud"] == USERINFO


def test_several_are_refused_where_they_were_asked_for(service: Service) -> None:
    """RFC 8707 §2 lets them repeat, so this is no malformed request, and the application hears of it."""
    query = f"client_id=spa&redirect_uri={CALLBACK}&response_type=code"
    answer = answered(service.send("GET", "/authorize", query=f"{query}&resource={API}&resource={ONLINE_API}"))

    assert answer["error"] == "invalid_target"
    assert answer["error_description"] == "Only one resource may be requested: an access token is for one API"


def test_an_empty_one_is_none(service: Service) -> None:
    """RFC 6749 §3.1."""
    document = service.login_tokens(scope="openid read:notes", resource="")

    assert claims_of(document["access_token"])["aud"] == [API, USERINFO]


@pytest.mark.parametrize("api", [API, USERINFO])
def test_a_code_is_exchanged_for_what_it_was_granted_for(service: Service, api: str) -> None:
    document = tokens(service.exchange(service.code(), resource=api))

    assert claims_of(document["access_token"])["aud"] == [API, USERINFO]


def test_a_code_is_not_exchanged_for_another_resource_and_not_lost(service: Service) -> None:
    code = service.code(scope="read:notes")
    before = service.contents()

    for api in (ONLINE_API, f"{API}/", USERINFO, "https://nowhere.example/"):
        assert refusal(service.exchange(code, resource=api)) == (400, "invalid_target")
    assert refusal(service.exchange(code, resource=API, audience=ONLINE_API)) == (400, "invalid_target")
    assert service.contents() == before
    assert service.exchange(code).status == 200


def test_an_audience_that_is_sent_along_with_a_code_is_ignored(service: Service) -> None:
    """As at a refresh: SDKs send what they were configured with."""
    document = tokens(service.exchange(service.code(), audience=ONLINE_API))

    assert claims_of(document["access_token"])["aud"] == [API, USERINFO]


def test_whoever_lacks_the_verifier_does_not_learn_what_a_code_is_for(service: Service) -> None:
    answer = service.exchange(service.code(), code_verifier="w" * 43, resource=ONLINE_API)

    assert refusal(answer) == (400, "invalid_grant")
