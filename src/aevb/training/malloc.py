"""The process's memory: how much it took, and how glibc hands it out."""

import ctypes
import sys

__all__ = ["keep_freed_memory"]

M_TRIM_THRESHOLD, M_MMAP_THRESHOLD = -1, -3  # malloc.h


def keep_freed_memory() -> None:
    """Tells glibc to keep what is freed: autograd frees and takes the same megabytes at every step.

    Without it each step pays for page faults (1.2 to 1.4 times the time of a step of the paper's model). Does nothing where the
    C library is another.
    """
    if sys.platform != "linux":
        return
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    if mallopt is not None:
        mallopt(M_TRIM_THRESHOLD, 2**31 - 1)
        mallopt(M_MMAP_THRESHOLD, 2**30)
