"""Zip archives (model.pt, checkpoints, .npz), checked before they are unpacked."""

import zipfile
from pathlib import Path
from typing import IO

from aevb.errors import UserError
from aevb.files.regular import open_regular

__all__ = ["is_intact", "is_stored", "open_bounded"]

MAX_UNPACKED = 1 << 30
"""Bytes that the members of a compressed archive may unpack to."""


def is_stored(file: IO[bytes]) -> bool:
    """Return whether every member of an open zip archive is stored as it is, and all of them fit into the file.

    torch.save and numpy.savez do not compress, so nothing they wrote can unpack to more than the file itself.

    Args:
        file: The open archive.
    """
    file.seek(0, 2)
    size = file.tell()
    file.seek(0)
    with zipfile.ZipFile(file) as archive:
        members = archive.infolist()
    file.seek(0)
    stored = all(item.compress_type == zipfile.ZIP_STORED and item.file_size == item.compress_size for item in members)
    return stored and sum(item.file_size for item in members) <= size


def is_intact(path: Path) -> bool:
    """Return whether a file that torch saved is as it was saved; torch.load reads changed bytes without complaint.

    Args:
        path: The path of the file.

    Raises:
        UserError: If there is something else than a regular file.
    """
    try:
        with open_regular(path) as file:
            if not is_stored(file):
                return False
            with zipfile.ZipFile(file) as archive:
                return archive.testzip() is None
    except (zipfile.BadZipFile, OSError, ValueError, EOFError, NotImplementedError):
        return False  # NotImplementedError: changed bytes have made up a method of compression


def open_bounded(path: Path) -> IO[bytes]:
    """Open a zip archive whose members unpack to at most 1 GiB.

    Args:
        path: The path of the file.

    Returns:
        The open file.

    Raises:
        UserError: If they unpack to more, or the file is damaged or no regular file.
        OSError: If it cannot be opened.
    """
    file = open_regular(path)
    try:
        with zipfile.ZipFile(file) as archive:
            size = sum(item.file_size for item in archive.infolist())
        if size > MAX_UNPACKED:
            raise UserError(f"{path}: unpacks to {size:,} bytes; allowed: {MAX_UNPACKED:,}; try: remove it")
    except (zipfile.BadZipFile, ValueError, NotImplementedError) as error:
        file.close()
        raise UserError(f"{path}: damaged ({error}); try: remove it") from error
    except UserError:
        file.close()
        raise
    file.seek(0)
    return file
