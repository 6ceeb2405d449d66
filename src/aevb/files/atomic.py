"""Atomic files: written beside the target, synced and renamed, so that a reader sees the old or the new file.

A temporary file is called `.aevb-tmp-<name>-<pid>`. Only files of that pattern are ever removed as leftovers, only directly
in a folder that we write to, and only when the process that wrote them has ended.
"""

import json
import math
import os
import re
import stat
import threading
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import IO, Any

from aevb.errors import UserError
from aevb.files.folders import make_folders

__all__ = [
    "PREFIX",
    "finite",
    "process_exists",
    "remove_leftovers",
    "temporary",
    "utf8",
    "write_atomically",
    "write_json",
    "write_text",
]

PREFIX = ".aevb-tmp-"
LEFTOVER = re.compile(re.escape(PREFIX) + r".+-(\d+)(?:\.\d+)?", re.DOTALL)
NAME_BYTES = 200
"""Of the target's name in the name of the temporary file, which must stay below 255 bytes."""


def temporary(path: Path) -> Path:
    """Return the path of the temporary file that becomes `path`.

    Args:
        path: The target.

    Returns:
        A name in the same folder; it differs between processes and between threads.
    """
    name = os.fsdecode(os.fsencode(path.name)[:NAME_BYTES])
    thread = "" if threading.current_thread() is threading.main_thread() else f".{threading.get_ident()}"
    return path.with_name(f"{PREFIX}{name}-{os.getpid()}{thread}")


def write_atomically(path: Path, write: Callable[[IO[bytes]], Any], previous: Path | None = None) -> None:
    """Write a file as a whole or not at all.

    Args:
        path: The target; its folder is made if need be. A symbolic link there is replaced, not followed.
        write: Fills the temporary file, which is then synced and renamed.
        previous: Where the file that was at `path` is kept, if anywhere.

    Raises:
        UserError: If nothing can be written; what was there is then unchanged.
    """
    staged = temporary(path)
    try:
        make_folders(path.parent)
        staged.unlink(missing_ok=True)
        with staged.open("xb") as file:  # "x": never through a link that someone left there
            write(file)
            file.flush()
            os.fsync(file.fileno())
        if previous is not None and path.exists():
            os.replace(path, previous)
        os.replace(staged, path)
        _sync(path.parent)
    except (OSError, RuntimeError) as error:
        refused = error if isinstance(error, OSError) else error.__context__  # torch.save covers it up with another
        if not isinstance(refused, OSError):
            raise
        raise UserError(
            f"{path}: cannot be written ({refused.strerror}); what was there is kept; allowed: a folder of yours on a disk "
            "with space; try: make room there, then the same command"
        ) from error
    finally:
        with suppress(OSError):
            staged.unlink()


def _sync(folder: Path) -> None:
    # The names in a folder are on disk only when the folder is.
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def utf8(text: str) -> bytes:
    """Return text as UTF-8; a character of a file name that is not UTF-8 becomes an escape.

    Args:
        text: The text.
    """
    return text.encode(errors="backslashreplace")


def write_text(path: Path, text: str) -> None:
    """Write text atomically as UTF-8, see `write_atomically`.

    Args:
        path: The path of the file.
        text: The text.
    """
    write_atomically(path, lambda file: file.write(utf8(text)))


def write_json(path: Path, value: Any) -> None:
    """Write a value atomically as JSON, see `write_atomically`.

    Args:
        path: The path of the file.
        value: Anything that JSON can hold; a number that is not finite, which JSON lacks, becomes null.
    """
    write_text(path, json.dumps(finite(value), indent=2, allow_nan=False) + "\n")


def finite(value: Any) -> Any:
    """Return nested containers with None for every number that is not finite, which JSON lacks.

    Args:
        value: Dictionaries, lists and plain values.
    """
    if isinstance(value, dict):
        return {name: finite(item) for name, item in value.items()}
    if isinstance(value, list | tuple):
        return [finite(item) for item in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value


def remove_leftovers(folder: Path) -> None:
    """Remove the temporary files that killed processes left directly in `folder`.

    Args:
        folder: A folder that we write to. Its subfolders, and files without our prefix, are not touched.
    """
    with suppress(OSError), os.scandir(folder) as entries:
        for entry in entries:
            match = LEFTOVER.fullmatch(entry.name)
            if match is None or stat.S_ISDIR(entry.stat(follow_symlinks=False).st_mode):
                continue
            pid = int(match[1])
            if pid == os.getpid() or not process_exists(pid):
                with suppress(OSError):
                    os.unlink(entry.path)


def process_exists(pid: int) -> bool:
    """Return whether there is a process of that id on this machine.

    Args:
        pid: The id of the process.
    """
    try:
        os.kill(pid, 0)
    except (ProcessLookupError, OverflowError):
        return False
    except PermissionError:
        return True
    return True
