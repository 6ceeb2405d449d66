"""Process lifetime: a child process ends when its parent process has died, and a job when its command has."""

import multiprocessing
import os
import signal
import threading
import time
from collections.abc import Callable
from functools import cache

from aevb.console.environment import LAUNCHER
from aevb.files.atomic import process_exists

__all__ = ["ORPHAN_SECONDS", "exit_with_launcher", "exit_with_parent"]

ORPHAN_SECONDS = 6.0  # in which an orphan must have saved, since no other process would stop it


def exit_with_parent(seconds: float | None = ORPHAN_SECONDS) -> None:
    """Make this process stop as by SIGTERM when the process that started it dies; called once, by a child.

    Does nothing in a process that `multiprocessing` has not started.

    Args:
        seconds: After how long it is killed if it has not ended by then; None: never.
    """
    parent, parent_id = multiprocessing.parent_process(), os.getppid()
    if parent is None:
        return

    def orphaned() -> bool:
        parent.join(0.25)
        # A process from a fork server is a child of that server, which may be killed alone.
        return not parent.is_alive() or os.getppid() != parent_id

    _stop_when(orphaned, seconds, repeat=False)


@cache
def exit_with_launcher() -> None:
    """Make this process stop as by SIGTERM when the command dies, if joblib or submitit started it for the command.

    Such a process waits for further jobs when its own is done, and would wait for ever.
    """
    value = os.environ.get(LAUNCHER, "")
    launcher = int(value) if value.isascii() and value.isdecimal() and len(value) < 10 else 0  # else it is not ours
    if launcher in (0, os.getpid()):
        return
    is_parent = launcher == os.getppid()  # true of joblib's; submitit has a process of its own between

    def orphaned() -> bool:
        time.sleep(1.0)
        return os.getppid() != launcher if is_parent else not process_exists(launcher)

    _stop_when(orphaned, None, repeat=True)


def _stop_when(orphaned: Callable[[], bool], seconds: float | None, repeat: bool) -> None:
    main = threading.main_thread().ident
    assert main is not None

    def watch() -> None:
        while not orphaned():
            pass
        signal.pthread_kill(main, signal.SIGTERM)
        while repeat:  # joblib takes the SystemExit of a job for its result, and continues
            time.sleep(1.0)
            signal.pthread_kill(main, signal.SIGTERM)
        if seconds is not None:
            time.sleep(seconds)
            os.kill(os.getpid(), signal.SIGKILL)

    threading.Thread(target=watch, name="watch-parent", daemon=True).start()
