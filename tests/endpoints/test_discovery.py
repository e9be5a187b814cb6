"""`/.well-known/…`: what is listed works, and what works is listed."""

import json
from typing import Any

import jwt
import pytest

from heirloom.pages.catalogue import LANGUAGES
from tests.endpoints.assertions import SIGNING, assertion, ec, rsa, with_assertion
from tests.endpoints.hands import declare
from tests.endpoints.reading import kind, read
from tests.service import ISSUER, SPA, Service, answered, claims_of, refusal, rsa_key

METADATA = ["/.well-known/openid-configuration", "/.well-known/oauth-authorization-server"]


def document(service: Service, path: str = METADATA[0]) -> Any:
    """A public document."""
    response = service.send("GET", path)
    assert (response.status, response.headers["content-type"]) == (200, "application/json")
    return json.loads(response.body)


@pytest.mark.parametrize("path", METADATA)
def test_the_issuer_is_one_string_everywhere(service: Service, path: str) -> None:
    """OpenID Connect Discovery §4.3: it "MUST exactly match"; with its trailing slash, as Auth0 has it."""
    assert document(service, path)["issuer"] == ISSUER == claims_of(service.login_tokens()["id_token"])["iss"]


def test_both_documents_are_one(service: Service) -> None:
    assert document(service, METADATA[0]) == document(service, METADATA[1])


def test_the_metadata_has_what_the_specifications_require(service: Service) -> None:
    """OpenID Connect Discovery §3 and RFC 8414 §2."""
    required = {"issuer", "authorization_endpoint", "token_endpoint", "jwks_uri", "response_types_supported"}
    required |= {"subject_types_supported", "id_token_signing_alg_values_supported"}

    assert required <= document(service).keys()
    assert document(service)["scopes_supported"].count("openid") == 1


def test_every_endpoint_that_is_listed_is_there(service: Service) -> None:
    listed = {value for name, value in document(service).items() if name.endswith(("_endpoint", "_uri"))}

    assert listed == {
        ISSUER + path
        for path in (
            "authorize",
            "oauth/par",
            "oauth/token",
            "oauth/revoke",
            "oauth/introspect",
            "oauth/device/code",
            "userinfo",
            "oidc/logout",
            ".well-known/jwks.json",
        )
    }
    assert {url.removeprefix(ISSUER.rstrip("/")) for url in listed} <= {path for _, path in service.routes}


def test_every_response_mode_that_is_listed_works_and_no_other(service: Service) -> None:
    listed = document(service)["response_modes_supported"]

    assert {mode: kind(service.authorize(response_mode=mode, prompt="none")) for mode in listed} == {
        "query": "redirect",
        "form_post": "form_post",
        "web_message": "web_message",
    }


def test_every_prompt_that_is_listed_works(service: Service) -> None:
    for prompt in document(service)["prompt_values_supported"]:
        response = service.authorize(prompt=prompt)
        assert kind(response) == ("redirect" if prompt == "none" else "login")


def test_every_language_that_is_listed_is_spoken(service: Service) -> None:
    listed = document(service)["ui_locales_supported"]

    assert set(listed) == set(LANGUAGES)
    assert [read(service.authorize(ui_locales=language)).language for language in listed] == listed


def test_every_grant_that_is_listed_works_and_no_other(service: Service) -> None:
    for grant_type in [*document(service)["grant_types_supported"], "implicit"]:
        response = service.send("POST", "/oauth/token", {"client_id": "spa", "grant_type": grant_type})
        expected = "unsupported_grant_type" if grant_type == "implicit" else "invalid_request"
        assert refusal(response) == (400, expected), grant_type


def test_plain_and_implicit_are_not_listed(service: Service) -> None:
    metadata = document(service)

    assert metadata["code_challenge_methods_supported"] == ["S256"]
    assert metadata["response_types_supported"] == ["code"]
    assert metadata["id_token_signing_alg_values_supported"] == ["RS256"]
    methods = ["none", "client_secret_post", "client_secret_basic", "private_key_jwt"]
    assert metadata["token_endpoint_auth_methods_supported"] == methods
    assert metadata["introspection_endpoint_auth_methods_supported"] == methods[1:]
    assert metadata["request_uri_parameter_supported"] is False
    assert metadata["dpop_signing_alg_values_supported"] == ["ES256", "RS256"]


def test_every_algorithm_that_is_listed_for_assertions_is_taken_and_no_other(service: Service) -> None:
    service.declare(SIGNING)
    suffix = "_endpoint_auth_signing_alg_values_supported"
    lists = {name: value for name, value in document(service).items() if name.endswith(suffix)}
    (algorithms,) = {tuple(value) for value in lists.values()}

    assert {name.removesuffix(suffix) for name in lists} == {"token", "revocation", "introspection"}
    for algorithm in [*algorithms, "RS512"]:
        text = assertion(key=ec() if algorithm == "ES256" else rsa(), algorithm=algorithm, jti=algorithm)
        response = service.send("POST", "/oauth/revoke", with_assertion({"token": "x"}, text))
        assert response.status == (401 if algorithm == "RS512" else 200), algorithm


def test_the_claims_parameter_is_taken_and_listed(service: Service) -> None:
    document_of = service.login_tokens(scope="openid", claims=json.dumps({"id_token": {"name": None}}))

    assert ("name" in claims_of(document_of["id_token"])) is document(service)["claims_parameter_supported"] is True


def test_back_channel_logout_is_listed_and_tells_of_the_session(service: Service) -> None:
    declare(service, SPA, backchannel_logout_url="https://app.example/logged-out")
    service.log_in()
    service.send("GET", "/v2/logout")

    [notice] = service.back_channel
    assert document(service)["backchannel_logout_supported"] is True
    assert document(service)["backchannel_logout_session_supported"] is bool(notice.session_id) is True


def test_a_request_may_be_pushed_and_need_not_be_and_none_comes_as_a_jwt(service: Service) -> None:
    metadata = document(service)

    assert (kind(service.authorize()) == "login") is not metadata["require_pushed_authorization_requests"]
    assert answered(service.authorize(request="eyJ.e30."))["error"] == "request_not_supported"
    assert metadata["request_parameter_supported"] is False


def test_what_is_not_sent_is_not_promised(service: Service) -> None:
    """oauth4webapi refuses answers without `iss` once it is advertised."""
    assert ("iss" in answered(service.log_in())) == (
        document(service).get("authorization_response_iss_parameter_supported") is True
    )


def test_the_published_keys_verify_our_tokens_and_hold_nothing_private(service: Service) -> None:
    """Contract: RSA keys alone, each with `kid`, `alg` and `use`."""
    (key,) = document(service, "/.well-known/jwks.json")["keys"]
    token = service.login_tokens()["id_token"]

    assert key.keys() == {"kty", "n", "e", "alg", "use", "kid", "x5c"}
    assert (key["kty"], key["alg"], key["use"], key["e"]) == ("RSA", "RS256", "sig", "AQAB")
    assert jwt.get_unverified_header(token)["kid"] == key["kid"]
    assert jwt.PyJWS().decode(token, jwt.PyJWK(key), ["RS256"])
    assert rsa_key().key_size == 2048


@pytest.mark.parametrize(("path", "lifetime"), [(METADATA[0], 3600), ("/.well-known/jwks.json", 300)])
def test_public_documents_are_cacheable_and_readable_everywhere(service: Service, path: str, lifetime: int) -> None:
    headers = service.send("GET", path, headers={"Origin": "https://anywhere.example"}).headers

    assert headers["cache-control"] == f"public, max-age={lifetime}"
    assert headers["access-control-allow-origin"] == "*"
    assert "access-control-allow-credentials" not in headers


@pytest.mark.parametrize("path", [*METADATA, "/.well-known/jwks.json"])
def test_one_copy_of_a_public_document_serves_everybody(service: Service, path: str) -> None:
    """A cache on the way keeps it without asking who wants it, so nothing in a request may change it."""
    plain = service.send("GET", path)
    headers = {"origin": "https://evil.example", "host": "evil.example", "x-forwarded-host": "evil.example"}

    assert service.send("GET", path, headers={**headers, "accept-language": "de"}, query="issuer=evil") == plain
    assert "vary" not in plain.headers
