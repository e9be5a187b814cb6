"""Password hashes: Argon2id (RFC 9106) as PHC strings."""

import secrets
import unicodedata
from dataclasses import dataclass
from typing import Final

from cryptography.exceptions import InvalidKey
from cryptography.hazmat.primitives.kdf.argon2 import Argon2id

_SALT_BYTES: Final = 16
_TAG_BYTES: Final = 32


@dataclass(frozen=True, slots=True)
class Cost:
    """What one hash costs: memory in KiB, passes over it, and lanes."""

    memory: int
    iterations: int
    lanes: int


OWASP: Final = Cost(memory=19 * 1024, iterations=2, lanes=1)
"""Password Storage Cheat Sheet: the least that it recommends of Argon2id. 40 to 60 ms of a core."""

CHEAPEST: Final = Cost(memory=8, iterations=1, lanes=1)
"""For tests."""


class Argon2Passwords:
    """The port `Passwords`."""

    def __init__(self, cost: Cost = OWASP) -> None:
        """Take what a new hash costs; old ones carry theirs with them."""
        self._cost = cost
        self._nobodys = (
            f"$argon2id$v=19$m={cost.memory},t={cost.iterations},p={cost.lanes}"
            f"${_unpadded_base64_zeros(_SALT_BYTES)}${_unpadded_base64_zeros(_TAG_BYTES)}"
        )

    def hash(self, password: str) -> str:
        """Return a new PHC string."""
        argon2 = Argon2id(
            salt=secrets.token_bytes(_SALT_BYTES),
            length=_TAG_BYTES,
            iterations=self._cost.iterations,
            lanes=self._cost.lanes,
            memory_cost=self._cost.memory,
        )
        return argon2.derive_phc_encoded(_octets(password))

    def verify(self, password: str, password_hash: str | None) -> bool:
        """Tell whether *password* matches; takes as long when there is no hash, and is then false."""
        try:
            Argon2id.verify_phc_encoded(_octets(password), password_hash or self._nobodys)
        except InvalidKey:
            return False
        return bool(password_hash)


def _octets(password: str) -> bytes:
    """NIST SP 800-63B §3.1.1.2 normalises, since keyboards differ in how they compose one and the same character."""
    return unicodedata.normalize("NFKC", password).encode("utf-8", "surrogatepass")


def _unpadded_base64_zeros(octets: int) -> str:
    return "A" * -(-octets * 8 // 6)
