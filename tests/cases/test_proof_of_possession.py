"""Case 7: refresh tokens of other servers that were bound to a key, and went without a proof of it."""

from collections.abc import Callable
from typing import Any

import pytest

from heirloom.http import Response
from tests.proofs import USERINFO, Key, Prover
from tests.service import NATIVE, SPA, Service, refusal, tokens

INVALID_GRANT = (400, "invalid_grant")
INVALID_PROOF = (400, "invalid_dpop_proof")
USE_NONCE = (400, "use_dpop_nonce")

type Attempt = Callable[[Prover, str], Response]
"""What somebody tries with the owner's refresh token."""


def without_proof(owner: Prover, token: str) -> Response:
    return owner.service.refresh(token)


def with_another_key(owner: Prover, token: str) -> Response:
    return Prover(owner.service, nonce=owner.nonce).refresh(token)


def with_the_owners_key_in_a_strangers_proof(owner: Prover, token: str) -> Response:
    header = {"jwk": owner.key.jwk}
    proof = Key().proof(owner.service.now, header, nonce=owner.nonce)
    return owner.service.refresh(token, SPA, {"DPoP": proof})


def with_a_used_proof(owner: Prover, token: str) -> Response:
    proof = owner.header()
    owner.service.refresh("something else", SPA, proof)
    return owner.service.refresh(token, SPA, proof)


def with_a_used_proof_of_another_client(owner: Prover, token: str) -> Response:
    proof = owner.header()
    owner.service.refresh("something else", NATIVE, proof)
    return owner.service.refresh(token, SPA, proof)


def with_claims(**changes: Any) -> Attempt:
    return lambda owner, token: owner.refresh(token, **changes)


def with_two_proofs(owner: Prover, token: str) -> Response:
    proof, other = owner.header()["DPoP"], owner.header()["DPoP"]
    return owner.service.refresh(token, SPA, {"DPoP": f"{proof}, {other}"})


def made_long_ago(owner: Prover, token: str) -> Response:
    return owner.refresh(token, iat=owner.service.now - 301)


def made_in_the_future(owner: Prover, token: str) -> Response:
    return owner.refresh(token, iat=owner.service.now + 301)


MATRIX = [
    pytest.param(without_proof, INVALID_GRANT, id="no proof"),
    pytest.param(with_another_key, INVALID_GRANT, id="wrong key"),
    pytest.param(with_the_owners_key_in_a_strangers_proof, INVALID_PROOF, id="wrong signature"),
    pytest.param(with_a_used_proof, USE_NONCE, id="used proof"),
    pytest.param(with_a_used_proof_of_another_client, USE_NONCE, id="proof used at another client"),
    pytest.param(with_two_proofs, INVALID_PROOF, id="two proofs"),
    pytest.param(with_claims(htm="GET"), INVALID_PROOF, id="wrong htm"),
    pytest.param(with_claims(htu=USERINFO), INVALID_PROOF, id="wrong htu"),
    pytest.param(with_claims(htu=None), INVALID_PROOF, id="no htu"),
    pytest.param(with_claims(jti=None), INVALID_PROOF, id="no jti"),
    pytest.param(made_long_ago, INVALID_PROOF, id="stale iat"),
    pytest.param(made_in_the_future, INVALID_PROOF, id="future iat"),
    pytest.param(with_claims(nonce=None), USE_NONCE, id="no nonce"),
    pytest.param(with_claims(nonce="wrong"), USE_NONCE, id="wrong nonce"),
]


@pytest.mark.parametrize("spent_ago", [None, 5, 600], ids=["live", "spent within leeway", "spent long ago"])
@pytest.mark.parametrize(("attempt", "expected"), MATRIX)
def test_case_07_a_bound_token_without_its_key_is_refused_and_neither_consumed_nor_revoked(
    service: Service, attempt: Attempt, expected: tuple[int, str], spent_ago: int | None
) -> None:
    """Keycloak, Spring Authorization Server: whoever left the proof out got tokens.

    Also where the same token with the key would be a replay, or reuse that ends the family.
    """
    owner = Prover(service)
    presented = live = owner.login_tokens()["refresh_token"]
    if spent_ago is not None:
        live = tokens(owner.refresh(presented))["refresh_token"]
        service.wait(spent_ago)
        owner.learn_nonce()
    before = service.items("FamiliesTable")

    assert refusal(attempt(owner, presented)) == expected

    assert service.items("FamiliesTable") == before, "byte by byte"
    assert tokens(owner.refresh(live))["token_type"] == "DPoP"


@pytest.mark.parametrize("rotation", ["rotating", "non-rotating"])
def test_case_07_a_token_that_does_not_rotate_needs_its_key_as_well(service: Service, rotation: str) -> None:
    """Keycloak: the proof of a bound refresh token was not asked for."""
    owner = Prover(service)
    service.set_policy(NATIVE, rotating=rotation == "rotating")
    token = owner.login_tokens(NATIVE)["refresh_token"]

    assert refusal(service.refresh(token, NATIVE)) == INVALID_GRANT
    assert refusal(Prover(service, nonce=owner.nonce).refresh(token, NATIVE)) == INVALID_GRANT
    assert owner.refresh(token, NATIVE).status == 200


def test_case_07_an_access_token_of_a_bound_family_is_no_bearer_token(service: Service) -> None:
    """Keycloak, Spring Authorization Server: a bound token must not pass for one that is not."""
    owner = Prover(service)
    document = owner.login_tokens()
    for token in (document["access_token"], tokens(owner.refresh(document["refresh_token"]))["access_token"]):
        response = service.send("GET", "/userinfo", headers={"Authorization": f"Bearer {token}"})
        assert refusal(response) == (401, "invalid_token")
        assert owner.userinfo(token).status == 200


def test_case_07_the_key_of_one_application_opens_no_other(service: Service) -> None:
    """Keycloak: a binding is to key and client."""
    owner = Prover(service)
    token = owner.login_tokens()["refresh_token"]
    before = service.items("FamiliesTable")

    assert refusal(owner.refresh(token, NATIVE)) == INVALID_GRANT
    assert service.items("FamiliesTable") == before
    assert owner.refresh(token, SPA).status == 200
