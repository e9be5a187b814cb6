"""DPoP proofs that come with requests (RFC 9449): read, judged, and taken once."""

from dataclasses import dataclass

from heirloom import http
from heirloom.domain import dpop, dpop_nonce
from heirloom.domain.application import Application
from heirloom.domain.dpop import Proof
from heirloom.domain.errors import InvalidDPoPProof, UseDPoPNonce
from heirloom.domain.ports import ProofVerifier, SingleUse, TokenKeys
from heirloom.http import Request, Response

HEADER = "dpop"


class UsedProof(InvalidDPoPProof):
    """The proof was presented before."""


@dataclass(frozen=True, slots=True)
class Proofs:
    """What every endpoint that takes proofs does with them."""

    verifier: ProofVerifier
    single_use: SingleUse

    def read(self, request: Request, uri: str, *, access_token: str | None = None) -> Proof:
        """Return the proof of a request to *uri*, one of ours; raise `InvalidDPoPProof`. How old it is stays open."""
        signed = self.verifier.verify(request.headers.get(HEADER, ""))
        return dpop.proof_of(signed, method=request.method, uri=uri, access_token=access_token)

    def take(self, proof: Proof, now: int) -> None:
        """Take *proof* for good; raise `UsedProof` when somebody has."""
        if not self.single_use.claim(proof.identifier, expires_at=dpop.remembered_until(now)):
            raise UsedProof("The DPoP proof was used before")


@dataclass(frozen=True, slots=True)
class TokenRequestProofs:
    """Proofs at the token endpoint, whose nonces public clients must use (RFC 9449 §8).

    Nothing in here touches the credential of the request: whatever is refused, code and refresh token stay good.
    """

    uri: str
    proofs: Proofs
    token_keys: TokenKeys

    def of(self, request: Request, application: Application) -> Proof | None:
        """Return the proof of an authenticated client's request, taken; `None` where there is none, and may be none.

        Raise `InvalidDPoPProof`, `UseDPoPNonce`, or a fault.
        """
        if HEADER not in request.headers:
            if application.require_proof_of_possession:
                raise InvalidDPoPProof("This application must send a DPoP proof")
            return None
        proof = self.proofs.read(request, self.uri)
        self._check_nonce(proof, application, request.now)
        window = dpop.WITHOUT_NONCE if proof.nonce is None else dpop.WITH_NONCE
        dpop.check_age(proof, window, now=request.now)
        try:
            self.proofs.take(proof, request.now)
        except UsedProof as used:
            if proof.nonce is None:
                raise
            # SDKs repeat a request whose answer was lost with the proof it had. This makes them make a new one.
            raise self._use_nonce(request.now, reason=used.reason) from None
        return proof

    def answered(self, response: Response, proof: Proof | None, now: int) -> Response:
        """Return the answer to a request with this *proof*; who uses nonces gets the next one with it (§8.2)."""
        if proof is None or proof.nonce is None:
            return response
        return http.with_dpop_nonce(response, dpop_nonce.mint(self.token_keys.keyring(), now))

    def _check_nonce(self, proof: Proof, application: Application, now: int) -> None:
        if proof.nonce is None:
            if not application.confidential:
                raise self._use_nonce(now, reason="a public client's proof without a nonce")
        elif not dpop_nonce.good(proof.nonce, self.token_keys.keyring(), now):
            raise self._use_nonce(now, reason="a nonce that is old, or not ours")

    def _use_nonce(self, now: int, *, reason: str) -> UseDPoPNonce:
        return UseDPoPNonce(dpop_nonce.mint(self.token_keys.keyring(), now), reason=reason)
