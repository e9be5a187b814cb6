"""What `make run` is made of, and the programs that try the service without an AWS account. Never deployed."""

import sys
from pathlib import Path

# The package heirloom lies where its Lambda layer is made from, which is not where Python looks.
_LAYER = str(Path(__file__).parent.parent / "layers/shared")
if _LAYER not in sys.path:
    sys.path.append(_LAYER)
