"""The page about cost has what the calls of today cost."""

import re
import subprocess
import sys

from benchmarks import prices, tables
from local.template import ROOT

PAGE = (ROOT / "docs/cost.md").read_text("utf-8")


def test_the_page_has_what_is_counted_now() -> None:
    """In a process of its own, which becomes the functions and counts every call that they make."""
    command = [sys.executable, "-m", "benchmarks.cost", "--check"]
    done = subprocess.run(
        command,
        cwd=ROOT,
        env={"PATH": "/usr/bin:/bin", "PYTHONPATH": "layers/shared"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, f"make cost\n{done.stdout}{done.stderr}"


def test_another_number_on_the_page_would_be_seen() -> None:
    names = re.findall(r"<!-- table: ([a-z ]+) -->", PAGE)
    changed = PAGE.replace("| refresh | 1 | 1 UpdateItem |", "| refresh | 1 | 2 UpdateItem |")
    written = {name: PAGE.partition(f"<!-- table: {name} -->\n")[2].partition("<!-- end -->")[0] for name in names}

    assert changed != PAGE
    assert tables.filled(changed, written) == PAGE


def test_every_price_says_where_it_is_from_and_the_page_of_what_day() -> None:
    assert all(
        re.fullmatch(r"https://aws\.amazon\.com/[a-z0-9/-]+/pricing/(on-demand/)?", it.source)
        for it in prices.ALL.values()
    )
    assert f"As of {prices.AS_OF}." in PAGE
