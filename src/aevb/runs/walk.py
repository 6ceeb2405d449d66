"""The run directories in a folder, found without looking into them."""

import os
from pathlib import Path

from aevb.files.natural_order import natural_path_key
from aevb.runs import layout

__all__ = ["run_directories"]

MAX_DEPTH = 12


def run_directories(folder: Path) -> list[Path]:
    """Return every run directory at or below `folder`, by path in natural order (z2 before z10).

    Args:
        folder: Where to look, at most 12 levels deep. Symbolic links below it are not followed, nor is a run looked into.

    Returns:
        The folders with a config.yaml, whatever that is.
    """
    directories: list[str] = []
    level = [os.fspath(folder)]
    for _ in range(MAX_DEPTH):
        below: list[str] = []
        for path in level:
            try:
                with os.scandir(path) as entries:
                    names = {entry.name: entry.is_dir(follow_symlinks=False) for entry in entries}
            except OSError:
                continue  # it has just gone, or is not ours to read
            if layout.CONFIG in names:
                directories.append(path)
            else:
                below += [os.path.join(path, name) for name, is_folder in names.items() if is_folder]
        level = below
    return sorted(map(Path, directories), key=natural_path_key)
