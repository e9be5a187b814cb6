"""Tables that programs write into pages for people, each between two marks."""

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Final

_TABLE: Final = re.compile(r"(<!-- table: (?P<name>[a-z ]+) -->\n).*?(<!-- end -->)", re.DOTALL)


def filled(page: str, by_name: Mapping[str, str]) -> str:
    """Return the page with these tables in their places; places of other tables stay as they are.

    Raise `KeyError` for a table without a place.
    """
    missing = by_name.keys() - {place["name"] for place in _TABLE.finditer(page)}
    if missing:
        raise KeyError(", ".join(sorted(missing)))
    return _TABLE.sub(
        lambda place: f"{place[1]}{by_name[place['name']]}{place[3]}" if place["name"] in by_name else place[0], page
    )


def table(names: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    """Return a table in Markdown."""
    lines = [names, ["---"] * len(names), *rows]
    return "".join(f"|{'|'.join(f' {cell} ' if str(cell) else ' ' for cell in line)}|\n" for line in lines)


def cells(page: str, name: str) -> list[list[str]]:
    """Return the cells of a table of a page, without its head; raise `KeyError` if there is none."""
    for place in _TABLE.finditer(page):
        if place["name"] == name:
            rows = place[0].splitlines()[3:-1]
            return [[cell.strip() for cell in row.strip("|").split("|")] for row in rows]
    raise KeyError(name)
