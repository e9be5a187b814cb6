"""Both of Auth0's ways to read a list in parts: by page, and from a checkpoint."""

import base64
import binascii
from collections.abc import Callable, Sequence
from typing import Annotated, Any, TypeVar, Union

from pydantic import Field, create_model
from pydantic.json_schema import SkipJsonSchema

from heirloom.management.problem import BadQuery
from heirloom.management.route import Answer, Model

MOST: int = 100
"""Elements in one answer."""

_T = TypeVar("_T")
Optional = Union[_T, SkipJsonSchema[None]]  # noqa: UP007 - `|` makes no generic alias of a variable
"""A member that may be missing, and is never null. No `type` statement: each use would be a schema with a name."""


def optional(kind: Any) -> Any:  # noqa: ANN401 - a type
    """Return the same for a type that is known at run time only."""
    return kind | Annotated[None, SkipJsonSchema()]  # type: ignore[type-arg] # it has none at run time


class Fields(Model):
    """Which properties of each object are wanted."""

    fields: Annotated[
        Optional[str], Field(max_length=1000, description="Names of properties, with commas between them.")
    ] = None
    include_fields: Annotated[bool, Field(description="Whether `fields` are wanted, or all others.")] = True


class Paged(Fields):
    """By page."""

    page: Annotated[int, Field(ge=0, le=100_000, description="Which page; the first is 0.")] = 0
    per_page: Annotated[int, Field(ge=1, le=MOST, description="Elements on a page.")] = 50
    include_totals: Annotated[
        bool, Field(description="Whether the answer is an object that tells the total, or a plain list.")
    ] = False


class Checkpoint(Fields):
    """From a checkpoint: for lists that may change while they are read."""

    from_: Annotated[
        Optional[str], Field(alias="from", max_length=1000, description="`next` of the answer before.")
    ] = None
    take: Annotated[int, Field(ge=1, le=MOST, description="Elements in one answer.")] = 50


class Listed(Paged):
    """Either way: with `from` or `take` it is the second."""

    from_: Annotated[
        Optional[str], Field(alias="from", max_length=1000, description="`next` of the answer before.")
    ] = None
    take: Annotated[Optional[int], Field(ge=1, le=MOST, description="Elements in one answer.")] = None


class Listing:
    """How a list of something is answered: plainly, or in an object whose member *name* has the elements."""

    def __init__(self, name: str, element: Any) -> None:  # noqa: ANN401 - a type, for pydantic
        """Take the name, and the type of the elements."""
        members: dict[str, Any] = {
            "start": (optional(int), None),
            "limit": (optional(int), None),
            "length": (optional(int), None),
            "total": (optional(int), None),
            "next": (optional(str), None),
            name: (list[element], ...),
        }
        title = "".join(part.title() for part in name.split("_"))
        self.name = name
        self.envelope: Callable[..., Answer] = create_model(f"{title}List", __base__=Answer, **members)
        self.plain_or_not: Any = list[element] | self.envelope

    def part(self, elements: Sequence[object], *, following: str | None = None) -> Answer:
        """Return some elements, and the cursor that leads on from them."""
        members: dict[str, Any] = {self.name: list(elements)}
        return self.envelope(next=following, **members)

    def page(self, elements: Sequence[object], query: Paged) -> object:
        """Return a page of *elements*, which are all that there are."""
        start = query.page * query.per_page
        part = list(elements[start : start + query.per_page])
        if not query.include_totals:
            return part
        members: dict[str, Any] = {"start": start, "limit": query.per_page, "length": len(part), self.name: part}
        return self.envelope(total=len(elements), **members)

    def after[E](self, elements: Sequence[E], query: Checkpoint | Listed, key: Callable[[E], str]) -> Answer:
        """Return the next elements after the query's cursor, by their keys."""
        take, last = query.take or 50, decoded(query.from_)
        rest = sorted((element for element in elements if key(element) > last), key=key)
        return self.part(rest[:take], following=encoded(key(rest[take - 1])) if len(rest) > take else None)

    def either[E](self, elements: Sequence[E], query: Listed, key: Callable[[E], str]) -> object:
        """Return what a list is asked for, in the one way or the other."""
        if query.from_ is None and query.take is None:
            ordered = sorted(elements, key=key)
            return self.page(ordered, query)
        return self.after(elements, query, key)


def encoded(key: str) -> str:
    """Return the cursor after the element with this key."""
    return base64.urlsafe_b64encode(key.encode()).decode().rstrip("=")


def decoded(cursor: str | None) -> str:
    """Return the key that a cursor stands for; raise `BadQuery` for anything but one of ours."""
    if cursor is None:
        return ""
    try:
        return base64.b64decode(cursor + "=" * (-len(cursor) % 4), altchars=b"-_", validate=True).decode()
    except (binascii.Error, ValueError):
        raise BadQuery("Query validation error: 'from' is no checkpoint of this API.") from None
