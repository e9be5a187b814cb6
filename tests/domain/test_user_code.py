"""What a device shows, and what of a person's typing counts."""

import pytest

from heirloom.domain import user_code
from heirloom.domain.user_code import FEWEST_CODES, LONGEST_ENTRY, MASK, UserCodeCharset

FULL_WIDTH = "".join(chr(ord(character) + 0xFEE0) for character in "BCDF-GHJK")
"""As an East Asian keyboard types it."""


def test_there_are_as_many_codes_as_the_mask_has_places() -> None:
    assert user_code.combinations(UserCodeCharset.DIGITS, "***-***") == 10**6
    assert user_code.combinations(UserCodeCharset.BASE20, MASK) == 20**8
    assert user_code.combinations(UserCodeCharset.DIGITS, "AB") == 1


@pytest.mark.parametrize("charset", UserCodeCharset)
def test_a_code_of_auth0s_default_mask_is_hard_enough_to_guess_only_with_letters(charset: UserCodeCharset) -> None:
    enough = user_code.combinations(charset, MASK) >= FEWEST_CODES

    assert enough is (charset is UserCodeCharset.BASE20)


def test_a_code_is_drawn_place_by_place() -> None:
    drawn = iter(range(8))

    code = user_code.draw(UserCodeCharset.BASE20, "**X*-****", lambda alphabet: alphabet[next(drawn)])

    assert code == "BCXD-FGHJ"


@pytest.mark.parametrize("entered", ["BCDF-GHJK", "bcdf ghjk", " b.c.d.f ghjk\n", FULL_WIDTH, "BCDFGHJKé"])
def test_a_code_is_read_however_it_is_typed(entered: str) -> None:
    assert user_code.bare(entered) == "BCDFGHJK"


def test_what_is_no_letter_or_digit_of_ours_is_nothing() -> None:
    assert user_code.bare("\u0663\u00b2\u00e9\u00df\u2212\u2014_ 7") == "2SS7"
    assert user_code.bare("x" * (LONGEST_ENTRY + 1)) == "X" * LONGEST_ENTRY
