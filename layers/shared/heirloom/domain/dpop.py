"""Demonstrating proof of possession (RFC 9449): what a proof must say, and of which key it is one.

A proof is a JWT that a client signs for one request, with a key that never leaves it. Whoever steals a token that is
bound to that key cannot use it.
"""

import hashlib
import hmac
import json
import math
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final
from urllib.parse import urlsplit

from heirloom.domain import encoding, lifetimes
from heirloom.domain.errors import InvalidDPoPProof, InvalidRequest

TYPE: Final = "dpop+jwt"
ALGORITHMS: Final = ("ES256", "RS256")
"""What Auth0 documents and its SDKs make."""

LONGEST_PROOF: Final = 4096
"""Characters: room for an RSA key of 4096 bits and its signature."""
LONGEST_VALUE: Final = 256
"""Characters of `jti` and `nonce`."""

_COMPACT = re.compile(r"[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+", re.ASCII)
_THUMBPRINT = re.compile(r"[A-Za-z0-9_-]{43}", re.ASCII)
_URI = re.compile(r"[\x21-\x7E]+", re.ASCII)
_PRIVATE = frozenset({"d", "p", "q", "dp", "dq", "qi", "oth", "k"})
_COORDINATE_BYTES = 32
_RSA_BITS = range(2048, 4096 + 1)
_LARGEST_RSA_EXPONENT = 2**32
"""A larger one makes verifying as slow as signing, and no key generator makes one."""
_DEFAULT_PORTS = {"https": 443, "http": 80}


@dataclass(frozen=True, slots=True)
class Window:
    """How far `iat` may lie in the past and in the future, seconds."""

    past: int
    future: int


WITHOUT_NONCE: Final = Window(past=lifetimes.MINUTE, future=10)
"""The client's own clock is all there is to say when a proof was made. FAPI 2.0 §5.3.2.1 asks for the ten seconds."""

WITH_NONCE: Final = Window(past=5 * lifetimes.MINUTE, future=5 * lifetimes.MINUTE)
"""The nonce says when, by our clock (RFC 9449 §4.3, 11): the laptop whose clock is minutes off stays logged in."""


@dataclass(frozen=True, slots=True)
class ProofKey:
    """The public key in a proof's header: the members of its JWK that RFC 7638 §3.2 calls required, and no other."""

    algorithm: str
    jwk: Mapping[str, str]

    @property
    def thumbprint(self) -> str:
        """Return the RFC 7638 thumbprint, SHA-256 in base64url: what tokens are bound to."""
        canonical = json.dumps(dict(self.jwk), sort_keys=True, separators=(",", ":"))
        return encoding.encode(hashlib.sha256(canonical.encode()).digest())


@dataclass(frozen=True, slots=True)
class SignedClaims:
    """The claims of a proof whose signature is its key's."""

    thumbprint: str
    claims: Mapping[str, object]


@dataclass(frozen=True, slots=True)
class Proof:
    """A proof that was made for this request. Whether it is recent and the first of its `jti` is still to be asked."""

    thumbprint: str
    identifier: str
    """What may be presented once: key, target and `jti` together, so that nobody uses up the `jti` of another."""
    issued_at: float
    """`iat`, epoch seconds by the client's clock."""
    nonce: str | None


def check_shape(text: str) -> None:
    """Return if *text*, the value of the `DPoP` header, can be one proof; raise `InvalidDPoPProof`.

    API Gateway joins repeated headers by commas, which a proof cannot hold: two headers are none (RFC 9449 §4.3, 1).
    """
    if len(text) > LONGEST_PROOF or _COMPACT.fullmatch(text) is None:
        raise InvalidDPoPProof("The DPoP header must hold one JWT")


def key_of(header: Mapping[str, object]) -> ProofKey:
    """Return the key that must have signed a proof with this JOSE header; raise `InvalidDPoPProof` (§4.2, §4.3)."""
    if header.get("typ") != TYPE:
        raise InvalidDPoPProof(f"The DPoP proof must have the type {TYPE}")
    if "crit" in header or "b64" in header:
        raise InvalidDPoPProof("The DPoP proof has a header that is not understood")
    algorithm, jwk = header.get("alg"), header.get("jwk")
    if not isinstance(algorithm, str) or algorithm not in ALGORITHMS:
        raise InvalidDPoPProof(f"The DPoP proof must be signed with {' or '.join(ALGORITHMS)}")
    if not isinstance(jwk, Mapping):
        raise InvalidDPoPProof("The DPoP proof must have a jwk header")
    if not _PRIVATE.isdisjoint(jwk):
        raise InvalidDPoPProof("The jwk of the DPoP proof must not hold a private key")
    members = _elliptic_curve_key(jwk) if algorithm == "ES256" else _rsa_key(jwk)
    return ProofKey(algorithm, members)


def proof_of(signed: SignedClaims, *, method: str, uri: str, access_token: str | None = None) -> Proof:
    """Return the proof that *signed* is of a request with *method* to *uri*, which is ours and not the request's.

    At a resource the *access_token* that was presented with it must be the one that `ath` names. Raise
    `InvalidDPoPProof` (RFC 9449 §4.3).
    """
    claims = signed.claims
    jti, nonce, issued_at = claims.get("jti"), claims.get("nonce"), _number(claims.get("iat"))
    if not isinstance(jti, str) or not 0 < len(jti) <= LONGEST_VALUE:
        raise InvalidDPoPProof(f"The DPoP proof must have a jti of at most {LONGEST_VALUE} characters")
    if issued_at is None:
        raise InvalidDPoPProof("The DPoP proof must have an iat that is a number")
    if claims.get("htm") != method:
        raise InvalidDPoPProof(f"The htm of the DPoP proof must be {method}")
    htu = claims.get("htu")
    if not isinstance(htu, str) or _target(htu) != _target(uri):
        raise InvalidDPoPProof(f"The htu of the DPoP proof must be {uri}")
    if nonce is not None and (not isinstance(nonce, str) or not 0 < len(nonce) <= LONGEST_VALUE):
        raise InvalidDPoPProof("The nonce of the DPoP proof is malformed")
    if access_token is not None and not _names(claims.get("ath"), access_token):
        raise InvalidDPoPProof("The ath of the DPoP proof must be the hash of the access token")
    return Proof(
        thumbprint=signed.thumbprint,
        identifier=f"dpop {signed.thumbprint} {uri} {jti}",
        issued_at=issued_at,
        nonce=nonce,
    )


def check_age(proof: Proof, window: Window, *, now: int) -> None:
    """Return if *proof* was made within *window* of epoch second *now*; raise `InvalidDPoPProof`."""
    if proof.issued_at < now - window.past:
        raise InvalidDPoPProof("The DPoP proof is too old")
    if proof.issued_at > now + window.future:
        raise InvalidDPoPProof("The iat of the DPoP proof lies in the future")


def remembered_until(now: int) -> int:
    """Return the epoch second until which a proof that is presented *now* must be known as used."""
    return now + WITH_NONCE.past + WITH_NONCE.future + lifetimes.MINUTE


def thumbprint_of(text: str | None) -> str | None:
    """Return the `dpop_jkt` of an authorization request (RFC 9449 §10); raise `InvalidRequest` for a malformed one."""
    if text is not None and _THUMBPRINT.fullmatch(text) is None:
        raise InvalidRequest("dpop_jkt must be the base64url of a SHA-256")
    return text


def _elliptic_curve_key(jwk: Mapping[object, object]) -> dict[str, str]:
    if jwk.get("kty") != "EC" or jwk.get("crv") != "P-256":
        raise InvalidDPoPProof("The jwk of an ES256 proof must be a key on P-256")
    coordinates = {name: _octets(jwk.get(name)) for name in ("x", "y")}
    if any(len(octets) != _COORDINATE_BYTES for octets in coordinates.values()):
        raise InvalidDPoPProof("The jwk of the DPoP proof is malformed")
    return {"kty": "EC", "crv": "P-256", **{name: encoding.encode(octets) for name, octets in coordinates.items()}}


def _rsa_key(jwk: Mapping[object, object]) -> dict[str, str]:
    if jwk.get("kty") != "RSA":
        raise InvalidDPoPProof("The jwk of an RS256 proof must be an RSA key")
    numbers = {name: _octets(jwk.get(name)) for name in ("n", "e")}
    if any(octets.startswith(b"\x00") for octets in numbers.values()):
        # RFC 7518 §6.3.1: "the minimum number of octets"; else one key would have many thumbprints.
        raise InvalidDPoPProof("The jwk of the DPoP proof is malformed")
    modulus, exponent = (int.from_bytes(numbers[name]) for name in ("n", "e"))
    if modulus.bit_length() not in _RSA_BITS:
        raise InvalidDPoPProof(f"The RSA key of the DPoP proof must have {_RSA_BITS[0]} to {_RSA_BITS[-1]} bits")
    if not 1 < exponent < _LARGEST_RSA_EXPONENT or exponent % 2 == 0:
        raise InvalidDPoPProof("The jwk of the DPoP proof is malformed")
    return {"kty": "RSA", **{name: encoding.encode(octets) for name, octets in numbers.items()}}


def _octets(value: object) -> bytes:
    try:
        return encoding.decode(value) if isinstance(value, str) else b""
    except ValueError:
        return b""


def _number(value: object) -> float | None:
    """RFC 7519 §2: a NumericDate may have a fraction. JSON as Python reads it has infinities, too."""
    if isinstance(value, int) and not isinstance(value, bool):
        return value
    return value if isinstance(value, float) and math.isfinite(value) else None


def _names(ath: object, access_token: str) -> bool:
    expected = encoding.encode(hashlib.sha256(access_token.encode()).digest())
    return isinstance(ath, str) and hmac.compare_digest(ath.encode("utf-8", "surrogatepass"), expected.encode())


def _target(uri: str) -> tuple[str, str | None, int | None, str] | None:
    """Return what of *uri* is compared: not its query, not its fragment, not the case of its host (§4.3, 9)."""
    if _URI.fullmatch(uri) is None:
        return None
    try:
        parts = urlsplit(uri)
        port = parts.port or _DEFAULT_PORTS.get(parts.scheme)
    except ValueError:
        return None
    if "@" in parts.netloc:
        return None
    return parts.scheme, parts.hostname, port, parts.path or "/"
