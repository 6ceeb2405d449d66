"""Folders that are about to be written to."""

import os
from pathlib import Path

from aevb.console.typed import typed_path
from aevb.errors import UserError

__all__ = ["check_links", "make_folders"]


def make_folders(folder: Path) -> None:
    """Make a folder, and those above it, if need be.

    Args:
        folder: The folder.

    Raises:
        UserError: If a symbolic link on the way leads to nothing.
        OSError: If it cannot be made for another reason.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except FileExistsError:  # what the system says of a link to nothing
        check_links(folder)
        raise


def check_links(path: Path) -> None:
    """Refuse a path in which a symbolic link leads to nothing, as after a disk was unmounted.

    Args:
        path: The path; nothing else of it need exist.

    Raises:
        UserError: If there is one.
    """
    for part in (path, *path.parents):
        if os.path.islink(part) and not os.path.exists(part):
            target = os.path.normpath(part.parent / os.readlink(part))
            raise UserError(
                f"{part}: a symbolic link to {target}, where there is nothing; allowed: a folder; "
                f"try: mkdir -p {typed_path(target)}, or another folder"
            )
