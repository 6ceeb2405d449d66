"""Peak memory of the process."""

import resource
import sys

__all__ = ["peak_memory"]


def peak_memory() -> int:
    """Bytes of the largest resident set this process has had."""
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak if sys.platform == "darwin" else peak * 1024
