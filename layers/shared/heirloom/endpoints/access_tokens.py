"""Access tokens that are presented to a resource of ours: bearer tokens (RFC 6750) and bound ones (RFC 9449 §7)."""

import enum
from collections.abc import Mapping
from dataclasses import dataclass, field

from heirloom.domain import dpop
from heirloom.domain.dpop import Proof
from heirloom.domain.errors import InvalidToken, OAuthError
from heirloom.domain.ports import Verifier
from heirloom.endpoints.proof_of_possession import Proofs
from heirloom.http import Request


class Scheme(enum.StrEnum):
    """How an access token is presented."""

    BEARER = "Bearer"
    DPOP = "DPoP"


CHALLENGES: Mapping[Scheme, str] = {
    Scheme.BEARER: 'Bearer realm="Heirloom"',
    Scheme.DPOP: f'DPoP algs="{" ".join(dpop.ALGORITHMS)}"',
}


class BoundToken(InvalidToken):
    """A token that is bound to a key, presented like one that is not."""


@dataclass(frozen=True, slots=True)
class Presented:
    """An access token, and how it came."""

    token: str = field(repr=False)
    scheme: Scheme


@dataclass(frozen=True, slots=True)
class Verified:
    """What a token says, and the proof that came with it: not taken yet, so that a refusal writes nothing."""

    claims: Mapping[str, object]
    proof: Proof | None


@dataclass(frozen=True, slots=True)
class AccessTokens:
    """Verification of presented access tokens."""

    verifier: Verifier
    proofs: Proofs

    def verified(self, presented: Presented, request: Request, *, uri: str, audience: str) -> Verified:
        """Return what a good token for *audience* says; *uri* is the one of ours that was asked.

        Raise `InvalidToken` or `InvalidDPoPProof`. Nothing is read or written but the published keys.
        """
        claims = self.verifier.access_token(presented.token, audience=audience, now=request.now)
        return Verified(claims, self._proof(presented, claims.get("cnf"), request, uri))

    def take(self, verified: Verified, request: Request) -> None:
        """Take the proof for good, if there is one; raise `InvalidDPoPProof` when somebody has."""
        if verified.proof is not None:
            self.proofs.take(verified.proof, request.now)

    def _proof(self, presented: Presented, confirmation: object, request: Request, uri: str) -> Proof | None:
        """Return the proof that whoever presents the token has the key to which it is bound; `None` if it is to none.

        No nonce is asked for: who reads no key can make none. `iat` and `jti` bound the use of a proof.
        """
        if presented.scheme is Scheme.BEARER:
            if confirmation is not None:
                raise BoundToken("The access token is bound to a key and needs a DPoP proof")
            return None
        proof = self.proofs.read(request, uri, access_token=presented.token)
        if confirmation != {"jkt": proof.thumbprint}:
            raise InvalidToken("The access token is not bound to the key of the DPoP proof")
        dpop.check_age(proof, dpop.WITHOUT_NONCE, now=request.now)
        return proof


def in_header(request: Request) -> Presented | None:
    """Return the token of the `Authorization` header (RFC 6750 §2.1)."""
    name, _, token = request.headers.get("authorization", "").partition(" ")
    scheme = next((scheme for scheme in Scheme if scheme.lower() == name.lower()), None)
    return Presented(token.strip(), scheme) if scheme is not None and token.strip() else None


def challenge(error: OAuthError, presented: Presented | None) -> str:
    """Return the `WWW-Authenticate` header: which schemes there are, and of the one to use what is wrong.

    RFC 6750 §3.1: a request without any token, whose error has no description, hears no error code.
    """
    if not error.description:
        return ", ".join(CHALLENGES.values())
    scheme = presented.scheme if presented else Scheme.BEARER
    if isinstance(error, BoundToken):
        scheme = Scheme.DPOP
    return f'{CHALLENGES[scheme]}, error="{error.error}", error_description="{error.description}"'
