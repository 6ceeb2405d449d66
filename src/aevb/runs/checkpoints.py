"""Which checkpoint a run is resumed from, determined without torch."""

from pathlib import Path

from aevb.errors import UserError
from aevb.files.archive import is_intact
from aevb.files.regular import is_regular
from aevb.runs import layout

__all__ = ["newest_checkpoint"]


def newest_checkpoint(directory: Path) -> Path | None:
    """Return the last checkpoint that is whole.

    Args:
        directory: The run directory.

    Returns:
        last.ckpt; the one before it if that is damaged, or if a kill fell between two renames; None if there is none.

    Raises:
        UserError: If all of them are damaged, or one is no regular file.
    """
    names = (layout.LAST_CHECKPOINT, layout.PREVIOUS_CHECKPOINT)
    paths = [directory / name for name in names if is_regular(directory / name)]
    for path in paths:
        if is_intact(path):
            return path
    if paths:
        raise UserError(
            f"{' and '.join(map(str, paths))}: damaged; try: restore one of them, or remove "
            f"{directory / layout.CHECKPOINTS} and start this run from the beginning"
        )
    return None
