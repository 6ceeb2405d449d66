"""Which processes a process has started, directly or through others."""

import os
import subprocess
from pathlib import Path

__all__ = ["descends_from"]

PROC = Path("/proc")  # Linux; elsewhere ps is asked
GENERATIONS = 100  # at most; ids are used again, so that a chain that changes while it is read could have no end


def descends_from(pid: int, ancestor: int) -> bool:
    """Return whether a process is another one, its child, or a child of a child.

    Args:
        pid: The id of the process.
        ancestor: The id of the other one.

    Returns:
        False also if the process has ended, or if nothing can be said.
    """
    for _ in range(GENERATIONS):
        if pid == ancestor:
            return True
        if pid <= 1:
            return False
        pid = _parent(pid)
    return False


def _parent(pid: int) -> int:
    try:
        if (PROC / str(os.getpid()) / "stat").exists():
            stat = (PROC / str(pid) / "stat").read_text("latin-1")  # "1 (a name) S 0 ..."
            return int(stat.rpartition(")")[2].split()[1])
        return int(subprocess.run(["ps", "-o", "ppid=", "-p", str(pid)], capture_output=True, text=True).stdout)
    except (OSError, ValueError, IndexError):
        return 0
