"""What the functions share that take DPoP proofs."""

from functools import cache

from heirloom.adapters.dpop import JwtProofVerifier
from heirloom.adapters.single_use import DynamoDBSingleUse
from heirloom.endpoints.proof_of_possession import Proofs
from heirloom.wiring.common import dynamodb, settings


@cache
def proofs() -> Proofs:
    """Return what reads proofs and takes each of them once."""
    return Proofs(JwtProofVerifier(), DynamoDBSingleUse(dynamodb(), settings().single_use_table))
