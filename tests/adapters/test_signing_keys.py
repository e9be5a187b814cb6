import jwt
import pytest

from heirloom.adapters.signing_keys import JwtSigner
from heirloom.domain.claims import UnsignedToken
from heirloom.domain.errors import SigningFailed
from tests.service import rsa_key

CLAIMS = {"iss": "https://login.example/", "sub": "auth0|älice", "aud": ["a", "b"], "exp": 1795386600, "n": None}
SIGNER = JwtSigner(rsa_key(), "the key")


def test_a_token_is_the_one_that_pyjwt_would_make() -> None:
    """To the last octet: RS256 is not random."""
    signed = SIGNER.sign(UnsignedToken(CLAIMS, "at+jwt"))

    theirs = {"kid": "the key", "typ": "at+jwt"}
    assert jwt.get_unverified_header(signed) == {"alg": "RS256", **theirs}
    assert signed == jwt.encode(CLAIMS, rsa_key(), "RS256", theirs)


def test_its_signature_is_the_key_s_and_over_all_of_it() -> None:
    signed = SIGNER.sign(UnsignedToken(CLAIMS, "JWT"))
    other = SIGNER.sign(UnsignedToken({**CLAIMS, "sub": "auth0|bob"}, "JWT"))

    assert verified(signed) == CLAIMS
    for mixed in (f"{signed.rpartition('.')[0]}.{other.rpartition('.')[2]}", signed[:-8]):
        with pytest.raises(jwt.PyJWTError):
            verified(mixed)


def verified(token: str) -> object:
    return jwt.decode(token, rsa_key().public_key(), ["RS256"], options={"verify_exp": False, "verify_aud": False})


def test_claims_that_are_no_json_are_a_fault_and_not_repeated() -> None:
    with pytest.raises(SigningFailed) as failed:
        SIGNER.sign(UnsignedToken({"sub": b"secret"}, "JWT"))

    assert str(failed.value) == "TypeError"
