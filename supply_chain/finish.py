"""What `scripts/sam build` does to the layers that SAM built: leaves out what nobody loads, and compiles the rest.

SAM's own Python runs it, without any package of this project:

    python -m supply_chain.finish FOLDER
"""

import ast
import compileall
import py_compile
import shutil
import sys
from pathlib import Path
from typing import Final

_SOURCE: Final = Path(__file__).parent.parent / "layers/shared"
DEPENDENCIES: Final = "DependenciesLayer/python"
SHARED: Final = "SharedLayer/python"
_OPT: Final = "/opt/python"
"""Where Lambda puts what is in a layer's `python`; tracebacks show it."""

DESCRIPTIONS: Final = ("botocore/data", "boto3/data")
"""A folder for each of the 440 services that botocore knows: without this step they are a third of the layer."""

UNUSED: Final = ("pycparser*",)
"""cffi wants pycparser for compiling, so a lock without it is none to pip. No function compiles."""


class Unreadable(ValueError):
    """A source file could not be compiled; the message names it."""


def main(folder: Path) -> None:
    """Finish the layers in a build folder, as far as they are there: SAM can build a single function too."""
    dependencies = folder / DEPENDENCIES
    for pattern in UNUSED:
        for path in dependencies.glob(pattern):
            shutil.rmtree(path)
    services = mentioned(_SOURCE)
    for descriptions in DESCRIPTIONS:
        _describe_only(dependencies / descriptions, services)
    for layer in (dependencies, folder / SHARED):
        if layer.is_dir():
            compile_all(layer)


def mentioned(source: Path) -> set[str]:
    """Return every text that the code of a folder holds: the names of the services of its clients are among them.

    A name that is something else as well, such as `events`, keeps a service that nobody calls, which does no harm.
    """
    return {
        node.value
        for path in source.rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text("utf-8")))
        if isinstance(node, ast.Constant) and isinstance(node.value, str)
    }


def _describe_only(descriptions: Path, services: set[str]) -> None:
    for path in list(descriptions.glob("*/")):
        if path.name not in services:
            shutil.rmtree(path)


def compile_all(layer: Path) -> None:
    """Compile all modules of a layer, as Lambda would at each cold start: it cannot keep what it compiles.

    The same sources make the same bytes, wherever they are and whenever, or each build would be a new version of the
    layer. They are not compared with the sources when they are loaded: nobody can change either. Raise `Unreadable`.
    """
    done = compileall.compile_dir(
        layer,
        maxlevels=50,
        quiet=1,
        force=True,
        stripdir=str(layer),
        prependdir=_OPT,
        invalidation_mode=py_compile.PycInvalidationMode.UNCHECKED_HASH,
        workers=1,
    )
    if not done:
        raise Unreadable(layer)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
