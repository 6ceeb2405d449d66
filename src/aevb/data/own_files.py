"""The arrays of a file or folder of a user's own: .npz, .npy, .csv, .tsv, .pt, or a folder of images.

The format is recognised by the first bytes of the file; only text needs the suffix .csv or .tsv. Nothing in
a file is executed: pickles are refused, and torch is imported only for .pt. An .npy file is not read but
mapped into memory, so that only the pages that are used are in memory.

The arrays are returned by key. The images are `x`, or `train` and optionally `valid` and `test`; their labels
are `label`, `train_label`, `valid_label` and `test_label`. The names of other libraries for these keys are
accepted as well (`ALIASES`).
"""

import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import IO, Any, NamedTuple

import numpy as np

from aevb.console.typed import typed_path
from aevb.data.array_sizes import FLOAT32, check_fits, check_sizes
from aevb.data.csv_table import read_csv
from aevb.data.image_folder import read_folder
from aevb.data.torch_file import is_torch_archive, read_torch
from aevb.errors import UserError
from aevb.files.archive import is_stored
from aevb.files.regular import open_regular

__all__ = ["ALLOWED", "OwnArrays", "read_own"]

ALLOWED = ".npz, .npy, .csv, .tsv, .pt or a folder of images"
WHOLE = {"x", "label"}
PARTS = {"train", "valid", "test", "train_label", "valid_label", "test_label"}
SPLITS = {"train": "train", "test": "test", "valid": "valid", "val": "valid", "validation": "valid"}
ALIASES = {
    **dict.fromkeys(("y", "labels", "targets", "target"), "label"),
    **dict.fromkeys(("images", "data", "X"), "x"),
    **{name: part for split, part in SPLITS.items() for name in (split, f"x_{split}", f"X_{split}", f"{split}_images")},
    **{
        name: f"{part}_label"
        for split, part in SPLITS.items()
        for name in (f"{split}_label", f"{split}_labels", f"y_{split}")
    },
}
"""Key that other libraries write -> the key here."""


class OwnArrays(NamedTuple):
    """What a file or folder holds.

    Attributes:
        arrays: The arrays by key, as they are stored.
        source: The kind of the source in a few words, as "an .npz file" or "a folder of 20 images in 2 classes".
    """

    arrays: dict[str, np.ndarray]
    source: str


def read_own(path: Path, colour: bool = False) -> OwnArrays:
    """Read the arrays of a file or folder.

    Args:
        path: The file or folder; links are followed.
        colour: Whether a folder of images is read in colour.

    Returns:
        The arrays by key; images of several axes, labels of one.

    Raises:
        UserError: If there is nothing that can be read, with one line that names `data.path`.
    """
    try:
        where = path.resolve()
        if where.is_dir():
            arrays, source = read_folder(where, colour)
        else:
            with open_regular(where) as file:
                arrays, source = _read_file(where, file)
        check_fits(sum(array.size * max(array.itemsize, FLOAT32) for array in arrays.values()))
        return OwnArrays(_renamed(arrays), source)
    except UserError as error:
        reason = str(error).removeprefix(f"{where}: ").replace("try: remove it", "try: another path")
        raise UserError(f"data.path={path}: {reason}") from error
    except FileNotFoundError as error:
        raise UserError(
            f"data.path={path}: no such file or folder; allowed: {ALLOWED}; try: ls {typed_path(path.parent)}"
        ) from error
    except OSError as error:
        reason = error.strerror or " ".join(str(error).split())
        raise UserError(
            f"data.path={path}: cannot be read ({reason}); try: mend its permissions or the path"
        ) from error
    except Exception as error:  # numpy, zipfile, zlib and PIL raise different errors for a damaged file
        reason = " ".join(str(error).split())[:200] or type(error).__name__
        raise UserError(f"data.path={path}: damaged or no file of numbers ({reason}); try: save it anew") from error


def _read_file(path: Path, file: IO[bytes]) -> tuple[dict[str, np.ndarray], str]:
    start = file.read(4096)
    file.seek(0)
    if start[:6] == b"\x93NUMPY":
        check_sizes(file)
        return {"x": _npy(path, file)}, "an .npy file"
    if start[:2] == b"PK":
        if is_torch_archive(file):
            if not is_stored(file):
                raise UserError(
                    "a .pt file that is compressed; allowed: what torch.save wrote; try: torch.save(x, 'mine.pt')"
                )
            return read_torch(path), "a .pt file"
        check_sizes(file)
        return _npz(file), "an .npz file"
    if start[:2] == b"\x1f\x8b":
        raise UserError(
            f"compressed with gzip, which is not unpacked; allowed: {ALLOWED}; try: gunzip -k {typed_path(path)}"
        )
    if start[:1] == b"\x80":
        raise UserError(
            f"a pickle, which is not read because it could execute code; allowed: {ALLOWED}; "
            "try: numpy.savez_compressed('mine.npz', x=x)"
        )
    if not start:
        raise UserError(f"empty; allowed: {ALLOWED}; try: save it anew")
    if not _is_text(start) and path.suffix.lower() in (".csv", ".tsv"):
        raise UserError("text that is not UTF-8, or damaged; allowed: a table of numbers, UTF-8; try: save it as UTF-8")
    if not _is_text(start):
        raise UserError(
            f"of a format that is not known; allowed: {ALLOWED}; try: numpy.savez_compressed('mine.npz', x=x)"
        )
    if path.suffix.lower() not in (".csv", ".tsv"):
        raise UserError(f"text, but not named .csv or .tsv; allowed: {ALLOWED}; try: {path.stem}.csv, if it is a table")
    return read_csv(file)


def _is_text(start: bytes) -> bool:
    try:
        start.decode("utf-8")
    except UnicodeDecodeError as error:
        return error.start > len(start) - 4 and b"\0" not in start  # cut within a character
    return b"\0" not in start


def _npy(path: Path, file: IO[bytes]) -> np.ndarray:
    version = np.lib.format.read_magic(file)
    read_header = np.lib.format.read_array_header_1_0 if version == (1, 0) else np.lib.format.read_array_header_2_0
    shape, _, dtype = read_header(file)
    if dtype.hasobject:
        raise UserError("an object array, which is a pickle; allowed: an array of numbers; try: x.astype('float32')")
    if 0 in shape:  # an empty file cannot be mapped
        return np.empty(shape, dtype)
    return np.lib.format.open_memmap(path, mode="r")


def _npz(file: IO[bytes]) -> dict[str, np.ndarray]:
    try:
        archive = np.load(file, allow_pickle=False)
    except zipfile.BadZipFile as error:
        raise UserError(f"a damaged .npz file ({error}); try: save it anew") from error
    _renamed(dict.fromkeys(archive.files))  # refuses other keys before their arrays are read
    return {key: _member(archive, key) for key in archive.files}


def _member(archive: Any, key: str) -> np.ndarray:
    try:
        array: np.ndarray = archive[key]
    except ValueError as error:
        if "Object arrays" not in str(error):
            raise
        label = ALIASES.get(key, key).endswith("label")
        remedy = (
            f"numpy.unique({key}, return_inverse=True)[1], which numbers the classes"
            if label
            else f"{key}.astype('float32')"
        )
        raise UserError(
            f"{key} is an object array, which is a pickle; allowed: arrays of numbers; try: {remedy}"
        ) from error
    return array


def _renamed(arrays: Mapping[str, Any]) -> dict[str, Any]:
    """Return the arrays by the keys of this module; refuse what does not fit together."""
    renamed = {ALIASES.get(key, key): array for key, array in arrays.items()}
    keys = set(renamed)
    if len(renamed) < len(arrays) or not ("x" in keys <= WHOLE or "train" in keys <= PARTS):
        raise UserError(
            f"holds {', '.join(arrays) or 'nothing'}; allowed: x (and label or y), or train (and test, valid, "
            f"train_label, test_label, valid_label); try: numpy.savez_compressed('mine.npz', x=x, label=label)"
        )
    for key in sorted(keys):
        images = key.removesuffix("_label")
        if images not in keys:
            raise UserError(
                f"holds {key} without {images}; allowed: labels of images that are there; try: leave it out"
            )
    return renamed
