"""The peak memory of the process."""

import resource
import sys

__all__ = ["peak_memory"]


def peak_memory() -> int:
    """Return the largest resident set size of this process so far.

    Returns:
        The size in bytes.
    """
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak if sys.platform == "darwin" else peak * 1024
