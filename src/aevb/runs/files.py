"""Atomic files: written beside the target, synced and renamed, so that a reader sees the old or the new file."""

import json
import os
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import IO, Any

from aevb.config.migration import upgrade_record
from aevb.errors import UserError

__all__ = ["read_json", "write_atomically", "write_json", "write_text"]


def write_atomically(path: Path, write: Callable[[IO[bytes]], Any], previous: Path | None = None) -> None:
    """Writes a file whole or not at all: `write` fills a temporary one beside it, which is synced and renamed.

    previous: where what was there is kept. Raises UserError where nothing can be written; what was there is then as it was.
    """
    staged = path.with_name(f".{path.name}-{os.getpid()}")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        staged.unlink(missing_ok=True)
        with staged.open("xb") as file:  # never through a link that someone left there
            write(file)
            file.flush()
            os.fsync(file.fileno())
        if previous is not None and path.exists():
            os.replace(path, previous)
        os.replace(staged, path)
        _sync(path.parent)
    except (OSError, RuntimeError) as error:
        refused = error if isinstance(error, OSError) else error.__context__  # torch.save covers it up with another
        if not isinstance(refused, OSError):
            raise
        raise UserError(
            f"{path}: cannot be written ({refused.strerror}); what was there is kept; allowed: a folder of yours on a disk "
            "with space; try: make room there, then the same command"
        ) from error
    finally:
        with suppress(OSError):
            staged.unlink()


def _sync(folder: Path) -> None:
    # The names in a folder are on disk only when the folder is.
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def write_text(path: Path, text: str) -> None:
    """`write_atomically` for text."""
    write_atomically(path, lambda file: file.write(text.encode()))


def write_json(path: Path, value: Any) -> None:
    """`write_atomically` for what JSON can hold."""
    write_text(path, json.dumps(value, indent=2) + "\n")


def read_json(path: Path) -> dict[str, Any]:
    """What `write_json` wrote; raises UserError if it is damaged."""
    try:
        return upgrade_record(json.loads(path.read_text()))
    except ValueError as error:
        raise UserError(
            f"{path}: damaged ({error}); try: remove it, then the command that trained the run, which makes what is missing"
        ) from error
