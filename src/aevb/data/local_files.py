"""Files of a data set: where they are looked for, how they are unpacked, and how one is put there.

A file lies in the root or in the root's MNIST/raw (torchvision's layout), packed by gzip or not. A new file appears
under its name only when it is whole: it is written beside the target, flushed to disk and renamed.
"""

import gzip
import io
import os
from pathlib import Path
from typing import NamedTuple

from aevb.console.environment import DATA
from aevb.errors import UserError
from aevb.files.atomic import write_atomically

__all__ = ["LIMIT", "Root", "find", "read", "root", "store", "unpack"]

LIMIT = 1 << 27
"""Bytes of the largest file that is read: above every published one, far below a decompression bomb."""


class Root(NamedTuple):
    """The folder of the data, and the words that say who chose it."""

    path: Path
    origin: str


def root(given: str | None) -> Root:
    """`given` (the key data.root), else the environment's AEVB_DATA, else ./data."""
    if given is not None:
        return Root(Path(given).expanduser(), f"data.root={given}")
    if chosen := os.environ.get(DATA):
        return Root(Path(chosen).expanduser(), f"{DATA}={chosen}")
    return Root(Path("data"), "data.root=data (the default)")


def find(folder: Path, name: str) -> Path | None:
    """The file `name` or `name`.gz in `folder` or its MNIST/raw; None where there is none."""
    for place in (folder / "MNIST" / "raw", folder):
        for path in (place / name, place / f"{name}.gz"):
            if os.path.isfile(path):
                return path
    return None


def read(path: Path) -> bytes:
    """The bytes of a file as they lie there."""
    try:
        return path.read_bytes()
    except OSError as error:
        raise UserError(f"{path}: cannot be read ({error.strerror}); mend its permissions or replace it") from error


def unpack(raw: bytes) -> bytes:
    """`raw` without its gzip packing, if it has one: told by its first bytes, since names lie.

    Raises OSError, EOFError or zlib.error for damaged bytes, ValueError above LIMIT.
    """
    if raw[:2] != b"\x1f\x8b":
        return raw
    with gzip.GzipFile(fileobj=io.BytesIO(raw)) as archive:
        content = archive.read(LIMIT + 1)
    if len(content) > LIMIT:
        raise ValueError(f"more than {LIMIT:,} bytes")
    return content


def store(path: Path, raw: bytes) -> None:
    """Puts `raw` at `path` in one step; two processes may do so at once, since either file is whole."""
    try:
        write_atomically(path, lambda file: file.write(raw))
    except UserError as error:
        reason = getattr(error.__cause__, "strerror", None) or "refused"
        raise UserError(f"{path}: cannot be written ({reason}); choose another folder with data.root=DIR") from error
