"""The OpenAPI document: made of the code, whole, and the same set of routes as the template's."""

import json
import re
from collections.abc import Iterator
from typing import Any

import pytest

from heirloom.domain import management_api
from heirloom.domain.application import GrantType
from heirloom.domain.errors import OAuthError
from heirloom.management import protocol
from local import template
from local.gateway import handlers
from tests.management.administrator import Administrator

PROXY = "ANY /api/v2/{proxy+}"


@pytest.fixture(name="document")
def _document(admin: Administrator) -> dict[str, Any]:
    answer = admin.call("GET", "openapi.json", token="")
    assert answer.status == 200
    assert answer.headers["cache-control"] == "public, max-age=3600"
    assert "pragma" not in answer.headers
    document: dict[str, Any] = answer.json
    return document


def operations(document: dict[str, Any]) -> Iterator[tuple[str, str, dict[str, Any]]]:
    for path, methods in document["paths"].items():
        for method, operation in methods.items():
            yield method.upper(), path, operation


def references(node: object) -> Iterator[str]:
    if isinstance(node, dict):
        if isinstance(node.get("$ref"), str):
            yield node["$ref"]
        for value in node.values():
            yield from references(value)
    elif isinstance(node, list):
        for value in node:
            yield from references(value)


def test_the_document_and_the_templates_routes_are_the_same_set(document: dict[str, Any]) -> None:
    described = {f"{method} {path}" for method, path, _ in operations(document)}
    routed = set(template.routes(template.load()))

    assert PROXY in routed
    assert {it for it in described if not it.partition(" ")[2].startswith("/api/v2/")} == routed - {PROXY}
    assert any(it.partition(" ")[2].startswith("/api/v2/") for it in described)


def test_the_document_and_the_functions_routes_are_the_same_set() -> None:
    """Each function has a table of its own, which need not be what the template leads to it."""
    answered = {route_key for route_key in handlers(template.load()) if route_key != PROXY}

    assert answered == {f"{operation.method} {operation.path}" for operation in protocol.OPERATIONS}


def test_every_route_of_the_management_api_is_in_it_with_its_scope(
    admin: Administrator, document: dict[str, Any]
) -> None:
    described = {(method, path): it for method, path, it in operations(document) if path.startswith("/api/v2/")}

    assert set(described) == {(route.method, f"/api/v2/{route.path}") for route in admin.api.routes}
    for route in admin.api.routes:
        operation = described[route.method, f"/api/v2/{route.path}"]
        asked = [{"managementToken": [route.scope]}] if route.scope else []
        assert operation["security"] == asked
        assert str(int(route.status)) in operation["responses"]
        assert re.findall(r"\{(\w+)\}", route.path) == [
            it["name"] for it in operation["parameters"] if it["in"] == "path"
        ]


def test_every_path_leads_to_the_route_that_it_describes(admin: Administrator) -> None:
    for route in admin.api.routes:
        path = "/api/v2/" + re.sub(r"\{\w+\}", "auth0|a/b", route.path)
        matches = [it for it in admin.api.routes if it.method == route.method and it.pattern.fullmatch(path)]
        assert max(matches, key=lambda it: it.literal) is route


def test_nothing_in_it_points_nowhere_and_nothing_is_there_in_vain(document: dict[str, Any]) -> None:
    pointed = {reference.removeprefix("#/components/schemas/") for reference in references(document)}

    assert pointed == set(document["components"]["schemas"])
    names = [operation["operationId"] for _, _, operation in operations(document)]
    assert len(names) == len(set(names))
    assert all(operation["summary"] for _, _, operation in operations(document))


def test_its_scopes_are_those_that_can_be_granted(document: dict[str, Any]) -> None:
    (flow,) = document["components"]["securitySchemes"]["managementToken"]["flows"].values()

    assert flow == {"tokenUrl": "https://login.example/oauth/token", "scopes": dict(management_api.SCOPES)}


def test_the_token_endpoint_is_described_with_every_grant(document: dict[str, Any]) -> None:
    content = document["paths"]["/oauth/token"]["post"]["requestBody"]["content"]
    schemas = document["components"]["schemas"]
    kinds = [schemas[reference.rpartition("/")[2]] for reference in references(content) if reference]
    union = next(kind for kind in kinds if "anyOf" in kind)
    grants = {schemas[it["$ref"].rpartition("/")[2]]["properties"]["grant_type"]["const"] for it in union["anyOf"]}

    assert content.keys() == {"application/json", "application/x-www-form-urlencoded"}
    assert grants == {grant.value for grant in GrantType}


def test_statuses_of_errors_are_described(document: dict[str, Any]) -> None:
    described = set(document["paths"]["/oauth/token"]["post"]["responses"])

    def errors(base: type[OAuthError]) -> Iterator[type[OAuthError]]:
        for error in base.__subclasses__():
            yield error
            yield from errors(error)

    assert {str(error.status) for error in errors(OAuthError)} <= described | {"413"}


def test_no_answer_shows_a_password_and_none_a_digest(document: dict[str, Any]) -> None:
    text = json.dumps(document["components"]["schemas"])

    assert "password" not in document["components"]["schemas"]["User"]["properties"]
    assert "digest" not in text


def test_it_is_made_once(admin: Administrator, document: dict[str, Any]) -> None:
    again = next(route for route in admin.api.routes if route.path == "openapi.json")

    assert again.handler(None) is again.handler(None)  # type: ignore[arg-type] # it needs nothing of a call
    assert again.handler(None) == document  # type: ignore[arg-type] # as above
