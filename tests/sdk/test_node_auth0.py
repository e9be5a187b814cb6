"""node-auth0's authentication part over TLS, which it insists on: tokens, revocation, ID tokens, the person."""

from collections.abc import Iterator
from typing import Any
from urllib.parse import urlencode, urlsplit

import pytest

from tests.sdk.node import Node
from tests.sdk.running import API, CALLBACK, EMAIL, SECRET, SUBJECT, World, log_in, parameter
from tests.sdk.story import Tokens, npm_version, tell
from tests.service import CHALLENGE, VERIFIER

SDK = {"sdk": "node-auth0", "version": npm_version("tests/sdk", "auth0")}
NONCE = "nonce-of-this-login"


class NodeAuth0:
    """The SDK in a web application that keeps its secret."""

    client_id, secret = "post", SECRET

    def __init__(self, node: Node, code: str) -> None:
        self.node = node
        self.answer = node.do("callback", callback(code))

    def tokens(self) -> Tokens:
        return Tokens(self.answer["access_token"], self.answer["refresh_token"], self.answer["id_token"])

    def refresh(self) -> None:
        self.answer = self.node.do("refresh", self.tokens().refresh_token)

    def revoke(self) -> None:
        self.node.do("revoke", self.tokens().refresh_token)

    def refusal(self) -> str:
        failure = self.node.failure("refresh", self.tokens().refresh_token)
        assert (failure["status"], failure["description"]) == (400, "Unknown or invalid refresh token.")
        error: str = failure["error"]
        return error


@pytest.fixture(name="node")
def _node(secure_world: World) -> Iterator[Node]:
    domain = urlsplit(secure_world.issuer).netloc
    trust = {"NODE_EXTRA_CA_CERTS": str(secure_world.authority)}
    with Node.running("node_auth0.mjs", domain, "post", SECRET, CALLBACK, environment=trust) as node:
        yield node


@pytest.fixture(name="code")
def _code(secure_world: World) -> str:
    query = {
        "response_type": "code",
        "client_id": "post",
        "redirect_uri": CALLBACK,
        "scope": "openid profile email offline_access",
        "audience": API,
        "nonce": NONCE,
        "code_challenge": CHALLENGE,
        "code_challenge_method": "S256",
    }
    answer = log_in(f"{secure_world.issuer}authorize?{urlencode(query)}", verify=secure_world.verify)
    return parameter(answer, "code")


def callback(code: str, **changes: object) -> dict[str, Any]:
    """Return what the application knows when the person comes back."""
    return {"code": code, "code_verifier": VERIFIER, "nonce": NONCE, "maxAge": 600, **changes}


def test_it_logs_in_refreshes_revokes_and_is_refused(secure_world: World, node: Node, code: str) -> None:
    tell(NodeAuth0(node, code), secure_world)


def test_it_refuses_the_id_token_of_another_login(node: Node, code: str) -> None:
    failure = node.failure("callback", callback(code, nonce="of-another-login"))

    assert failure["message"].startswith("Nonce (nonce) claim mismatch in the ID token")


def test_it_is_told_that_the_verifier_is_wrong(node: Node, code: str) -> None:
    assert node.failure("callback", callback(code, code_verifier="w" * 43))["error"] == "invalid_grant"


def test_it_learns_who_logged_in(node: Node, code: str) -> None:
    person = node.do("person", NodeAuth0(node, code).tokens().access_token)

    assert (person["sub"], person["email"]) == (SUBJECT, EMAIL)
