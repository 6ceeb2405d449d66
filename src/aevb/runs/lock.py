"""One process at a time in a run directory.

The lock is the kernel's (flock on <run>/LOCK), so it ends with its owner however that dies; what the file says is only for
people. Time stamps and process ids decide nothing.
"""

import json
import os
import socket
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import datetime
from pathlib import Path
from types import ModuleType
from typing import IO

from aevb.errors import UserError

__all__ = ["is_locked", "lock", "process_exists", "signal_owner"]


@contextmanager
def lock(directory: Path) -> Iterator[None]:
    """Makes this process the only one that writes in `directory`, which is made if need be.

    Removes first what a killed owner left half written. Raises UserError where another process is at work, or where nothing
    can be written.
    """
    path = directory / "LOCK"
    try:
        file = _take(path)
    except OSError as error:
        raise UserError(
            f"{directory}: cannot be written ({error.strerror}); allowed: a folder of yours on a disk with space; "
            "try: another output_dir="
        ) from error
    try:
        _clean(directory)
        yield
    finally:
        if _names(path, file):  # not if the folder has been removed, and perhaps made again by someone else
            path.unlink(missing_ok=True)
        file.close()


def is_locked(directory: Path) -> bool | None:
    """Whether a living process holds the lock of `directory`; None where no lock was ever taken, or it cannot be read."""
    fcntl = _fcntl()
    try:
        with (directory / "LOCK").open() as file:
            fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    except OSError:
        return None
    return False


def signal_owner(directory: Path, number: int) -> None:
    """Sends a signal to the process that holds the lock of `directory`, if there is one and it is on this machine."""
    with suppress(OSError, ValueError, KeyError, TypeError):
        said = json.loads((directory / "LOCK").read_text())
        if is_locked(directory) and said["host"] == socket.gethostname():
            os.kill(said["pid"], number)


def _fcntl() -> ModuleType:
    """The locks of Unix, imported late: finished runs can be loaded where there are none."""
    try:
        import fcntl
    except ImportError:
        raise UserError(
            f"{sys.platform}: aevb trains on Linux and macOS; allowed here: aevb.load of a finished run; try: WSL"
        ) from None
    return fcntl


def _take(path: Path) -> IO[str]:
    fcntl = _fcntl()
    while True:
        path.parent.mkdir(parents=True, exist_ok=True)
        file = path.open("a+")
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            file.seek(0)
            owner = _owner(file.read())
            file.close()
            raise UserError(
                f"{path.parent}: in use by {owner}; allowed: one process to a run; try: wait for it, or another name="
            ) from error
        if _names(path, file):
            break
        file.close()  # its owner removed it between our two calls
    file.truncate(0)
    now = datetime.now().astimezone().isoformat(timespec="seconds")
    json.dump({"pid": os.getpid(), "host": socket.gethostname(), "since": now}, file)
    file.flush()
    return file


def _names(path: Path, file: IO[str]) -> bool:
    try:
        return os.path.samestat(path.stat(), os.fstat(file.fileno()))
    except FileNotFoundError:
        return False


def _owner(text: str) -> str:
    with suppress(ValueError, KeyError, TypeError):
        said = json.loads(text)
        return f"process {said['pid']} on {said['host']} since {said['since']}"
    return "another process"


def _clean(directory: Path) -> None:
    # aevb.runs.files.save names what is not whole yet `.<name>-<pid>`. An evaluation may be writing one now: its owner lives.
    for path in directory.rglob(".*-*"):
        pid = path.name.rpartition("-")[2]
        if pid.isdecimal() and (int(pid) == os.getpid() or not process_exists(int(pid))):
            path.unlink(missing_ok=True)


def process_exists(pid: int) -> bool:
    """Whether there is a process of that id on this machine."""
    try:
        os.kill(pid, 0)
    except (ProcessLookupError, OverflowError):
        return False
    except PermissionError:
        return True
    return True
