"""Python's garbage collector while the process of a command starts and ends.

The modules of torch and Lightning are 750,000 objects that live as long as the process. The collector would search them
again and again while they are imported, once more when training begins, and a last time at exit, without a result.
For a short run that is a third of the processor time outside training and evaluation.
"""

import atexit
import gc
from collections.abc import Iterator
from contextlib import contextmanager

__all__ = ["begin_process", "without_collection"]

_is_own_process = False


def begin_process() -> None:
    """State that this process executes one command: what it imports is left out of every collection, the last included.

    A process that belongs to somebody else, such as a notebook, does not call this: its objects stay collectable.
    """
    global _is_own_process
    if not _is_own_process:
        _is_own_process = True
        atexit.register(gc.freeze)


@contextmanager
def without_collection() -> Iterator[None]:
    """Do not collect garbage inside the `with` block, in which large packages are imported."""
    was_enabled = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if _is_own_process:
            gc.freeze()
        if was_enabled:
            gc.enable()
