"""How large the layers are: Lambda unpacks them for every fresh environment, and takes at most 250 MB of a function."""

from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from typing import Final
from zipfile import ZIP_DEFLATED, ZipFile

LAYERS: Final = ("DependenciesLayer", "SharedLayer")


@dataclass(frozen=True, slots=True)
class Size:
    """Bytes of a layer."""

    unpacked: int
    zipped: int
    compiled: int
    """Unpacked bytes of what Python compiled, which are part of them."""


def sizes(build: Path) -> dict[str, Size]:
    """Return the size of each layer in a build folder."""
    return {layer: _size(build / layer) for layer in LAYERS}


def _size(folder: Path) -> Size:
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    packed = BytesIO()
    with ZipFile(packed, "w", ZIP_DEFLATED) as archive:
        for path in files:
            archive.write(path, path.relative_to(folder))
    return Size(
        unpacked=sum(path.stat().st_size for path in files),
        zipped=len(packed.getvalue()),
        compiled=sum(path.stat().st_size for path in files if path.suffix == ".pyc"),
    )
