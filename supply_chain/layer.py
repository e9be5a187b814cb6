"""What the layer of third-party packages holds, and who imports each of them."""

import ast
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from importlib.metadata import Distribution, distribution, packages_distributions
from pathlib import Path
from typing import Final

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from supply_chain import locks

_PACKAGE: Final = locks.ROOT / "layers/shared/heirloom"

_DELETED: Final = "pycparser"
"""What `scripts/sam build` deletes: cffi wants it for compiling, and nothing imports it."""

_USE: Final = """
import importlib, sys
for name in sys.argv[1:]:
    importlib.import_module(name)
from heirloom.pages.device_name import device_name
device_name("Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0")
print(*sys.modules)
"""
"""Imports modules, and does the one thing for which a package of others imports something late."""


@dataclass(frozen=True, slots=True)
class Shipped:
    """A package in the layer."""

    name: str
    version: str
    licence: str
    size: int
    """Bytes, unpacked, on this processor."""
    ours: tuple[str, ...]
    """The parts of `heirloom` that import it: `adapters`."""
    through: tuple[str, ...]
    """The packages of the layer that want it."""


def pins() -> dict[str, locks.Locked]:
    """Return what the layer's lock says of every package that the layer ships, by name."""
    return {one.name: one for one in locks.python(locks.LAYER) if one.wanted and one.name != _DELETED}


def shipped() -> list[Shipped]:
    """Return every package of the layer, from its lock and from what is installed here, which is the same version."""
    locked = pins()
    installed = {name: distribution(name) for name in locked}
    ours = _imports()
    return [
        Shipped(
            name=name,
            version=locked[name].version,
            licence=_licence(one),
            size=sum(file.size or 0 for file in one.files or () if file.suffix != ".pyc"),
            ours=tuple(sorted(ours.get(name, ()))),
            through=tuple(sorted(other for other in locked if name in _wants(installed[other]))),
        )
        for name, one in installed.items()
    ]


def imported() -> set[str]:
    """Return the packages that a process has loaded which imported all of our modules, and what those import late."""
    sources = list(_PACKAGE.rglob("*.py"))
    ours = {".".join(path.relative_to(_PACKAGE.parent).with_suffix("").parts) for path in sources}
    modules = ours | {module for path in sources for module in _modules(path)}
    done = subprocess.run(
        [sys.executable, "-c", _USE, *sorted(modules)],
        env={"PYTHONPATH": str(_PACKAGE.parent), "PYTHONDONTWRITEBYTECODE": "1"},
        capture_output=True,
        text=True,
        check=True,
    )
    owners = packages_distributions()
    tops = {module.partition(".")[0] for module in done.stdout.split()}
    return {canonicalize_name(owner) for top in tops for owner in owners.get(top, ())}


def _imports() -> dict[str, set[str]]:
    """The parts of `heirloom` that import a package, by its name; imports inside functions too."""
    owners = packages_distributions()
    parts: dict[str, set[str]] = {}
    for path in _PACKAGE.rglob("*.py"):
        for module in _modules(path):
            for owner in owners.get(module.partition(".")[0], ()):
                parts.setdefault(canonicalize_name(owner), set()).add(path.relative_to(_PACKAGE).parts[0])
    return parts


def _modules(path: Path) -> Iterator[str]:
    """The modules that a file imports when it is run, sooner or later: those that only types need are none of them."""
    waiting: list[ast.AST] = [ast.parse(path.read_text("utf-8"))]
    while waiting:
        match node := waiting.pop():
            case ast.Import():
                yield from (alias.name for alias in node.names)
            case ast.ImportFrom(module=str(module), level=0):
                yield module
            case ast.If(test=ast.Name(id="TYPE_CHECKING")):
                waiting.extend(node.orelse)
            case _:
                waiting.extend(ast.iter_child_nodes(node))


def _wants(one: Distribution) -> set[str]:
    wanted = map(Requirement, one.requires or ())
    # An extra is wanted by whoever asks for it: heirloom has cryptography itself, beside pyjwt[crypto].
    return {
        canonicalize_name(each.name) for each in wanted if each.marker is None or each.marker.evaluate({"extra": ""})
    }


def _licence(one: Distribution) -> str:
    classified = [line for line in one.metadata.get_all("Classifier") or () if line.startswith("License ::")]
    said: str | None = one.metadata.get("License-Expression") or one.metadata.get("License")
    return said if said and "\n" not in said else ", ".join(line.rpartition(" :: ")[2] for line in classified)
