"""Temporary folders. A command that ends removes its own; one that was killed could not, so the next command removes it."""

import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext, suppress
from importlib.util import find_spec
from pathlib import Path

from aevb.errors import UserError
from aevb.runs.lock import is_locked, lock

__all__ = ["scratch"]

PREFIX = "aevb-scratch-"


@contextmanager
def scratch() -> Iterator[Path]:
    """Make a new folder in the system's temporary folder; it is removed at the end.

    Folders whose owner has died are removed first. They are recognised by the prefix, by the user they belong to, and by a
    LOCK that no process holds, so that no other folder is taken for one. Where there are no locks, as on Windows, none is
    removed.

    Raises:
        UserError: If no temporary folder can be written.
    """
    locks = find_spec("fcntl") is not None
    try:
        parent = Path(tempfile.gettempdir())
        for left in parent.glob(f"{PREFIX}*") if locks else ():
            with suppress(FileNotFoundError):  # its owner has just ended
                if left.lstat().st_uid == os.getuid() and is_locked(left) is False:
                    shutil.rmtree(left, ignore_errors=True)
        own = tempfile.TemporaryDirectory(prefix=PREFIX, ignore_cleanup_errors=True)
    except OSError as error:
        raise UserError(
            f"TMPDIR={os.environ.get('TMPDIR', '')}: no temporary folder ({error.strerror}); allowed: a folder of yours on a "
            "disk with space; try: TMPDIR=$PWD before the command"
        ) from error
    with own as folder, lock(Path(folder)) if locks else nullcontext():
        yield Path(folder)
