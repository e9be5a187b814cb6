"""The OpenAPI 3.1 document: made of the routes, of the endpoints of the protocols, and of the types that both have."""

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any, Final

from pydantic import BaseModel, TypeAdapter
from pydantic.json_schema import GenerateJsonSchema, JsonSchemaValue
from pydantic_core import core_schema

from heirloom.domain import lifetimes, management_api
from heirloom.management import protocol
from heirloom.management.protocol import FORM, JSON, TEXT, Operation
from heirloom.management.route import PREFIX, Answer, Route

CACHE_LIFETIME: Final = lifetimes.HOUR
"""Seconds; the document changes with a deployment."""

_BEARER: Final = "managementToken"
_REFERENCE: Final = "#/components/schemas/{model}"


class ProblemAnswer(Answer):
    """A refusal."""

    statusCode: int  # noqa: N815 - Auth0's name
    error: str
    message: str
    errorCode: str  # noqa: N815 - Auth0's name


def document(issuer: str, routes: Iterable[Route]) -> dict[str, Any]:
    """Return the document of the stack with this issuer."""
    operations = [*map(_operation, routes), *protocol.OPERATIONS]
    schemas = _Schemas.of(operations)
    paths: dict[str, dict[str, Any]] = {}
    for operation in operations:
        paths.setdefault(operation.path, {})[operation.method.lower()] = _described(operation, schemas)
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Heirloom",
            "version": "2",
            "description": "The Management API, and the endpoints of OAuth 2.0 and OpenID Connect.",
        },
        "servers": [{"url": issuer.removesuffix("/")}],
        "paths": paths,
        "components": {
            "schemas": _referenced(paths, schemas.components),
            "securitySchemes": {
                _BEARER: {
                    "type": "oauth2",
                    "flows": {
                        "clientCredentials": {
                            "tokenUrl": f"{issuer}oauth/token",
                            "scopes": dict(management_api.SCOPES),
                        }
                    },
                },
                "accessToken": {"type": "http", "scheme": "bearer"},
            },
        },
    }


def _referenced(paths: object, components: Mapping[str, Any]) -> dict[str, Any]:
    """Return the components that are meant from somewhere."""
    names: set[str] = set()
    found = set(_names(paths))
    while found - names:
        names |= found
        found = {name for each in found for name in _names(components[each])}
    return {name: components[name] for name in sorted(names)}


def _names(node: object) -> Iterator[str]:
    if isinstance(node, dict):
        if isinstance(reference := node.get("$ref"), str):
            yield reference.rpartition("/")[2]
        for value in node.values():
            yield from _names(value)
    elif isinstance(node, list):
        for value in node:
            yield from _names(value)


def _operation(route: Route) -> Operation:
    refusals = {HTTPStatus.BAD_REQUEST, *route.problems}
    if route.scope is not None:
        refusals |= {HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN}
    if route.body is not None:
        refusals.add(HTTPStatus.REQUEST_ENTITY_TOO_LARGE)
    own = {route.status: None if route.answer is None else (JSON, route.answer)}
    return Operation(
        method=route.method,
        path=PREFIX + route.path,
        summary=route.summary,
        tag=route.path.partition("/")[0],
        query=route.query,
        bodies={JSON: route.described_body or route.body} if route.body else {},
        answers={
            **own,
            **dict.fromkeys(refusals, (JSON, ProblemAnswer)),
            HTTPStatus.SERVICE_UNAVAILABLE: (TEXT, str),
        },
        security={_BEARER: [route.scope]} if route.scope is not None else {},
    )


class _Plain(GenerateJsonSchema):
    """Schemas that say null nowhere: here a member is there, or it is not."""

    def default_schema(self, schema: core_schema.WithDefaultSchema) -> JsonSchemaValue:
        """Leave out the default of what may be missing."""
        if schema.get("default") is None:
            return self.generate_inner(schema["schema"])
        return super().default_schema(schema)


@dataclass(frozen=True, slots=True)
class _Schemas:
    """The JSON schemas of all types, each by the type and the side that reads it."""

    by_type: Mapping[Any, Any]
    components: dict[str, Any] = field(default_factory=dict)

    @classmethod
    def of(cls, operations: Iterable[Operation]) -> "_Schemas":
        read: dict[str, Any] = {}
        written: dict[str, Any] = {}
        for operation in operations:
            for kind in (operation.query, *operation.bodies.values()):
                read[_key(kind)] = kind
            for content in filter(None, operation.answers.values()):
                written[_key(content[1])] = content[1]
        inputs: list[Any] = [(name, "validation", TypeAdapter(kind)) for name, kind in read.items()]
        inputs += [(name, "serialization", TypeAdapter(kind)) for name, kind in written.items()]
        by_type, definitions = TypeAdapter.json_schemas(inputs, ref_template=_REFERENCE, schema_generator=_Plain)
        return cls(by_type, definitions.get("$defs", {}))

    def read(self, kind: Any) -> Any:  # noqa: ANN401 - a type, and JSON
        """Return the schema of what a request brings."""
        return self.by_type[_key(kind), "validation"]

    def written(self, kind: Any) -> Any:  # noqa: ANN401 - a type, and JSON
        """Return the schema of what an answer holds."""
        return self.by_type[_key(kind), "serialization"]

    def parameters(self, query: type[BaseModel]) -> dict[str, Any]:
        """Return a query's schema, itself and not a reference to it."""
        schema = self.read(query)
        name = schema.get("$ref", "").rpartition("/")[2]
        itself: dict[str, Any] = self.components[name] if name else schema
        return itself


def _key(kind: Any) -> str:  # noqa: ANN401 - a type
    module = getattr(kind, "__module__", "")
    return f"{module}.{kind.__qualname__}" if isinstance(kind, type) else repr(kind)


def _described(operation: Operation, schemas: _Schemas) -> dict[str, Any]:
    described: dict[str, Any] = {
        "summary": operation.summary,
        "operationId": _identifier(operation),
        "tags": [operation.tag],
        "parameters": [*_path_parameters(operation), *_query_parameters(operation, schemas)],
        "responses": {
            str(int(status)): _answer(status, content, schemas) for status, content in sorted(operation.answers.items())
        },
        "security": [operation.security] if operation.security else [],
    }
    if operation.bodies:
        content = {media: {"schema": schemas.read(kind)} for media, kind in operation.bodies.items()}
        described["requestBody"] = {"required": FORM not in content or JSON not in content, "content": content}
    return described


def _identifier(operation: Operation) -> str:
    return "_".join([operation.method.lower(), *re.findall(r"[a-z0-9]+", operation.path.removeprefix(PREFIX))])


def _path_parameters(operation: Operation) -> list[dict[str, Any]]:
    return [
        {"name": name, "in": "path", "required": True, "schema": {"type": "string", "minLength": 1}}
        for name in re.findall(r"\{(\w+)\}", operation.path)
    ]


def _query_parameters(operation: Operation, schemas: _Schemas) -> list[dict[str, Any]]:
    schema = schemas.parameters(operation.query)
    required = schema.get("required", [])
    return [
        {
            "name": name,
            "in": "query",
            "required": name in required,
            "description": kind.get("description", ""),
            "schema": {key: value for key, value in kind.items() if key != "description"},
        }
        for name, kind in schema.get("properties", {}).items()
    ]


def _answer(status: HTTPStatus, content: tuple[str, Any] | None, schemas: _Schemas) -> dict[str, Any]:
    described: dict[str, Any] = {"description": HTTPStatus(status).phrase}
    if content is not None:
        media, kind = content
        described["content"] = {media: {"schema": schemas.written(kind)}}
    return described
