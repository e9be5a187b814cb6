"""What a DPoP proof must say: every rule of RFC 9449 §4.3, and every way to break it."""

from typing import Any

import pytest

from heirloom.domain import dpop, dpop_nonce, encoding
from heirloom.domain.dpop import SignedClaims, Window, check_age, check_shape, key_of, proof_of, remembered_until
from heirloom.domain.errors import InvalidDPoPProof, InvalidRequest
from heirloom.domain.token_keys import KeyState, TokenKey, TokenKeyring

NOW = 1_800_000_000
URI = "https://login.example/oauth/token"
EC_JWK = {
    "kty": "EC",
    "crv": "P-256",
    "x": "l8tFrhx-34tV3hRICRDY9zCkDlpBhF42UQUfWVAWBFs",
    "y": "9VE4jf_Ok_o64zbTTlcuNJajHmt6v9TDVrU0CdvGRDA",
}
EC_THUMBPRINT = "0ZcOCORZNYy-DWpqq30jZyJGHTN0d2HglBV3uiguA4I"
"""Of the key in the examples of RFC 9449."""
RSA_JWK = {
    "kty": "RSA",
    "n": "0vx7agoebGcQSuuPiLJXZptN9nndrQmbXEps2aiAFbWhM78LhWx4cbbfAAtVT86zwu1RK7aPFFxuhDR1L6tSoc_BJECPebWKRXjBZCiFV"
    "4n3oknjhMstn64tZ_2W-5JsGY4Hc5n9yBXArwl93lqt7_RN5w6Cf0h4QyQ5v-65YGjQR0_FDW2QvzqY368QQMicAtaSqzs8KJZgnYb9c7d0zgdA"
    "ZHzu6qMQvRL5hajrn1n91CbOpbISD08qNLyrdkt-bFTWhAI4vMQFh6WeZu0fM4lFd2NcRwr3XPksINHaQ-G_xBniIqbw0Ls1jF44-csFCur-kEg"
    "U8awapJzKnqDKgw",
    "e": "AQAB",
}
RSA_THUMBPRINT = "NzbLsXh8uDCcd-6MNwXF4W_7noWXFZAfHkxZsRGC9Xs"
"""Of the key in the example of RFC 7638 §3.1."""
ACCESS_TOKEN = "Kz~8mXK1EalYznwH-LC-1fBAo.4Ljp~zsPE_NeO.gxU"
ATH = "fUHyO2r2Z3DZ53EsNrWBb0xWXoaNy59IiKCAqksmQEo"
"""RFC 9449 §7.1."""


def changed(members: dict[str, Any], **changes: Any) -> dict[str, Any]:
    """*members* with changes; `None` takes one out."""
    return {name: value for name, value in {**members, **changes}.items() if value is not None}


def header(**changes: Any) -> dict[str, Any]:
    """The JOSE header of a good proof, with changes."""
    return changed({"typ": "dpop+jwt", "alg": "ES256", "jwk": EC_JWK}, **changes)


def ec(**changes: Any) -> dict[str, Any]:
    """The header of a proof with another key on a curve."""
    return header(jwk=changed(EC_JWK, **changes))


def rsa(**changes: Any) -> dict[str, Any]:
    """The header of a proof with another RSA key."""
    return header(alg="RS256", jwk=changed(RSA_JWK, **changes))


def signed(**changes: Any) -> SignedClaims:
    """What a good proof claims, with changes."""
    return SignedClaims(EC_THUMBPRINT, changed({"jti": "one", "htm": "POST", "htu": URI, "iat": NOW}, **changes))


def number(bits: int) -> str:
    """An odd number of so many bits, as a JWK has it."""
    return encoding.encode((2 ** (bits - 1) + 1).to_bytes((bits + 7) // 8))


# ---- The header


@pytest.mark.parametrize(("good", "thumbprint"), [(header(), EC_THUMBPRINT), (rsa(), RSA_THUMBPRINT)])
def test_the_thumbprint_is_the_one_of_the_examples(good: dict[str, Any], thumbprint: str) -> None:
    assert key_of(good).thumbprint == thumbprint


@pytest.mark.parametrize(
    "more", [{"kid": "1"}, {"use": "sig"}, {"alg": "ES256"}, {"x5c": ["…"]}, {"extractable": False}]
)
def test_further_members_of_the_key_change_neither_key_nor_thumbprint(more: dict[str, Any]) -> None:
    assert key_of(ec(**more)) == key_of(header())


def test_a_key_of_4096_bits_is_taken() -> None:
    assert key_of(rsa(n=number(4096))).algorithm == "RS256"


@pytest.mark.parametrize(
    "bad",
    [
        pytest.param({}, id="nothing"),
        pytest.param(header(typ=None), id="no typ"),
        pytest.param(header(typ="JWT"), id="another type"),
        pytest.param(header(typ=["dpop+jwt"]), id="typ is no text"),
        pytest.param(header(alg=None), id="no alg"),
        pytest.param(header(alg="none"), id="unsigned"),
        pytest.param(header(alg="HS256"), id="symmetric"),
        pytest.param(header(alg="ES384"), id="algorithm that is not offered"),
        pytest.param(header(alg=["ES256"]), id="alg is no text"),
        pytest.param(header(alg="RS256"), id="RS256 with a key on a curve"),
        pytest.param(rsa() | {"alg": "ES256"}, id="ES256 with an RSA key"),
        *(pytest.param(rsa() | {"alg": alg}, id=f"RSA key for {alg}") for alg in (None, 7, "none", "HS256", "PS256")),
        pytest.param(ec(kty=None), id="curve of a key of no kind"),
        pytest.param(ec(kty="OKP"), id="curve of a key of another kind"),
        pytest.param(rsa(kty=None), id="numbers of a key of no kind"),
        pytest.param(header(jwk=None), id="no key"),
        pytest.param(header(jwk="key"), id="key is no object"),
        pytest.param(header(jwk={}), id="empty key"),
        pytest.param(header(jwk={"kty": "oct", "k": "AAAA"}), id="symmetric key"),
        pytest.param(header(crit=["exp"]), id="critical header"),
        pytest.param(header(b64=True), id="payload that may be bare"),
        pytest.param(ec(d="AAAA"), id="private key on a curve"),
        pytest.param(ec(crv="P-384"), id="another curve"),
        pytest.param(ec(crv=None), id="no curve"),
        pytest.param(ec(x=None), id="no x"),
        pytest.param(ec(y=7), id="y is no text"),
        pytest.param(ec(x="AAAA"), id="short x"),
        pytest.param(ec(x=f"AAAA{EC_JWK['x']}"), id="padded x"),
        pytest.param(ec(x=f"{EC_JWK['x']}="), id="x with padding"),
        pytest.param(ec(y=f"{EC_JWK['y'][:-1]}B"), id="y with spare bits"),
        *(pytest.param(rsa(**{name: "AAAA"}), id=f"private RSA: {name}") for name in ("d", "p", "q", "dp", "dq", "qi")),
        pytest.param(rsa(oth=[]), id="private RSA: oth"),
        pytest.param(rsa(n=None), id="no modulus"),
        pytest.param(rsa(e=None), id="no exponent"),
        pytest.param(rsa(n=number(2047)), id="2047 bits"),
        pytest.param(rsa(n=number(1024)), id="1024 bits"),
        pytest.param(rsa(n=number(4097)), id="4097 bits"),
        pytest.param(rsa(n="AA" + RSA_JWK["n"]), id="modulus that is not canonical"),
        pytest.param(rsa(e="AAEAAQ"), id="exponent with a leading zero"),
        pytest.param(rsa(e="AQ"), id="exponent 1"),
        pytest.param(rsa(e="AQAA"), id="even exponent"),
        pytest.param(rsa(e=number(2048)), id="exponent that costs time"),
    ],
)
def test_a_header_that_no_proof_may_have(bad: dict[str, Any]) -> None:
    with pytest.raises(InvalidDPoPProof):
        key_of(bad)


@pytest.mark.parametrize(
    "text",
    [
        *["", " ", "a", "a.b", "a.b.c.d", "a..c", ".b.c", "a.b.", "a.b.c,a.b.c", "a.b.c a.b.c", " a.b.c", "a.b.c\n"],
        *["a.b.c=", "ä.b.c", "a.b." + "c" * dpop.LONGEST_PROOF],
    ],
)
def test_what_cannot_be_one_proof(text: str) -> None:
    with pytest.raises(InvalidDPoPProof):
        check_shape(text)


def test_a_proof_may_be_as_long_as_its_limit() -> None:
    check_shape("a.b." + "c" * (dpop.LONGEST_PROOF - 4))


# ---- The claims


def test_a_good_proof_names_its_key_and_itself() -> None:
    proof = proof_of(signed(nonce="n"), method="POST", uri=URI)

    assert (proof.thumbprint, proof.nonce, proof.issued_at) == (EC_THUMBPRINT, "n", NOW)
    assert {EC_THUMBPRINT, URI, "one"} == set(proof.identifier.split()) - {"dpop"}


@pytest.mark.parametrize(
    "htu",
    [
        "HTTPS://LOGIN.EXAMPLE/oauth/token",
        "https://login.example:443/oauth/token",
        f"{URI}?grant_type=refresh_token",
        f"{URI}#here",
        f"{URI}?a=https://evil.example/",
    ],
)
def test_one_target_has_many_spellings(htu: str) -> None:
    """RFC 9449 §4.3, 9: query and fragment are ignored, and URIs compared after normalisation."""
    proof_of(signed(htu=htu), method="POST", uri=URI)


def test_on_a_laptop_the_target_has_a_port() -> None:
    uri = "http://localhost:8400/oauth/token"

    proof_of(signed(htu=uri), method="POST", uri=uri)
    with pytest.raises(InvalidDPoPProof):
        proof_of(signed(htu="http://localhost/oauth/token"), method="POST", uri=uri)


@pytest.mark.parametrize("jti", ["x", "x" * 256, "e1j3V_bKic8-LAEB", "with a space", "ä"])
def test_a_jti_is_any_text_that_is_not_too_long(jti: str) -> None:
    proof_of(signed(jti=jti), method="POST", uri=URI)


@pytest.mark.parametrize(
    "changes",
    [
        pytest.param({"jti": None}, id="no jti"),
        pytest.param({"jti": ""}, id="empty jti"),
        pytest.param({"jti": 7}, id="jti is no text"),
        pytest.param({"jti": "x" * 257}, id="long jti"),
        pytest.param({"htm": None}, id="no htm"),
        pytest.param({"htm": "GET"}, id="another method"),
        pytest.param({"htm": "post"}, id="method in lower case"),
        pytest.param({"htm": ["POST"]}, id="htm is no text"),
        pytest.param({"htu": None}, id="no htu"),
        pytest.param({"htu": 7}, id="htu is no text"),
        pytest.param({"htu": ""}, id="empty htu"),
        pytest.param({"htu": "/oauth/token"}, id="relative htu"),
        pytest.param({"htu": "http://login.example/oauth/token"}, id="another scheme"),
        pytest.param({"htu": "https://evil.example/oauth/token"}, id="another host"),
        pytest.param({"htu": "https://login.example.evil.example/oauth/token"}, id="longer host"),
        pytest.param({"htu": "https://login.example:8443/oauth/token"}, id="another port"),
        pytest.param({"htu": "https://login.example:port/oauth/token"}, id="port is no number"),
        pytest.param({"htu": "https://login.example/userinfo"}, id="another endpoint"),
        pytest.param({"htu": "https://login.example/oauth/token/"}, id="path with a slash more"),
        pytest.param({"htu": "https://login.example/oauth/TOKEN"}, id="path in another case"),
        pytest.param({"htu": "https://user@login.example/oauth/token"}, id="user name"),
        pytest.param({"htu": "https://[login.example/oauth/token"}, id="host that is none"),
        pytest.param({"htu": f" {URI}"}, id="space before"),
        pytest.param({"htu": "https://login.example/oauth\n/token"}, id="line break"),
        pytest.param({"htu": "https://login.exämple/oauth/token"}, id="not ASCII"),
        pytest.param({"iat": None}, id="no iat"),
        pytest.param({"iat": str(NOW)}, id="iat is text"),
        pytest.param({"iat": True}, id="iat is a truth value"),
        pytest.param({"iat": float("nan")}, id="iat is not a number"),
        pytest.param({"iat": float("inf")}, id="iat is infinite"),
        pytest.param({"nonce": 7}, id="nonce is no text"),
        pytest.param({"nonce": ""}, id="empty nonce"),
        pytest.param({"nonce": "x" * 257}, id="long nonce"),
    ],
)
def test_claims_that_no_proof_may_make(changes: dict[str, Any]) -> None:
    with pytest.raises(InvalidDPoPProof):
        proof_of(signed(**changes), method="POST", uri=URI)


def test_a_nonce_may_be_as_long_as_its_limit() -> None:
    assert proof_of(signed(nonce="x" * 256), method="POST", uri=URI).nonce == "x" * 256


def test_a_target_without_a_path_is_the_root() -> None:
    proof_of(signed(htu="https://login.example"), method="POST", uri="https://login.example/")


def test_whoever_has_a_small_key_hears_which_ones_are_taken() -> None:
    with pytest.raises(InvalidDPoPProof, match="must have 2048 to 4096 bits"):
        key_of(rsa(n=number(2047)))


def test_at_a_resource_the_proof_names_the_access_token() -> None:
    proof_of(signed(ath=ATH), method="POST", uri=URI, access_token=ACCESS_TOKEN)


@pytest.mark.parametrize("wrong", [None, "", ATH[:-1], ATH + "=", ATH.swapcase(), 7, "ä", "\udc00"])
def test_at_a_resource_a_proof_of_another_access_token_is_none(wrong: object) -> None:
    with pytest.raises(InvalidDPoPProof):
        proof_of(signed(ath=wrong), method="POST", uri=URI, access_token=ACCESS_TOKEN)


@pytest.mark.parametrize("window", [dpop.WITHOUT_NONCE, dpop.WITH_NONCE])
def test_a_proof_is_good_from_one_end_of_its_window_to_the_other(window: Window) -> None:
    for iat in (NOW - window.past, NOW - 0.5, NOW, NOW + window.future):
        check_age(proof_of(signed(iat=iat), method="POST", uri=URI), window, now=NOW)
    for iat in (NOW - window.past - 0.5, NOW + window.future + 0.5, 0, -NOW, 10**30, 1e300):
        with pytest.raises(InvalidDPoPProof):
            check_age(proof_of(signed(iat=iat), method="POST", uri=URI), window, now=NOW)


@pytest.mark.parametrize("window", [dpop.WITHOUT_NONCE, dpop.WITH_NONCE])
def test_a_proof_is_remembered_for_longer_than_it_is_good(window: Window) -> None:
    """Presented as early as it may be, it would be good again until the other end of the window."""
    made = NOW + window.future
    proof = proof_of(signed(iat=made), method="POST", uri=URI)

    check_age(proof, window, now=NOW)
    with pytest.raises(InvalidDPoPProof):
        check_age(proof, window, now=remembered_until(NOW))


# ---- dpop_jkt


@pytest.mark.parametrize("text", [EC_THUMBPRINT, None])
def test_a_thumbprint_is_43_characters(text: str | None) -> None:
    assert dpop.thumbprint_of(text) == text


@pytest.mark.parametrize("text", ["x" * 42, "x" * 44, "x" * 42 + "=", "x" * 42 + "+", "x" * 42 + "\n", "ä" * 43])
def test_a_malformed_thumbprint_is_an_invalid_request(text: str) -> None:
    with pytest.raises(InvalidRequest):
        dpop.thumbprint_of(text)


# ---- Nonces

CURRENT = TokenKey(1, KeyState.CURRENT, b"m" * 32, b"d" * 32)
NEXT = TokenKey(2, KeyState.NEXT, b"n" * 32, b"e" * 32)
KEYRING = TokenKeyring.of(CURRENT, NEXT)
START_OF_PERIOD = NOW - NOW % dpop_nonce.PERIOD


def test_a_nonce_is_good_for_one_period_and_less_than_two() -> None:
    nonce = dpop_nonce.mint(KEYRING, START_OF_PERIOD)

    for after in (0, 1, dpop_nonce.PERIOD, 2 * dpop_nonce.PERIOD - 1):
        assert dpop_nonce.good(nonce, KEYRING, START_OF_PERIOD + after)
    for after in (2 * dpop_nonce.PERIOD, 10 * dpop_nonce.PERIOD, -dpop_nonce.PERIOD):
        assert not dpop_nonce.good(nonce, KEYRING, START_OF_PERIOD + after)


def test_a_function_whose_clock_is_a_second_behind_takes_the_newest_nonce() -> None:
    nonce = dpop_nonce.mint(KEYRING, START_OF_PERIOD)

    assert dpop_nonce.good(nonce, KEYRING, START_OF_PERIOD - 1)
    assert not dpop_nonce.good(nonce, KEYRING, START_OF_PERIOD - 2)


def test_a_nonce_outlives_the_rotation_of_its_key() -> None:
    """Whichever of two keyrings a function has in its cache, it knows both keys."""
    rotated = TokenKeyring.of(
        TokenKey(1, KeyState.RETIRED, CURRENT.mac, None), TokenKey(2, KeyState.CURRENT, NEXT.mac, NEXT.derivation)
    )

    assert dpop_nonce.good(dpop_nonce.mint(KEYRING, NOW), rotated, NOW)
    assert dpop_nonce.good(dpop_nonce.mint(rotated, NOW), KEYRING, NOW)


def test_a_compromised_key_vouches_for_no_nonce_once_it_is_replaced() -> None:
    compromised = TokenKey(1, KeyState.RETIRED, CURRENT.mac, None, compromised=True)
    rotated = TokenKeyring.of(compromised, TokenKey(2, KeyState.CURRENT, NEXT.mac, NEXT.derivation))

    assert not dpop_nonce.good(dpop_nonce.mint(KEYRING, NOW), rotated, NOW)


def test_a_compromised_key_vouches_for_nonces_until_there_is_another() -> None:
    """Else nobody could get a token while the keys rotate."""
    only = TokenKeyring.of(TokenKey(1, KeyState.CURRENT, CURRENT.mac, CURRENT.derivation, compromised=True))

    assert dpop_nonce.good(dpop_nonce.mint(only, NOW), only, NOW)


NONCE = encoding.decode(dpop_nonce.mint(KEYRING, NOW))


@pytest.mark.parametrize(
    "text",
    [
        "",
        "nonce",
        "ä",
        encoding.encode(NONCE[:-1]),
        encoding.encode(NONCE + b"\x00"),
        encoding.encode(NONCE) + "=",
        encoding.encode(b"\x07" + NONCE[1:]),
        encoding.encode(b"\x02" + NONCE[1:]),
        encoding.encode(NONCE[:5] + bytes((NONCE[5] ^ 1,)) + NONCE[6:]),
        encoding.encode(NONCE[:-1] + bytes((NONCE[-1] ^ 1,))),
    ],
)
def test_what_we_did_not_mint_is_no_nonce(text: str) -> None:
    assert not dpop_nonce.good(text, KEYRING, NOW)
