"""Programs that the pages for developers show: whole files, each with its name in a comment on its first line."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import yaml

from local.template import ROOT
from tests.docs.examples import examples
from tests.sdk.running import EMAIL, PASSWORD, SUBJECT, World

PAGES: Final = sorted((ROOT / "docs").glob("*.md"))
SECRET: Final = "correct-horse-battery-staple-and-more"
"""What the pages have for a client secret."""

_PROGRAM = re.compile(
    r"^```(?P<language>js|python)\n(?P<text>(?:(?://|#) (?P<name>\S+)\n)?.*?)^```$", re.DOTALL | re.MULTILINE
)


@dataclass(frozen=True, slots=True)
class Program:
    """A program of a page. `name` is empty where it has none, which is a mistake."""

    page: str
    language: str
    name: str
    text: str

    def at(self, world: World, origin: str) -> str:
        """Return it as a reader would run it: with the issuer in place of the page's, and with their own *origin*."""
        return _placed(self.text, world, origin)


def programs() -> Iterator[Program]:
    """Yield all programs of all pages."""
    for page in PAGES:
        for found in _PROGRAM.finditer(page.read_text("utf-8")):
            yield Program(page.stem, found["language"], found["name"] or "", found["text"])


def tenant(world: World) -> Mapping[str, Any]:
    """Return the settings that the three pages show, at the addresses where the programs run, and a person."""
    clients: list[Any] = []
    apis: dict[str, Any] = {}
    for page, origin in [("single-page", world.site), ("native", ""), ("web", world.server)]:
        for example in examples(ROOT / f"docs/{page}-applications.md"):
            document = yaml.safe_load(_placed(example.text, world, origin))
            clients += document["clients"]
            for api in document["resourceServers"]:
                assert apis.setdefault(api["identifier"], api) == api, "the pages agree about their API"
    person = {"user_id": SUBJECT, "email": EMAIL, "password": PASSWORD, "name": "Alice"}
    return {"clients": clients, "resourceServers": list(apis.values()), "users": [person]}


def written(program: Program, world: World, origin: str, folder: Path, **modules: str) -> Path:
    """Write a program for Node.js into the folder, with the *modules* that its page leaves to the reader."""
    (folder / "node_modules").symlink_to(ROOT / "tests/sdk/node_modules")
    for name, text in modules.items():
        (folder / f"{name}.mjs").write_text(text, "utf-8")
    file = folder / "program.mjs"
    file.write_text(program.at(world, origin), "utf-8")
    return file


def _placed(text: str, world: World, origin: str) -> str:
    host = world.issuer.removeprefix("https://").removesuffix("/")
    text = text.replace("https://login.example/", world.issuer).replace('"login.example"', f'"{host}"')
    return text.replace("https://app.example", origin.removesuffix("/"))
