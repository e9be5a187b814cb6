"""One route of the Management API: dispatch, scope, validation and documentation all read it."""

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from http import HTTPStatus
from typing import Any, Final

from pydantic import BaseModel, ConfigDict, RootModel, TypeAdapter

from heirloom.http import Request

PREFIX: Final = "/api/v2/"

_PARAMETER: Final = re.compile(r"\{(\w+)\}")


class Model(BaseModel):
    """What a request may bring: nothing that is not named."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class Answer(BaseModel):
    """What an answer holds. What is not known is left out."""

    model_config = ConfigDict(frozen=True)


class Nothing(Model):
    """A query without parameters."""


class Properties(RootModel[dict[str, Any]]):
    """A JSON object whose properties somebody else judges."""


@dataclass(frozen=True, slots=True)
class Call[Query: Model, Body]:
    """A request that nothing speaks against."""

    request: Request
    path: Mapping[str, str]
    query: Query
    body: Body


@dataclass(frozen=True, kw_only=True)
class Route:
    """`scope` is what a token must have, `None` for everybody; `path` is relative to `/api/v2/`."""

    method: str
    path: str
    scope: str | None
    summary: str
    handler: Callable[[Call[Any, Any]], object] = field(repr=False)
    query: type[Model] = Nothing
    body: type[BaseModel] | None = None
    described_body: type[BaseModel] | None = None
    """What the document shows for the body, where the route takes any object and judges it later."""
    answer: Any = None
    """The type of what the handler returns; `None` for an empty answer."""
    listed: str | None = None
    """The member of an answer to a list that has its elements."""
    status: HTTPStatus = HTTPStatus.OK
    cached_for: int | None = None
    """Seconds for which anybody may keep the answer; `None` for nobody."""
    problems: tuple[HTTPStatus, ...] = ()
    """Refusals of its own, besides those that every route has."""

    @cached_property
    def pattern(self) -> re.Pattern[str]:
        """Return what matches its paths. An id may hold slashes: an HTTP API decodes them before anybody looks."""
        literals = _PARAMETER.split(self.path)
        parts = [f"(?P<{part}>.+)" if index % 2 else re.escape(part) for index, part in enumerate(literals)]
        return re.compile(PREFIX + "".join(parts), re.DOTALL)

    @property
    def parameters(self) -> list[str]:
        """Return the names of what varies in its path."""
        return _PARAMETER.findall(self.path)

    @property
    def literal(self) -> int:
        """Return how much of its path does not vary: of two routes that match, the one with more is meant."""
        return len(_PARAMETER.sub("", self.path))

    @cached_property
    def dumped(self) -> Callable[[object], Any]:
        """Return what makes JSON values of what the handler returns."""
        adapter: TypeAdapter[object] = TypeAdapter(self.answer)
        return lambda value: adapter.dump_python(value, mode="json", by_alias=True, exclude_none=True)
