"""openid-client in Node.js, from discovery on: as a native application, and as a server with a secret."""

import pytest

from tests.sdk.node import Node
from tests.sdk.running import API, CALLBACK, SECRET, World, log_in
from tests.sdk.story import Tokens, npm_version, tell

SDK = {"sdk": "openid-client", "version": npm_version("tests/sdk", "openid-client")}


class OpenidClient:
    """The SDK in an application, logged in."""

    def __init__(self, client_id: str, secret: str | None, node: Node) -> None:
        self.client_id, self.secret, self._node = client_id, secret, node
        self._tokens = node.do("callback", log_in(node.do("authorize")))

    def tokens(self) -> Tokens:
        return Tokens(self._tokens["access_token"], self._tokens["refresh_token"], self._tokens["id_token"])

    def refresh(self) -> None:
        self._tokens = self._node.do("refresh", self.tokens().refresh_token)

    def revoke(self) -> None:
        self._node.do("revoke", self.tokens().refresh_token)

    def refusal(self) -> str:
        failure = self._node.failure("refresh", self.tokens().refresh_token)
        assert failure["name"] == "ResponseBodyError", "the body of the answer is not hidden from the application"
        assert (failure["status"], failure["description"]) == (400, "Unknown or invalid refresh token.")
        error: str = failure["error"]
        return error


@pytest.mark.parametrize(("client_id", "secret"), [("native", None), ("basic", SECRET)], ids=["native", "basic"])
def test_it_logs_in_refreshes_revokes_and_is_refused(world: World, client_id: str, secret: str | None) -> None:
    with Node.running("openid_client.mjs", world.issuer, client_id, secret or "", CALLBACK, API) as node:
        tell(OpenidClient(client_id, secret, node), world)
