"""Whether what a run directory holds is still what was put there, told without torch: whole files, the same data."""

import zipfile
from pathlib import Path

from aevb.errors import UserError

__all__ = ["is_intact", "newest_checkpoint"]


def is_intact(path: Path) -> bool:
    """Whether a file that torch saved is as it was saved. torch.load reads changed bytes without complaint."""
    try:
        with zipfile.ZipFile(path) as archive:
            return archive.testzip() is None
    except (zipfile.BadZipFile, OSError, ValueError, EOFError, NotImplementedError):
        return False  # the last is zipfile's word for a method of compression that changed bytes have made up


def newest_checkpoint(directory: Path) -> Path | None:
    """The last checkpoint that is whole: the one before the last if that is damaged, or if a kill fell between two renames.

    None where there is none. Raises UserError where all are damaged.
    """
    folder = directory / "checkpoints"
    found = [folder / name for name in ("last.ckpt", "last.previous.ckpt") if (folder / name).is_file()]
    for path in found:
        if is_intact(path):
            return path
    if found:
        raise UserError(
            f"{' and '.join(map(str, found))}: damaged; try: restore one of them, or remove {folder} and start this run "
            "from the beginning"
        )
    return None
