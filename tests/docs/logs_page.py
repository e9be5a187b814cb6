"""What docs/logs.md says, taken apart; every event of every test of the endpoints is held against it."""

import re
from collections.abc import Iterable
from functools import cache
from pathlib import Path

from heirloom.domain.events import Event
from local.template import ROOT

PAGE = Path(ROOT, "docs/logs.md")


@cache
def table(heading: str, number: int = 0) -> dict[str, list[str]]:
    """The other cells of a table below a heading, by what its first column has in code style."""
    page = "\n" + PAGE.read_text("utf-8")
    section = page.partition(f"\n{heading}\n")[2].partition("\n#")[0]
    assert section, heading
    tables = re.findall(r"(?:^\|.*\n)+", section, re.MULTILINE)
    _, _, *rows = tables[number].splitlines()
    cells = [[cell.strip() for cell in row.strip("|").split("|")] for row in rows]
    return {first.strip("`"): rest for first, *rest in cells}


def details(event_type: str) -> set[str]:
    """The details that an event of this type may have."""
    return set(re.findall(r"`(\w+)`", table("## Events")[event_type][-1]))


def check(events: Iterable[Event]) -> None:
    """Check that these events have no detail that the page does not tell of."""
    for event in events:
        untold = set(event.details) - details(event.type)
        assert not untold, f"{event.type.name} has details that docs/logs.md does not tell of: {untold}"
