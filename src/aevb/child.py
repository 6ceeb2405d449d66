"""A run as a child process: one worker, or one rank per device under torchrun.

Lightning must not start ranks itself: it would repeat the command line, and with it the whole sweep. The child lives no
longer than its parent, hears the signals that its parent gets, and tells itself why it failed.
"""

import ctypes
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from types import FrameType

from aevb.lock import lives

__all__ = ["GRACE", "LAUNCHER", "PARENT", "tie_to_launcher", "tie_to_parent", "work"]

PARENT = "AEVB_PARENT"  # environment variable: the process that its children shall not outlive
LAUNCHER = (
    "AEVB_LAUNCHER"  # environment variable: the command whose jobs this process, which it has started, is there for
)
PR_SET_PDEATHSIG = 1  # sys/prctl.h
GRACE = 60.0  # seconds for a child that was told to stop: torchrun gives its ranks 30 of them to save

# What a surrounding torchrun, or a script that once used one, would tell the child about ranks that are not its own.
FOREIGN = ("LOCAL_RANK", "RANK", "WORLD_SIZE", "LOCAL_WORLD_SIZE", "NODE_RANK", "GROUP_RANK", "GROUP_WORLD_SIZE")
FOREIGN_PREFIXES = ("MASTER_", "ROLE_", "TORCHELASTIC_", "PET_")


def work(directory: Path, devices: int, trusted: tuple[str, ...]) -> int:
    """Executes the run in `directory` on `devices` devices and returns the exit code, below zero if a signal ended it.

    trusted: users' modules that its config may name. SIGTERM and SIGINT are passed on; when the child has saved and gone,
    SystemExit(128 + signal) is raised, whatever it answered.
    """
    module = ["aevb.worker"] if devices == 1 else ["aevb.torchrun", str(devices)]
    trust = [argument for name in trusted for argument in ("--trust", name)]
    foreign = {name for name in os.environ if name in FOREIGN or name.startswith(FOREIGN_PREFIXES)}
    environment = {name: value for name, value in os.environ.items() if name not in (*foreign, LAUNCHER)}
    environment[PARENT] = str(os.getpid())
    with _signals_raise():
        child = None
        try:
            # A session of its own: Ctrl-C in a terminal goes to everyone in the foreground, and shall arrive once.
            command = [sys.executable, "-m", *module, str(directory), *trust]
            child = subprocess.Popen(command, env=environment, start_new_session=True)
            code = child.wait()
        except _Signal as caught:
            _end(child, caught.number)
            raise SystemExit(128 + caught.number) from None
        except BaseException:
            _end(child, signal.SIGTERM)
            raise
    for number in (signal.SIGTERM, signal.SIGINT):
        if code in (-number, 128 + number):  # the child alone was told; nobody wants the rest of a sweep after it
            raise SystemExit(128 + number)
    return code


class _Signal(BaseException):
    def __init__(self, number: int) -> None:
        super().__init__(number)
        self.number = number


@contextmanager
def _signals_raise() -> Iterator[None]:
    def hear(number: int, frame: FrameType | None) -> None:
        for again in before:
            signal.signal(again, signal.SIG_IGN)  # the child is being told already
        raise _Signal(number)

    before = {number: signal.getsignal(number) for number in (signal.SIGTERM, signal.SIGINT)}
    try:
        for number in before:
            signal.signal(number, hear)
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _end(child: subprocess.Popen[bytes] | None, number: int) -> None:
    if child is None:
        return
    child.send_signal(number)
    try:
        child.wait(GRACE)
    except subprocess.TimeoutExpired:
        child.kill()
        child.wait()


def tie_to_parent() -> None:
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
def tie_to_launcher() -> None:
    """Called by a job: has this process, if a parallel launcher started it, get SIGTERM when the command dies, until it ends.

    Such a process waits for further jobs when its own is done, and nobody else would tell it that none will come.
    """
    launcher, main = int(os.environ.get(LAUNCHER, os.getpid())), threading.main_thread().ident
    if launcher == os.getpid() or main is None:
        return
    child = launcher == os.getppid()  # joblib's are; submitit has a process of its own between

    def watch() -> None:
        while True:
            if os.getppid() != launcher if child else not lives(launcher):
                signal.pthread_kill(main, signal.SIGTERM)
            time.sleep(1.0)

    threading.Thread(target=watch, daemon=True).start()
