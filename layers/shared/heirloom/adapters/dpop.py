"""Signatures of DPoP proofs, checked with PyJWT."""

import json

from heirloom.domain import dpop
from heirloom.domain.dpop import SignedClaims
from heirloom.domain.errors import InvalidDPoPProof


class JwtProofVerifier:
    """The port `ProofVerifier`."""

    def verify(self, text: str) -> SignedClaims:
        """Return what a proof claims whose signature is that of the key in it; raise `InvalidDPoPProof`."""
        import jwt  # noqa: PLC0415 - most requests of a token endpoint come without a proof

        dpop.check_shape(text)
        try:
            key = dpop.key_of(jwt.get_unverified_header(text))
            # Both from one reading of the header: the thumbprint is that of the key which is used.
            payload = jwt.PyJWS().decode(text, jwt.PyJWK(dict(key.jwk), key.algorithm), [key.algorithm])
            claims = json.loads(payload)
        except (jwt.PyJWTError, ValueError, RecursionError) as error:
            raise InvalidDPoPProof("The DPoP proof is malformed or its signature is wrong") from error
        if not isinstance(claims, dict):
            raise InvalidDPoPProof("The DPoP proof holds no claims")
        return SignedClaims(key.thumbprint, claims)
