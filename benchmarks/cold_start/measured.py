"""What was measured, of one commit: kept as JSON to be compared with what comes later."""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Final, Self

from benchmarks.cold_start.sizes import Size
from benchmarks.cold_start.trials import Times

BEFORE: Final = Path(__file__).parent / "before.json"


@dataclass(frozen=True, slots=True)
class Measured:
    """Fresh processes of every function, and the layers that they have."""

    date: str
    commit: str
    machine: str
    functions: Mapping[str, tuple[Times, ...]]
    """When it was imported, and when its first and second answer were there, by the function's name."""
    layers: Mapping[str, Size]

    @classmethod
    def read(cls, path: Path) -> Self:
        """Return what was written."""
        told = json.loads(path.read_text("utf-8"))
        functions = {name: tuple(Times(**one) for one in times) for name, times in told["functions"].items()}
        layers = {name: Size(**one) for name, one in told["layers"].items()}
        return cls(told["date"], told["commit"], told["machine"], functions, layers)

    def write(self, path: Path) -> None:
        """Write it down."""
        path.write_text(json.dumps(asdict(self), indent=2) + "\n", "utf-8")
