"""`/userinfo`: a resource that takes access tokens, ours and no other."""

import base64
import dataclasses
import hashlib
import hmac
import json
from collections.abc import Callable
from typing import Any
from urllib.parse import urlencode

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric.rsa import generate_private_key
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from heirloom.domain.lifetimes import CLOCK_SKEW, DAY
from heirloom.domain.resource_server import TokenDialect
from heirloom.http import Response
from tests.endpoints.hands import block, declare_api, delete_user
from tests.service import ALICE, API, ISSUER, ORIGIN, Service, rsa_key, tokens

FORM = {"Content-Type": "application/x-www-form-urlencoded"}
NO_TOKEN = (401, 'Bearer realm="Heirloom", DPoP algs="ES256 RS256"')


def ask(service: Service, token: str, scheme: str = "Bearer") -> Response:
    """Ask with the token in the header."""
    return service.send("GET", "/userinfo", headers={"Authorization": f"{scheme} {token}"})


def claims_in(response: Response) -> dict[str, Any]:
    """The claims of a successful answer."""
    assert response.status == 200, response.body
    claims: dict[str, Any] = json.loads(response.body)
    return claims


def challenged(response: Response) -> tuple[int, str]:
    """Status and error of a refusal, which must stand in the challenge too (RFC 6750 §3)."""
    error = json.loads(response.body)["error"]
    assert response.headers["www-authenticate"].startswith(f'Bearer realm="Heirloom", error="{error}", ')
    return response.status, error


INVALID_TOKEN = (401, "invalid_token")


@pytest.fixture(name="token")
def _token(service: Service) -> str:
    return str(service.login_tokens()["access_token"])


# ---- What it says


def test_it_tells_what_the_scope_asks_for(service: Service, token: str) -> None:
    response = ask(service, token)

    assert claims_in(response) == {
        "sub": ALICE.user_id,
        "name": "Alice",
        "nickname": "alice",
        "email": ALICE.email,
        "email_verified": True,
    }
    assert (response.headers["content-type"], response.headers["cache-control"]) == ("application/json", "no-store")


def test_it_tells_no_more_than_the_scope_asks_for(service: Service) -> None:
    assert claims_in(ask(service, service.login_tokens(scope="openid")["access_token"])) == {"sub": ALICE.user_id}


def test_a_narrower_refresh_tells_less(service: Service) -> None:
    document = tokens(service.refresh(service.login_tokens()["refresh_token"], scope="openid email"))

    assert claims_in(ask(service, document["access_token"])).keys() == {"sub", "email", "email_verified"}


@pytest.mark.parametrize("scheme", ["Bearer", "bearer", "BEARER"])
def test_the_token_comes_in_the_header(service: Service, token: str, scheme: str) -> None:
    assert claims_in(ask(service, token, scheme))
    assert claims_in(service.send("POST", "/userinfo", headers={"Authorization": f"{scheme} {token}"}))


def test_the_token_comes_in_the_body(service: Service, token: str) -> None:
    """RFC 6750 §2.2."""
    assert claims_in(service.send("POST", "/userinfo", {"access_token": token}))


def test_a_token_for_userinfo_alone_is_good(service: Service) -> None:
    assert claims_in(ask(service, service.login_tokens(audience=None)["access_token"]))


def test_a_token_in_the_profile_of_rfc_9068_is_good(service: Service) -> None:
    declare_api(service, API, token_dialect=TokenDialect.RFC9068)

    assert claims_in(ask(service, service.login_tokens()["access_token"]))


def test_a_registered_origin_may_read_answer_and_challenge(service: Service, token: str) -> None:
    for credentials, status in ((token, 200), ("x", 401)):
        headers = {"Authorization": f"Bearer {credentials}", "Origin": ORIGIN}
        response = service.send("GET", "/userinfo", headers=headers)
        assert response.status == status
        assert response.headers["access-control-allow-origin"] == ORIGIN
        assert response.headers["access-control-expose-headers"] == "www-authenticate"


def test_a_request_without_an_origin_looks_none_up(
    service: Service, token: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is no script's, and each look would be a read of the store."""
    asked: list[str] = []
    monkeypatch.setattr(service.configuration, "is_web_origin", asked.append)

    assert ask(service, token).status == 200

    assert asked == []


# ---- What it refuses


def test_without_a_token_there_is_a_challenge_and_no_error(service: Service) -> None:
    """RFC 6750 §3.1."""
    response = service.send("GET", "/userinfo")

    assert (response.status, response.headers["www-authenticate"]) == NO_TOKEN
    assert response.body == ""
    assert service.events.types == ["fapi"]


def test_a_token_in_the_body_of_a_get_is_not_looked_at(service: Service, token: str) -> None:
    """RFC 6750 §2.2: "the request-body has defined semantics" with other methods alone."""
    response = service.send("GET", "/userinfo", {"access_token": token})

    assert (response.status, response.headers["www-authenticate"]) == NO_TOKEN


def test_a_token_in_the_query_is_not_looked_at(service: Service, token: str) -> None:
    """RFC 9700 §4.3.2: a query is logged on its way."""
    response = service.send("GET", "/userinfo", query={"access_token": token})

    assert (response.status, response.headers["www-authenticate"]) == NO_TOKEN


@pytest.mark.parametrize(
    "header", ["", "Bearer", "Bearer ", "Bearer\t", "Basic {}", "DPoP", "DPoP ", "{}", "Bearer{}", "Token {}"]
)
def test_what_is_no_bearer_token_is_none(service: Service, token: str, header: str) -> None:
    response = service.send("GET", "/userinfo", headers={"Authorization": header.format(token)})

    assert (response.status, response.headers["www-authenticate"]) == NO_TOKEN


@pytest.mark.parametrize(
    "header", ["Bearer {} {}", "Bearer {},{}", "Bearer {}, Bearer {}", 'Bearer "{}"', "Bearer Bearer {}"]
)
def test_a_header_that_holds_more_than_a_token_is_refused(service: Service, token: str, header: str) -> None:
    response = service.send("GET", "/userinfo", headers={"Authorization": header.format(token, token)})

    assert challenged(response) == INVALID_TOKEN


def test_a_token_in_two_places_is_an_invalid_request(service: Service, token: str) -> None:
    """RFC 6750 §2: "MUST NOT use more than one method"."""
    response = service.send("POST", "/userinfo", {"access_token": token}, {"Authorization": f"Bearer {token}"})

    assert challenged(response) == (400, "invalid_request")


def test_a_token_without_openid_is_not_enough(service: Service) -> None:
    token = service.login_tokens(audience=None, scope="profile email")["access_token"]

    assert challenged(ask(service, token)) == (403, "insufficient_scope")


def test_a_token_for_an_api_alone_is_not_for_us(service: Service) -> None:
    assert challenged(ask(service, service.login_tokens(scope="read:notes")["access_token"])) == INVALID_TOKEN


def test_neither_an_id_token_nor_a_refresh_token_is_an_access_token(service: Service) -> None:
    document = service.login_tokens()

    assert challenged(ask(service, document["id_token"])) == INVALID_TOKEN
    assert challenged(ask(service, document["refresh_token"])) == INVALID_TOKEN


def test_a_token_expires(service: Service, token: str) -> None:
    service.wait(DAY + CLOCK_SKEW - 1)
    assert claims_in(ask(service, token))

    service.wait(1)

    assert challenged(ask(service, token)) == INVALID_TOKEN


@pytest.mark.parametrize("end", [block, delete_user])
def test_a_token_of_somebody_who_may_not_come_in_any_more_is_refused(
    service: Service, token: str, end: Callable[[Service], None]
) -> None:
    end(service)

    assert challenged(ask(service, token)) == INVALID_TOKEN


# ---- Forgeries


def encoded(value: object) -> str:
    """A part of a JWT."""
    return base64.urlsafe_b64encode(json.dumps(value).encode()).rstrip(b"=").decode()


def signed(claims: dict[str, Any], key: Any = None, **headers: Any) -> str:
    """A token as we would sign it, with other claims, key or headers."""
    return jwt.encode(claims, key or rsa_key(), "RS256", {"kid": "test-key", "typ": "JWT", **headers})


def public_pem() -> bytes:
    """Our public key as text, which a careless server takes for the secret of HS256."""
    return rsa_key().public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)


def with_header(token: str, header: object) -> str:
    """A token whose header is another, its signature that of the old one."""
    return ".".join([encoded(header), *token.split(".")[1:]])


def hs256(claims: dict[str, Any]) -> str:
    """A token whose "secret" is our public key; PyJWT itself would refuse to make it."""
    text = f"{encoded({'alg': 'HS256', 'typ': 'JWT', 'kid': 'test-key'})}.{encoded(claims)}"
    mac = hmac.digest(public_pem(), text.encode(), hashlib.sha256)
    return f"{text}.{base64.urlsafe_b64encode(mac).rstrip(b'=').decode()}"


GOOD_HEADER = {"alg": "RS256", "kid": "test-key", "typ": "JWT"}
FORGERIES: dict[str, Callable[[str, dict[str, Any]], str]] = {
    "algorithm none": lambda _, claims: (
        f"{encoded({'alg': 'none', 'typ': 'JWT', 'kid': 'test-key'})}.{encoded(claims)}."
    ),
    "HS256 with the public key": lambda _, claims: hs256(claims),
    "another key": lambda _, claims: signed(claims, generate_private_key(65537, 2048)),
    "unknown kid": lambda _, claims: signed(claims, kid="other"),
    "no kid": lambda token, _: with_header(token, {"alg": "RS256", "typ": "JWT"}),
    "kid is a list": lambda token, _: with_header(token, GOOD_HEADER | {"kid": ["test-key"]}),
    "typ is a list": lambda token, _: with_header(token, GOOD_HEADER | {"typ": ["JWT"]}),
    "typ is an object": lambda token, _: with_header(token, GOOD_HEADER | {"typ": {}}),
    "typ is a number": lambda token, _: with_header(token, GOOD_HEADER | {"typ": 1}),
    "typ of another kind": lambda _, claims: signed(claims, typ="logout+jwt"),
    "alg is a list": lambda token, _: with_header(token, GOOD_HEADER | {"alg": ["RS256"]}),
    "crit that we do not know": lambda _, claims: signed(claims, crit=["exp"], exp=1),
    "header is a list": lambda token, _: with_header(token, [1]),
    "header is a string": lambda token, _: with_header(token, "RS256"),
    "header is no JSON": lambda token, _: "eyJhbGc." + token.partition(".")[2],
    "header is deep": lambda token, _: with_header(token, GOOD_HEADER).replace(
        encoded(GOOD_HEADER), base64.urlsafe_b64encode(b'{"alg":' + b"[" * 3000).decode().rstrip("=")
    ),
    "claims are a list": lambda _, __: jwt.PyJWS().encode(b"[1]", rsa_key(), "RS256", GOOD_HEADER),
    "claims are no JSON": lambda _, __: jwt.PyJWS().encode(b"\xff", rsa_key(), "RS256", GOOD_HEADER),
    "another issuer": lambda _, claims: signed(claims | {"iss": "https://evil.example/"}),
    "issuer without its slash": lambda _, claims: signed(claims | {"iss": ISSUER.rstrip("/")}),
    "another audience": lambda _, claims: signed(claims | {"aud": API}),
    "no audience": lambda _, claims: signed({name: claims[name] for name in claims if name != "aud"}),
    "audience is an object": lambda _, claims: signed(claims | {"aud": {f"{ISSUER}userinfo": True}}),
    "no expiry": lambda _, claims: signed({name: claims[name] for name in claims if name != "exp"}),
    "expiry is a string": lambda _, claims: signed(claims | {"exp": "9999999999"}),
    "expiry is null": lambda _, claims: signed(claims | {"exp": None}),
    "no subject": lambda _, claims: signed({name: claims[name] for name in claims if name != "sub"}),
    "subject is a number": lambda _, claims: signed(claims | {"sub": 1}),
    "subject is nobody": lambda _, claims: signed(claims | {"sub": "auth0|nobody"}),
    "subject is a pointer": lambda _, claims: signed(claims | {"sub": f"email:{ALICE.email}"}),
    "other claims under our signature": lambda token, claims: ".".join(
        [token.split(".")[0], encoded(claims | {"sub": "auth0|bob"}), token.split(".")[2]]
    ),
    "signature truncated": lambda token, _: token[:-1],
    "signature empty": lambda token, _: token.rpartition(".")[0] + ".",
    "signature flipped": lambda token, _: token[:-10] + ("A" if token[-10] != "A" else "B") + token[-9:],
    "signature missing": lambda token, _: token.rpartition(".")[0],
    "four parts": lambda token, _: token + ".x",
    "five parts": lambda token, _: token + ".x.y",
    "not ASCII": lambda token, _: token + "é",
    "lone surrogate": lambda token, _: token + "\ud800",
    "NUL": lambda token, _: token[:5] + "\x00" + token[5:],
    "long": lambda token, _: token + "A" * 20000,
    "only dots": lambda _, __: "..",
}


def good_claims(service: Service) -> dict[str, Any]:
    """What an access token has to say."""
    times = {"iat": service.now, "exp": service.now + 60}
    audience = [API, f"{ISSUER}userinfo"]
    return {"iss": ISSUER, "sub": ALICE.user_id, "aud": audience, "scope": "openid", "jti": "token-1", **times}


@pytest.mark.parametrize("forge", FORGERIES.values(), ids=FORGERIES.keys())
def test_a_forged_token_is_refused_with_one_text(service: Service, forge: Callable[[str, dict[str, Any]], str]) -> None:
    claims = good_claims(service)

    response = ask(service, forge(signed(claims), claims))

    assert challenged(response) == INVALID_TOKEN
    assert json.loads(response.body)["error_description"] in {
        "The access token is invalid or expired",
        "The access token's user is unknown or blocked",
    }


def test_every_bit_of_a_token_counts(service: Service, token: str) -> None:
    head, claims, signature = (base64.urlsafe_b64decode(part + "==") for part in token.split("."))
    for place in range(0, len(head + claims + signature), 7):
        octets = bytearray(head + claims + signature)
        octets[place] ^= 4
        parts = octets[: len(head)], octets[len(head) : -len(signature)], octets[-len(signature) :]
        forged = ".".join(base64.urlsafe_b64encode(part).rstrip(b"=").decode() for part in parts)
        assert ask(service, forged).status == 401, place


def test_what_was_signed_by_hand_here_would_be_good(service: Service) -> None:
    """Else the forgeries above would be refused for the wrong reason."""
    assert claims_in(ask(service, signed(good_claims(service))))


@pytest.mark.parametrize(
    ("headers", "body"),
    [
        ({"Content-Type": "text/plain"}, b"access_token=x"),
        ({}, b"access_token=x"),
        (FORM, b"access_token=%ff"),
        (FORM, b"\xff"),
        (FORM, b"access_token=x&access_token=y"),
        (FORM, b"access_token=" + b"x" * 40000),
        ({"Content-Type": "application/json"}, b'{"access_token": ["x"]}'),
    ],
    ids=["text", "no type", "bad percent-encoding", "bad UTF-8", "twice", "huge", "JSON list"],
)
def test_a_malformed_body_is_an_invalid_request(service: Service, headers: dict[str, str], body: bytes) -> None:
    assert challenged(service.send("POST", "/userinfo", headers=headers, body=body)) == (400, "invalid_request")


def test_a_body_without_a_token_is_none(service: Service) -> None:
    response = service.send("POST", "/userinfo", headers=FORM, body=urlencode({"access_token": ""}).encode())

    assert (response.status, response.headers["www-authenticate"]) == NO_TOKEN


def test_a_user_whose_claims_are_odd_is_shown_as_stored(service: Service) -> None:
    """An empty claim is left out, a false one is not."""
    odd = dataclasses.replace(
        ALICE, user_id="auth0|odd", email="odd@example.com", claims={"name": None, "email_verified": False}
    )
    endpoint = service.routes["GET", "/userinfo"]
    endpoint.users.put(dataclasses.replace(odd, password_hash="x"), replacing=None)
    token = signed(good_claims(service) | {"sub": odd.user_id, "scope": "openid profile email"})

    assert claims_in(ask(service, token)) == {"sub": odd.user_id, "email": odd.email, "email_verified": False}
