"""The machine that was measured on, and with what."""

import os
import platform
from datetime import datetime
from typing import Any

from aevb.runs.manifest import commit, installed_packages, processor
from benchmarks.children import cores

__all__ = ["describe", "load"]

PACKAGES = ("aevb", "torch", "lightning", "numpy", "jax")


def describe() -> dict[str, Any]:
    """Processor, cores, memory, versions, commit, time."""
    packages = installed_packages()
    return {
        "processor": processor(),
        "cores": cores(),
        "memory_gib": round(os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") / 2**30, 1),
        "system": platform.platform(),
        "versions": {"python": platform.python_version(), **{name: packages.get(name) for name in PACKAGES}},
        "commit": commit(),
        "time": datetime.now().astimezone().isoformat(timespec="seconds"),
    }


def load() -> float:
    """Processes that wanted to run, mean over the last minute: what else the machine was at."""
    return round(os.getloadavg()[0], 2)
