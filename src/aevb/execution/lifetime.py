"""How processes end, and who dies with whom: a child with its parent, a parallel launcher's process with the command."""

import ctypes
import os
import signal
import sys
import threading
import time
from contextlib import suppress
from functools import cache
from pathlib import Path
from typing import NoReturn

from aevb.runs.lock import process_exists

__all__ = [
    "LAUNCHER",
    "PARENT",
    "STOPS",
    "exit_immediately",
    "exit_with_launcher",
    "exit_with_parent",
    "set_process_title",
]

PARENT = "AEVB_PARENT"  # environment variable: the process that its children shall not outlive
LAUNCHER = "AEVB_LAUNCHER"  # environment variable: the command for whose jobs a parallel launcher keeps processes
STOPS = (signal.SIGTERM, signal.SIGINT)  # what asks a process to save and end
PR_SET_PDEATHSIG = 1  # sys/prctl.h


def exit_with_parent() -> None:
    """Called by a child: has it sent SIGTERM when the process that started it dies (Linux only).

    Does nothing in a process that nobody started with PARENT in its environment.
    """
    parent = os.environ.pop(PARENT, None)
    if parent is None or sys.platform != "linux":
        return
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGTERM)
    if os.getppid() != int(parent):  # died before it could be watched
        sys.exit(128 + signal.SIGTERM)


@cache
def exit_with_launcher() -> None:
    """Called by a job: has this process, if a parallel launcher started it, get SIGTERM when the command dies, until it ends.

    Such a process waits for further jobs when its own is done, and nobody else would tell it that none will come.
    """
    launcher, main = int(os.environ.get(LAUNCHER, os.getpid())), threading.main_thread().ident
    if launcher == os.getpid() or main is None:
        return
    child = launcher == os.getppid()  # joblib's are; submitit has a process of its own between

    def watch() -> None:
        while True:
            if os.getppid() != launcher if child else not process_exists(launcher):
                signal.pthread_kill(main, signal.SIGTERM)
            time.sleep(1.0)

    threading.Thread(target=watch, daemon=True).start()


def set_process_title(words: list[str]) -> None:
    """What ps, top and pkill show of this forked process; cut off where the words of the one it was forked from were shorter."""
    with suppress(OSError, ValueError, IndexError):
        fields = Path("/proc/self/stat").read_text().rpartition(")")[2].split()  # from the third on, proc(5)
        start, end = int(fields[45]), int(fields[46])
        text = "\0".join(words).encode()[: end - start - 1]
        ctypes.memset(start, 0, end - start)
        ctypes.memmove(start, text, len(text))


def exit_immediately(code: int) -> NoReturn:
    """Ends the process, in which everything is written: Python's own end would now and then abort on threads of torch."""
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code)
