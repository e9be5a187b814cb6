"""What satisfies all SDKs at once, item by item."""

import base64
from typing import Any
from urllib.parse import parse_qsl, quote_plus, urlencode, urlsplit

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey

from heirloom.adapters import key_documents, public_keys
from heirloom.domain.lifetimes import HOUR
from heirloom.http import Response
from tests.contracts.replay import (
    ODD_SECRET,
    UNKNOWN,
    document_of,
    get,
    is_json,
    post_form,
    post_json,
    store_down,
    web_application,
)
from tests.endpoints.assertions import SIGNING, assertion, with_assertion
from tests.endpoints.hands import basic
from tests.proofs import Prover
from tests.service import API, CALLBACK, ISSUER, ORIGIN, SPA, WEB, Service, answered, claims_of, tokens

TOKEN = f"{ISSUER}oauth/token"
REVOKE = f"{ISSUER}oauth/revoke"
DISCOVERY = f"{ISSUER}.well-known/openid-configuration"


def test_item_01_one_issuer_with_a_trailing_slash_and_no_path(service: Service) -> None:
    """In the metadata, in both tokens, at login and at refresh, and in the authorization response."""
    callback = answered(service.log_in())
    login = tokens(service.exchange(callback["code"]))
    refreshed = tokens(service.refresh(login["refresh_token"]))
    parts = urlsplit(ISSUER)

    issuers = [claims_of(each[name])["iss"] for each in (login, refreshed) for name in ("access_token", "id_token")]
    issuers += [document_of(get(service, DISCOVERY))["issuer"], callback["iss"]]
    assert set(issuers) == {ISSUER}
    assert (parts.path, parts.query, parts.fragment) == ("/", "", "")
    assert claims_of(login["access_token"])["aud"] == [API, f"{ISSUER}userinfo"]


def test_item_02_rs256_with_rsa_keys_alone(service: Service) -> None:
    """Also of a stack that has just made its keys."""
    made = [public_keys.jwk(key_documents.new_signing_key() | {"created_at": service.now}) for _ in range(2)]
    keys = document_of(get(service, f"{ISSUER}.well-known/jwks.json"))["keys"]
    login = service.login_tokens()

    for key in [*made, *keys]:
        assert (key["kty"], key["alg"], key["use"]) == ("RSA", "RS256", "sig")
        public = jwt.PyJWK(key).key
        assert isinstance(public, RSAPublicKey)
        assert public.key_size >= 2048
    assert len({key["kid"] for key in made}) == len(made) == 2
    for name in ("access_token", "id_token"):
        header = jwt.get_unverified_header(login[name])
        assert (header["alg"], header["kid"]) == ("RS256", keys[0]["kid"])
    assert document_of(get(service, DISCOVERY))["id_token_signing_alg_values_supported"] == ["RS256"]


def test_item_03_times_are_json_integers(service: Service) -> None:
    """The store's numbers are decimals, and the clock has fractions."""
    service.wait(0.75)
    login = service.login_tokens()
    service.wait(0.5)
    refreshed = tokens(service.refresh(login["refresh_token"]))

    for document in (login, refreshed):
        assert type(document["expires_in"]) is int
        for name in ("access_token", "id_token"):
            claims = claims_of(document[name])
            times = [claims[each] for each in ("iat", "exp", "auth_time") if each in claims]
            assert {type(each) for each in times} == {int}, name


def check_refresh_answer(response: Response) -> dict[str, Any]:
    """The whole of item 4."""
    document = document_of(response)
    assert type(document["expires_in"]) is int
    assert document["expires_in"] > 60, "Authlib takes shorter ones for expired"
    assert {name: type(document[name]) for name in ("access_token", "scope", "id_token", "refresh_token")} == (
        dict.fromkeys(("access_token", "scope", "id_token", "refresh_token"), str)
    )
    assert document["token_type"] == "Bearer"
    assert response.headers["cache-control"] == "no-store"
    return document


@pytest.mark.parametrize("rotating", [True, False])
def test_item_04_a_refresh_answers_with_everything_always(service: Service, rotating: bool) -> None:  # noqa: FBT001
    """Rotated, replayed, narrowed, and echoed by an application that does not rotate."""
    service.set_policy(rotating=rotating)
    login = service.login_tokens()

    first = check_refresh_answer(service.refresh(login["refresh_token"]))
    replayed = check_refresh_answer(service.refresh(login["refresh_token"]))
    narrowed = check_refresh_answer(service.refresh(first["refresh_token"], scope="read:notes"))

    assert (first["refresh_token"] == login["refresh_token"]) is not rotating
    assert replayed["refresh_token"] == first["refresh_token"]
    assert narrowed["scope"] == "read:notes"


def test_item_05_a_refreshed_id_token_is_of_the_first_login(service: Service) -> None:
    login = service.login_tokens()
    first = claims_of(login["id_token"])
    token = login["refresh_token"]

    for _ in range(3):
        service.wait(HOUR)
        document = tokens(service.refresh(token))
        token = document["refresh_token"]
        claims = claims_of(document["id_token"])

        same = ("iss", "sub", "aud", "auth_time", "sid")
        assert {name: claims[name] for name in same} == {name: first[name] for name in same}
        assert isinstance(claims["aud"], str)
        assert (claims["iat"], claims["exp"]) == (service.now, service.now + 36000)
        assert not {"nonce", "azp", "at_hash"} & claims.keys()
    assert not {"azp", "at_hash"} & first.keys()


@pytest.mark.parametrize("content_type", ["Application/JSON; charset=UTF-8", "application/json"])
def test_item_06_json_is_taken_with_what_is_too_much(service: Service, content_type: str) -> None:
    login = service.login_tokens()
    document = {"client_id": "spa", "grant_type": "refresh_token", "scope": "", "client_secret": "", "unknown": 1}

    response = post_json(
        service, TOKEN, document | {"refresh_token": login["refresh_token"]}, {"Content-Type": content_type}
    )

    assert document_of(response)["scope"] == login["scope"]


def test_item_06_a_form_is_taken_with_what_is_too_much(service: Service) -> None:
    """Scopes beyond the grant are ignored. Narrowing is of one answer, and the token keeps its scope."""
    login = service.login_tokens()
    form = {"client_id": "spa", "grant_type": "refresh_token", "client_secret": "", "redirect_uri": CALLBACK}
    form |= {"max_age": "600", "unknown": "x", "refresh_token": login["refresh_token"]}
    header = {"Content-Type": "APPLICATION/x-www-form-urlencoded;charset=UTF-8"}

    narrowed = document_of(post_form(service, TOKEN, form | {"scope": "openid admin:everything"}, header))
    whole = document_of(
        post_form(service, TOKEN, form | {"scope": "", "refresh_token": narrowed["refresh_token"]}, header)
    )

    assert narrowed["scope"] == "openid"
    assert whole["scope"] == login["scope"]


def test_item_07_each_way_of_client_authentication(service: Service) -> None:
    """A Basic header raw and percent-encoded, and both with a secret on which the two disagree."""
    application = web_application(service)
    token = service.login_tokens(SPA)["refresh_token"]
    none = post_form(service, TOKEN, {"grant_type": "refresh_token", "client_id": "spa", "refresh_token": token})
    assert none.status == 200

    code = service.code(application)
    token = document_of(service.exchange(code, application, client_secret=ODD_SECRET))["refresh_token"]
    form = {"grant_type": "refresh_token", "refresh_token": token}
    post = {"client_id": "web", "client_secret": ODD_SECRET}
    assert post_form(service, TOKEN, form | post).status == 200
    assert post_form(service, TOKEN, form, basic("web", ODD_SECRET)).status == 200
    assert post_form(service, TOKEN, form, basic("web", quote_plus(ODD_SECRET))).status == 200
    assert post_form(service, TOKEN, form | {"client_id": "web"}, basic("web", ODD_SECRET)).status == 200
    latin = base64.b64encode(f"web:{ODD_SECRET}".encode("latin-1")).decode()
    assert post_form(service, TOKEN, form, {"Authorization": f"Basic {latin}"}).status == 200


def test_item_07_an_assertion_for_the_issuer_or_the_token_endpoint(service: Service) -> None:
    """auth0-python names the issuer, Authlib the token endpoint."""
    service.declare(SIGNING)
    form = {"grant_type": "refresh_token", "refresh_token": "hrt_" + "A" * 104}

    for audience in (ISSUER, TOKEN):
        response = post_form(service, TOKEN, with_assertion(form, assertion(aud=audience, jti=audience)))
        assert document_of(response, 400)["error"] == "invalid_grant", "who it is, was proven"
    other = post_form(service, TOKEN, with_assertion(form, assertion(aud="https://other.example/")))
    assert document_of(other, 401)["error"] == "invalid_client"


def test_item_07_every_method_that_works_is_advertised_and_no_other(service: Service) -> None:
    """Libraries choose from this list: Spring and jumbojett take Basic, and `client_secret_jwt` changes their grant."""
    listed = document_of(get(service, DISCOVERY))["token_endpoint_auth_methods_supported"]

    assert {"none", "client_secret_post", "client_secret_basic", "private_key_jwt"} == set(listed)
    assert "client_secret_jwt" not in listed


def test_item_08_invalid_grant_has_one_text_and_hides_behind_no_header(service: Service) -> None:
    """400, as design decided, not Auth0's 403. A challenge answers only a Basic header that failed."""
    web = service.login_tokens(WEB)["refresh_token"]
    service.revoke(web, WEB)
    form = {"grant_type": "refresh_token", "refresh_token": web}
    secret = WEB.client_id, "s" * 32

    refused = post_form(service, TOKEN, form, basic(*secret))
    assert document_of(refused, 400) == UNKNOWN
    wrong_in_header = post_form(service, TOKEN, form, basic("web", "wrong"))
    wrong_in_body = post_form(service, TOKEN, form | {"client_id": "web", "client_secret": "wrong"})
    assert (wrong_in_header.status, wrong_in_body.status) == (401, 401)
    assert "www-authenticate" in wrong_in_header.headers
    for response in (refused, wrong_in_body):
        assert "www-authenticate" not in response.headers
    for _, response in service.transcript:
        assert "dpop-nonce" not in response.headers, "nobody here sent a proof"


def test_item_09_a_fault_that_passes_is_plain_text_and_costs_nothing(service: Service) -> None:
    token = service.login_tokens()["refresh_token"]

    with store_down(service):
        failed = [service.refresh(token), service.revoke(token)]

    for response in failed:
        assert response.status == 503
        assert response.headers["content-type"] == "text/plain; charset=utf-8"
        assert int(response.headers["retry-after"]) > 0
        assert not is_json(response)
        assert "invalid_grant" not in response.body
    assert service.refresh(token).status == 200


def test_item_10_a_revocation_answers_200_with_an_empty_body(service: Service) -> None:
    """oidc-client-ts refuses another content type than JSON; Auth0.swift takes the emptiness for success."""
    login = service.login_tokens()
    form = {"client_id": "spa", "token_type_hint": "refresh_token"}

    for token in (login["refresh_token"], login["refresh_token"], "unknown", login["access_token"]):
        for response in (
            post_form(service, REVOKE, form | {"token": token}),
            post_json(service, REVOKE, form | {"token": token}),
        ):
            assert (response.status, response.body) == (200, "")
            assert response.headers["content-type"] == "application/json"
    assert document_of(service.refresh(login["refresh_token"]), 400) == UNKNOWN


@pytest.mark.parametrize("url", [TOKEN, REVOKE])
def test_item_11_cors(service: Service, url: str) -> None:
    path = url.removeprefix(ISSUER.removesuffix("/"))
    asked = {
        "Access-Control-Request-Method": "POST",
        "Access-Control-Request-Headers": "auth0-client,content-type,dpop",
    }

    allowed = service.send("OPTIONS", path, headers={"Origin": ORIGIN, **asked})
    foreign = service.send("OPTIONS", path, headers={"Origin": "https://evil.example", **asked})

    assert allowed.status == 204
    assert allowed.headers["access-control-allow-origin"] == ORIGIN
    assert "POST" in allowed.headers["access-control-allow-methods"]
    headers = set(allowed.headers["access-control-allow-headers"].split(", "))
    assert {"content-type", "auth0-client", "dpop"} <= headers
    assert "access-control-allow-credentials" not in allowed.headers
    assert "access-control-allow-origin" not in foreign.headers


def test_item_11_the_nonce_of_proofs_can_be_read_by_scripts_and_others_never_see_it(service: Service) -> None:
    """oidc-client-ts takes the header on any refusal for a demand."""
    prover = Prover(service)
    token = prover.login_tokens()["refresh_token"]
    form = {"grant_type": "refresh_token", "client_id": "spa", "refresh_token": token}

    proven = post_form(service, TOKEN, form, {"Origin": ORIGIN, **prover.header()})
    plain = post_form(service, TOKEN, form, {"Origin": ORIGIN})

    assert "dpop-nonce" in proven.headers["access-control-expose-headers"].lower()
    assert proven.headers["dpop-nonce"]
    assert {"dpop-nonce", "access-control-expose-headers"}.isdisjoint(plain.headers)


def test_item_11_state_and_nonce_come_back_if_they_were_sent_and_iss_as_advertised(service: Service) -> None:
    """oauth4webapi refuses a state that it did not send, and asks for `iss` once it is advertised."""
    with_both = answered(service.log_in())
    with_neither = answered(service.log_in(state=None, nonce=None, prompt="login"))

    assert with_both.keys() == {"code", "state", "iss"}
    assert with_neither.keys() == {"code", "iss"}
    assert document_of(get(service, DISCOVERY))["authorization_response_iss_parameter_supported"] is True
    assert claims_of(tokens(service.exchange(with_both["code"]))["id_token"])["nonce"] == "some nonce"
    assert "nonce" not in claims_of(tokens(service.exchange(with_neither["code"]))["id_token"])


def test_item_11_an_error_comes_back_as_a_code_would(service: Service) -> None:
    query = {"client_id": "spa", "redirect_uri": CALLBACK, "state": "a state", "response_type": "token"}

    shown = get(service, f"{ISSUER}authorize?{urlencode(query)}")

    assert dict(parse_qsl(urlsplit(shown.headers["location"]).query)) == {
        "error": "unsupported_response_type",
        "error_description": "response_type must be code",
        "iss": ISSUER,
        "state": "a state",
    }
