"""Password hashes: Argon2id (RFC 9106) as PHC strings. Those that users brought with them are verified too."""

import secrets
import unicodedata
from typing import Final

import bcrypt
from cryptography.exceptions import InvalidKey
from cryptography.hazmat.primitives.kdf.argon2 import Argon2id

from heirloom.adapters import password_hashes
from heirloom.adapters.password_hashes import BCRYPT_LIMIT, Cost

_SALT_BYTES: Final = 16
_TAG_BYTES: Final = 32

OWASP: Final = Cost(memory=19 * 1024, iterations=2, lanes=1)
"""Password Storage Cheat Sheet: the least that it recommends of Argon2id. 40 to 60 ms of a core."""

CHEAPEST: Final = Cost(memory=8, iterations=1, lanes=1)
"""For tests."""


class Argon2Passwords:
    """The port `Passwords`."""

    def __init__(self, cost: Cost = OWASP) -> None:
        """Take what a new hash costs; old ones carry theirs with them."""
        self._cost = cost
        self._kind = f"$argon2id$v=19$m={cost.memory},t={cost.iterations},p={cost.lanes}$"
        self._nobodys = f"{self._kind}{_unpadded_base64_zeros(_SALT_BYTES)}${_unpadded_base64_zeros(_TAG_BYTES)}"

    def hash(self, password: str) -> str:
        """Return a new PHC string."""
        argon2 = Argon2id(
            salt=secrets.token_bytes(_SALT_BYTES),
            length=_TAG_BYTES,
            iterations=self._cost.iterations,
            lanes=self._cost.lanes,
            memory_cost=self._cost.memory,
        )
        return argon2.derive_phc_encoded(_normalised(password))

    def verify(self, password: str, password_hash: str | None) -> bool:
        """Tell whether *password* matches; does as much for no hash as for a new one, and is then false."""
        usable = password_hash is not None and password_hashes.usable(password_hash)
        known = password_hash if password_hash is not None and usable else self._nobodys
        matches = _matches_bcrypt if password_hashes.is_bcrypt(known) else _matches_argon2id
        matching = [matches(spelling, known) for spelling in _spellings(password)]  # every one, whichever matches
        return usable and any(matching)

    def needs_rehash(self, password: str, password_hash: str) -> bool:
        """Tell whether *password*, which matches, should be hashed anew: its hash is of another kind or cost.

        Bcrypt knows the beginning of a long password alone. What came after it may be a slip this time, and must not
        become the password.
        """
        if password_hashes.is_bcrypt(password_hash) and len(_normalised(password)) > BCRYPT_LIMIT:
            return False
        return not self.is_current(password_hash)

    def is_current(self, password_hash: str) -> bool:
        """Tell whether a hash is of the kind and cost that new ones have: made here, as far as one can tell."""
        return password_hash.startswith(self._kind)


def _matches_argon2id(password: bytes, password_hash: str) -> bool:
    try:
        Argon2id.verify_phc_encoded(password, password_hash)
    except InvalidKey:
        return False
    return True


def _matches_bcrypt(password: bytes, password_hash: str) -> bool:
    return bcrypt.checkpw(password[:BCRYPT_LIMIT], password_hash.encode())


def _spellings(password: str) -> list[bytes]:
    """Return the password as it is hashed here, and as it was typed, which is what others hash."""
    return list(dict.fromkeys((_normalised(password), password.encode("utf-8", "surrogatepass"))))


def _normalised(password: str) -> bytes:
    """NIST SP 800-63B §3.1.1.2 normalises, since keyboards differ in how they compose one and the same character."""
    return unicodedata.normalize("NFKC", password).encode("utf-8", "surrogatepass")


def _unpadded_base64_zeros(octets: int) -> str:
    return "A" * -(-octets * 8 // 6)
