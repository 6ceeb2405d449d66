"""The imports of the large packages, torch, Lightning and NumPy, at the start of a command's process.

Where the memory of a process is limited (`ulimit -v`, `ulimit -d`, some schedulers), OpenBLAS and OpenMP raise no exception
when it ends: they exit with a message of their own, crash, or try again for ever. So the import of such a library is first
tried in a forked copy of the process, which starts the library's threads and allocates a reserve. Without a limit, nothing
is tried.

The modules of torch and Lightning are 750,000 objects that live as long as the process. Python's garbage collector would
search them again and again while they are imported, once more when training begins, and a last time at exit, without a result.
For a short run that is a third of the processor time outside training and evaluation. The process of a command leaves them out
of every search, and ends without the last (aevb.console.process_exit).
"""

import gc
import os
import resource
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from importlib import import_module
from importlib.abc import MetaPathFinder
from types import ModuleType
from typing import Any

__all__ = ["begin_process", "memory_limit", "try_imports_first", "without_collection"]

SECONDS = 60  # of processor time; longer than any of the imports takes
MEGABYTE = 1 << 20
LIBRARIES = {"numpy": ("numpy", 64), "scipy": ("scipy.linalg", 64), "torch": ("torch", 256)}
"""The module that loads the native code of each library, and the reserve in MB with which it is tried."""

_is_own_process = False


def begin_process() -> None:
    """State that this process executes one command: what it imports is left out of every collection.

    A process that belongs to somebody else, such as a notebook, does not call this: its objects stay collectable. The process
    must not end by Python's own shutdown (aevb.console.process_exit).
    """
    global _is_own_process
    _is_own_process = True


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


def memory_limit() -> int | None:
    """Return the limit of this process's memory in bytes; None if there is none."""
    limits = [resource.getrlimit(kind)[0] for kind in (resource.RLIMIT_AS, resource.RLIMIT_DATA)]
    return min((limit for limit in limits if limit != resource.RLIM_INFINITY), default=None)


def try_imports_first() -> None:
    """Try the imports of LIBRARIES in a forked process before they are made; only where memory is limited."""
    if memory_limit() is not None and not any(isinstance(finder, _TriedFirst) for finder in sys.meta_path):
        sys.meta_path.insert(0, _TriedFirst())


class _TriedFirst(MetaPathFinder):
    """Finds no module, but raises MemoryError at the import of a library that does not fit."""

    def find_spec(self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None) -> None:
        if fullname in LIBRARIES and not _fits(*LIBRARIES[fullname]):
            limit = (memory_limit() or 0) // MEGABYTE
            raise MemoryError(f"{fullname} cannot be loaded within the limit of {limit} MB")


def _fits(module: str, reserve: int) -> bool:
    pid = os.fork()
    if not pid:
        _try(module, reserve)
    return os.waitpid(pid, 0)[1] == 0


def _try(module: str, reserve: int) -> None:
    code = 1
    try:
        sys.meta_path[:] = [finder for finder in sys.meta_path if not isinstance(finder, _TriedFirst)]
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
        resource.setrlimit(resource.RLIMIT_CPU, (SECONDS, SECONDS))  # OpenBLAS may try to allocate for ever
        null = os.open(os.devnull, os.O_RDWR)
        for descriptor in (1, 2):
            os.dup2(null, descriptor)
        library: Any = import_module(module.partition(".")[0])
        import_module(module)
        if module in ("numpy", "torch"):
            square = library.ones((300, 300))  # large enough for every thread
            square @ square
        bytearray(reserve * MEGABYTE)
        code = 0
    finally:
        os._exit(code)
