"""A folder of images, plain or with one folder for each class, as torchvision's ImageFolder reads it.

    mine/a.png, mine/b.png                        images without labels
    mine/cat/1.png, mine/dog/2.png                the classes 0, 1, ... in the order of their names
    mine/train/..., mine/test/..., mine/valid/... the splits, each in one of the two ways above

Every image becomes grey (ITU-R 601-2 luma) with 8 bits, or with `colour` red, green and blue with 8 bits each. All
must have the same size.
"""

import os
import warnings
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from aevb.console.counts import counted
from aevb.errors import UserError

__all__ = ["SUFFIXES", "read_folder"]

SUFFIXES = (".jpg", ".jpeg", ".png", ".ppm", ".bmp", ".pgm", ".tif", ".tiff", ".webp")
"""Suffixes of images, those of torchvision.datasets.folder.IMG_EXTENSIONS."""
SPLITS = {"train": "train", "test": "test", "valid": "valid", "val": "valid"}
EIGHT_BITS = ("1", "L", "LA", "P", "PA", "RGB", "RGBA", "CMYK", "YCbCr")
MAX_PIXELS = 1 << 24
"""Pixels of an image at most: larger ones are no data for these models, and may be decompression bombs."""


def read_folder(folder: Path, colour: bool = False) -> tuple[dict[str, np.ndarray], str]:
    """Read all images of a folder.

    Args:
        folder: The folder.
        colour: Whether images are read in colour.

    Returns:
        `x` and, if there are classes, `label`; or `train`, ... if the folders are named like splits. Images are
        (N, rows, columns) uint8, in colour (N, rows, columns, 3). Then the kind of the folder in words.

    Raises:
        UserError: If there are no images, if one cannot be read, or if their sizes differ.
    """
    folders = [entry.name for entry in _entries(folder) if entry.is_dir()]
    in_splits = "train" in folders and set(folders) <= set(SPLITS)
    splits = {SPLITS[name]: _images(folder / name) for name in folders} if in_splits else {"x": _images(folder)}
    size = _size(next(iter(splits.values()))[0][0])
    arrays, coloured = {}, 0
    for key, (paths, labels) in splits.items():
        images = np.empty((len(paths), *size, 3) if colour else (len(paths), *size), np.uint8)
        for index, path in enumerate(paths):
            images[index], has_colour = _pixels(path, size, "RGB" if colour else "L")
            coloured += has_colour
        arrays[key] = images
        if labels:
            arrays["label" if key == "x" else f"{key}_label"] = np.array(labels, np.int64)
    count = sum(len(paths) for paths, _ in splits.values())
    classes = len({label for _, labels in splits.values() for label in labels})
    source = f"a folder of {counted(count, 'image')}" + (
        f" in {counted(classes, 'class', 'classes')}" if classes else ""
    )
    made = "" if colour else ", made grey"
    return arrays, source + (f", {coloured:,} of them in colour{made}" if coloured else "")


def _entries(folder: Path) -> list[os.DirEntry[str]]:
    visible = (entry for entry in os.scandir(folder) if not entry.name.startswith("."))
    return sorted(visible, key=lambda entry: entry.name)


def _images(folder: Path) -> tuple[list[Path], list[int]]:
    entries = _entries(folder)
    classes = [entry.name for entry in entries if entry.is_dir()]
    plain = [Path(entry.path) for entry in entries if _is_image(entry.name) and entry.is_file()]
    if classes and plain:
        raise UserError(
            f"images beside folders ({plain[0].name}, {classes[0]}) in {folder.name}; allowed: images, or one folder for "
            "each class; try: move the images into a folder"
        )
    if plain:
        return plain, []
    paths, labels = [], []
    for label, name in enumerate(classes):
        inside = sorted(_walk(folder / name))
        if not inside:
            raise UserError(f"the folder {name} holds no images; allowed: {', '.join(SUFFIXES)}; try: remove it")
        paths += inside
        labels += [label] * len(inside)
    if not paths:
        raise UserError(
            f"a folder without images; allowed: {', '.join(SUFFIXES)}, in it or in one folder for each class; "
            "try: the folder of the images, or a file"
        )
    return paths, labels


def _walk(folder: Path) -> Iterator[Path]:
    for directory, _, names in os.walk(folder):
        yield from (Path(directory, name) for name in names if _is_image(name) and Path(directory, name).is_file())


def _is_image(name: str) -> bool:
    return name.lower().endswith(SUFFIXES) and not name.startswith(".")


def _size(path: Path) -> tuple[int, int]:
    from PIL import Image

    with _refused(path), Image.open(path) as image:
        columns, rows = image.size
    if rows * columns > MAX_PIXELS:
        raise UserError(f"{path.name} has {rows} x {columns} pixels; allowed: {MAX_PIXELS:,}; try: smaller images")
    return rows, columns


def _pixels(path: Path, size: tuple[int, int], mode: str) -> tuple[np.ndarray, bool]:
    from PIL import Image

    with _refused(path), Image.open(path) as image:
        columns, rows = image.size
        if (rows, columns) != size:
            raise UserError(
                f"{path.name} has {rows} x {columns} pixels, the first image {size[0]} x {size[1]}; allowed: one size; "
                f"try: image.resize(({size[1]}, {size[0]})) with Pillow"
            )
        if image.mode not in EIGHT_BITS:
            raise UserError(
                f"{path.name} has mode {image.mode}; allowed: 8 bits for each pixel; try: an .npy file of floats for others"
            )
        coloured = image.mode not in ("1", "L")
        return np.asarray(image.convert(mode)), coloured


class _refused:
    """Turns whatever Pillow raises at a damaged file into one line."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.quiet = warnings.catch_warnings()

    def __enter__(self) -> None:
        self.quiet.__enter__()
        warnings.simplefilter("error")  # Pillow only warns at a decompression bomb and at truncated metadata

    def __exit__(self, kind: object, error: BaseException | None, traceback: object) -> None:
        self.quiet.__exit__(None, None, None)
        if isinstance(error, Exception) and not isinstance(error, UserError):
            reason = " ".join(str(error).split())[:120] or type(error).__name__
            raise UserError(f"{self.path.name} is no image ({reason}); try: remove or replace it") from error
