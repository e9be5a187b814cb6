"""openid-client with pushed authorization requests, and an API named by `resource`."""

from urllib.parse import parse_qs, urlsplit

import jwt
import pytest

from tests.sdk.node import Node
from tests.sdk.running import API, CALLBACK, SECRET, World, log_in
from tests.sdk.story import npm_version

SDK = {"sdk": "openid-client", "version": npm_version("tests/sdk", "openid-client")}


@pytest.mark.parametrize(
    ("client_id", "secret"), [("native", ""), ("basic", SECRET), ("pushing", SECRET)], ids=["native", "basic", "must"]
)
def test_it_pushes_its_request_and_logs_in(world: World, client_id: str, secret: str) -> None:
    with Node.running("openid_client.mjs", world.issuer, client_id, secret, CALLBACK, API) as node:
        url = node.do("push", {"resource": API})
        assert parse_qs(urlsplit(url).query).keys() == {"client_id", "request_uri"}

        tokens = node.do("callback", log_in(url))

        audience = jwt.decode(tokens["access_token"], options={"verify_signature": False})["aud"]
        assert audience == [API, f"{world.issuer}userinfo"]
        assert node.do("refresh", tokens["refresh_token"])["refresh_token"] != tokens["refresh_token"]


def test_it_hears_what_is_wrong_before_a_browser_does(world: World) -> None:
    with Node.running("openid_client.mjs", world.issuer, "basic", SECRET, CALLBACK, API) as node:
        unknown = node.failure("push", {"resource": "https://nowhere.example/"})
        claims = node.failure("push", {"claims": "email"})

    assert (unknown["error"], unknown["status"]) == ("invalid_target", 400)
    assert (claims["error"], claims["description"]) == ("invalid_request", "claims is not JSON")
