"""Pages whose tables a program writes, each between `<!-- table: NAME -->` and `<!-- end -->`."""

import difflib
import re
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Final

from local.template import ROOT

_TABLE: Final = re.compile(r"(<!-- table: (?P<name>[a-z ]+) -->\n).*?(<!-- end -->)", re.DOTALL)


def updated(path: Path, by_name: Mapping[str, str], *, check: bool) -> int:
    """Put these tables on the page, and return the command's exit status.

    With *check* write nothing, print the difference, and return 1 where the page says something else.
    """
    name, written = path.relative_to(ROOT), path.read_text("utf-8")
    page = filled(written, by_name)
    if check:
        lines = difflib.unified_diff(written.splitlines(), page.splitlines(), str(name), "computed", lineterm="")
        difference = "\n".join(lines)
        print(difference, end="\n" if difference else "")
        return 1 if difference else 0
    path.write_text(page, "utf-8")
    print(f"{path} is up to date")
    return 0


def filled(page: str, by_name: Mapping[str, str]) -> str:
    """Return the page with these tables in their places; raise `KeyError` for a place without a table."""
    return _TABLE.sub(lambda place: f"{place[1]}{by_name[place['name']]}{place[3]}", page)


def table(page: str, name: str) -> list[list[str]]:
    """Return the cells of a table of a page, without its head; raise `KeyError` if there is none."""
    for place in _TABLE.finditer(page):
        if place["name"] == name:
            lines = place[0].splitlines()[3:-1]
            return [[cell.strip() for cell in line.strip("|").split("|")] for line in lines]
    raise KeyError(name)


def rows(names: Sequence[str], cells: Iterable[Sequence[object]]) -> str:
    """Return a table in Markdown."""
    lines = [names, ["---"] * len(names), *cells]
    return "".join("| " + " | ".join(map(str, it)) + " |\n" for it in lines).replace("|  |", "| |")
