"""The sizes of the arrays in an .npy or .npz file, checked before anything is unpacked.

A few kilobytes can unpack to terabytes, a header can announce any shape, and a sparse file is as long as it likes. So
what the headers announce must agree with what is stored, and must fit into the memory of the machine.
"""

import math
import os
import zipfile
from typing import IO, Any

import numpy as np

from aevb.errors import UserError

__all__ = ["FLOAT32", "check_fits", "check_sizes", "memory_bytes"]

FLOAT32 = 4
"""Bytes of a number, as the models take it."""

ZIP, NPY = b"PK", b"\x93NUMPY"


def memory_bytes() -> int:
    """Return the bytes of memory of this machine."""
    try:
        return os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    except (AttributeError, ValueError, OSError):  # not on Windows
        return 1 << 40


def check_sizes(file: IO[bytes]) -> None:
    """Check that the arrays of an open .npy or .npz file are as large as their headers announce, and fit into memory.

    Args:
        file: The file; it is read from its start and left there. Other formats are not checked.

    Raises:
        UserError: If they do not. The message does not name the file.
        ValueError: If a header cannot be read.
        zipfile.BadZipFile: If the archive is damaged.
    """
    file.seek(0)
    start = file.read(len(NPY))
    needed = 0
    if start == NPY:
        file.seek(0)
        size = os.fstat(file.fileno()).st_size
        needed = _check_array("the array", file, size)
    elif start.startswith(ZIP):
        with zipfile.ZipFile(file) as archive:
            for item in archive.infolist():
                with archive.open(item) as member:
                    needed += _check_array(item.filename.removesuffix(".npy"), member, item.file_size)
    file.seek(0)
    check_fits(needed)


def check_fits(needed: int) -> None:
    """Check that arrays fit into the memory of this machine.

    Args:
        needed: Their size as float32, in bytes.

    Raises:
        UserError: If they do not. The message does not name the file.
    """
    if needed > memory_bytes():
        raise UserError(
            f"{needed / 1e9:,.1f} GB as float32; allowed: at most the {memory_bytes() / 1e9:,.1f} GB of memory of this "
            "machine; try: fewer images"
        )


def _check_array(name: str, file: IO[bytes], size: int) -> int:
    """Return the bytes of an array as float32, where its own type is not larger."""
    if file.read(len(NPY)) != NPY:
        return size  # not an array: whoever reads it refuses it
    version = tuple(file.read(2))
    read: Any = np.lib.format.read_array_header_1_0 if version == (1, 0) else np.lib.format.read_array_header_2_0
    shape, _, dtype = read(file)
    if dtype.hasobject:
        return 0  # refused by whoever reads it
    count = math.prod(shape)
    if any(side < 0 for side in shape) or file.tell() + count * dtype.itemsize != size:
        raise UserError(
            f"{name}: announces {dtype} {shape}, which is not the {size:,} bytes that are stored; allowed: a whole file; "
            "try: save it anew"
        )
    return count * max(dtype.itemsize, FLOAT32)
