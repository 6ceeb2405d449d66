"""A folder of images, plain or with one folder for each class, as torchvision's ImageFolder reads it.

    mine/a.png, mine/b.png                        images without labels
    mine/cat/1.png, mine/dog/2.png                the classes 0, 1, ... in the order of their names
    mine/train/..., mine/test/..., mine/valid/... the splits, each in one of the two ways above

A class has the same number in every split. Every image becomes grey (ITU-R 601-2 luma) with 8 bits, or with `colour`
red, green and blue with 8 bits each. All must have the same size.
"""

import os
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from aevb.console.counts import counted
from aevb.errors import UserError

__all__ = ["SUFFIXES", "read_folder"]

SUFFIXES = (".jpg", ".jpeg", ".png", ".ppm", ".bmp", ".pgm", ".tif", ".tiff", ".webp")
"""Suffixes of images, those of torchvision.datasets.folder.IMG_EXTENSIONS."""
OTHER_SUFFIXES = (".gif", ".jfif", ".jp2", ".tga", ".avif", ".heic")
"""Suffixes of other images, which are counted."""
SPLITS = {
    "train": ("train", "training"),
    "test": ("test", "testing"),
    "valid": ("valid", "val", "validation"),
}
"""Split -> the names of its folder, in upper or lower case."""


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
    from aevb.data.image_file import pixels_of, size_of  # imports Pillow

    splits = {key: _images(inside) for key, inside in _split_folders(folder).items()}
    classes = sorted({name for _, names in splits.values() for name in names})
    number = {name: index for index, name in enumerate(classes)}
    size = size_of(next(iter(splits.values()))[0][0], folder)
    arrays, coloured, transparent = {}, 0, 0
    for key, (paths, names) in splits.items():
        images = np.empty((len(paths), *size, 3) if colour else (len(paths), *size), np.uint8)
        for index, path in enumerate(paths):
            pixels = pixels_of(path, folder, size, "RGB" if colour else "L")
            images[index] = pixels.values
            coloured += pixels.coloured
            transparent += pixels.transparent
        arrays[key] = images
        if names:
            arrays["label" if key == "x" else f"{key}_label"] = np.array([number[name] for name in names], np.int64)
    source = f"a folder of {counted(sum(len(paths) for paths, _ in splits.values()), 'image')}"
    if classes:
        source += f" in {counted(len(classes), 'class', 'classes')}"
    made = "" if colour else ", made grey"
    if coloured:
        source += f", {coloured:,} of them in colour{made}"
    if transparent:
        source += f", the transparency of {transparent:,} not used"
    if others := sorted(_walk(folder, OTHER_SUFFIXES)):
        source += f", {counted(len(others), 'file')} not read ({others[0].name})"
    return arrays, source


def _split_folders(folder: Path) -> dict[str, Path]:
    """Return the folder of each split, or that of `x` if there are no splits."""
    folders = [entry.name for entry in _entries(folder) if entry.is_dir()]
    named = {split: [name for name in folders if name.lower() in names] for split, names in SPLITS.items()}
    others = [name for name in folders if not any(name in names for names in named.values())]
    present = [split for split, names in named.items() if names]
    if not present or (others and len(present) == 1):  # one of these names beside others is that of a class
        return {"x": folder}
    twice = next((names for names in named.values() if len(names) > 1), None)
    if twice:
        raise UserError(
            f"the folders {' and '.join(twice)} are one split; allowed: one of them; try: one folder for both"
        )
    if others:
        shown = ", ".join(names[0] for names in named.values() if names)
        raise UserError(
            f"the folder {others[0]} beside those of splits ({shown}); allowed: train, test and valid, or classes alone; "
            f"try: move {others[0]} away"
        )
    if "train" not in present:
        raise UserError(
            f"the folder {named[present[0]][0]} without one named train; allowed: train (and test, valid), or classes; "
            "try: rename it"
        )
    return {split: folder / names[0] for split, names in named.items() if names}


def _entries(folder: Path) -> list[os.DirEntry[str]]:
    visible = (entry for entry in os.scandir(folder) if not entry.name.startswith("."))
    return sorted(visible, key=lambda entry: entry.name)


def _images(folder: Path) -> tuple[list[Path], list[str]]:
    """Return the images, and the name of the class of each, if there are classes."""
    entries = _entries(folder)
    classes = [entry.name for entry in entries if entry.is_dir()]
    plain = [Path(entry.path) for entry in entries if _is_image(entry.name) and not entry.is_dir()]
    if classes and plain:
        raise UserError(
            f"images beside folders ({plain[0].name}, {classes[0]}) in {folder.name}; allowed: images, or one folder for "
            "each class; try: move the images into a folder"
        )
    if plain:
        return plain, []
    paths, names = [], []
    for name in classes:
        inside = sorted(_walk(folder / name))
        if not inside:
            raise UserError(
                f"the folder {name} holds no images; allowed: {', '.join(SUFFIXES)}; try: a folder of the images alone, "
                f"without {name}"
            )
        paths += inside
        names += [name] * len(inside)
    if not paths:
        raise UserError(
            f"a folder without images; allowed: {', '.join(SUFFIXES)}, in it or in one folder for each class; "
            "try: the folder of the images, or a file"
        )
    return paths, names


def _walk(folder: Path, suffixes: tuple[str, ...] = SUFFIXES) -> Iterator[Path]:
    for directory, folders, names in os.walk(folder):
        folders[:] = [name for name in folders if not name.startswith(".")]  # .ipynb_checkpoints holds copies
        yield from (Path(directory, name) for name in names if _is_image(name, suffixes))


def _is_image(name: str, suffixes: tuple[str, ...] = SUFFIXES) -> bool:
    return name.lower().endswith(suffixes) and not name.startswith(".")
