"""Commands forked from a process that has loaded torch, Lightning and aevb, so that a test does not wait for that each time.

The server is `multiprocessing`'s, one for each process of pytest, started with the first command. A command whose environment
such a server cannot have, because a library reads it once when it is loaded, has to be started from nothing.
"""

import json
import multiprocessing
import multiprocessing.forkserver
import os
import signal
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from multiprocessing.process import BaseProcess
from multiprocessing.reduction import DupFd
from pathlib import Path
from typing import Any

from aevb.execution.worker_command import thread_variables

__all__ = ["Forked", "as_begun"]

# What is read once, by the interpreter, the dynamic linker, the allocator or a library of linear algebra.
FIXED = (
    *("PYTHON", "LD_", "MALLOC_", "GLIBC_", "LC_", "LANG", "CUDA", "NCCL", "TORCH", "PYTORCH", "ATEN"),
    *("OMP_", "GOMP_", "KMP_", "MKL_", "OPENBLAS_", "NUMEXPR_", "BLIS_"),
)
# What the first process of the tests began with; conftest.py imports this file before any library that adds to the environment,
# as scikit-learn, Lightning and torch do.
BEGINNING: dict[str, str] = json.loads(
    os.environ.setdefault(
        "AEVB_TESTS_BEGAN_WITH",
        json.dumps({name: value for name, value in os.environ.items() if name.startswith(FIXED)}),
    )
)


class Forked:
    """A command in a process forked from the server; it has the methods of `subprocess.Popen` that the tests use.

    Args:
        words: The command line.
        folder: Its working directory.
        environment: Its environment.
        out: File descriptor of its standard output.
        err: File descriptor of its standard error.
    """

    def __init__(self, words: Sequence[str], folder: Path, environment: dict[str, str], out: int, err: int) -> None:
        self.words = list(words)
        context = multiprocessing.get_context("forkserver")
        own = {**environment, **thread_variables(1)}
        arguments = (self.words, str(folder), own, _Descriptor(out), _Descriptor(err))
        self.process: BaseProcess = context.Process(target=_console, args=arguments)
        _ensure_server()
        main = sys.modules.pop("__main__")  # or the child would import pytest
        sys.modules["__main__"] = type(sys)("__main__")
        try:
            self.process.start()
        finally:
            sys.modules["__main__"] = main

    @staticmethod
    def possible(environment: Mapping[str, str]) -> bool:
        """Whether the server has what a library reads from this environment when it is loaded."""
        fixed, own = (
            {name: value for name, value in all_of_them.items() if name.startswith(FIXED) and name != "PYTHONPATH"}
            for all_of_them in (BEGINNING, {**environment, **thread_variables(1)})
        )
        return sys.platform == "linux" and own == {**fixed, **thread_variables(1)}

    @property
    def pid(self) -> int:
        assert self.process.pid is not None
        return self.process.pid

    @property
    def returncode(self) -> int | None:
        return self.process.exitcode

    def poll(self) -> int | None:
        """The exit code, negative if a signal ended it; None while it lives."""
        return self.process.exitcode

    def wait(self, timeout: float | None = None) -> int:
        """Waits for the exit code; raises subprocess.TimeoutExpired."""
        self.process.join(timeout)
        if self.process.exitcode is None:
            raise subprocess.TimeoutExpired(self.words, timeout or 0.0)
        return self.process.exitcode

    def send_signal(self, number: int) -> None:
        """Sends a signal, if the command lives."""
        if self.process.exitcode is None:
            with suppress(ProcessLookupError):
                os.kill(self.pid, number)

    def kill(self) -> None:
        """SIGKILL."""
        self.send_signal(signal.SIGKILL)


def as_begun(environment: Mapping[str, str]) -> dict[str, str]:
    """`environment` without what libraries have added to this process's own, which no user's shell has."""
    added = [
        name
        for name, value in environment.items()
        if name.startswith(FIXED) and os.environ.get(name) == value != BEGINNING.get(name)
    ]
    return {
        **{name: value for name, value in environment.items() if name not in added},
        **{name: BEGINNING[name] for name in added if name in BEGINNING},
    }


def _console(*arguments: Any) -> None:
    from helpers.console import run_forked  # loaded by the server; it would load torch in the process of pytest

    run_forked(*arguments)


def _ensure_server() -> None:
    """Starts the server, if it does not run, with the environment that the tests began with."""
    before = dict(os.environ)
    multiprocessing.set_forkserver_preload(["helpers.uncollected", "helpers.console"])
    begun = as_begun(before)
    # With the user's own path, which may name another checkout of aevb than the one that is installed.
    path = [str(Path(__file__).parents[1]), *filter(None, [begun.get("PYTHONPATH")])]
    os.environ.update(begun | thread_variables(1) | {"PYTHONPATH": os.pathsep.join(path)})
    for name in before.keys() - begun.keys():
        del os.environ[name]
    try:
        multiprocessing.forkserver.ensure_running()
    finally:
        os.environ.clear()
        os.environ.update(before)


class _Descriptor:
    """A file descriptor that the new process receives."""

    def __init__(self, number: int) -> None:
        self.number = number

    def __reduce__(self) -> tuple[Callable[[Any], int], tuple[Any]]:
        return _received, (DupFd(self.number),)


def _received(duplicate: Any) -> int:
    return duplicate.detach()
