"""The files of a data set on disk: the search for them, decompression and storage.

A file is either in the data folder or in its subfolder MNIST/raw (the layout of torchvision), and may be
compressed with gzip. A new file is written under a temporary name in the same folder, flushed to disk and
renamed, so that a file is always complete.
"""

import gzip
import io
import os
import shlex
from pathlib import Path
from typing import NamedTuple

from aevb.console.environment import DATA
from aevb.errors import UserError
from aevb.files.atomic import write_atomically

__all__ = ["LIMIT", "Root", "find", "read", "root", "store", "unpack"]

LIMIT = 1 << 27
"""Maximum size of a file in bytes: larger than all published files, far below a decompression bomb."""


class Root(NamedTuple):
    """The data folder.

    Attributes:
        path: The folder.
        origin: The setting that chose the folder, as messages show it.
    """

    path: Path
    origin: str


def root(folder: str | None) -> Root:
    """Return the data folder.

    Args:
        folder: The value of the key data.root, or None.

    Returns:
        The folder `folder`; if it is None, the folder of the environment variable AEVB_DATA; if that is not
        set, ./data.
    """
    if folder is not None:
        return Root(Path(folder).expanduser(), f"data.root={folder}")
    if chosen := os.environ.get(DATA):
        return Root(Path(chosen).expanduser(), f"{DATA}={chosen}")
    return Root(Path("data"), "data.root=data (the default)")


def find(folder: Path, name: str) -> Path | None:
    """Search for a file, compressed or not, in a folder and in its subfolder MNIST/raw.

    Args:
        folder: The data folder.
        name: The name of the file without ".gz".

    Returns:
        The path of the file; None if there is no such file.
    """
    for directory in (folder / "MNIST" / "raw", folder):
        for path in (directory / name, directory / f"{name}.gz"):
            if os.path.isfile(path):
                return path
    return None


def read(path: Path) -> bytes:
    """Read a file without decompression.

    Args:
        path: The file.

    Returns:
        The bytes of the file.

    Raises:
        UserError: If the file cannot be read.
    """
    try:
        return path.read_bytes()
    except OSError as error:
        raise UserError(
            f"{path}: cannot be read ({error.strerror}); allowed: a file that you may read; "
            f"try: chmod u+r {shlex.quote(str(path))}"
        ) from error


def unpack(raw: bytes) -> bytes:
    """Decompress the bytes of a file if they are in gzip format.

    The format is recognised by the first two bytes, because the name of a file can be wrong.

    Args:
        raw: The bytes of the file.

    Returns:
        The decompressed bytes; `raw` if it is not in gzip format.

    Raises:
        OSError, EOFError, zlib.error: If the bytes are damaged.
        ValueError: If the decompressed bytes are more than LIMIT.
    """
    if raw[:2] != b"\x1f\x8b":
        return raw
    with gzip.GzipFile(fileobj=io.BytesIO(raw)) as archive:
        content = archive.read(LIMIT + 1)
    if len(content) > LIMIT:
        raise ValueError(f"more than {LIMIT:,} bytes")
    return content


def store(path: Path, raw: bytes) -> None:
    """Write a file atomically.

    Two processes may write the same file at the same time, because each of them writes a complete file.

    Args:
        path: The file.
        raw: The bytes to write.

    Raises:
        UserError: If the file cannot be written.
    """
    try:
        write_atomically(path, lambda file: file.write(raw))
    except UserError as error:
        reason = getattr(error.__cause__, "strerror", None) or "refused"
        raise UserError(
            f"{path}: cannot be written ({reason}); allowed: a folder that you may write to; try: data.root=DIR"
        ) from error
