"""User codes (RFC 8628 §6.1): what a device shows and a person types, who must not have to get it just right."""

import enum
import unicodedata
from collections.abc import Callable, Mapping


class UserCodeCharset(enum.StrEnum):
    """Auth0's `device_flow.charset`."""

    BASE20 = "base20"
    DIGITS = "digits"


ALPHABETS: Mapping[UserCodeCharset, str] = {
    # Without vowels there are no words, and without digits no 0 that could be an O.
    UserCodeCharset.BASE20: "BCDFGHJKLMNPQRSTVWXZ",
    UserCodeCharset.DIGITS: "0123456789",
}

PLACE = "*"
MASK = "****-****"
"""Auth0's default, and the example of RFC 8628."""

FEWEST_CODES = 2**29
"""Nine digits have more; a code lives for minutes and guessing is slowed down."""

LONGEST_ENTRY = 64
"""Characters that a person may type, separators among them."""


def combinations(charset: UserCodeCharset, mask: str) -> int:
    """Return how many different codes there are."""
    return int(len(ALPHABETS[charset]) ** mask.count(PLACE))


def draw(charset: UserCodeCharset, mask: str, choose: Callable[[str], str]) -> str:
    """Return a new code as devices show it; *choose* picks a character of a text at random."""
    return "".join(choose(ALPHABETS[charset]) if character == PLACE else character for character in mask)


def bare(entered: str) -> str:
    """Return the letters and digits of what was entered, in capitals: all that tells codes apart."""
    plain = unicodedata.normalize("NFKC", entered[:LONGEST_ENTRY]).upper()
    return "".join(character for character in plain if character.isascii() and character.isalnum())
