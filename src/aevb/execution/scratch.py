"""Folders for what is not kept. A command that ends removes its own; one that was killed could not, so the next removes it."""

import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from aevb.errors import UserError
from aevb.runs.lock import is_locked, lock

__all__ = ["scratch"]

PREFIX = "aevb-scratch-"


@contextmanager
def scratch() -> Iterator[Path]:
    """A new folder below the system's temporary one, removed at the end; before, those go whose owner is dead.

    They are told by the prefix, by whose they are and by a LOCK that nobody holds, so that no other folder is taken for one.
    Raises UserError where nothing can be written.
    """
    try:
        around = Path(tempfile.gettempdir())
        for left in around.glob(f"{PREFIX}*"):
            with suppress(FileNotFoundError):  # whose owner has just ended
                if left.lstat().st_uid == os.getuid() and is_locked(left) is False:
                    shutil.rmtree(left, ignore_errors=True)
        mine = tempfile.TemporaryDirectory(prefix=PREFIX, ignore_cleanup_errors=True)
    except OSError as error:
        raise UserError(
            f"TMPDIR={os.environ.get('TMPDIR', '')}: no temporary folder ({error.strerror}); allowed: a folder of yours on a "
            "disk with space; try: TMPDIR=$PWD before the command"
        ) from error
    with mine as folder, lock(Path(folder)):
        yield Path(folder)
