"""`make scale`: computes the tables of docs/scale.md anew; with `--check` tells whether the page says the same."""

import sys

from benchmarks import page
from benchmarks.scale.tables import tables
from local.template import ROOT

if __name__ == "__main__":
    sys.exit(page.updated(ROOT / "docs/scale.md", tables(), check="--check" in sys.argv[1:]))
