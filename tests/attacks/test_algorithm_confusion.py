"""Algorithm confusion: a JWT of the attacker's says by itself how it is to be verified (RFC 8725 §3.1)."""

from collections.abc import Callable
from typing import Any

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric.rsa import generate_private_key
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from tests.attacks.attacker import nothing_changes, parts_of, unsigned, with_hmac
from tests.endpoints.assertions import SIGNING, assertion, rsa, with_assertion
from tests.management.administrator import Administrator
from tests.proofs import Key, Prover
from tests.service import ALICE, BOB, ISSUER, SPA, WEB, Service, rsa_key, tokens

PUBLIC = rsa_key().public_key()
PEM = PUBLIC.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
KEYS = {
    "PEM": PEM,
    "PEM without its last line end": PEM.rstrip(),
    "DER": PUBLIC.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo),
    "PKCS1": PUBLIC.public_bytes(Encoding.PEM, PublicFormat.PKCS1),
    "nothing": b"",
    "the key id": b"test-key",
}
"""What an attacker may take for the secret of an HMAC: all of it is public."""

NONE = ["none", "None", "NONE", "nOnE", "", None, "null"]


def forgeries(token: str, keys: dict[str, bytes]) -> dict[str, str]:
    """*token*, in which the attacker changed the subject, signed in every way that needs no private key."""
    header, claims = parts_of(token)
    forged = {**claims, "sub": BOB.user_id}
    of = {f"alg {algorithm!r}": unsigned({**header, "alg": algorithm}, forged) for algorithm in NONE}
    for algorithm in ("HS256", "HS384", "RS256"):
        of |= {
            f"{algorithm} by {name}": with_hmac({**header, "alg": algorithm}, forged, it) for name, it in keys.items()
        }
    signature = token.rpartition(".")[2]
    return of | {
        "without a header's alg": unsigned({k: v for k, v in header.items() if k != "alg"}, forged),
        "with the signature of another": unsigned(header, forged) + signature,
        "two parts": unsigned(header, forged).rstrip("."),
        "five parts": unsigned({**header, "alg": "dir", "enc": "A128GCM"}, forged) + ".." + signature,
        "alg none, signature kept": unsigned({**header, "alg": "none"}, claims) + signature,
        "a list of algorithms": unsigned({**header, "alg": ["RS256", "none"]}, forged) + signature,
    }


def test_no_access_token_is_forged_with_what_is_public(service: Service) -> None:
    """RFC 9700 §4.6, RFC 6819 §4.6.3: `none`, and HMAC under our public key, at `/userinfo` and introspection."""
    token = service.login_tokens()["access_token"]
    with nothing_changes(service):
        for name, forged in forgeries(token, KEYS).items():
            assert service.send("GET", "/userinfo", headers={"authorization": f"Bearer {forged}"}).status == 401, name
            form = {"client_id": "web", "client_secret": "s" * 32, "token": forged}
            assert service.send("POST", "/oauth/introspect", form).body == '{"active": false}', name
    assert service.send("GET", "/userinfo", headers={"authorization": f"Bearer {token}"}).status == 200


def test_nobody_administers_by_a_forged_token(service: Service) -> None:
    """RFC 9700 §4.6, RFC 6819 §4.6.3: the same at the Management API."""
    admin = Administrator(service)
    token = admin.token()
    with nothing_changes(service):
        for name, forged in forgeries(token, KEYS).items():
            assert admin.call("DELETE", f"users/{ALICE.user_id}", token=forged).status == 401, name
    assert admin.call("GET", f"users/{ALICE.user_id}", token=token).status == 200


def test_nobody_is_logged_out_or_pointed_out_by_a_forged_hint(service: Service) -> None:
    """RFC 9700 §4.7, RFC 6819 §4.4.1.13: an ID token of the attacker's own making, as `id_token_hint`."""
    own = service.login_tokens()["id_token"]
    with nothing_changes(service):
        for name, forged in forgeries(own, KEYS).items():
            assert "invalid_request" in service.authorize(id_token_hint=forged, prompt="none").headers["location"], name
            answer = service.send("GET", "/oidc/logout", query={"id_token_hint": forged})
            assert (answer.status, "location" in answer.headers) == (400, False), name
    assert service.send("GET", "/oidc/logout", query={"id_token_hint": own}).status == 200
    assert "code" not in service.authorize(prompt="none").headers["location"]


def test_no_client_is_impersonated_with_its_public_key(service: Service) -> None:
    """RFC 6819 §4.3.3, RFC 9700 §2.5: an HMAC under what a client registered, and no signature at all."""
    service.declare(SIGNING)
    public = rsa().public_key()
    keys = {
        "PEM": public.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo),
        "JWK": SIGNING.public_keys[0].jwk.encode(),
        "thumbprint": SIGNING.public_keys[0].thumbprint.encode(),
        "nothing": b"",
    }
    code = service.code(SIGNING)
    honest = assertion()
    with nothing_changes(service):
        for name, forged in forgeries(honest, keys).items():
            refused = service.exchange(code, SIGNING, client_secret=None, **with_assertion({}, forged))
            assert refused.status == 401, name
        for algorithm in ("RS512", "PS512", "PS384"):
            stronger = with_assertion({}, assertion(algorithm=algorithm))
            assert service.exchange(code, SIGNING, client_secret=None, **stronger).status == 401, "not registered"
    assert tokens(service.exchange(code, SIGNING, client_secret=None, **with_assertion({}, honest)))


def by_hmac_with_jwk(_: Key, proof: str) -> str:
    header, claims = parts_of(proof)
    return with_hmac({**header, "alg": "HS256", "jwk": {"kty": "oct", "k": "c2VjcmV0"}}, claims, b"secret")


def by_hmac_with_public_key(key: Key, proof: str) -> str:
    header, claims = parts_of(proof)
    pem = key.private.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    return with_hmac({**header, "alg": "HS256"}, claims, pem)


def unsigned_proof(_: Key, proof: str) -> str:
    header, claims = parts_of(proof)
    return unsigned({**header, "alg": "none"}, claims)


def with_another_curve(key: Key, proof: str) -> str:
    header, claims = parts_of(proof)
    return key.sign(claims, {"jwk": {**key.jwk, "crv": "secp256k1"}, "typ": header["typ"]})


def of_another_type(key: Key, proof: str) -> str:
    return key.sign(parts_of(proof)[1], {"typ": "JWT"})


def with_a_private_key_in_it(key: Key, proof: str) -> str:
    return key.sign(parts_of(proof)[1], {"jwk": {**key.jwk, "d": key.jwk["x"]}})


def with_crit(key: Key, proof: str) -> str:
    return key.sign(parts_of(proof)[1], {"crit": ["exp"], "exp": 1})


def signed_by_nobody(_: Key, proof: str) -> str:
    """CVE-2022-21449: a signature of two zeros."""
    return proof.rpartition(".")[0] + "." + "A" * 86


@pytest.mark.parametrize(
    "forge",
    [
        by_hmac_with_jwk,
        by_hmac_with_public_key,
        unsigned_proof,
        with_another_curve,
        of_another_type,
        with_a_private_key_in_it,
        with_crit,
        signed_by_nobody,
    ],
)
def test_no_proof_of_possession_is_forged(service: Service, forge: Callable[[Key, str], str]) -> None:
    """RFC 9700 §4.10.1, RFC 6819 §4.6.2: the thief has the bound token, the public key, and not the private one."""
    owner = Prover(service)
    token = owner.login_tokens()["refresh_token"]
    honest = owner.key.proof(service.now, nonce=owner.nonce)
    with nothing_changes(service):
        refused = service.refresh(token, SPA, {"DPoP": forge(owner.key, honest)})
        assert refused.status == 400
        assert "invalid_dpop_proof" in refused.body
    assert tokens(service.refresh(token, SPA, {"DPoP": honest}))


def test_what_is_ours_is_signed_with_rs256_and_says_so(service: Service) -> None:
    """RFC 6819 §4.6.3: so that whoever verifies can insist."""
    issued: dict[str, Any] = service.login_tokens(WEB)
    for token in (issued["access_token"], issued["id_token"]):
        assert parts_of(token)[0] == {"alg": "RS256", "kid": "test-key", "typ": "JWT"}


def test_a_key_of_the_attackers_own_signs_nothing_of_ours(service: Service) -> None:
    """RFC 9700 §4.6, RFC 6819 §4.6.3: a good RS256 signature under our key's name."""
    header, claims = parts_of(service.login_tokens()["access_token"])
    theirs = generate_private_key(public_exponent=65537, key_size=2048)
    for key, status in ((theirs, 401), (rsa_key(), 200)):
        token = jwt.encode(claims, key, "RS256", {"kid": str(header["kid"])})
        answer = service.send("GET", "/userinfo", headers={"authorization": f"Bearer {token}"})
        assert answer.status == status
    assert claims["iss"] == ISSUER
