"""Reading files that may have been left by anyone: regular files only, of a bounded size, never through a symbolic link.

A FIFO is opened without waiting for a writer, and refused like a device, a socket, a folder or a link.
"""

import errno
import os
import stat
from pathlib import Path
from typing import IO

from aevb.errors import UserError

__all__ = ["MIB", "check_folder", "is_regular", "open_regular", "read_bytes", "read_tail", "read_text", "remove_file"]

MIB = 1 << 20
FLAGS = os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_CLOEXEC", 0)
KINDS = {
    stat.S_IFLNK: "a symbolic link",
    stat.S_IFDIR: "a folder",
    stat.S_IFIFO: "a named pipe",
    stat.S_IFSOCK: "a socket",
    stat.S_IFCHR: "a device",
    stat.S_IFBLK: "a device",
}


def open_regular(path: Path | str, flags: int = FLAGS, mode: str = "rb") -> IO[bytes]:
    """Open a regular file.

    Args:
        path: The file; its last component is never followed if it is a link.
        flags: Flags of os.open; O_NOFOLLOW, O_NONBLOCK and O_CLOEXEC are always added.
        mode: Mode of the file object, binary.

    Returns:
        The open file.

    Raises:
        UserError: If there is something else than a regular file.
        OSError: If it cannot be opened, for example because there is none.
    """
    return os.fdopen(_open(path, flags | (FLAGS & ~os.O_RDONLY))[0], mode)


def _open(path: Path | str, flags: int) -> tuple[int, os.stat_result]:
    # A descriptor of a regular file, and its status.
    try:
        descriptor = os.open(path, flags, 0o666)
    except OSError as error:
        if error.errno in (errno.ELOOP, errno.ENXIO, errno.EISDIR, errno.EMLINK):
            raise _refusal(path, os.lstat(path).st_mode) from error
        raise
    status = os.fstat(descriptor)
    if not stat.S_ISREG(status.st_mode):
        os.close(descriptor)
        raise _refusal(path, status.st_mode)
    return descriptor, status


def _refusal(path: Path | str, mode: int, allowed: str = "a regular file") -> UserError:
    what = KINDS.get(stat.S_IFMT(mode), "a special file")
    return UserError(f"{path}: {what}, which is not followed or read; allowed: {allowed}; try: remove it")


def is_regular(path: Path) -> bool:
    """Return whether a regular file lies at `path`; False if there is nothing.

    Args:
        path: The path.

    Raises:
        UserError: If there is something else: a link, a named pipe, a folder...
    """
    try:
        mode = path.lstat().st_mode
    except (FileNotFoundError, NotADirectoryError):
        return False
    if not stat.S_ISREG(mode):
        raise _refusal(path, mode)
    return True


def check_folder(path: Path) -> bool:
    """Return whether a folder lies at `path`; False if there is nothing.

    Args:
        path: The path.

    Raises:
        UserError: If there is something else, for example a symbolic link to a folder elsewhere.
    """
    try:
        mode = path.lstat().st_mode
    except (FileNotFoundError, NotADirectoryError):
        return False
    if stat.S_ISREG(mode):
        raise UserError(f"{path}: a file; allowed: a folder; try: remove it")
    if not stat.S_ISDIR(mode):
        raise _refusal(path, mode, "a folder")
    return True


def read_bytes(path: Path | str, limit: int) -> bytes:
    """Read a regular file of at most `limit` bytes.

    Args:
        path: The path of the file.
        limit: The largest size, bytes.

    Returns:
        The content.

    Raises:
        UserError: If it is larger, or no regular file.
        OSError: If it cannot be opened.
    """
    descriptor, status = _open(path, FLAGS)
    try:
        raw = os.read(descriptor, min(limit, status.st_size) + 1)
        if len(raw) != status.st_size:  # the file grows, is large, or is in a file system that states no size
            with open(descriptor, "rb", closefd=False) as file:
                raw += file.read(limit + 1 - len(raw))
    finally:
        os.close(descriptor)
    if len(raw) > limit:
        most = f"{limit // MIB} MiB" if limit >= MIB else f"{limit:,} bytes"
        raise UserError(f"{path}: larger than {most}, which no file of this name is; try: remove it")
    return raw


def read_text(path: Path | str, limit: int) -> str:
    """Read a regular file of at most `limit` bytes as UTF-8 text.

    Args:
        path: The path of the file.
        limit: The largest size, bytes.

    Returns:
        The content.

    Raises:
        ValueError: The bytes are not UTF-8.
        UserError: The file is larger, or not a regular file.
        OSError: It cannot be opened.
    """
    return read_bytes(path, limit).decode("utf-8")


def read_tail(path: Path, limit: int) -> str:
    """Read the end of a regular file as text.

    Bytes that are not UTF-8 are replaced.

    Args:
        path: The path of the file.
        limit: The number of bytes.

    Returns:
        The text.
    """
    with open_regular(path) as file:
        file.seek(max(0, os.fstat(file.fileno()).st_size - limit))
        return file.read(limit).decode("utf-8", errors="replace")


def remove_file(path: Path) -> None:
    """Remove a file, or a link itself, if there is one.

    Args:
        path: The path.

    Raises:
        UserError: If there is a folder.
    """
    try:
        path.unlink(missing_ok=True)
    except (IsADirectoryError, PermissionError) as error:  # macOS gives the second for a folder
        if path.is_dir():
            raise _refusal(path, path.lstat().st_mode, "a file") from error
        raise
