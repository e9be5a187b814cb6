"""Whatever a page points to is there: files, headings, make's targets and their options."""

import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from urllib.parse import unquote, urlsplit

import pytest

from local.template import ROOT

PAGES = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", ROOT / "CHANGELOG.md", *sorted((ROOT / "docs").rglob("*.md"))]
CODE = re.compile(r"^```(\w*)\n(.*?)^```$", re.DOTALL | re.MULTILINE)
LINK = re.compile(r"\]\(([^)\s]+)\)")
HEADING = re.compile(r"^#+ (.+)$", re.MULTILINE)
COMMAND = re.compile(r"^\s*make\b(?P<arguments>[^#\n]*)", re.MULTILINE)
INLINE_COMMAND = re.compile(r"`make (?P<arguments>[^`]+)`")
OPTION = re.compile(r"\b([A-Z_]+)=")
TARGET = re.compile(r"^(?P<name>[a-z-]+):.*## (?P<help>.*)$", re.MULTILINE)


def name_of(page: Path) -> str:
    return str(page.relative_to(ROOT))


@cache
def anchors(page: Path) -> frozenset[str]:
    """Return the names of a page's headings, as GitHub makes them."""
    headings = HEADING.findall(CODE.sub("", page.read_text("utf-8")))
    return frozenset(re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings)


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_every_link_leads_somewhere(page: Path) -> None:
    text = CODE.sub("", page.read_text("utf-8"))
    dead = []
    for link in LINK.findall(text):
        target = urlsplit(link)
        if target.scheme:
            continue
        file = (page.parent / unquote(target.path)).resolve() if target.path else page
        if not file.exists() or (target.fragment and target.fragment not in anchors(file)):
            dead.append(link)
    assert dead == []


def commands(page: Path) -> Iterator[str]:
    """Yield the arguments of every `make` that a page shows, in a block of commands or in a sentence."""
    text = page.read_text("utf-8")
    for language, code in CODE.findall(text):
        if language in {"", "sh", "bash", "console"}:
            yield from COMMAND.findall(code)
    yield from INLINE_COMMAND.findall(CODE.sub("", text))


def test_every_make_command_is_one_of_the_makefile() -> None:
    makefile = (ROOT / "Makefile").read_text("utf-8")
    targets = {found["name"]: set(OPTION.findall(found["help"])) for found in TARGET.finditer(makefile)}
    for target in targets:
        recipe = makefile.partition(f"\n{target}:")[2].partition("\n\n")[0]
        targets[target] |= set(re.findall(r"\$\((?:or \$\()?([A-Z_]+)\b", recipe))
    wrong = []
    for page in PAGES:
        for arguments in commands(page):
            target, _, options = arguments.strip().partition(" ")
            unknown = set(OPTION.findall(re.sub(r"(['\"]).*?\1", "", options))) - targets.get(target, set())
            if (target and target not in targets) or unknown:
                wrong.append(f"{name_of(page)}: make {arguments.strip()}")
    assert wrong == []


def test_the_index_names_every_page() -> None:
    index = (ROOT / "docs/README.md").read_text("utf-8")
    missing = [page.name for page in sorted((ROOT / "docs").glob("*.md")) if f"({page.name})" not in index]
    assert missing == ["README.md"]
