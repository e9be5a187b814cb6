"""CloudFront before the API: how a request proves that it came that way, and from whom (docs/edge.md).

CloudFront adds a secret to every request, in place of whatever a caller put there. The functions know digests of it
alone: 256 random bits cannot be guessed from their SHA-256, so nobody who reads the environment learns the secret.
"""

import hashlib
import hmac
from collections.abc import Mapping
from dataclasses import dataclass
from ipaddress import ip_address
from typing import Self

PROOF = "x-origin-verify"
"""The header that holds the secret."""

VIEWER_ADDRESS = "cloudfront-viewer-address"
"""Address and port of whoever asked CloudFront, which overwrites what callers write here."""


@dataclass(frozen=True, slots=True)
class Edge:
    """What stands before the API; by default nothing does."""

    secret_digests: tuple[bytes, ...] = ()
    """SHA-256 of the secrets that are taken: two while the secret is replaced."""
    direct_access: bool = True
    """Whether requests are answered that did not come through it."""

    @classmethod
    def of(cls, environment: Mapping[str, str]) -> Self:
        """Read the edge from the variables of template.yaml; raise `ValueError` for a digest that is none."""
        digests = tuple(map(bytes.fromhex, filter(None, environment.get("EDGE_SECRET_DIGESTS", "").split(","))))
        if not digests:
            return cls()
        if any(len(digest) != hashlib.sha256().digest_size for digest in digests):
            raise ValueError("EDGE_SECRET_DIGESTS: not SHA-256")
        return cls(digests, direct_access=environment.get("DIRECT_ACCESS") == "allowed")

    def sent(self, headers: Mapping[str, str]) -> bool:
        """Tell whether a request with these headers came through the edge; their names are in lower case."""
        proof = headers.get(PROOF)
        if not proof:
            return False
        digest = hashlib.sha256(proof.encode("utf-8", "surrogatepass")).digest()
        return any(hmac.compare_digest(digest, known) for known in self.secret_digests)

    def admits(self, headers: Mapping[str, str]) -> bool:
        """Tell whether a request with these headers is to be answered."""
        return self.direct_access or self.sent(headers)

    def viewer_address(self, headers: Mapping[str, str]) -> str | None:
        """Return the address of whoever sent a request through the edge; `None` where nobody trustworthy says it.

        CloudFront writes IPv6 addresses without brackets, so the port is what stands behind the last colon.
        """
        if not self.sent(headers):
            return None
        address, _, port = headers.get(VIEWER_ADDRESS, "").rpartition(":")
        try:
            return str(ip_address(address.removeprefix("[").removesuffix("]"))) if port.isdecimal() else None
        except ValueError:
            return None
