"""A run that a user names: a run directory, or a run of an archive of weights, `ARCHIVE.zip:NAME`."""

import os
import weakref
from contextlib import ExitStack
from os import PathLike, fspath
from pathlib import Path

from aevb.console.typed import typed_path
from aevb.errors import UserError
from aevb.runs.scratch import scratch
from aevb.runs.weights_archive import open_archive, unpack

__all__ = ["is_archived", "split_reference", "unpacked_run", "unpacked_runs"]

SUFFIX = ".zip"


def split_reference(reference: str | PathLike[str]) -> tuple[Path, str | None]:
    """Split `ARCHIVE.zip:NAME` into the archive and the name of the run.

    Args:
        reference: A run directory, an archive, or an archive and a name.

    Returns:
        The path, and the name; None for a run directory, "" for an archive without a name.

    Raises:
        UserError: If it is no path.
    """
    if not isinstance(reference, str | PathLike):
        raise UserError(
            f"run={reference!r}: no path; allowed: a run directory, or ARCHIVE.zip:NAME; try: run='outputs/runs/NAME'"
        )
    text = os.path.expanduser(fspath(reference))
    archive, separator, name = text.rpartition(f"{SUFFIX}:")
    if separator and not os.path.lexists(text):
        return Path(archive + SUFFIX), name
    return Path(text), "" if text.endswith(SUFFIX) and not os.path.isdir(text) else None


def is_archived(reference: str | PathLike[str]) -> bool:
    """Return whether a reference names an archive, or a run of one.

    Args:
        reference: A run directory, an archive, or an archive and a name.
    """
    return split_reference(reference)[1] is not None


def unpacked_runs(archive: Path, owner: object) -> Path:
    """Unpack all runs of an archive into a temporary folder.

    Args:
        archive: The archive.
        owner: The object that needs the folder, which is removed when it is no longer used.

    Returns:
        The folder.

    Raises:
        UserError: If the archive is damaged.
    """
    runs = open_archive(archive)
    folder = _temporary(owner)
    for run in runs:
        unpack(archive, run, folder)
    return folder


def unpacked_run(reference: str | PathLike[str], owner: object) -> Path:
    """Return the run directory of a reference; a run of an archive is unpacked into a temporary folder.

    Args:
        reference: A run directory, `ARCHIVE.zip:NAME`, or an archive that holds one run.
        owner: The object that needs the directory. The temporary folder is removed when it is no longer used.

    Returns:
        The run directory.

    Raises:
        UserError: If the archive is damaged, has no such run, or has several and none is named.
    """
    path, name = split_reference(reference)
    if name is None:
        return path
    runs = {run.name: run for run in open_archive(path)}
    if not name and len(runs) == 1:
        (name,) = runs
    if name not in runs:
        some = ", ".join(list(runs)[:5]) + (f" and {len(runs) - 5} more" if len(runs) > 5 else "")
        example = next(iter(runs), "NAME")
        wrong = f"{path}:{name}: no such run" if name else f"{path}: an archive of {len(runs)} runs, and none is named"
        raise UserError(f"{wrong}; allowed: {some or 'none'}; try: {typed_path(f'{path}:{example}')}")
    return unpack(path, runs[name], _temporary(owner))


def _temporary(owner: object) -> Path:
    held = ExitStack()
    folder = held.enter_context(scratch()) / "runs"
    weakref.finalize(owner, held.close)
    folder.mkdir()
    return folder
