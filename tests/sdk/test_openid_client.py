"""openid-client in Node.js, from discovery on: as a native application, and as a server with a secret."""

import json
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from typing import IO, Any

import pytest

from local.template import ROOT
from tests.sdk.running import API, CALLBACK, SECRET, World, log_in
from tests.sdk.story import Tokens, npm_version, tell

SDK = {"sdk": "openid-client", "version": npm_version("tests/sdk", "openid-client")}


class OpenidClient:
    """A Node.js process with the SDK in it."""

    def __init__(self, client_id: str, secret: str | None, orders: IO[str], answers: IO[str]) -> None:
        self.client_id, self.secret = client_id, secret
        self._orders, self._answers = orders, answers
        self._tokens = self._do("callback", log_in(self._do("authorize")))

    @classmethod
    @contextmanager
    def started(cls, world: World, client_id: str, secret: str | None) -> Iterator["OpenidClient"]:
        """Start the process, and log in."""
        command = ["node", "openid_client.mjs", world.issuer, client_id, secret or "", CALLBACK, API]
        with subprocess.Popen(
            command, cwd=ROOT / "tests/sdk", stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        ) as process:
            assert process.stdin is not None
            assert process.stdout is not None
            try:
                yield cls(client_id, secret, process.stdin, process.stdout)
            finally:
                process.terminate()

    def tokens(self) -> Tokens:
        return Tokens(self._tokens["access_token"], self._tokens["refresh_token"], self._tokens["id_token"])

    def refresh(self) -> None:
        self._tokens = self._do("refresh", self.tokens().refresh_token)

    def revoke(self) -> None:
        self._do("revoke", self.tokens().refresh_token)

    def refusal(self) -> str:
        failure = self._answer("refresh", self.tokens().refresh_token)["failure"]
        assert failure["name"] == "ResponseBodyError", "the body of the answer is not hidden from the application"
        assert (failure["status"], failure["description"]) == (400, "Unknown or invalid refresh token.")
        error: str = failure["error"]
        return error

    def _do(self, deed: str, argument: str = "") -> Any:
        answer = self._answer(deed, argument)
        assert "failure" not in answer, answer
        return answer["result"]

    def _answer(self, deed: str, argument: str) -> dict[str, Any]:
        self._orders.write(json.dumps({"deed": deed, "argument": argument}) + "\n")
        self._orders.flush()
        answer: dict[str, Any] = json.loads(self._answers.readline())
        return answer


@pytest.mark.parametrize(("client_id", "secret"), [("native", None), ("basic", SECRET)], ids=["native", "basic"])
def test_openid_client_logs_in_refreshes_revokes_and_is_refused(
    world: World, client_id: str, secret: str | None
) -> None:
    with OpenidClient.started(world, client_id, secret) as client:
        tell(client, world)
