"""Which of a client's keys may have signed an assertion."""

import pytest

from heirloom.domain.client_key import ClientKey

# RFC 7638 §3.1.
MODULUS = (
    "0vx7agoebGcQSuuPiLJXZptN9nndrQmbXEps2aiAFbWhM78LhWx4cbbfAAtVT86zwu1RK7aPFFxuhDR1L6tSoc_BJECPebWKRXjBZCiFV4n3ok"
    "njhMstn64tZ_2W-5JsGY4Hc5n9yBXArwl93lqt7_RN5w6Cf0h4QyQ5v-65YGjQR0_FDW2QvzqY368QQMicAtaSqzs8KJZgnYb9c7d0zgdAZHzu6"
    "qMQvRL5hajrn1n91CbOpbISD08qNLyrdkt-bFTWhAI4vMQFh6WeZu0fM4lFd2NcRwr3XPksINHaQ-G_xBniIqbw0Ls1jF44-csFCur-kEgU8awa"
    "pJzKnqDKgw"
)
KEY = ClientKey(f'{{"e":"AQAB","kty":"RSA","n":"{MODULUS}"}}', frozenset({"RS256", "PS256"}), "2011-04-29")
NAMELESS = ClientKey(KEY.jwk, frozenset({"RS256"}))


def test_the_thumbprint_of_the_rfc() -> None:
    assert KEY.thumbprint == "NzbLsXh8uDCcd-6MNwXF4W_7noWXFZAfHkxZsRGC9Xs"


def test_a_key_is_named_for_people() -> None:
    assert str(KEY) == f"2011-04-29 PS256/RS256 {KEY.thumbprint}"
    assert str(NAMELESS) == f"RS256 {KEY.thumbprint}"


@pytest.mark.parametrize(
    ("key", "algorithm", "key_id", "may"),
    [
        (KEY, "RS256", "2011-04-29", True),
        (KEY, "PS256", "2011-04-29", True),
        (KEY, "RS256", None, True),
        (KEY, "RS256", "another", False),
        (KEY, "RS256", 7, False),
        (KEY, "ES256", "2011-04-29", False),
        (KEY, "none", None, False),
        (NAMELESS, "RS256", "any", True),
        (NAMELESS, "RS256", None, True),
        (NAMELESS, "PS256", None, False),
    ],
)
def test_a_signature_may_be_the_keys_by_its_name_and_its_algorithm(
    key: ClientKey, algorithm: str, key_id: object, *, may: bool
) -> None:
    assert key.may_have_signed(algorithm=algorithm, key_id=key_id) is may
