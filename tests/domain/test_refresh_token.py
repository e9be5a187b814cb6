"""The token's text is exact, its MAC comes first, and its line cannot fork."""

import hashlib
import hmac
import string

import pytest
from hypothesis import given
from hypothesis import strategies as st

from heirloom.domain import encoding, refresh_token
from heirloom.domain.refresh_token import (
    FAMILY_ID_BYTES,
    MAC_BYTES,
    PREFIX,
    SECRET_BYTES,
    USER_KEY_BYTES,
    FamilyKey,
    Forged,
    NotDerivable,
    RefreshToken,
)
from heirloom.domain.token_keys import KeyringInvalid, KeyState, TokenKey, TokenKeyring, UnknownTokenKey

CURRENT = TokenKey(1, KeyState.CURRENT, b"m" * 32, b"d" * 32)
NEXT = TokenKey(2, KeyState.NEXT, b"n" * 32, b"e" * 32)
MAC_ONLY = TokenKey(3, KeyState.MAC_ONLY, b"o" * 32, None)
KEYRING = TokenKeyring.of(CURRENT, NEXT, MAC_ONLY)
TOKEN = refresh_token.first(FamilyKey(b"u" * 8, b"f" * 16), b"s" * 32, KEYRING)
TEXT = TOKEN.text(KEYRING)
ALPHABET = string.ascii_letters + string.digits + "-_"

secrets = st.binary(min_size=32, max_size=32)
families = st.builds(FamilyKey, st.binary(min_size=8, max_size=8), st.binary(min_size=16, max_size=16))
refresh_tokens = st.builds(
    RefreshToken,
    key_id=st.sampled_from([1, 2, 3]),
    family=families,
    generation=st.integers(0, 2**32 - 2),
    secret=secrets,
)


@given(refresh_tokens)
def test_a_token_is_parsed_as_it_was_minted(token: RefreshToken) -> None:
    text = token.text(KEYRING)

    assert RefreshToken.parse(text, KEYRING) == token
    assert len(text) == 108
    assert text.startswith("hrt_")


def test_a_token_of_the_sizes_that_are_minted_is_parsed() -> None:
    family = FamilyKey(b"u" * USER_KEY_BYTES, b"f" * FAMILY_ID_BYTES)
    token = refresh_token.first(family, b"s" * SECRET_BYTES, KEYRING)

    assert token == RefreshToken(CURRENT.key_id, family, 0, b"s" * SECRET_BYTES)
    assert RefreshToken.parse(token.text(KEYRING), KEYRING) == token


def test_a_token_of_another_format_is_forged_though_we_made_its_mac() -> None:
    body = b"\x02" + encoding.decode(TEXT.removeprefix(PREFIX))[1:-MAC_BYTES]
    mac = hmac.digest(CURRENT.mac, b"heirloom refresh token mac 1\x00" + body, hashlib.sha256)[:MAC_BYTES]

    with pytest.raises(Forged, match="unknown format"):
        RefreshToken.parse(PREFIX + encoding.encode(body + mac), KEYRING)


@pytest.mark.parametrize("length", range(len(TEXT)))
def test_every_truncation_is_forged(length: int) -> None:
    with pytest.raises(Forged):
        RefreshToken.parse(TEXT[:length], KEYRING)


@pytest.mark.parametrize("bit", range(78 * 8))
def test_every_bit_flip_is_refused(bit: int) -> None:
    """A flip in the key id may name a key we do not have; every other one is forged."""
    octets = bytearray(encoding.decode(TEXT.removeprefix(PREFIX)))
    octets[bit // 8] ^= 1 << bit % 8

    with pytest.raises((Forged, UnknownTokenKey) if 8 <= bit < 16 else Forged):
        RefreshToken.parse(PREFIX + encoding.encode(bytes(octets)), KEYRING)


@pytest.mark.parametrize("position", range(4, 108))
def test_every_other_character_is_refused(position: int) -> None:
    for character in ALPHABET.replace(TEXT[position], "") + "+/=. \n\x00é":
        with pytest.raises((Forged, UnknownTokenKey)):
            RefreshToken.parse(TEXT[:position] + character + TEXT[position + 1 :], KEYRING)


@pytest.mark.parametrize(
    "text",
    [
        "",
        TEXT + "=",
        TEXT + "==",
        TEXT + "\n",
        " " + TEXT,
        TEXT + "A",
        TEXT.upper(),
        TEXT.replace("hrt_", "HRT_"),
        TEXT.removeprefix("hrt_"),
        "hrt_" + TEXT,
        TEXT[:50] + "\n" + TEXT[50:],
        TEXT[:50] + "%3D" + TEXT[53:],
        "hrt_" + "é" * 104,
        "hrt_" + "٣" * 104,
    ],
)
def test_whatever_is_not_the_exact_text_is_forged(text: str) -> None:
    with pytest.raises(Forged):
        RefreshToken.parse(text, KEYRING)


@given(st.text(max_size=200) | st.text(ALPHABET, min_size=104, max_size=104).map(PREFIX.__add__))
def test_nothing_else_is_accepted_or_breaks_the_parser(text: str) -> None:
    with pytest.raises((Forged, UnknownTokenKey)):
        RefreshToken.parse(text, KEYRING)


@given(refresh_tokens, st.sampled_from([CURRENT, NEXT]))
def test_every_copy_leads_to_the_same_successor(token: RefreshToken, key: TokenKey) -> None:
    copy = RefreshToken.parse(token.text(KEYRING), KEYRING)

    assert copy.successor(key).text(KEYRING) == token.successor(key).text(KEYRING)
    assert token.successor(key).generation == token.generation + 1
    assert token.successor(key).family == token.family
    assert token.successor(key).digest() != token.digest()


@given(refresh_tokens, secrets)
def test_another_secret_leads_elsewhere(token: RefreshToken, secret: bytes) -> None:
    other = RefreshToken(token.key_id, token.family, token.generation, secret)

    assert (other.successor(CURRENT) == token.successor(CURRENT)) is (secret == token.secret)


def test_another_key_derives_another_successor() -> None:
    assert TOKEN.successor(CURRENT).secret != TOKEN.successor(NEXT).secret


def test_a_key_without_its_derivation_half_derives_nothing() -> None:
    with pytest.raises(NotDerivable):
        TOKEN.successor(MAC_ONLY)


def test_the_digest_does_not_depend_on_the_mac_key() -> None:
    """A changed MAC key makes no live token dead."""
    other = RefreshToken(2, TOKEN.family, TOKEN.generation, TOKEN.secret)

    assert other.text(KEYRING) != TOKEN.text(KEYRING)
    assert other.digest() == TOKEN.digest()


def test_the_digest_is_of_everything_else() -> None:
    digests = {
        TOKEN.digest(),
        RefreshToken(1, FamilyKey(b"v" * 8, b"f" * 16), 0, b"s" * 32).digest(),
        RefreshToken(1, FamilyKey(b"u" * 8, b"g" * 16), 0, b"s" * 32).digest(),
        RefreshToken(1, TOKEN.family, 1, b"s" * 32).digest(),
        RefreshToken(1, TOKEN.family, 0, b"t" * 32).digest(),
    }

    assert len(digests) == 5
    assert all(len(digest) == hashlib.sha256().digest_size for digest in digests)


def test_secrets_and_keys_are_not_in_the_repr() -> None:
    assert "ssss" not in repr(TOKEN)
    assert "mmmm" not in repr(CURRENT)
    assert "dddd" not in repr(CURRENT)


def test_the_format_is_pinned() -> None:
    """Tokens outlive deploys: these texts were minted by the first release and must stay good."""
    assert TEXT == (
        "hrt_AQF1dXV1dXV1dWZmZmZmZmZmZmZmZmZmZmYAAAAAc3Nzc3Nzc3Nzc3Nzc3Nzc3Nzc3Nzc3Nzc3Nzc3Nzc3PP9kMSrgswXt-iALheqUiL"
    )
    assert TOKEN.successor(CURRENT).text(KEYRING) == (
        "hrt_AQF1dXV1dXV1dWZmZmZmZmZmZmZmZmZmZmYAAAAB0wzhzCaXwve3AMSB91Z195ItoAxbP6bitLCb6iG65VqDjBCd_M9ugYRiWnAYtAmb"
    )


def test_what_a_user_has_is_found_under_the_same_key_for_ever() -> None:
    assert refresh_token.user_key("auth0|alice").hex() == "2957e55931209a59"
    assert refresh_token.user_key("auth0|zoë") != refresh_token.user_key("auth0|zoe")


@pytest.mark.parametrize(
    "keys",
    [
        (),
        (NEXT,),
        (CURRENT, TokenKey(1, KeyState.NEXT, b"x" * 32, b"y" * 32)),
        (CURRENT, TokenKey(2, KeyState.CURRENT, b"x" * 32, b"y" * 32)),
        (TokenKey(1, KeyState.CURRENT, b"x" * 32, None),),
    ],
    ids=["empty", "no current key", "one id twice", "two current keys", "a current key that cannot derive"],
)
def test_a_keyring_that_cannot_mint_is_invalid(keys: tuple[TokenKey, ...]) -> None:
    with pytest.raises(KeyringInvalid):
        TokenKeyring.of(*keys)


def test_a_keyring_finds_its_keys_by_their_ids() -> None:
    assert [KEYRING.key(key_id) for key_id in (1, 2, 3)] == [CURRENT, NEXT, MAC_ONLY]
    assert TokenKeyring.of(NEXT, MAC_ONLY, CURRENT).current == CURRENT
    with pytest.raises(UnknownTokenKey, match="4"):
        KEYRING.key(4)
