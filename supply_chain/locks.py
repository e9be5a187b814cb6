"""What the locks say: `requirements/*.txt` for Python, `package-lock.json` for npm."""

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from packaging.requirements import Requirement
from packaging.utils import NormalizedName, canonicalize_name

ROOT: Final = Path(__file__).parent.parent
PYTHON: Final = tuple(sorted(ROOT.glob("requirements/*.txt")))
LAYER: Final = ROOT / "layers/dependencies/requirements.txt"
"""What the layer is built of: `requirements/product.txt`, where SAM looks for it."""
NPM: Final = tuple(
    ROOT / folder / "package-lock.json"
    for folder in ("benchmarks/performance/peers", "examples/browser", "local/dynamodb", "tests/sdk")
)

_HASH: Final = re.compile(r"\s--hash=([a-z0-9]+:[0-9a-f]+)")


@dataclass(frozen=True, slots=True)
class Locked:
    """One package of a lock: its version, and the hashes of the files that may be installed, `sha256:…`."""

    name: NormalizedName
    version: str
    hashes: tuple[str, ...]
    wanted: bool
    """Whether this machine needs it: some are for other systems."""

    @property
    def pin(self) -> str:
        """The package and its version, `name==version`."""
        return f"{self.name}=={self.version}"


def python(lock: Path) -> tuple[Locked, ...]:
    """Return what a lock of Python packages says. Raise `ValueError` for a line that pins no version."""
    return tuple(_entries(lock.read_text("utf-8")))


def _entries(text: str) -> Iterator[Locked]:
    for line in text.replace("\\\n", " ").splitlines():
        if not line.strip() or line.lstrip().startswith("#"):
            continue
        requirement = Requirement(_HASH.sub("", line))
        (pin,) = requirement.specifier
        if pin.operator != "==":
            raise ValueError(line)
        name = canonicalize_name(requirement.name)
        wanted = requirement.marker is None or requirement.marker.evaluate()
        yield Locked(name, pin.version, tuple(_HASH.findall(line)), wanted)


def npm(lock: Path) -> dict[str, dict[str, object]]:
    """Return what a lock of npm packages would fetch, by where it goes: neither the project itself nor its links."""
    packages: dict[str, dict[str, object]] = json.loads(lock.read_text("utf-8"))["packages"]
    return {place: one for place, one in packages.items() if "node_modules/" in place and not one.get("link")}
