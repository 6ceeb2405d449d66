"""One process at a time in a run directory.

The lock is the kernel's (flock on <run>/LOCK), so it ends with its owner however that dies; what the file says is only for
people. Time stamps and process ids decide nothing.
"""

import json
import os
import socket
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import datetime
from pathlib import Path
from types import ModuleType
from typing import IO

from aevb.console.process_tree import descends_from
from aevb.errors import UserError
from aevb.files.atomic import remove_leftovers
from aevb.files.folders import make_folders
from aevb.files.regular import open_regular, read_bytes
from aevb.runs import layout
from aevb.runs.settings import check_folders

__all__ = ["is_locked", "lock", "signal_owned"]

LIMIT = 4096  # bytes of LOCK that are read
SECONDS = 0.01  # longer than another process takes to look at a lock
MOST_TESTS = 100  # looks in a row after which a lock counts as held


@contextmanager
def lock(directory: Path) -> Iterator[None]:
    """Make this process the only one that writes in a run directory.

    The directory is made if need be. Files that a killed owner left half written are removed first.

    Args:
        directory: The run directory.

    Raises:
        UserError: Another process trains the run, or nothing can be written.
    """
    path = directory / layout.LOCK
    try:
        check_folders(directory)
        file = _take(path)
    except OSError as error:
        raise UserError(
            f"{directory}: cannot be written ({error.strerror}); allowed: a folder of yours on a disk with space; "
            "try: another output_dir="
        ) from error
    try:
        for name in ("", *layout.FOLDERS):
            remove_leftovers(directory / name)
        yield
    finally:
        if _names(path, file):  # not if the folder has been removed, and perhaps made again by someone else
            path.unlink(missing_ok=True)
        file.close()


def is_locked(directory: Path) -> bool | None:
    """Return whether a living process holds the lock of a run directory.

    Args:
        directory: The run directory.

    Returns:
        None if no lock was ever taken, or if it cannot be read.
    """
    fcntl = _fcntl()
    try:
        with open_regular(f"{directory}/{layout.LOCK}") as file:
            fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    except (OSError, UserError):
        return None
    return False


def signal_owned(directory: Path, number: int) -> bool:
    """Send a signal to the process that holds the lock of a run directory, if this process has started it.

    A run in training may be another command's, which goes on.

    Args:
        directory: The run directory.
        number: The number of the signal.

    Returns:
        Whether it was sent.
    """
    with suppress(UserError, OSError, ValueError, KeyError, TypeError, RecursionError):
        owner = json.loads(read_bytes(directory / layout.LOCK, LIMIT))
        pid = owner["pid"]  # zero and below stand for groups of processes
        if type(pid) is int and pid > 1 and is_locked(directory) and owner["host"] == socket.gethostname():
            if not descends_from(pid, os.getpid()):
                return False
            os.kill(pid, number)
            return True
    return False


def _fcntl() -> ModuleType:
    """The locks of Unix, imported late: finished runs can be loaded where there are none."""
    try:
        import fcntl
    except ImportError:
        raise UserError(
            f"{sys.platform}: aevb trains on Linux and macOS; allowed here: aevb.load of a finished run; try: WSL"
        ) from None
    return fcntl


def _take(path: Path) -> IO[bytes]:
    fcntl, tests = _fcntl(), 0
    while True:
        make_folders(path.parent)
        file = open_regular(path, os.O_RDWR | os.O_CREAT, "r+b")
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            if tests < MOST_TESTS and _is_only_tested(file):
                tests += 1
                file.close()
                time.sleep(SECONDS)
                continue
            owner = _owner(file.read(LIMIT))
            file.close()
            raise UserError(
                f"{path.parent}: in use by {owner}; allowed: one process to a run; try: wait for it, or another name="
            ) from error
        if _names(path, file):
            break
        file.close()  # its owner removed it between our two calls
    file.truncate(0)
    now = datetime.now().astimezone().isoformat(timespec="seconds")
    file.write(json.dumps({"pid": os.getpid(), "host": socket.gethostname(), "since": now}).encode())
    file.flush()
    return file


def _is_only_tested(file: IO[bytes]) -> bool:
    # Whether no process owns the lock, and one looks at it at this moment (`is_locked`), as aevb-status does.
    fcntl = _fcntl()
    try:
        fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _names(path: Path, file: IO[bytes]) -> bool:
    try:
        return os.path.samestat(path.lstat(), os.fstat(file.fileno()))
    except FileNotFoundError:
        return False


def _owner(text: bytes) -> str:
    with suppress(ValueError, KeyError, TypeError, RecursionError):
        owner = json.loads(text)
        return f"process {owner['pid']} on {owner['host']} since {owner['since']}"
    return "another process"
