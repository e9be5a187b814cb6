"""The stack is updated, twice: one permission of each function is missing, then a layer alone has changed.

The first update shows that it is the roles that let the story happen. The second brings the permissions back, and the
new layer reaches those who call, behind aliases that nobody has touched.
"""

import json
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import httpx
import pytest

from local import artifacts as building
from local.artifacts import Artifacts
from local.template import ROOT, Template, functions, load
from tests.deploy.person import Person, exchange, refresh
from tests.service import ALICE, PASSWORD, SPA, authorization_request

if TYPE_CHECKING:
    from tests.deploy.conftest import Stack

MISSING = {
    "Authorize": ("dynamodb:PutItem", "CodesTable"),
    "Token": ("dynamodb:UpdateItem", "FamiliesTable"),
    "Revoke": ("secretsmanager:GetSecretValue", "TokenKeysSecret"),
    "Jwks": ("dynamodb:GetItem", "ConfigurationTable"),
    "Userinfo": ("dynamodb:GetItem", "UsersTable"),
}
AWAKE = [
    ("OPTIONS", "/oauth/par"),
    ("OPTIONS", "/oauth/token"),
    ("OPTIONS", "/oauth/revoke"),
    ("GET", "/.well-known/openid-configuration"),
    ("OPTIONS", "/userinfo"),
]
"""A request to each function that needs none of these."""


@dataclass
class Login:
    """Somebody who has logged in, and what their application does with each of the functions."""

    http: httpx.Client
    access_token: str
    refresh_token: str

    def wakes(self) -> None:
        """Send what costs little until each function has started, which takes a busy machine longer than they have."""
        for method, path in AWAKE:
            for _ in range(5):
                if self.http.request(method, path).status_code < 500:
                    break

    def asks(self, function: str) -> httpx.Response:
        """Send the request that needs the permission."""
        http = self.http
        match function:
            case "Authorize":
                elsewhere = Person(http)
                page = elsewhere.request("GET", "/authorize", params=authorization_request(SPA))
                return elsewhere.submit(page, email=ALICE.email, password=PASSWORD, action="sign_in")
            case "Token":
                return refresh(http, self.refresh_token)
            case "Revoke":
                return http.post("/oauth/revoke", data={"client_id": SPA.client_id, "token": "hrt_" + "A" * 104})
            case "Jwks":
                return http.get("/.well-known/jwks.json")
        return http.get("/userinfo", headers={"authorization": f"Bearer {self.access_token}"})


@pytest.fixture(scope="module")
def login(stack: "Stack", applied: str) -> Iterator[Login]:  # noqa: ARG001 - in this order
    """A login at the stack."""
    with stack.browser() as http:
        tokens = exchange(http, Person(http).code(SPA))
        yield Login(http, tokens["access_token"], tokens["refresh_token"])


@pytest.fixture(scope="module")
def first(stack: "Stack", login: Login) -> dict[str, list[str]]:  # noqa: ARG001 - in this order
    """The versions that there are once somebody has logged in."""
    return versions(stack)


@pytest.fixture(scope="module")
def crippled(
    stack: "Stack",
    artifacts: Artifacts,
    login: Login,
    first: dict[str, list[str]],  # noqa: ARG001 - in this order
) -> dict[str, list[str]]:
    """The versions after the update that takes the permissions away, and changes a parameter."""
    template = artifacts.folder / "crippled.json"
    template.write_text(json.dumps(without_the_missing(load(artifacts.template))))
    stack.deploy(template, LogLevel="DEBUG")
    login.wakes()
    return versions(stack)


@pytest.fixture(scope="module")
def mended(
    stack: "Stack",
    artifacts: Artifacts,
    login: Login,
    crippled: dict[str, list[str]],  # noqa: ARG001 - in this order
    tmp_path_factory: pytest.TempPathFactory,
) -> dict[str, list[str]]:
    """The versions after the update that changes one file of the shared layer, and nothing else of the functions."""
    folder = tmp_path_factory.mktemp("changed")
    shutil.copy(ROOT / "template.yaml", folder)
    shutil.copytree(ROOT / "layers/shared", folder / "layers/shared", ignore=shutil.ignore_patterns("__pycache__"))
    changed = folder / "layers/shared/heirloom/endpoints/discovery.py"
    before = changed.read_text()
    changed.write_text(before.replace("public, max-age=", "public, immutable, max-age="))
    assert changed.read_text() != before
    building.build(folder / "template.yaml", folder, "SharedLayer")
    document = json.loads(json.dumps(load(artifacts.template).document))
    document["Resources"]["SharedLayer"]["Properties"]["ContentUri"] = str(folder / "build/SharedLayer")
    template = artifacts.folder / "changed.json"
    template.write_text(json.dumps(document))
    stack.deploy(template, LogLevel="DEBUG")
    login.wakes()
    return versions(stack)


@pytest.mark.usefixtures("crippled")
@pytest.mark.parametrize("function", MISSING)
def test_without_one_permission_the_request_that_needs_it_fails(stack: "Stack", login: Login, function: str) -> None:
    """The log says which; the caller hears nothing of it, and above all no refusal."""
    action, _ = MISSING[function]

    answer = login.asks(function)

    assert (answer.status_code, answer.text) == (500, "Something went wrong.")
    name = functions(load())[f"{function}Function"].name
    assert f"not authorized to perform: {action}" in stack.logged(name)


@pytest.mark.usefixtures("mended")
@pytest.mark.parametrize("function", MISSING)
def test_with_it_the_same_request_is_answered(login: Login, function: str) -> None:
    """The refresh token too: what failed has harmed no family."""
    assert login.asks(function).status_code in {200, 303}


@pytest.mark.usefixtures("mended")
def test_a_file_of_the_shared_layer_reaches_callers(login: Login) -> None:
    answer = login.http.get("/.well-known/openid-configuration")

    assert answer.headers["cache-control"].startswith("public, immutable, max-age=")


def test_the_alias_of_every_function_moved_with_each_update_and_left_no_version_behind(
    first: dict[str, list[str]], crippled: dict[str, list[str]], mended: dict[str, list[str]]
) -> None:
    """First for the sake of a parameter, then of the layer."""
    for function in functions(load()):
        updates = [first[function], crippled[function], mended[function]]
        assert all(len(kept) == 1 for kept in updates), updates
        assert len({kept[0] for kept in updates}) == len(updates), updates


def versions(stack: "Stack") -> dict[str, list[str]]:
    """Published versions of every function; the alias leads to the last."""
    client = stack.client("lambda")
    found = {}
    for function in functions(load()):
        name = stack.physical(function)
        listed = [one["Version"] for one in client.list_versions_by_function(FunctionName=name)["Versions"]]
        found[function] = [version for version in listed if version != "$LATEST"]
        assert client.get_alias(FunctionName=name, Name="live")["FunctionVersion"] == found[function][-1]
    return found


def without_the_missing(template: Template) -> dict[str, Any]:
    """The document of a template, less one permission of each of these functions."""
    document: dict[str, Any] = json.loads(json.dumps(template.document))
    for function, (action, logical_id) in MISSING.items():
        (policy,) = document["Resources"][f"{function}Role"]["Properties"]["Policies"]
        statements = policy["PolicyDocument"]["Statement"]
        (statement,) = (
            one
            for one in statements
            if action in one["Action"] and f'["{logical_id}", ' in json.dumps(one["Resource"])  # of a GetAtt
        )
        assert isinstance(statement["Resource"], dict) or len(statement["Resource"]) == 1, "that would take more away"
        statement["Action"].remove(action)
        if not statement["Action"]:
            statements.remove(statement)
    return document
