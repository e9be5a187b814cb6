"""Whose access tokens an API wants bound to a key."""

from dataclasses import replace

import pytest

from heirloom.domain.application import Application, ApplicationType, AuthenticationMethod
from heirloom.domain.resource_server import ProofRequirement, ResourceServer

PUBLIC = Application("app", "App", ApplicationType.NATIVE, AuthenticationMethod.NONE)
CONFIDENTIAL = replace(PUBLIC, token_endpoint_auth_method=AuthenticationMethod.PRIVATE_KEY_JWT)


@pytest.mark.parametrize(
    ("required_for", "of_public", "of_confidential"),
    [
        (ProofRequirement.NOBODY, False, False),
        (ProofRequirement.PUBLIC_CLIENTS, True, False),
        (ProofRequirement.ALL_CLIENTS, True, True),
    ],
)
def test_a_proof_is_required_of_those_that_the_api_names(
    required_for: ProofRequirement, *, of_public: bool, of_confidential: bool
) -> None:
    api = ResourceServer("https://api.example/", "API", proof_required_for=required_for)

    assert api.requires_proof_of(PUBLIC) is of_public
    assert api.requires_proof_of(CONFIDENTIAL) is of_confidential


def test_an_api_that_says_nothing_requires_none() -> None:
    assert not ResourceServer("https://api.example/", "API").requires_proof_of(PUBLIC)
