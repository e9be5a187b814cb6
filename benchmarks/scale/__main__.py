"""`make scale`: computes the tables of docs/scale.md anew.

With `--check` it writes nothing, and ends with 1 where the page says something else.
"""

import difflib
import sys
from typing import Final

from benchmarks.scale.page import tables
from benchmarks.tables import filled
from local.template import ROOT

PAGE: Final = ROOT / "docs/scale.md"


def main(*, check: bool) -> int:
    """Run the command and return its exit status."""
    written = PAGE.read_text("utf-8")
    page = filled(written, tables())
    if not check:
        PAGE.write_text(page, "utf-8")
        print(f"{PAGE} has what was computed")
        return 0
    for line in difflib.unified_diff(written.splitlines(), page.splitlines(), "docs/scale.md", "computed", lineterm=""):
        print(line)
    return int(page != written)


if __name__ == "__main__":
    sys.exit(main(check="--check" in sys.argv[1:]))
