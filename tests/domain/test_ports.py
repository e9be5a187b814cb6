import subprocess
import sys

from local.template import ROOT


def test_naming_the_types_of_everything_loads_nothing() -> None:
    """A cold start pays for every class of the domain that it loads, and ports name them all."""
    script = "import heirloom.domain.ports, sys; print(*(one for one in sys.modules if one.startswith('heirloom.')))"
    done = subprocess.run(
        [sys.executable, "-c", script],
        env={"PYTHONPATH": str(ROOT / "layers/shared")},
        capture_output=True,
        text=True,
        check=True,
    )

    assert set(done.stdout.split()) == {"heirloom.domain", "heirloom.domain.ports"}
