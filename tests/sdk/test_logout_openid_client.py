"""openid-client's end session URL, and a back channel that listens."""

from collections.abc import Iterator
from typing import Any
from urllib.parse import urljoin, urlsplit

import httpx
import jwt
import pytest

from tests.endpoints.reading import Document
from tests.endpoints.receiver import Receiver, receiver
from tests.sdk import running
from tests.sdk.node import Node
from tests.sdk.running import API, CALLBACK, EMAIL, PASSWORD, SECRET, SUBJECT, World, parameter
from tests.sdk.story import npm_version

SDK = {"sdk": "openid-client", "version": npm_version("tests/sdk", "openid-client")}
HOME = "http://localhost:1/goodbye"
"""Where nobody listens: the test reads the address that a browser would go to."""


@pytest.fixture(scope="module", name="application")
def _application() -> Iterator[Receiver]:
    with receiver() as state:
        yield state


@pytest.fixture(scope="module", name="world")
def _world(tmp_path_factory: pytest.TempPathFactory, application: Receiver) -> Iterator[World]:
    """A service with an application whose families end with the session, and which hears of that."""
    server = {
        "name": "Leaving",
        "client_id": "leaving",
        "client_secret": SECRET,
        "app_type": "regular_web",
        "callbacks": [CALLBACK],
        "allowed_logout_urls": [HOME],
        "oidc_logout": {"backchannel_logout_urls": [application.url]},
        "refresh_token": {"revoke_on_logout": True},
    }

    def tenant(world: World) -> dict[str, Any]:
        document = running.tenant_file(world)
        return document | {"clients": [*document["clients"], server]}

    with running.world(tmp_path_factory.mktemp("logout"), tenant) as world:
        yield world


def log_in(person: httpx.Client, url: str) -> str:
    """Follow an authorization URL through the login page in a browser that keeps its cookies; where it leads."""
    shown = person.get(url)
    (form,) = Document(shown.text).forms
    typed = form.fields | {"email": EMAIL, "password": PASSWORD, "action": "sign_in"}
    origin = "{0.scheme}://{0.netloc}".format(urlsplit(url))
    return person.post(urljoin(url, form.action), data=typed, headers={"origin": origin}).headers["location"]


def test_it_logs_out_at_once_and_the_application_hears_of_it(world: World, application: Receiver) -> None:
    with (
        httpx.Client() as person,
        Node.running("openid_client.mjs", world.issuer, "leaving", SECRET, CALLBACK, API) as node,
    ):
        authorize = node.do("authorize")
        tokens = node.do("callback", log_in(person, authorize))
        leaving = {"id_token_hint": tokens["id_token"], "post_logout_redirect_uri": HOME, "state": "some state"}
        answer = person.get(node.do("endSession", leaving))
        silent = person.get(f"{authorize}&prompt=none")

    assert (answer.status_code, answer.headers["location"]) == (303, f"{HOME}?state=some+state")
    assert parameter(silent.headers["location"], "error") == "login_required"
    refused = world.present(tokens["refresh_token"], "leaving", client_secret=SECRET)
    assert refused.json()["error"] == "invalid_grant"
    assert application.arrived.acquire(timeout=60)
    (token,) = application.tokens
    key = jwt.PyJWKClient(f"{world.issuer}.well-known/jwks.json").get_signing_key_from_jwt(token)
    claims = jwt.decode(token, key, ["RS256"], audience="leaving", issuer=world.issuer)
    login = jwt.decode(tokens["id_token"], options={"verify_signature": False})
    assert (claims["sub"], claims["sid"]) == (SUBJECT, login["sid"])
    assert jwt.get_unverified_header(token)["typ"] == "logout+jwt"
