"""The machine on which something was measured."""

import os
import platform
from pathlib import Path
from typing import Final

_GB: Final = 1024**3


def described(load_before: float) -> str:
    """Return what kind of machine this is, and how busy it was before."""
    names = [
        line.partition(":")[2].strip()
        for line in (Path("/proc/cpuinfo").read_text("utf-8").splitlines() if Path("/proc/cpuinfo").exists() else [])
        if line.startswith("model name")
    ]
    processor = names[0] if names else platform.processor() or platform.machine()
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / _GB
    return (
        f"{os.cpu_count()} cores of {processor}, {memory:.0f} GB, {platform.system()} {platform.machine()};"
        f" load average {load_before:.1f} at the beginning"
    )
