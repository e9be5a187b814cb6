import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPrivateKey, RSAPrivateNumbers
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from heirloom.adapters.signing_keys import JwtSigner, current_signer
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


def document(key: RSAPrivateKey) -> dict[str, object]:
    pem = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()
    return {"keys": [{"kid": "the key", "state": "current", "private_key": pem}], "generation": 3}


def test_the_current_key_of_a_secret_signs() -> None:
    signer = current_signer(document(rsa_key()))

    assert signer.generation == 3
    assert signer.sign(UnsignedToken(CLAIMS, "JWT")) == SIGNER.sign(UnsignedToken(CLAIMS, "JWT"))


def test_a_key_whose_halves_do_not_fit_signs_nothing() -> None:
    """Its primes are not checked again, so this is: its signatures would be nobody's, and might tell of the key."""
    whole = rsa_key().private_numbers()
    damaged = RSAPrivateNumbers(
        p=whole.p,
        q=whole.q,
        d=whole.d + 2,
        dmp1=whole.dmp1 + 2,
        dmq1=whole.dmq1,
        iqmp=whole.iqmp,
        public_numbers=whole.public_numbers,
    )

    with pytest.raises(SigningFailed, match="damaged"):
        current_signer(document(damaged.private_key(unsafe_skip_rsa_key_validation=True)))
