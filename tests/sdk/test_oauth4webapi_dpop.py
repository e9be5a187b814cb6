"""oauth4webapi with DPoP in Node.js: as a native application, and as a server with a secret."""

from typing import Any

import jwt
import pytest

from tests.sdk.node import Node
from tests.sdk.running import API, CALLBACK, SECRET, SUBJECT, World, log_in
from tests.sdk.story import npm_version

SDK = {"sdk": "oauth4webapi", "version": npm_version("tests/sdk", "oauth4webapi")}


def story(world: World, client_id: str, secret: str | None) -> dict[str, Any]:
    """What came of the SDK's story."""
    with Node.running("oauth4webapi_dpop.mjs", world.issuer, client_id, secret or "", CALLBACK, API) as node:
        told: dict[str, Any] = node.do("story", log_in(node.do("authorize")))
    return told


@pytest.mark.parametrize(("client_id", "secret"), [("native", None), ("post", SECRET)], ids=["native", "post"])
def test_with_dpop_it_logs_in_refreshes_and_asks_for_userinfo(world: World, client_id: str, secret: str | None) -> None:
    told = story(world, client_id, secret)

    assert told["algorithms"] == ["ES256", "RS256"]
    assert told["types"] == ["dpop"] * 4
    assert len(set(told["refreshTokens"])) == 4
    for token in told["accessTokens"]:
        claims = jwt.decode(token, options={"verify_signature": False})
        assert claims["cnf"] == {"jkt": told["thumbprint"]}
    assert told["subject"] == SUBJECT
    for status, challenge in (told["asBearer"], told["byThief"]):
        assert status == 401
        assert challenge.startswith('DPoP algs="ES256 RS256", error="invalid_token"')
    assert told["afterwards"] is None, "what the others tried harmed nothing"


def test_with_dpop_a_public_client_hears_of_the_nonce_once_and_no_other_key_refreshes(world: World) -> None:
    told = story(world, "native", None)

    assert told["demands"] == 2, "the other one is of the thief, who begins without any"
    assert told["withoutProof"] == told["withAnotherKey"] == {"error": "invalid_grant", "status": 400}


def test_with_dpop_a_confidential_client_is_asked_for_no_nonce_and_changes_keys_as_it_likes(world: World) -> None:
    told = story(world, "post", SECRET)

    assert told["demands"] == 0
    assert told["withoutProof"] is told["withAnotherKey"] is None
